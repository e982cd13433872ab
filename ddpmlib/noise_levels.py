"""Samplers that count in noise levels sigma, as EDM does: what a denoiser is, and how a model of chapter 7 becomes one.

A *denoiser* is a callable ``x0 = denoiser(x, sigma)``. It gets noisy data x = x_0 + sigma eps of shape (batch, ...), and a tensor
of shape (batch,), in the dtype and on the device of x, with the noise level of each row. It returns its guess of x_0, of the shape of
x. The *levels* of a walk are a float64 tensor that falls from the first to the last; the last one may be 0.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.mixtures import GaussianMixture
from ddpmlib.models import Model, require_model
from ddpmlib.schedules import Schedule
from ddpmlib.tables import require_fractions, require_schedule
from ddpmlib.validation import require_tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]


def require_callable(name: str, value: object, call: str) -> None:
    """Raise TypeError unless ``value`` can be called; ``call`` shows how."""
    if not callable(value):
        raise TypeError(f"{name} must be a callable, {call}, got {type(value).__name__}")


def require_batch(name: str, value: object) -> Tensor:
    """Return ``value`` if it is a floating-point tensor with a batch axis."""
    require_tensor(name, value)
    if value.ndim == 0:
        raise ValueError(f"{name} must have a batch axis: shape (batch, ...), got ()")
    return value


def require_levels_down(name: str, levels: object, low: float = 0.0, high: float = float("inf")) -> list[float]:
    """The levels of a walk as a list of floats, if there are two at least, and they fall and lie between ``low`` and ``high``.

    Raises
    ------
    TypeError, ValueError
        if they are no floating-point tensor of shape (steps + 1,), do not fall, or leave the range.
    """
    require_tensor(name, levels)
    if levels.ndim != 1 or len(levels) < 2:
        raise ValueError(f"{name} must have shape (steps + 1,) with at least one step, got {tuple(levels.shape)}")
    values = levels.tolist()
    for first, second in zip(values, values[1:]):
        if not second < first:
            raise ValueError(f"{name} must fall from each to the next, got {second} after {first}")
    if not (values[-1] >= low and values[0] <= high and values[0] < float("inf")):
        wanted = f"finite and at least {low:g}" if high == float("inf") else f"between {low:g} and {high:g}"
        raise ValueError(f"{name} must be {wanted}, got {values[-1] if values[-1] < low else values[0]}")
    return values


def require_rows(name: str, values: object, x: Tensor) -> Float[Tensor, "batch"]:
    """Numbers for the rows of ``x``, of shape () or (batch,), as a tensor of shape (batch,) on the device of ``x``."""
    require_tensor(name, values)
    if values.shape not in ((), (len(x),)):
        raise ValueError(f"{name} must have shape () or ({len(x)},), got {tuple(values.shape)}")
    return values.to(x.device).expand(len(x))


def require_row_levels(name: str, sigma: object, x: Tensor, above: float = 0.0, below: float = float("inf")) -> Float[Tensor, "batch"]:
    """Numbers for the rows of ``x``, if all lie strictly between ``above`` and ``below``."""
    sigma = require_rows(name, sigma, x)
    wrong = sigma[((sigma > above) & (sigma < below)).logical_not()]
    if wrong.numel():
        wanted = f"greater than {above:g}" + ("" if below == float("inf") else f" and less than {below:g}")
        raise ValueError(f"{name} must be finite and {wanted}, got {wrong.flatten()[0].item()}")
    return sigma


def require_row_shares(name: str, u: object, x: Tensor) -> Float[Tensor, "batch"]:
    """Numbers for the rows of ``x``, if all lie between 0 and 1, both included."""
    return require_fractions(name, require_rows(name, u, x))


def constant_level(sigma: float, x: Tensor) -> Float[Tensor, "batch"]:
    """The level of all rows, as a denoiser takes it."""
    return torch.full((len(x),), sigma, dtype=x.dtype, device=x.device)


def beside_rows(values: Float[Tensor, "batch"], x: Tensor) -> Float[Tensor, "batch *ones"]:
    """Numbers of the rows of ``x``, in its dtype, shaped so that they multiply the rows."""
    return values.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))


def levels_of(schedule: Schedule) -> Float[Tensor, "T+1"]:
    """The noise levels sqrt((1 - alpha_bar_t) / alpha_bar_t) of a schedule's times 0, ..., T."""
    require_schedule("schedule", schedule)
    return ((1 - schedule.alpha_bars) / schedule.alpha_bars).sqrt()


def nearest_times(schedule: Schedule, sigma: Float[Tensor, "batch"]) -> Int[Tensor, "batch"]:
    """The time in 1..T whose level is closest to each sigma, on the scale of log(sigma)."""
    logs = levels_of(schedule)[1:].log()
    return 1 + (sigma.double().cpu()[:, None].log() - logs).abs().argmin(dim=1).to(sigma.device)


def model_as_denoiser(model: Model, schedule: Schedule) -> Denoiser:
    """A noise predictor of chapter 7 as a denoiser: x / sqrt(1 + sigma^2) is an x_t, at the time whose level is closest to sigma."""
    require_model(model)
    require_schedule("schedule", schedule)

    def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
        shrunk = x / beside_rows((1 + sigma.square()).sqrt(), x)
        return x - beside_rows(sigma, x) * model(shrunk, nearest_times(schedule, sigma))

    return denoiser


def mixture_as_denoiser(mixture: GaussianMixture) -> Denoiser:
    """The best denoiser of a mixture of Gaussians, E[x_0 | x_0 + sigma eps = x], at every sigma > 0."""

    def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
        level = sigma.double()[:, None]
        spread = mixture.variances + level**2  # (batch, components)
        away = x.double()[:, None, :] - mixture.means
        logs = mixture.weights.log() - 0.5 * away.square().sum(dim=2) / spread - 0.5 * x.shape[1] * spread.log()
        means = mixture.means + (mixture.variances / spread)[..., None] * away
        return (logs.softmax(dim=1)[..., None] * means).sum(dim=1).to(x.dtype)

    return denoiser


@torch.no_grad()
def euler_sample(denoiser: Denoiser, x: Float[Tensor, "batch *shape"], sigmas: Float[Tensor, "steps+1"]) -> Float[Tensor, "batch *shape"]:
    """Euler's method for dx/dsigma = (x - D(x; sigma)) / sigma through the given levels: one call of the denoiser a step."""
    require_callable("denoiser", denoiser, "x0 = denoiser(x, sigma)")
    require_batch("x", x)
    levels = require_levels_down("sigmas", sigmas)
    for sigma, lower in zip(levels, levels[1:]):
        slope = (x - denoiser(x, constant_level(sigma, x))) / sigma
        x = x + (lower - sigma) * slope
    return x
