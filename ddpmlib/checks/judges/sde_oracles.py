"""What the checks of SDEs compare with: paths from single data, their mean velocity, and laws on the line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from ..judging import Draw
from .ddpm_oracles import F64

# the classical Runge-Kutta method by its table
RK4 = ([0.0, 0.5, 0.5, 1.0], [[], [0.5], [0.0, 0.5], [0.0, 0.0, 1.0]], [1 / 6, 1 / 3, 1 / 3, 1 / 6])


def integral(function: Callable[[Tensor], Tensor], ends: Tensor) -> Tensor:
    """The integral from 0 to each end, by Gauss and Legendre with 40 points."""
    nodes, weights = (torch.from_numpy(values) for values in np.polynomial.legendre.leggauss(40))
    u = ends[..., None] * (nodes + 1) / 2
    return (function(u) * weights).sum(dim=-1) * ends / 2


@dataclass(frozen=True, eq=False)
class Process:
    """The law of x(t) given x(0): a path runs from the datum x_0 along mean(t) x_0 + std(t) eps."""

    parts: dict[str, Tensor]

    def path(self, t: Tensor) -> tuple[Tensor, Tensor]:
        k, b, c = self.parts["k"], self.parts["b"], self.parts["c"]
        return (1 + k * t).reciprocal(), c * t + b

    def law(self, t: float) -> tuple[Tensor, Tensor]:
        return self.path(torch.tensor(t, dtype=F64))

    def speeds(self, t: float) -> tuple[Tensor, Tensor]:
        time = torch.tensor(t, dtype=F64)
        return torch.autograd.functional.jvp(self.path, time, torch.ones_like(time))[1]


def random_process(draw: Draw) -> Process:
    values = {"k": draw.number(0.5, 2.0), "b": draw.number(0.2, 0.4), "c": draw.number(0.4, 1.0)}
    return Process({name: torch.tensor(value, dtype=F64) for name, value in values.items()})


def matched(process: Process, t: float) -> tuple[float, float]:
    """The rate and the squared diffusion of the linear SDE with these means and deviations, from its two moment equations."""
    (mean, std), (mean_speed, std_speed) = process.law(t), process.speeds(t)
    rate = mean_speed / mean
    return rate.item(), (2 * std * std_speed - 2 * rate * std**2).item()


@dataclass(frozen=True, eq=False)
class TwoPoints:
    """Data that are +m or -m, each element by itself."""

    m: Tensor

    def weights(self, process: Process, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """The probabilities of the two data given x, by Bayes."""
        mean, std = process.law(t)
        logs = torch.stack([-(x - mean * m) ** 2 / (2 * std**2) for m in (self.m, -self.m)])
        return tuple(logs.softmax(dim=0))

    def score(self, process: Process, x: Tensor, t: float) -> Tensor:
        """The mean of the two conditional scores."""
        mean, std = process.law(t)
        return sum(weight * (mean * m - x) / std**2 for weight, m in zip(self.weights(process, x, t), (self.m, -self.m)))

    def laws(self, process: Process, t: float) -> list[Normal]:
        mean, std = process.law(t)
        return [Normal(mean * m, std) for m in (self.m, -self.m)]

    def log_prob(self, process: Process, x: Tensor, t: float) -> Tensor:
        return (sum(law.log_prob(x).exp() for law in self.laws(process, t)) / 2).log()

    def below(self, process: Process, x: Tensor, t: float) -> Tensor:
        """The mass below x <= 0; the complementary error function keeps the digits of small ones."""
        return sum(torch.special.erfc((law.loc - x) / (law.scale * 2**0.5)) for law in self.laws(process, t)) / 4

    def carried(self, process: Process, x: Tensor, t: float, s: float) -> Tensor:
        """Where the flow takes x: to the place with the same mass below it, by halving an interval. The laws are symmetric."""
        share = self.below(process, -x.abs(), t)
        low, high = torch.full_like(x, -30.0), torch.zeros_like(x)
        for _ in range(60):
            middle = (low + high) / 2
            less = self.below(process, middle, s) < share
            low, high = torch.where(less, middle, low), torch.where(less, high, middle)
        return -x.sign() * (low + high) / 2


def random_points(draw: Draw) -> TwoPoints:
    return TwoPoints(torch.tensor(draw.number(0.6, 1.2), dtype=F64))


def flow_velocity(process: Process, points: TwoPoints, x: Tensor, t: float) -> Tensor:
    """The mean velocity of the paths mean(t) x_0 + std(t) eps that run through x at time t."""
    (mean, std), (mean_speed, std_speed) = process.law(t), process.speeds(t)
    return sum(weight * (mean_speed * m + std_speed * (x - mean * m) / std)
               for weight, m in zip(points.weights(process, x, t), (points.m, -points.m)))


def stepped(score: Tensor, step: float, noise: Tensor) -> Tensor:
    """What a step of Langevin dynamics adds."""
    return step * score + (2 * step) ** 0.5 * noise
