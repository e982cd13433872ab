"""How chapter 6's losses are run: the schedule travels as its tables and is built here."""

from __future__ import annotations

import torch
from torch import Tensor

from ddpmlib import parameterizations

from . import given


def gradients_of_kl(module, mean_q: Tensor, var_q: Tensor, mean_p: Tensor, var_p: Tensor) -> Tensor:
    """The gradients of the batch's sum of divergences with respect to the four tensors of one shape, stacked."""
    inputs = [value.clone().requires_grad_() for value in (mean_q, var_q, mean_p, var_p)]
    total = torch.as_tensor(module.gaussian_kl(*inputs)).sum()
    if not total.requires_grad:
        return torch.zeros(4, *mean_q.shape, dtype=mean_q.dtype)
    found = torch.autograd.grad(total, inputs, allow_unused=True)
    return torch.stack([torch.zeros_like(mean_q) if g is None else g for g in found])


def loss_weights(module, kind: str, betas: Tensor, alpha_bars: Tensor, variances: Tensor) -> object:
    """The student's table of weights."""
    return module.loss_weights(kind=kind, schedule=given.schedule(betas, alpha_bars), variances=variances)


def denoising_loss(module, betas: Tensor, alpha_bars: Tensor, **arguments) -> list:
    """The student's loss, and the target that the student's own ``from_x0`` gives (None if it gives none)."""
    schedule = given.schedule(betas, alpha_bars)
    loss = module.denoising_loss(schedule=schedule, **arguments)
    return [loss, _own_target(arguments, schedule)]


def gradient_of_loss(module, betas: Tensor, alpha_bars: Tensor, prediction: Tensor, **arguments) -> Tensor:
    """The gradient of the loss with respect to the prediction."""
    prediction = prediction.clone().requires_grad_()
    loss = module.denoising_loss(prediction=prediction, schedule=given.schedule(betas, alpha_bars), **arguments)
    if not torch.as_tensor(loss).requires_grad:
        return torch.zeros_like(prediction)
    (found,) = torch.autograd.grad(loss.sum(), prediction, allow_unused=True)
    return torch.zeros_like(prediction) if found is None else found


def _own_target(arguments: dict, schedule) -> Tensor | None:
    """What the student's conversion of Exercise 6.3 makes of the data and the noise."""
    x0, noise, t = (arguments[name] for name in ("x0", "noise", "t"))
    left = schedule.alpha_bars[t].reshape(-1, *[1] * (x0.ndim - 1))
    x_t = left.sqrt().to(x0.dtype) * x0 + (1 - left).sqrt().to(x0.dtype) * noise
    try:
        return parameterizations.from_x0(arguments["kind"], x0, x_t, t, schedule).detach()
    except Exception:
        return None
