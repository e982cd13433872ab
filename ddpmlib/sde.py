# Stub: write your code where NotImplementedError is raised.
"""Diffusion in continuous time (Song et al. 2021; chapter 13): dx = f(t) x dt + g(t) dw, for t from 0 (data) to 1 (noise).

An *SDE* is here a callable ``rate, diffusion, mean, std = sde(t)``. It gets a float64 tensor of times and returns four tensors of its
shape: f(t), g(t), and the law N(mean x_0, std^2 I) of x(t) given the datum. A *score* is a callable ``s = score(x, t)`` that gets points
of shape (batch, ...) and the time of each row, of shape (batch,) in the dtype of x. A *field* is called alike, and returns dx/dt.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.noise_levels import constant_level, require_batch, require_callable
from ddpmlib.tables import require_fractions
from ddpmlib.validation import require_number, require_same_shape, require_tensor

SDE = Callable[[Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]
Score = Callable[[Tensor, Tensor], Tensor]
Field = Callable[[Tensor, Tensor], Tensor]
SDE_CALL = "rate, diffusion, mean, std = sde(t)"


def require_times_of_step(t: object, s: object, order: str) -> tuple[float, float]:
    """Return the two times as floats, if both are in [0, 1] and s lies below t (``order`` "down") or only differs from it."""
    t, s = require_number("t", t), require_number("s", s)
    for name, time in (("t", t), ("s", s)):
        if not 0 <= time <= 1:
            raise ValueError(f"{name} must be between 0 and 1, got {time}")
    if order == "down" and not s < t:
        raise ValueError(f"s must be less than t = {t}, got {s}")
    return t, s


def at(sde: SDE, t: float) -> tuple[float, float, float, float]:
    """Rate, diffusion, mean and standard deviation at one time, as floats."""
    return tuple(value.item() for value in sde(torch.tensor(t, dtype=torch.float64)))


def vp_coefficients(t: Float[Tensor, "*shape"], beta_min: float, beta_max: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""Exercise 13.4. The variance-preserving SDE with beta(t) = beta_min + t (beta_max - beta_min).

    Parameters
    ----------
    t
        times in [0, 1], of any shape.
    beta_min, beta_max
        beta(0) and beta(1), both greater than 0.

    Returns
    -------
    rate, diffusion, mean, std: four tensors of the shape and dtype of ``t``.

    Raises
    ------
    TypeError, ValueError
        if ``t`` holds anything but numbers in [0, 1], or a beta is not positive.

    Source: Song et al. (2021), equation 11 and appendix C; chapter 13, "Two limits".
    """
    require_fractions("t", t)
    beta_min = require_number("beta_min", beta_min, above=0.0)
    beta_max = require_number("beta_max", beta_max, above=0.0)
    raise NotImplementedError("Exercise 13.4: write vp_coefficients in ddpmlib/sde.py")


def ve_coefficients(t: Float[Tensor, "*shape"], sigma_min: float, sigma_max: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""Exercise 13.4. The variance-exploding SDE whose noise level is sigma(t) = sigma_min (sigma_max / sigma_min)^t.

    x(t) is the datum with noise of standard deviation sigma(t); at t = 0 some is there already, sigma_min.

    Parameters
    ----------
    t
        times in [0, 1], of any shape.
    sigma_min, sigma_max
        sigma(0) and sigma(1), with 0 < sigma_min < sigma_max.

    Returns
    -------
    rate, diffusion, mean, std: four tensors of the shape and dtype of ``t``.

    Raises
    ------
    TypeError, ValueError
        if ``t`` holds anything but numbers in [0, 1], or the levels are not positive and rising.

    Source: Song et al. (2021), equation 9 and appendix C; chapter 13, "Two limits".
    """
    require_fractions("t", t)
    sigma_min = require_number("sigma_min", sigma_min, above=0.0)
    sigma_max = require_number("sigma_max", sigma_max, above=sigma_min)
    raise NotImplementedError("Exercise 13.4: write ve_coefficients in ddpmlib/sde.py")


def reverse_sde_step(
    score: Score, x: Float[Tensor, "batch *shape"], t: float, s: float, sde: SDE, noise: Float[Tensor, "batch *shape"], lam: float = 1.0
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.5. One step of Euler and Maruyama from t down to s < t, for the member lam of the family of reverse SDEs.

    The drift is f(t) x - (1 + lam^2)/2 g(t)^2 score, the diffusion lam g(t): lam = 1 is the reverse SDE, lam = 0 the probability flow.

    Parameters
    ----------
    score
        the score; it is called once, at the time t.
    x, noise
        where the sampler is and z ~ N(0, I), of one shape (batch, ...).
    t, s
        where the step starts and ends, 0 <= s < t <= 1.
    sde
        the forward SDE.
    lam
        the share of noise, at least 0.

    Returns
    -------
    x at time s, of the shape and dtype of ``x``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, a time is out of range, or lam is negative.

    Source: Anderson (1982); Song et al. (2021), equation 6; chapter 13, "The way back".
    """
    require_callable("score", score, "s = score(x, t)")
    require_same_shape(x=x, noise=noise)
    require_batch("x", x)
    t, s = require_times_of_step(t, s, "down")
    require_callable("sde", sde, SDE_CALL)
    if require_number("lam", lam) < 0:
        raise ValueError(f"lam must be at least 0, got {lam}")
    raise NotImplementedError("Exercise 13.5: write reverse_sde_step in ddpmlib/sde.py")


def probability_flow_drift(score: Score, x: Float[Tensor, "batch *shape"], t: float, sde: SDE) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.6. dx/dt of the probability flow: the deterministic motion with the same law at each time as the SDE.

    Parameters
    ----------
    score
        the score; it is called once.
    x
        points of shape (batch, ...).
    t
        the time, in [0, 1].
    sde
        the forward SDE.

    Returns
    -------
    The velocity, of the shape and dtype of ``x``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or the time is out of range.

    Source: Song et al. (2021), equation 13; chapter 13, "The probability flow".
    """
    require_callable("score", score, "s = score(x, t)")
    require_batch("x", x)
    t, _ = require_times_of_step(t, 0.0, "any")
    require_callable("sde", sde, SDE_CALL)
    raise NotImplementedError("Exercise 13.6: write probability_flow_drift in ddpmlib/sde.py")


def rk4_step(
    field: Callable[[Tensor, float], Tensor], x: Float[Tensor, "batch *shape"], t: float, s: float
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.6. One step of the classical Runge-Kutta method of order 4 from t to s, in either direction.

    Parameters
    ----------
    field
        dx/dt: a callable that gets points and a time, a float, and is called four times.
    x
        where the step starts, of shape (batch, ...).
    t, s
        where the step starts and ends, both in [0, 1].

    Returns
    -------
    x at time s, of the shape and dtype of ``x``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or a time is out of range.

    Source: chapter 13, "The probability flow".
    """
    require_callable("field", field, "dx/dt = field(x, t)")
    require_batch("x", x)
    t, s = require_times_of_step(t, s, "any")
    raise NotImplementedError("Exercise 13.6: write rk4_step in ddpmlib/sde.py")


def divergence(field: Callable[[Tensor, float], Tensor], x: Float[Tensor, "batch dim"], t: float) -> Float[Tensor, "batch"]:
    r"""Exercise 13.7. The divergence of a field at each row, the trace of its Jacobian, exactly, by automatic differentiation.

    Parameters
    ----------
    field
        dx/dt: a callable that gets points of shape (batch, dim) and a time, a float; each row's result depends on that row alone.
    x
        points of shape (batch, dim).
    t
        the time, in [0, 1].

    Returns
    -------
    One number a row, of the dtype of ``x``, without a graph. ``x`` itself is left as it is.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or the time is out of range.

    Source: chapter 13, "What happens to a density".
    """
    require_callable("field", field, "dx/dt = field(x, t)")
    require_tensor("x", x, ndim=2)
    t, _ = require_times_of_step(t, 0.0, "any")
    raise NotImplementedError("Exercise 13.7: write divergence in ddpmlib/sde.py")


def log_likelihood(
    score: Score, x: Float[Tensor, "batch dim"], times: Float[Tensor, "steps+1"], sde: SDE, prior_std: float
) -> Float[Tensor, "batch"]:
    r"""Exercise 13.7. The log-density, in nats, that the probability flow gives to points at the time ``times[0]``.

    The flow is followed up to the last time by Runge-Kutta steps of order 4, and the integral of its divergence with the same steps.
    At the last time the density is that of N(0, prior_std^2 I).

    Parameters
    ----------
    score
        the score.
    x
        points of shape (batch, dim).
    times
        rising times in [0, 1], of shape (steps + 1,).
    sde
        the forward SDE.
    prior_std
        the standard deviation of the prior, greater than 0.

    Returns
    -------
    One number a row, of the dtype of ``x``, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, the times do not rise or leave [0, 1], or prior_std is not positive.

    Source: Chen et al. (2018), equation 8; Song et al. (2021), appendix D; chapter 13, "What happens to a density".
    """
    require_callable("score", score, "s = score(x, t)")
    require_tensor("x", x, ndim=2)
    require_fractions("times", times)
    if times.ndim != 1 or len(times) < 2 or not (times.diff() > 0).all():
        raise ValueError(f"times must rise, of shape (steps + 1,) with at least one step, got {times.tolist()}")
    require_callable("sde", sde, SDE_CALL)
    prior_std = require_number("prior_std", prior_std, above=0.0)
    raise NotImplementedError("Exercise 13.7: write log_likelihood in ddpmlib/sde.py")
