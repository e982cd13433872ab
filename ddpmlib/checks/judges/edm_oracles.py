"""What the checks of EDM's exercises compare with: the regression of x_0 on x_0 + sigma eps, and Runge-Kutta steps from their table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..judging import Draw
from .ddpm_oracles import F64
from .forward_inputs import along


@dataclass(frozen=True)
class Coefficients:
    """The numbers of one row: of its skip, output and input, and what the network is told of the level."""

    skip: float
    out: float
    scale: float
    told: float


def regressed(sigma: float, sigma_data: float) -> Coefficients:
    """The coefficients from the covariance of (x_0, x): the regression's slope, the root of what it leaves, and one over a deviation."""
    mix = torch.tensor([[sigma_data, 0.0], [sigma_data, sigma]], dtype=F64)  # x_0 and x, of two independent unit normals
    covariance = mix @ mix.T
    slope = (covariance[0, 1] / covariance[1, 1]).item()
    left = torch.linalg.det(covariance) / covariance[1, 1]
    return Coefficients(slope, left.sqrt().item(), covariance[1, 1].rsqrt().item(), torch.tensor(sigma, dtype=F64).log().item() / 4)


@dataclass(frozen=True, eq=False)
class RandomNet:
    """The numbers of the network gain tanh(y) + tilt c + shift."""

    parts: dict[str, Tensor]

    def __call__(self, y: Tensor, c: Tensor | float) -> Tensor:
        return self.parts["gain"] * torch.tanh(y) + self.parts["tilt"] * c + self.parts["shift"]

    def denoised(self, x: Tensor, by: list[Coefficients]) -> Tensor:
        """The denoiser that the coefficients make of the network, row by row."""
        rows = [c.skip * row + c.out * self(c.scale * row, c.told) for row, c in zip(x, by, strict=True)]
        return torch.stack(rows)


def random_net(draw: Draw) -> RandomNet:
    signs = [1 if draw.integer(0, 1) else -1 for _ in range(3)]
    values = [sign * draw.number(0.5, 1.2) for sign in signs]
    return RandomNet({name: torch.tensor(value, dtype=F64) for name, value in zip(("gain", "tilt", "shift"), values)})


def row_levels(sigma: Tensor, x: Tensor) -> list[float]:
    return sigma.double().expand(len(x)).tolist()


def every_row(values: list[float], x: Tensor) -> Tensor:
    return along(values, x)


# Runge-Kutta methods by their tables: the shares of the step at which slopes are found, how, and how they are weighted
EULER = ([0.0], [[]], [1.0])
HEUN = ([0.0, 1.0], [[], [1.0]], [0.5, 0.5])
MIDPOINT = ([0.0, 0.5], [[], [0.5]], [0.0, 1.0])
AHEAD = ([0.0, 1.0], [[], [1.0]], [0.0, 1.0])


def two_points(m: float) -> Callable[[Tensor, float], Tensor]:
    """E[x_0 | x] of data +m and -m as the weighted mean of the two."""

    def denoiser(x: Tensor, sigma: float) -> Tensor:
        weights = torch.softmax(torch.stack([-(x - m) ** 2, -(x + m) ** 2]) / (2 * sigma**2), dim=0)
        return m * weights[0] - m * weights[1]

    return denoiser


def rk_walk(denoiser: Callable[[Tensor, float], Tensor], x: Tensor, levels: list[float], table, last=EULER, slope=None) -> Tensor:
    """A walk through the levels; steps to 0 use the table ``last``. The slope is that of dx/dsigma."""
    slope = slope or (lambda y, sigma: (y - denoiser(y, sigma)) / sigma)
    for sigma, lower in zip(levels, levels[1:]):
        nodes, rows, weights = table if lower > 0 else last
        found: list[Tensor] = []
        for node, row in zip(nodes, rows):
            moved = x + (lower - sigma) * sum((a * k for a, k in zip(row, found)), torch.zeros_like(x))
            found.append(slope(moved, sigma + node * (lower - sigma)))
        x = x + (lower - sigma) * sum(weight * k for weight, k in zip(weights, found))
    return x
