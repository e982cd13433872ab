"""How chapter 5's exercises are run: a schedule travels as two tables, and is built here."""

from __future__ import annotations

import torch
from torch import Tensor

from . import given


def posterior_variance(module, betas: Tensor, alpha_bars: Tensor) -> object:
    """The student's table of posterior variances."""
    return module.posterior_variance(given.schedule(betas, alpha_bars))


def posterior_mean(module, x0: Tensor, x_t: Tensor, t: int | Tensor, betas: Tensor, alpha_bars: Tensor) -> object:
    """The student's posterior mean, from the data."""
    return module.posterior_mean(x0, x_t, t, given.schedule(betas, alpha_bars))


def posterior_mean_from_noise(
    module, x_t: Tensor, noise: Tensor, t: int | Tensor, betas: Tensor, alpha_bars: Tensor
) -> object:
    """The student's posterior mean, from the total noise."""
    return module.posterior_mean_from_noise(x_t, noise, t, given.schedule(betas, alpha_bars))


def gradients_of_mean(module, x0: Tensor, x_t: Tensor, t: int | Tensor, betas: Tensor, alpha_bars: Tensor) -> Tensor:
    """The gradients of the sum of the student's posterior mean with respect to x0 and x_t, stacked."""
    return _gradients(module.posterior_mean, x0, x_t, t, given.schedule(betas, alpha_bars))


def gradients_of_mean_from_noise(
    module, x_t: Tensor, noise: Tensor, t: int | Tensor, betas: Tensor, alpha_bars: Tensor
) -> Tensor:
    """The gradients of the sum of the student's posterior mean with respect to x_t and the noise, stacked."""
    return _gradients(module.posterior_mean_from_noise, x_t, noise, t, given.schedule(betas, alpha_bars))


def gradients_of_mean_ve(module, x0: Tensor, x_t: Tensor, t: int | Tensor) -> Tensor:
    """The gradients of the sum of the student's posterior mean of the random walk, stacked."""
    return _gradients(module.posterior_mean_ve, x0, x_t, t)


def _gradients(function, first: Tensor, second: Tensor, *rest: object) -> Tensor:
    """The gradients of the sum of a function's values to its first two arguments; 0 where none flows."""
    inputs = [value.clone().requires_grad_() for value in (first, second)]
    total = torch.as_tensor(function(*inputs, *rest)).sum()
    if not total.requires_grad:
        return torch.zeros(2, *first.shape, dtype=first.dtype)
    gradients = torch.autograd.grad(total, inputs, allow_unused=True)
    return torch.stack([torch.zeros_like(first) if g is None else g for g in gradients])
