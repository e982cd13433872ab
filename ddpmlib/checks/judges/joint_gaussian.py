"""What the checks of chapter 6 compare with: x_0, x_{t-1} and x_t as one joint Gaussian, followed step by step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..judging import Draw
from .forward_inputs import random_betas, simulate

F64 = torch.float64


def random_tables(draw: Draw, low: int = 8, high: int = 12) -> dict[str, Tensor]:
    """The tables of a random schedule; alpha_bar_t is the squared mean of x_t after t single steps from x_0 = 1."""
    betas = random_betas(draw, draw.integer(low, high))
    alpha_bars = torch.tensor([simulate(betas, t)[0] ** 2 for t in range(len(betas))], dtype=F64)
    return {"betas": betas, "alpha_bars": alpha_bars}


def reverse_step(betas: Tensor, t: int) -> tuple[float, float, float]:
    """Condition (x_{t-1}, x_t) given x_0 on x_t: the mean's coefficients of x_t and of x_0, and the variance."""
    before_mean, before_deviation = simulate(betas, t - 1)
    mean, deviation = simulate(betas, t)
    covariance = math.sqrt(1 - betas[t].item()) * before_deviation**2
    gain = covariance / deviation**2
    return gain, before_mean - gain * mean, before_deviation**2 - gain * covariance


def reverse_variances(betas: Tensor) -> Tensor:
    """The table of the variances of q(x_{t-1} | x_t, x_0), with entry 0 equal to 0."""
    return torch.tensor([0.0] + [reverse_step(betas, t)[2] if t > 1 else 0.0 for t in range(1, len(betas))], dtype=F64)


def target(kind: str, x0: Tensor, noise: Tensor, betas: Tensor, t: int) -> Tensor:
    """What a perfect network of this kind outputs for x_0 and the total noise: no formula of the chapter is used.

    v is where (cos f) x_0 + (sin f) eps will be a quarter of a turn later, which is the velocity of any such motion; the score is
    the slope of the logarithm of the normal density, a parabola, whose central differences are exact; the mean comes from
    conditioning a joint Gaussian.
    """
    mean, deviation = simulate(betas, t)
    if kind in ("x0", "eps"):
        return x0 if kind == "x0" else noise
    if kind == "v":
        later = math.atan2(deviation, mean) + math.pi / 2
        return math.cos(later) * x0 + math.sin(later) * noise
    x_t = mean * x0 + deviation * noise
    if kind == "score":
        density = torch.distributions.Normal(mean * x0, deviation, validate_args=False)
        return (density.log_prob(x_t + deviation) - density.log_prob(x_t - deviation)) / (2 * deviation)
    of_x_t, of_x0, _ = reverse_step(betas, t)
    return of_x_t * x_t + of_x0 * x0


def by_rows(kind: str, x0: Tensor, noise: Tensor, betas: Tensor, t: Tensor) -> Tensor:
    """``target`` with a time for each row."""
    return torch.stack([target(kind, row, eps, betas, time) for row, eps, time in zip(x0, noise, t.tolist())])


def noisy(x0: Tensor, noise: Tensor, betas: Tensor, t: Tensor) -> Tensor:
    """x_t for a time for each row."""
    moments = [simulate(betas, time) for time in t.tolist()]
    return torch.stack([mean * row + deviation * eps for (mean, deviation), row, eps in zip(moments, x0, noise)])
