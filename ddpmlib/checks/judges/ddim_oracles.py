"""What the checks of chapter 10 compare with: x_s and x_t as a joint Gaussian given a datum, followed step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .ddpm_oracles import F64, Setting, row_values


def walked(betas: Tensor, s: int, t: int) -> tuple[float, float]:
    """What the chain makes of x_s = 1 on its way to t: its mean, and the variance that is added."""
    mean, variance = 1.0, 0.0
    for beta in betas[s + 1 : t + 1].tolist():
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
    return mean, variance


def chain_deviation(setting: Setting, t: int, s: int) -> float:
    """The deviation of x_s given x_t and x_0 in the forward chain: condition the joint Gaussian of the two."""
    before = setting.moments[s][1] ** 2
    gain, added = walked(setting.betas, s, t)
    covariance = gain * before
    return math.sqrt(max(before - covariance**2 / (gain**2 * before + added), 0.0))


@dataclass(frozen=True)
class Slip:
    """What a wrong step has in the place of a right one: functions of (mean, deviation) at t and at s, and of sigma."""

    signal: Callable[..., float] = field(default=lambda m_t, d_t, m_s, d_s, sigma: m_s)
    direction: Callable[..., float] = field(default=lambda m_t, d_t, m_s, d_s, sigma: math.sqrt(max(d_s**2 - sigma**2, 0.0)))
    sigma: Callable[..., float] = field(default=lambda m_t, d_t, m_s, d_s, sigma: sigma)
    clean: Callable[..., tuple[float, float]] = field(default=lambda m_t, d_t, m_s, d_s, sigma: (1 / m_t, -d_t / m_t))


RIGHT = Slip()


def conditioned_step(setting: Setting, x: Tensor, eps: Tensor, t: int, s: int, eta: float, z: Tensor | float) -> Tensor:
    """The mean of x_s given x_t = x and the datum that eps implies, for the covariance that leaves sigma^2; and sigma z."""
    mean, deviation = setting.moments[t]
    before, before_deviation = setting.moments[s]
    sigma = eta * chain_deviation(setting, t, s)
    covariance = deviation * math.sqrt(max(before_deviation**2 - sigma**2, 0.0))
    clean = (x - deviation * eps) / mean
    return before * clean + covariance / deviation**2 * (x - mean * clean) + sigma * z


def slipped_step(setting: Setting, x: Tensor, eps: Tensor, t: int, s: int, eta: float, z: Tensor | float, slip: Slip) -> Tensor:
    """A step with a slip in it."""
    moments = (*setting.moments[t], *setting.moments[s], eta * chain_deviation(setting, t, s))
    of_x, of_eps = slip.clean(*moments)
    clean = of_x * x + of_eps * eps
    return slip.signal(*moments) * clean + slip.direction(*moments) * eps + slip.sigma(*moments) * z


def by_rows(function: Callable[..., Tensor], x: Tensor, t: int | Tensor, s: int | Tensor, *others: Tensor) -> Tensor:
    """A function of a row, its two times and its rows of other tensors, for each row."""
    times = [torch.as_tensor(value).expand(len(x)).tolist() for value in (t, s)]
    return torch.stack([function(row, now, then, *rest) for row, now, then, *rest in zip(x, *times, *others)])


def walk(setting: Setting, x: Tensor, times: Sequence[int], eta: float, noise: Tensor | None, *, ends: Iterable[int] | None = None,
         used: Callable[[int, int], int] = lambda t, s: t) -> Tensor:
    """The sampler's x_0: steps by conditioning; the step from t to s gets ``noise[used(t, s)]``."""
    for t, s in zip(times, ends or [*times[1:], 0]):
        z = 0.0 if noise is None else noise[used(t, s)]
        x = conditioned_step(setting, x, setting.model(x, t), t, s, eta, z)
    return x


def climb(setting: Setting, x: Tensor, pairs: Iterable[tuple[int, int]], asked: Callable[[int, int], int]) -> Tensor:
    """Euler's method upwards in y = x / mean and the ratio of deviation and mean: from s to t for each pair (s, t)."""
    for s, t in pairs:
        (before, before_deviation), (mean, deviation) = setting.moments[s], setting.moments[t]
        y = x / before + (deviation / mean - before_deviation / before) * setting.model(x, asked(s, t))
        x = mean * y
    return x


def pair_values(setting: Setting, x: Tensor, t: int | Tensor, s: int | Tensor) -> tuple[Tensor, ...]:
    """Means and deviations at the times t and s of the rows, shaped so that they multiply the rows."""
    means, spreads = zip(*setting.moments)
    return tuple(row_values(table, time, x) for time in (t, s) for table in (means, spreads))


def rising_pairs(times: Sequence[int]) -> list[tuple[int, int]]:
    """The steps of a walk upwards through times that fall."""
    upwards = [0, *times[::-1]]
    return list(zip(upwards[:-1], upwards[1:]))


def random_times(draw, count: int, T: int) -> list[int]:
    """``count`` different times in falling order, T the first of them, not all of them neighbours."""
    rest = (torch.randperm(T - 2, generator=draw.generator)[: count - 1] + 1).sort(descending=True).values
    return [T, *rest.tolist()]
