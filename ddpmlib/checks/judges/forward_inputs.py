"""What the checks of the forward process share: schedules, times, and coefficients along an axis of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..judging import Draw

def random_betas(draw: Draw, T: int) -> Tensor:
    """A table of betas that rise from about 0.1 to 0.5, no two of them close."""
    steps = torch.linspace(0.1, 0.5, T, dtype=torch.float64) + draw.uniform(0.0, 0.2 / T, T)
    return torch.cat([torch.zeros(1, dtype=torch.float64), steps])


def simulate(betas: Tensor, t: int) -> tuple[float, float]:
    """Follow x_t given x_0 = 1 through t steps, one at a time; return its mean and standard deviation."""
    mean, variance = 1.0, 0.0
    for beta in betas[1 : t + 1].tolist():
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
    return mean, math.sqrt(variance)


def distinct_times(draw: Draw, count: int, high: int) -> Tensor:
    """``count`` different times in 1..high, in random order."""
    return torch.randperm(high, generator=draw.generator)[:count] + 1


def along(values: Sequence[float], x: Tensor, axis: int = 0) -> Tensor:
    """Numbers shaped so that they multiply x along an axis: its rows, unless another one is named."""
    return torch.tensor(values, dtype=torch.float64).reshape(-1, *[1] * (x.ndim - 1 - axis))


def misplaced(x: Tensor) -> dict[str, int]:
    """The axes of x that the coefficients of its rows fit by mistake, each with what to say of it."""
    return {
        f"The coefficients of the times run along axis {axis}; each belongs to a row of the batch, along axis 0.": axis
        for axis in range(1, x.ndim) if x.shape[axis] == len(x)
    }


def at_quantile(noise: Tensor, mean: Tensor | float, spread: Tensor | float) -> Tensor:
    """The point of N(mean, spread^2) that has as much of the law beyond it as the noise has of its own.

    Both tails are measured as the lower one, in which probabilities keep all their digits.
    """
    tail = torch.special.ndtr(-noise.abs())
    return mean - noise.sign() * spread * torch.special.ndtri(tail)
