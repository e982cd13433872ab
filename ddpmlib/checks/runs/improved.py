"""How the exercise on learned variances is run: schedules travel as tables, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor

from . import given


def _schedule(tables: dict) -> object:
    return given.schedule(tables["betas"], tables["alpha_bars"])


def learned_log_variance(module, tables: dict, v: Tensor, t: int | Tensor) -> object:
    """The logarithms."""
    return module.learned_log_variance(v, t, _schedule(tables))


def vlb_term(module, tables: dict, eps: Tensor, v: Tensor, x0: Tensor, noise: Tensor, t: int | Tensor, levels: int) -> object:
    """The terms."""
    return module.vlb_term(eps, v, x0, noise, t, _schedule(tables), levels)


def hybrid_loss(
    module, tables: dict, eps: Tensor, v: Tensor, x0: Tensor, noise: Tensor, t: int | Tensor, levels: int, weight: float
) -> dict:
    """The loss, and its gradients in the model's two answers."""
    eps, v = (value.clone().requires_grad_() for value in (eps, v))
    loss = module.hybrid_loss(eps, v, x0, noise, t, _schedule(tables), levels, weight)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return {"loss": loss, "gradients": [torch.zeros_like(eps), torch.zeros_like(v)]}
    found = torch.autograd.grad(loss.sum(), [eps, v], allow_unused=True)
    return {"loss": loss, "gradients": [torch.zeros_like(eps) if gradient is None else gradient for gradient in found]}
