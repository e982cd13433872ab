"""What the checks of chapter 7 compare with: x_0, x_{t-1} and x_t as jointly Gaussian numbers, followed step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..judging import Draw, compare
from .forward_inputs import along, random_betas, simulate

F64 = torch.float64
WRONG_AXIS = "The coefficients of the times run along the last axis; each belongs to a row of the batch."
SINGLE = ("The values are right to single precision only: compute the coefficients from the schedule's float64 tables, "
          "and convert them last.")
ROUNDED = "The values are right to single precision only: somewhere float64 numbers become float32."
FEW = "These are fewer digits than float32 has: compute the coefficients in float64, and convert them last."


@dataclass(frozen=True, eq=False)
class Setting:
    """A schedule's betas, and an affine model slope[t] x + shift[t] (tables with one entry beyond T)."""

    betas: Tensor
    slope: Tensor
    shift: Tensor

    @property
    def T(self) -> int:
        return len(self.betas) - 1

    @cached_property
    def moments(self) -> list[tuple[float, float]]:
        """For each t, the mean of x_t after t single steps from x_0 = 1, and the standard deviation."""
        return [simulate(self.betas, t) for t in range(len(self.betas))]

    @property
    def alpha_bars(self) -> Tensor:
        """The squared means."""
        return torch.tensor([mean**2 for mean, _ in self.moments], dtype=F64)

    def tables(self) -> dict[str, Tensor]:
        return {"betas": self.betas, "alpha_bars": self.alpha_bars, "slope": self.slope, "shift": self.shift}

    def model(self, x: Tensor, t: int) -> Tensor:
        return self.slope[t] * x + self.shift[t]

    def clean(self, x: Tensor, t: int) -> Tensor:
        """The x_0 that the model's noise implies: where the walk from it, with that noise, is at x."""
        mean, deviation = self.moments[t]
        return (x - deviation * self.model(x, t)) / mean

    def step_mean(self, x: Tensor, t: int) -> Tensor:
        """Condition (x_{t-1}, x_t), given the x_0 that the model implies, on x_t = x."""
        before, before_deviation = self.moments[t - 1]
        mean, deviation = self.moments[t]
        gain = math.sqrt(1 - self.betas[t].item()) * before_deviation**2 / deviation**2
        clean = self.clean(x, t)
        return before * clean + gain * (x - mean * clean)

    def walk(self, x: Tensor, deviations: Iterable[float], noise: Tensor, times: Iterable[int] | None = None) -> Tensor:
        """The sampler's x_0: means by conditioning, and ``deviations[t]`` times ``noise[t]``."""
        for t in times or range(self.T, 0, -1):
            x = self.step_mean(x, t) + deviations[t] * noise[t]
        return x


def random_setting(draw: Draw, low: int = 5, high: int = 8, T: int | None = None) -> Setting:
    """A random schedule of T steps, and a random affine model."""
    T = draw.integer(low, high) if T is None else T
    return Setting(random_betas(draw, T), draw.uniform(0.3, 0.8, T + 2), draw.uniform(-1.0, 1.0, T + 2))


def conditional_variances(betas: Tensor, variance: float) -> Tensor:
    """Var(x_{t-1} | x_t) for each t, if x_0 has this variance: a Schur complement of the covariance of (x_{t-1}, x_t)."""
    found, before = [0.0], variance
    for beta in betas[1:].tolist():
        covariance, now = math.sqrt(1 - beta) * before, (1 - beta) * before + beta
        found.append(before - covariance**2 / now)
        before = now
    return torch.tensor(found, dtype=F64)


def deviations(setting: Setting, kind: str | Tensor) -> list[float]:
    """The standard deviations of the reverse steps: of a point, of N(0, 1), or from a table; none at t = 1."""
    table = kind if isinstance(kind, Tensor) else conditional_variances(setting.betas, float(kind == "large"))
    return [0.0, 0.0, *table[2:].clamp(min=0).sqrt().tolist()]


def by_rows(function, x: Tensor, t: int | Tensor) -> Tensor:
    """A function of a row and its time, for each row."""
    times = torch.as_tensor(t).expand(len(x)).tolist()
    return torch.stack([torch.as_tensor(function(row, time)) for row, time in zip(x, times)])


def row_values(table: Iterable[float] | Tensor, t: int | Tensor, x: Tensor) -> Tensor:
    """The entries of a table at the times of the rows, shaped so that they multiply the rows."""
    times = torch.as_tensor(t).expand(len(x)).tolist()
    return along([float(table[time]) for time in times], x)


def compare_values(result: object, expected: Tensor, what: str, known: Mapping[str, Tensor] | None = None) -> str | None:
    """Compare to the digits of float32, those of small entries counted from the largest; what dtype it has is not asked here."""
    expected = torch.as_tensor(expected, dtype=F64)
    return compare(result, expected, what=what, rtol=2e-5, atol=1e-5 * (float(expected.abs().max()) or 1.0), known=known)


def compare_precision(
    result: object, expected: Tensor, what: str, given: Tensor, name: str, advice: str = SINGLE
) -> str | None:
    """Compare to nearly all digits of the dtype that the tensor ``given``, called ``name``, has; ask for that dtype.

    ``advice`` is said of float64 values with the digits of float32 (an exercise without tables has other words for it).
    """
    expected = torch.as_tensor(expected, dtype=F64)
    size = float(expected.abs().max()) or 1.0
    single = given.dtype == torch.float32
    digits = {"rtol": 2e-5, "atol": 1e-5 * size} if single else {"rtol": 1e-10, "atol": 1e-11 * size}
    problem = compare(result, expected, what=what, **digits)
    if problem is not None:
        close = compare(result, expected, rtol=1e-3, atol=1e-3 * size) is None
        return f"{problem}\n{FEW if single else advice}" if close else problem
    if isinstance(result, Tensor) and result.dtype != given.dtype:
        kinds = [str(tensor.dtype).removeprefix("torch.") for tensor in (given, result)]
        problem = f"{name} is {kinds[0]}, and {what} should be; got {kinds[1]}"
        return f"{problem}: a float64 table has changed the dtype" if single else problem
    return None
