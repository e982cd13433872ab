"""What chapter 5's checks know: Bayes' rule worked out on a grid, and the weights that come of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ..judging import Draw, compare
from .forward_inputs import along
from .schedules import published_alpha_bars

SINGLE = ("The values are right to single precision only: compute the coefficients in float64, "
          "and bring them to the dtype of the data at the end.")


def bayes_on_a_grid(
    mean: Tensor, variance: Tensor, scale: Tensor, seen: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and variance of x ~ N(mean, variance), given that scale * x + N(0, noise) came out as ``seen``; elementwise.

    Prior times likelihood is added up over equally spaced points, two to the smaller of the two widths. For Gaussian bumps
    such a sum is an integral to 15 digits.
    """
    mean, variance, scale, seen, noise = torch.broadcast_tensors(mean, variance, scale, seen, noise)
    width = torch.minimum(variance.sqrt(), noise.sqrt() / scale)[..., None]
    gap = (seen / scale - mean)[..., None]
    low, high = gap.clamp(max=0) - 9 * width, gap.clamp(min=0) + 9 * width
    count = int(((high - low) / (width / 2)).nan_to_num(0, posinf=0).max()) + 2
    points = low + width / 2 * torch.arange(count, dtype=torch.float64)
    spread = (noise / scale**2)[..., None]
    weights = torch.softmax(-(points**2) / (2 * variance[..., None]) - (points - gap) ** 2 / (2 * spread), dim=-1)
    found = (weights * points).sum(-1, keepdim=True)
    known = variance == 0
    return (torch.where(known, mean, mean + found[..., 0]),
            torch.where(known, variance, (weights * (points - found) ** 2).sum(-1)))


@dataclass(frozen=True, eq=False)
class Walk:
    """A forward process, followed step by step from x_0 = 1: ``signal`` is the mean, ``noise`` the variance at each time."""

    betas: Tensor
    signal: Tensor
    noise: Tensor

    @property
    def T(self) -> int:
        return len(self.betas) - 1

    def tables(self) -> dict[str, Tensor]:
        """The tables that a student's function gets."""
        return {"betas": self.betas, "alpha_bars": torch.cumprod(1 - self.betas, dim=0)}

    def latents(self, x0: Tensor, t: int | Tensor, noise: Tensor) -> Tensor:
        """x_t for this data and this total noise."""
        times = torch.as_tensor(t).expand(len(x0))
        return along(self.signal[times].tolist(), x0) * x0 + along(self.noise[times].sqrt().tolist(), x0) * noise

    def weights(self, t: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """What multiplies x_t and x_0 in the posterior mean, by Bayes on a grid; a number a row, shaped for ``x``."""
        zero, one = torch.zeros(len(t), dtype=torch.float64), torch.ones(len(t), dtype=torch.float64)
        return along(self.posterior(t, zero, one)[0].tolist(), x), along(self.posterior(t, one, zero)[0].tolist(), x)

    def posterior(self, t: Tensor, x0: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of x_{t-1} given x_t and x_0, for numbers."""
        beta = self.betas[t]
        return bayes_on_a_grid(self.signal[t - 1] * x0, self.noise[t - 1], (1 - beta).sqrt(), x_t, beta)

    def posterior_variances(self) -> Tensor:
        """The variance at the times 1..T, and 0 in front for time 0."""
        times = torch.arange(1, self.T + 1)
        zero = torch.zeros(self.T, dtype=torch.float64)
        return torch.cat([torch.zeros(1, dtype=torch.float64), self.posterior(times, zero, zero)[1]])


def walk(betas: Tensor) -> Walk:
    """Follow a table of betas through the chain: a step shrinks mean and variance, and adds to the variance."""
    signal, noise = [1.0], [0.0]
    for beta in betas[1:].tolist():
        signal.append(signal[-1] * (1 - beta) ** 0.5)
        noise.append(noise[-1] - beta * noise[-1] + beta)
    return Walk(betas, *(torch.tensor(values, dtype=torch.float64) for values in (signal, noise)))


@cache
def published_walk() -> Walk:
    """The linear schedule of Ho et al. (2020), T = 1000."""
    return walk(published_alpha_bars()[0])


@cache
def published_variances() -> Tensor:
    return published_walk().posterior_variances()


def random_walk(draw: Draw, low: int, high: int) -> Walk:
    """A walk of between ``low`` and ``high`` steps, whose betas lie in 0.1..0.6 in no order, no two of them close."""
    T = draw.integer(low, high)
    steps = torch.linspace(0.1, 0.55, T, dtype=torch.float64) + draw.uniform(0.0, 0.2 / T, T)
    order = torch.randperm(T, generator=draw.generator)
    return walk(torch.cat([torch.zeros(1, dtype=torch.float64), steps[order]]))


def compare_exactly(result: object, expected: Tensor, what: str, known: dict[str, Tensor], atol: float = 1e-12) -> str | None:
    """Compare with nearly all digits of float64, or with those of float32 where the result is float32 by right.

    Values that come of float32 tables are named as such.
    """
    problem = compare(result, expected, what=what, rtol=1e-10, atol=atol, known=known)
    if problem is not None and "\n" not in problem and compare(result, expected, rtol=2e-3, atol=1e5 * atol) is None:
        return f"{problem}\n{SINGLE}"
    return problem


def judge_float32(result: object, expected: Tensor, what: str, known: dict[str, Tensor], atol: float = 2e-6) -> str | None:
    """Compare a result that should be float32, and whose coefficients should have been computed in float64."""
    problem = compare(result, expected, what=what, rtol=1e-5, atol=atol, known=known)
    if problem is not None and "\n" not in problem and compare(result, expected, rtol=4e-3, atol=1e-3) is None:
        return (f"{problem}\nThe coefficients were computed in float32, where 1 - alpha_bar_t has lost its digits in the first "
                "steps: compute them in float64, and bring them to the dtype of the data at the end.")
    if problem is None and result.dtype != torch.float32:
        return (f"{what} should be float32, as the data are; got {result.dtype}: a float64 table has turned the whole "
                "batch into float64")
    return problem


def judge_gradients(result: object, first: Tensor, second: Tensor, names: tuple[str, str]) -> str | None:
    """Compare the stacked gradients with respect to two arguments."""
    none = torch.zeros_like(first)
    return compare(result, torch.stack([first, second]), what=f"the gradients to {names[0]} and {names[1]}", known={
        "No gradient flows to either argument: is there a detach, a no_grad or a conversion to NumPy?":
            torch.stack([none, none]),
        f"No gradient flows to {names[0]}.": torch.stack([none, second]),
        f"No gradient flows to {names[1]}.": torch.stack([first, none]),
    })
