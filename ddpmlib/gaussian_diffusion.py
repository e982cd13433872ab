"""Diffusion models in which everything is exact: the forward process, and reverse chains of linear Gaussian steps.

A path is a tensor of shape (T + 1, *batch, dim) with ``path[t]`` = x_t, so ``path[0]`` is the data x_0. The components of
a state are independent of each other. Tables are indexed by time, as ``schedules.py`` says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import Normal

from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule
from ddpmlib.validation import require_tensor, require_times


def step_law(x_prev: Float[Tensor, "*batch dim"], t: int | Int[Tensor, "batch"], schedule: Schedule) -> Normal:
    """q(x_t | x_{t-1}), the law of one forward step, for t in 1..T; t is an int or one time for each row."""
    x_prev, t = _state_and_times("x_prev", x_prev, t, schedule, low=1)
    mean = at_times(schedule.alphas.sqrt(), t, x_prev) * x_prev
    return Normal(mean, at_times(schedule.betas.sqrt(), t, x_prev).expand(mean.shape))


def jump_law(x0: Float[Tensor, "*batch dim"], t: int | Int[Tensor, "batch"], schedule: Schedule) -> Normal:
    """q(x_t | x_0), the law after t steps at once, for t in 1..T; t is an int or one time for each row."""
    x0, t = _state_and_times("x0", x0, t, schedule, low=1)
    mean = at_times(schedule.alpha_bars.sqrt(), t, x0) * x0
    return Normal(mean, at_times((1 - schedule.alpha_bars).sqrt(), t, x0).expand(mean.shape))


def conditional_law(
    x_t: Float[Tensor, "*batch dim"], x0: Float[Tensor, "*batch dim"], t: int | Int[Tensor, "batch"], schedule: Schedule
) -> Normal:
    """q(x_{t-1} | x_t, x_0) for t in 2..T, by numbers: the pair (x_t, x_{t-1}) is Gaussian given x_0, and is factorised.

    The covariance of the pair, which follows from one jump and one step, has a Cholesky factor L. The pair is its mean plus
    L e with standard e: x_t tells the first component of e, and what is left of x_{t-1} has standard deviation L[1, 1].
    """
    x_t, t = _state_and_times("x_t", x_t, t, schedule, low=2)
    require_tensor("x0", x0)
    alpha, beta = schedule.alphas[t], schedule.betas[t]
    jump = 1 - schedule.alpha_bars[t - 1]
    rows = [torch.stack([alpha * jump + beta, alpha.sqrt() * jump], -1), torch.stack([alpha.sqrt() * jump, jump], -1)]
    factor = torch.linalg.cholesky(torch.stack(rows, -2))
    seen, link, left = (_beside(factor[..., i, j], x_t) for i, j in ((0, 0), (1, 0), (1, 1)))
    e = (x_t - _beside(schedule.alpha_bars[t].sqrt(), x_t) * x0) / seen
    mean = _beside(schedule.alpha_bars[t - 1].sqrt(), x_t) * x0 + link * e
    return Normal(mean, left.expand(mean.shape))


def forward_path(
    x0: Float[Tensor, "*batch dim"], noise: Float[Tensor, "T *batch dim"], schedule: Schedule
) -> Float[Tensor, "T+1 *batch dim"]:
    """A path of the forward process from x_0: ``noise[t - 1]`` ~ N(0, I) is the noise of step t. Batch shapes may broadcast."""
    require_schedule("schedule", schedule)
    require_tensor("x0", x0)
    require_tensor("noise", noise)
    if noise.ndim == 0 or len(noise) != schedule.T:
        raise ValueError(f"noise must have shape ({schedule.T}, ...), one entry for each step, got {tuple(noise.shape)}")
    path = [x0.expand(torch.broadcast_shapes(x0.shape, noise.shape[1:]))]
    for t in range(1, schedule.T + 1):
        law = step_law(path[-1], t, schedule)
        path.append(law.mean + law.stddev * noise[t - 1])
    return torch.stack(path)


def sigma_noise(T: int) -> Float[Tensor, "T 2T 1 1"]:
    """Noise for 2 T paths whose average is the exact expectation of every polynomial of degree 3 or less in each component.

    Path k is moved by sqrt(T) in the noise of step k and nowhere else, path T + k by -sqrt(T): these noises have mean 0 and
    covariance I, and their third moments vanish. The components of a state share their noise, so a polynomial with
    products of different components is *not* averaged exactly; log-densities of independent components have none.
    """
    steps = math.sqrt(T) * torch.eye(T, dtype=torch.float64)
    return torch.cat([steps, -steps], dim=1)[:, :, None, None]


@dataclass(frozen=True, eq=False)
class ReverseChain:
    """A reverse process p of linear Gaussian steps, whose density p(x_0) is known exactly.

    p(x_T) = N(prior_mean, diag(prior_variance)) and p(x_{t-1} | x_t) = N(slopes[t] x_t + shifts[t], diag(variances[t])).

    Parameters
    ----------
    slopes, shifts, variances
        float tables of shape (T + 1, dim), one number for each time and component: index t belongs to the step from x_t to
        x_{t-1}. Entry 0 belongs to no step and is never read.
    prior_mean, prior_variance
        of shape (dim,).

    Raises
    ------
    TypeError, ValueError
        if an argument is not a floating-point tensor, shapes do not fit, or a variance is not positive.
    """

    slopes: Float[Tensor, "T+1 dim"]
    shifts: Float[Tensor, "T+1 dim"]
    variances: Float[Tensor, "T+1 dim"]
    prior_mean: Float[Tensor, "dim"]
    prior_variance: Float[Tensor, "dim"]

    def __post_init__(self) -> None:
        shape = require_tensor("slopes", self.slopes, ndim=2).shape
        if shape[0] < 2:
            raise ValueError(f"slopes must have shape (T + 1, dim) with T at least 1, got {tuple(shape)}")
        for name, wanted in (("shifts", shape), ("variances", shape),
                             ("prior_mean", shape[1:]), ("prior_variance", shape[1:])):
            value = require_tensor(name, getattr(self, name))
            if value.shape != wanted:
                raise ValueError(f"{name} must have shape {tuple(wanted)}, got {tuple(value.shape)}")
        for name, value in (("variances[1:]", self.variances[1:]), ("prior_variance", self.prior_variance)):
            if not (value > 0).all():
                raise ValueError(f"{name} must be positive, got {value.min().item()}")

    @property
    def T(self) -> int:
        """The number of steps."""
        return len(self.slopes) - 1

    @property
    def prior(self) -> Normal:
        """p(x_T)."""
        return Normal(self.prior_mean, self.prior_variance.sqrt())

    def step(self, x_t: Float[Tensor, "*batch dim"], t: int | Int[Tensor, "batch"]) -> Normal:
        """p(x_{t-1} | x_t), the law of x_{t-1}, for t in 1..T; t is an int or one time for each row."""
        require_tensor("x_t", x_t)
        if x_t.ndim == 0 or x_t.shape[-1] != self.slopes.shape[1]:
            raise ValueError(f"x_t must have shape (..., {self.slopes.shape[1]}), got {tuple(x_t.shape)}")
        t = require_times("t", t, low=1, high=self.T, batch=len(x_t))
        slope, shift, std = (_entries(table, t, x_t) for table in (self.slopes, self.shifts, self.variances.sqrt()))
        mean = slope * x_t + shift
        return Normal(mean, std.expand(mean.shape))

    def evidence(self) -> Normal:
        """p(x_0), exactly: means and variances carried down the chain, one step at a time."""
        mean, variance = self.prior_mean, self.prior_variance
        for t in range(self.T, 0, -1):
            mean = self.slopes[t] * mean + self.shifts[t]
            variance = self.slopes[t] ** 2 * variance + self.variances[t]
        return Normal(mean, variance.sqrt())


def require_reverse(name: str, reverse: object, schedule: Schedule) -> None:
    """Raise unless ``reverse`` has a reverse chain's ``prior``, ``step`` and ``T``, with as many steps as the schedule."""
    if not all(hasattr(reverse, part) for part in ("prior", "step", "T")):
        raise TypeError(f"{name} must be a ddpmlib.gaussian_diffusion.ReverseChain, got {type(reverse).__name__}")
    if reverse.T != schedule.T:
        raise ValueError(f"{name} must have the schedule's {schedule.T} steps, got {reverse.T}")


def require_path(name: str, path: object, schedule: Schedule) -> Tensor:
    """Return ``path`` if it is a floating-point tensor of shape (T + 1, ..., dim)."""
    require_tensor(name, path)
    if path.ndim < 2 or len(path) != schedule.T + 1:
        raise ValueError(f"{name} must have shape ({schedule.T + 1}, ..., dim), entry t being x_t, got {tuple(path.shape)}")
    return path


def _state_and_times(name: str, x: object, t: object, schedule: object, *, low: int) -> tuple[Tensor, Tensor]:
    require_schedule("schedule", schedule)
    require_tensor(name, x)
    if x.ndim == 0:
        raise ValueError(f"{name} must have shape (..., dim), got ()")
    return x, require_times("t", t, low=low, high=schedule.T, batch=len(x))


def _entries(table: Tensor, t: Tensor, x: Tensor) -> Tensor:
    """The rows ``table[t]`` of a table with a column for each component, in the dtype of x and beside its rows."""
    entries = table[t].to(x.dtype)
    return entries.reshape(len(t), *[1] * (x.ndim - 2), -1) if t.ndim else entries


def _beside(value: Tensor, x: Tensor) -> Tensor:
    """One number, or one for each row, in the dtype of x and shaped to multiply its rows."""
    value = value.to(x.dtype)
    return value.reshape(-1, *[1] * (x.ndim - 1)) if value.ndim else value
