"""The posterior q(x_{t-1} | x_t, x_0): one step back, knowing where the walk began (chapter 5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule
from ddpmlib.validation import require_integer, require_same_shape, require_tensor, require_times


def posterior_variance(schedule: Schedule) -> Float[Tensor, "T+1"]:
    r"""Exercise 5.3. The variance beta-tilde_t of each component of x_{t-1}, given x_t and x_0.

    Parameters
    ----------
    schedule
        the tables of a forward process.

    Returns
    -------
    The float64 table (0, 0, beta-tilde_2, ..., beta-tilde_T) of shape (T + 1,); index t is time t. Entry 1 is 0, since
    x_0 is known then, and entry 0, which belongs to no step, is set to 0.

    Raises
    ------
    TypeError
        if ``schedule`` holds no such tables.

    Source: Ho et al. (2020), equation 7; chapter 5, "The variance".
    """
    require_schedule("schedule", schedule)
    ### BEGIN SOLUTION
    betas, alpha_bars = schedule.betas.double(), schedule.alpha_bars.double()
    table = torch.zeros_like(betas)
    table[1:] = betas[1:] * (1 - alpha_bars[:-1]) / (1 - alpha_bars[1:])
    return table
    ### END SOLUTION


def posterior_mean(
    x0: Float[Tensor, "batch *shape"],
    x_t: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 5.4. The mean of x_{t-1}, given x_t and x_0.

    Parameters
    ----------
    x0, x_t
        the data and the latents at time t, of the same shape (batch, ...) and dtype.
    t
        the time of ``x_t``, in 1..T: an int for the whole batch, or an integer tensor of shape () or (batch,).
    schedule
        the tables of the forward process.

    Returns
    -------
    The mean, of the shape and dtype of ``x_t``; it is x_0 at t = 1. Gradients flow to ``x0`` and ``x_t``.

    Raises
    ------
    TypeError, ValueError
        if shapes or dtypes do not fit, ``schedule`` holds no tables, or a time lies outside 1..T.

    Source: Ho et al. (2020), equation 7; chapter 5, "The mean".
    """
    _require_batch_pair(x0=x0, x_t=x_t)
    require_schedule("schedule", schedule)
    t = require_times("t", t, low=1, high=schedule.T, batch=len(x_t))
    ### BEGIN SOLUTION
    alpha_bars = schedule.alpha_bars.double()
    before, now = alpha_bars.roll(1), alpha_bars  # before[t] is alpha_bar_{t-1}; entry 0 is not used
    of_x_t = schedule.alphas.double().sqrt() * (1 - before) / (1 - now)
    of_x0 = before.sqrt() * schedule.betas.double() / (1 - now)
    return at_times(of_x_t, t, x_t) * x_t + at_times(of_x0, t, x0) * x0
    ### END SOLUTION


def condition_gaussian(
    mean: Float[Tensor, "n"], covariance: Float[Tensor, "n n"], observed: Sequence[int], values: Float[Tensor, "*batch k"]
) -> tuple[Float[Tensor, "*batch n-k"], Float[Tensor, "n-k n-k"]]:
    r"""Exercise 5.5. The law of the other components of a Gaussian vector, given k of its n components.

    Parameters
    ----------
    mean, covariance
        the law N(mean, covariance) of the whole vector; the covariance is symmetric.
    observed
        the places of the k components that are known: a list of different whole numbers in 0..n-1, in any order, with
        1 <= k < n. The covariance of these components must be invertible.
    values
        what they are, in the order of ``observed``: of shape (k,), or (..., k) for several observations at once.

    Returns
    -------
    The mean of the other components, in their old order, of shape (n - k,) or (..., n - k), and their covariance, which
    is the same for all values; both in the dtype of the arguments.

    Raises
    ------
    TypeError, ValueError
        if a shape or a dtype does not fit, the covariance is not symmetric, or ``observed`` is no such list.

    Source: Bishop (2006), equations 2.81 and 2.82; chapter 5, "The same from the joint law".
    """
    n = len(require_tensor("mean", mean, ndim=1))
    require_tensor("covariance", covariance, ndim=2)
    require_tensor("values", values)
    if covariance.shape != (n, n) or not torch.allclose(covariance, covariance.T):
        raise ValueError(f"covariance must be symmetric of shape ({n}, {n}), got shape {tuple(covariance.shape)}")
    if not mean.dtype == covariance.dtype == values.dtype:
        raise ValueError(f"covariance and values must have the dtype of mean, {mean.dtype}, "
                         f"got {covariance.dtype} and {values.dtype}")
    observed, rest = _split_places("observed", observed, n)
    if values.ndim == 0 or values.shape[-1] != len(observed):
        raise ValueError(f"values must have shape (..., {len(observed)}), as many as observed, got {tuple(values.shape)}")
    ### BEGIN SOLUTION
    known = covariance[observed][:, observed]
    across = covariance[rest][:, observed]
    gain = torch.linalg.solve(known, across.T).T
    return mean[rest] + (values - mean[observed]) @ gain.T, covariance[rest][:, rest] - gain @ across.T
    ### END SOLUTION


def posterior_mean_from_noise(
    x_t: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 5.6. The mean of x_{t-1}, given x_t and the total noise that is in it.

    Parameters
    ----------
    x_t
        the latents at time t, of shape (batch, ...).
    noise
        the total noise eps of x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps, of the shape and dtype of ``x_t``.
    t
        the time of ``x_t``, in 1..T: an int for the whole batch, or an integer tensor of shape () or (batch,).
    schedule
        the tables of the forward process.

    Returns
    -------
    The mean, of the shape and dtype of ``x_t``. Gradients flow to ``x_t`` and ``noise``.

    Raises
    ------
    TypeError, ValueError
        if shapes or dtypes do not fit, ``schedule`` holds no tables, or a time lies outside 1..T.

    Source: Ho et al. (2020), equation 10; chapter 5, "The mean, written with the noise".
    """
    _require_batch_pair(x_t=x_t, noise=noise)
    require_schedule("schedule", schedule)
    t = require_times("t", t, low=1, high=schedule.T, batch=len(x_t))
    ### BEGIN SOLUTION
    grow = schedule.alphas.double().rsqrt()
    of_noise = grow * schedule.betas.double() / (1 - schedule.alpha_bars.double()).sqrt()
    return at_times(grow, t, x_t) * x_t - at_times(of_noise, t, noise) * noise
    ### END SOLUTION


def posterior_mean_ve(
    x0: Float[Tensor, "batch *shape"], x_t: Float[Tensor, "batch *shape"], t: int | Int[Tensor, "batch"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 5.7. The mean of x_{t-1}, given x_t and x_0, for the random walk x_t = x_{t-1} + eps_t.

    Parameters
    ----------
    x0, x_t
        the data and the latents at time t, of the same shape (batch, ...) and dtype.
    t
        the time of ``x_t``, at least 1: an int for the whole batch, or an integer tensor of shape () or (batch,).

    Returns
    -------
    The mean, of the shape and dtype of ``x_t``. Gradients flow to ``x0`` and ``x_t``.

    Raises
    ------
    TypeError, ValueError
        if shapes or dtypes do not fit, or a time is less than 1.

    Source: chapter 5, "The random walk".
    """
    _require_batch_pair(x0=x0, x_t=x_t)
    t = require_times("t", t, low=1, batch=len(x_t))
    ### BEGIN SOLUTION
    share = (1 / t.double()).to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))
    return (1 - share) * x_t + share * x0
    ### END SOLUTION


def posterior_variance_ve(t: int | Int[Tensor, "batch"]) -> Float[Tensor, "batch"]:
    r"""Exercise 5.7. The variance of each component of x_{t-1}, given x_t and x_0, for the random walk.

    Parameters
    ----------
    t
        the time of x_t, at least 1: an int, or an integer tensor of shape () or (batch,).

    Returns
    -------
    A float64 tensor of the shape of ``t``; of shape () for an int.

    Raises
    ------
    TypeError, ValueError
        if ``t`` does not hold integers, or a time is less than 1.

    Source: chapter 5, "The random walk".
    """
    t = require_times("t", t, low=1)
    ### BEGIN SOLUTION
    return 1 - 1 / t.double()
    ### END SOLUTION


def _require_batch_pair(**tensors: Tensor) -> None:
    """Raise unless the two tensors have the same shape, with a batch axis, and the same dtype."""
    require_same_shape(**tensors)
    (first, reference), (second, other) = tensors.items()
    if reference.ndim == 0:
        raise ValueError(f"{first} must have a batch axis: shape (batch, ...), got ()")
    if other.dtype != reference.dtype:
        raise ValueError(f"{second} must have the dtype of {first}, {reference.dtype}, got {other.dtype}")


def _split_places(name: str, places: object, n: int) -> tuple[list[int], list[int]]:
    """The given places and all others, out of 0..n-1."""
    if not isinstance(places, (list, tuple)):
        raise TypeError(f"{name} must be a list of integers, got {type(places).__name__}")
    places = [require_integer(f"{name}[{index}]", place, low=0, high=n - 1) for index, place in enumerate(places)]
    if not 0 < len(places) < n or len(set(places)) != len(places):
        raise ValueError(f"{name} must hold between 1 and {n - 1} different places, got {places}")
    return places, [place for place in range(n) if place not in places]
