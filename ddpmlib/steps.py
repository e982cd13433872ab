"""For samplers that skip times: coefficients of a step from t to s, and checks of such steps and of the times of a walk."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.validation import require_choice, require_number, require_times


def entries(table: Float[Tensor, "T+1"], t: Int[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """The entries ``table[t]`` in the table's float64 and on its device, wherever ``t`` is."""
    return table[t.to(table.device)]


def as_rows(coefficients: Float[Tensor, "batch"], x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *ones"]:
    """Coefficients of the rows of ``x`` in its dtype and on its device, shaped so that they multiply the rows."""
    values = coefficients.to(x.dtype).to(x.device)  # in this order: some devices have no float64
    return values.reshape(-1, *[1] * (x.ndim - 1))


def require_step(
    t: object, s: object, T: int, x: Tensor | None = None
) -> tuple[Int[Tensor, "*batch"], Int[Tensor, "*batch"]]:
    """The two times of a step as integer tensors, 0 <= s < t <= T; with one for each row of ``x``, if it is given.

    Raises
    ------
    TypeError, ValueError
        if a time is no integer or lies outside its range, or the shapes do not fit.
    """
    if x is not None and x.ndim == 0:
        raise ValueError("x_t must have a batch axis: shape (batch, ...), got ()")
    batch = None if x is None else len(x)
    t = require_times("t", t, low=1, high=T, batch=batch)
    s = require_times("s", s, low=0, high=T - 1, batch=batch)
    if t.ndim and s.ndim and t.shape != s.shape:
        raise ValueError(f"s must have the shape of t, {tuple(t.shape)}, got {tuple(s.shape)}")
    t, s = torch.broadcast_tensors(t, s)
    if (s >= t).any():
        row = (s >= t).reshape(-1).nonzero()[0].item()
        raise ValueError(f"s must be less than t = {t.reshape(-1)[row].item()}, got {s.reshape(-1)[row].item()}")
    return (t, s) if x is None else (t.to(x.device).expand(batch), s.to(x.device).expand(batch))


def require_times_down(name: str, times: object, T: int) -> list[int]:
    """The times of a walk as a list of ints, if they fall and lie in 1..T.

    Raises
    ------
    TypeError, ValueError
        if they are no list or one-dimensional tensor of integers, are none, do not fall, or leave 1..T.
    """
    if isinstance(times, (str, bytes)) or not isinstance(times, (Sequence, Tensor)):
        raise TypeError(f"{name} must be a list of ints or an integer tensor of shape (steps,), got {type(times).__name__}")
    if not isinstance(times, Tensor):
        wrong = [value for value in times if isinstance(value, bool) or not hasattr(value, "__index__")]
        if wrong:
            raise TypeError(f"{name} must hold integers, got {type(wrong[0]).__name__} {wrong[0]!r}")
        times = torch.tensor([int(value) for value in times], dtype=torch.int64)
    times = require_times(name, times, low=1, high=T)
    if times.ndim != 1 or len(times) == 0:
        raise ValueError(f"{name} must have shape (steps,) with at least one time, got {tuple(times.shape)}")
    rising = (times.diff() >= 0).nonzero().flatten()
    if len(rising):
        first, second = times[rising[0] : rising[0] + 2].tolist()
        raise ValueError(f"{name} must fall from each to the next, got {second} after {first}")
    return times.tolist()


def require_eta(eta: object) -> float:
    """Return ``eta`` as a float if it is a number between 0 and 1."""
    return require_share("eta", eta)


def require_share(name: str, value: object) -> float:
    """Return ``value`` as a float if it is a number between 0 and 1, both included."""
    value = require_number(name, value)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value}")
    return value


def require_spacing(name: str, spacing: object) -> None:
    """Raise unless ``spacing`` names one of the two ways to choose times."""
    require_choice(name, spacing, "uniform", "quadratic")
