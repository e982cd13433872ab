"""How chapter 6's conversions are run: the schedule travels as its tables and is built here."""

from __future__ import annotations

import torch
from torch import Tensor

from . import given


def from_x0(module, betas: Tensor, alpha_bars: Tensor, **arguments) -> object:
    """The student's conversion of x_0."""
    return module.from_x0(schedule=given.schedule(betas, alpha_bars), **arguments)


def to_x0(module, betas: Tensor, alpha_bars: Tensor, **arguments) -> object:
    """The student's conversion into x_0."""
    return module.to_x0(schedule=given.schedule(betas, alpha_bars), **arguments)


def gradients(module, function: str, value: Tensor, x_t: Tensor, betas: Tensor, alpha_bars: Tensor, kind: str, t: int) -> Tensor:
    """The gradients of the sum of a conversion's result with respect to its two tensors, stacked."""
    inputs = [value.clone().requires_grad_(), x_t.clone().requires_grad_()]
    total = getattr(module, function)(kind, *inputs, t, given.schedule(betas, alpha_bars)).sum()
    if not total.requires_grad:
        return torch.zeros(2, *value.shape, dtype=value.dtype)
    found = torch.autograd.grad(total, inputs, allow_unused=True)
    return torch.stack([torch.zeros_like(value) if g is None else g for g in found])
