# Stub: write your code where NotImplementedError is raised.
"""What a network may predict: x_0, the noise, v, the score or the reverse mean, and how to get from one to another (chapter 6).

Given x_t and the time, each of the five determines the others. With a = sqrt(alpha_bar_t) and b = sqrt(1 - alpha_bar_t):

* ``"x0"``: the datum x_0;
* ``"eps"``: the total noise eps in x_t = a x_0 + b eps;
* ``"v"``: the velocity v = a eps - b x_0;
* ``"score"``: the gradient of log q(x_t | x_0) with respect to x_t;
* ``"mean"``: the mean of q(x_{t-1} | x_t, x_0).
"""

from __future__ import annotations

from typing import Literal, get_args

from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule
from ddpmlib.validation import require_same_shape, require_times

Kind = Literal["x0", "eps", "v", "score", "mean"]
KINDS: tuple[str, ...] = get_args(Kind)


def require_kind(name: str, kind: object) -> str:
    """Return ``kind`` if it is one of the five; raise TypeError or ValueError, naming them, if it is not."""
    if not isinstance(kind, str):
        raise TypeError(f"{name} must be one of {', '.join(KINDS)}, got {type(kind).__name__}")
    if kind not in KINDS:
        raise ValueError(f"{name} must be one of {', '.join(KINDS)}, got {kind!r}")
    return kind


def from_x0(
    kind: Kind,
    x0: Float[Tensor, "batch *shape"],
    x_t: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 6.3. Convert x_0 (a datum, or a prediction of it) into what another kind of network would predict.

    Parameters
    ----------
    kind
        what to return: "x0", "eps", "v", "score" or "mean" (see the top of this file).
    x0
        x_0, of shape (batch, ...).
    x_t
        the noisy input at time t, of the same shape.
    t
        the time, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,).
    schedule
        the schedule's tables.

    Returns
    -------
    The quantity, of the shape and dtype of ``x0`` (the coefficients are computed in float64 first), differentiable in ``x0`` and
    ``x_t``.

    Raises
    ------
    TypeError, ValueError
        if the kind is unknown, the shapes differ, a dtype is wrong, or a time lies outside 1..T.

    Source: Ho et al. (2020), equations 7 to 11; Salimans and Ho (2022), section 4 (v); chapter 6, "Five things to predict".
    """
    t = _require(kind, "x0", x0, x_t, t, schedule)
    raise NotImplementedError("Exercise 6.3: write from_x0 in ddpmlib/parameterizations.py")


def to_x0(
    kind: Kind,
    prediction: Float[Tensor, "batch *shape"],
    x_t: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 6.3. Convert a prediction of any kind into the prediction of x_0 that it amounts to.

    Parameters
    ----------
    kind
        what ``prediction`` is: "x0", "eps", "v", "score" or "mean" (see the top of this file).
    prediction
        the network's output, of shape (batch, ...).
    x_t
        the noisy input at time t, of the same shape.
    t
        the time, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,).
    schedule
        the schedule's tables.

    Returns
    -------
    The prediction of x_0, of the shape and dtype of ``prediction`` (the coefficients are computed in float64 first),
    differentiable in ``prediction`` and ``x_t``.

    Raises
    ------
    TypeError, ValueError
        if the kind is unknown, the shapes differ, a dtype is wrong, or a time lies outside 1..T.

    Source: Ho et al. (2020), equations 7 to 11; Salimans and Ho (2022), section 4 (v); chapter 6, "Five things to predict".
    """
    t = _require(kind, "prediction", prediction, x_t, t, schedule)
    raise NotImplementedError("Exercise 6.3: write to_x0 in ddpmlib/parameterizations.py")


def _require(kind: object, name: str, value: object, x_t: object, t: object, schedule: object) -> Tensor:
    """Check the arguments that both conversions share; return the times as a tensor."""
    require_kind("kind", kind)
    require_same_shape(**{name: value, "x_t": x_t})
    if value.ndim == 0:
        raise ValueError(f"{name} must have a batch axis: shape (batch, ...), got ()")
    require_schedule("schedule", schedule)
    return require_times("t", t, low=1, high=schedule.T, batch=len(value))
