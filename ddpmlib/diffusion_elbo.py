# Stub: write your code where NotImplementedError is raised.
"""The ELBO of a diffusion model: its two forms, term by term, and the reverse step that closes its gap (chapter 4).

A path is a tensor of shape (T + 1, *batch, dim) with ``path[t]`` = x_t. Terms are contributions to the ELBO, in nats: what
is a divergence in the text stands here with its minus sign, so that the ELBO is the sum of the terms. Row t of a table of
terms is the one in which the density p of x_t stands: p(x_t | x_{t+1}) for t < T, and p(x_T) for t = T.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import kl_divergence

from ddpmlib.gaussian_diffusion import (
    ReverseChain,
    conditional_law,
    jump_law,
    require_path,
    require_reverse,
    step_law,
)
from ddpmlib.schedules import Schedule
from ddpmlib.tables import require_schedule
from ddpmlib.validation import require_same_shape, require_tensor, require_times


def form1_terms(
    path: Float[Tensor, "T+1 *batch dim"], schedule: Schedule, reverse: ReverseChain
) -> Float[Tensor, "T+1 *batch"]:
    r"""Exercise 4.1. One sample of each term of the ELBO's first form, at a path of the forward process.

    Row 0 is the reconstruction, log p(x_0 | x_1). Row t, for 0 < t < T, is the consistency of x_t,
    log p(x_t | x_{t+1}) - log q(x_t | x_{t-1}). Row T is the prior matching, log p(x_T) - log q(x_T | x_{T-1}).

    Parameters
    ----------
    path
        x_0, ..., x_T, of shape (T + 1, *batch, dim); T may be 1.
    schedule
        the forward process; ``step_law(x_prev, t, schedule)`` is q(x_t | x_{t-1}), a ``torch.distributions.Normal``.
    reverse
        the model; ``reverse.step(x_t, t)`` is p(x_{t-1} | x_t) and ``reverse.prior`` is p(x_T), Normals too.

    Returns
    -------
    The terms in nats, of shape (T + 1, *batch), with gradients to the model. Log-densities are summed over the last axis.

    Raises
    ------
    TypeError, ValueError
        if the path, the schedule and the model do not fit each other.

    Source: Luo (2022), "Variational Diffusion Models"; chapter 4, "The first form".
    """
    require_schedule("schedule", schedule)
    require_path("path", path, schedule)
    require_reverse("reverse", reverse, schedule)
    raise NotImplementedError("Exercise 4.1: write form1_terms in ddpmlib/diffusion_elbo.py")


def posterior_log_prob(
    x_prev: Float[Tensor, "batch *more dim"],
    x_t: Float[Tensor, "batch *more dim"],
    x0: Float[Tensor, "batch *more dim"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
) -> Float[Tensor, "batch *more"]:
    r"""Exercise 4.3. log q(x_{t-1} | x_t, x_0), by Bayes' rule with the extra x_0.

    The three densities of the rule are given: ``step_law(x_prev, t, schedule)`` is q(x_t | x_{t-1}), and
    ``jump_law(x0, t, schedule)`` is q(x_t | x_0), both ``torch.distributions.Normal``.

    Parameters
    ----------
    x_prev, x_t, x0
        x_{t-1}, x_t and x_0, each of shape (batch, ..., dim).
    t
        the time in 2..T, an int or an integer tensor of shape () or (batch,). (At t = 1, x_{t-1} is x_0 itself.)

    Returns
    -------
    The log-densities, of shape (batch, ...): summed over the components, the last axis.

    Raises
    ------
    TypeError, ValueError
        if the shapes differ, or a time lies outside 2..T.

    Source: Luo (2022), "Variational Diffusion Models"; chapter 4, "Bayes' rule with the extra x_0".
    """
    require_schedule("schedule", schedule)
    _require_rows(x_prev=x_prev, x_t=x_t, x0=x0)
    t = require_times("t", t, low=2, high=schedule.T, batch=len(x0))
    raise NotImplementedError("Exercise 4.3: write posterior_log_prob in ddpmlib/diffusion_elbo.py")


def denoising_matching(
    x0: Float[Tensor, "batch *more dim"],
    x_t: Float[Tensor, "batch *more dim"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
    reverse: ReverseChain,
) -> Float[Tensor, "batch *more"]:
    r"""Exercise 4.5. KL( q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t) ) in nats, never negative.

    ``conditional_law(x_t, x0, t, schedule)`` is q(x_{t-1} | x_t, x_0), and ``torch.distributions.kl_divergence`` knows the
    divergence of two Normals.

    Parameters
    ----------
    x0, x_t
        x_0 and x_t, each of shape (batch, ..., dim).
    t
        the time in 2..T, an int or an integer tensor of shape () or (batch,).
    reverse
        the model; ``reverse.step(x_t, t)`` is p(x_{t-1} | x_t).

    Returns
    -------
    The divergences, of shape (batch, ...): summed over the components, the last axis; with gradients to the model.

    Raises
    ------
    TypeError, ValueError
        if the arguments do not fit each other, or a time lies outside 2..T.

    Source: Ho et al. (2020), equation 5; chapter 4, "The second form".
    """
    require_schedule("schedule", schedule)
    _require_rows(x0=x0, x_t=x_t)
    require_reverse("reverse", reverse, schedule)
    t = require_times("t", t, low=2, high=schedule.T, batch=len(x0))
    raise NotImplementedError("Exercise 4.5: write denoising_matching in ddpmlib/diffusion_elbo.py")


def form2_terms(
    path: Float[Tensor, "T+1 *batch dim"], schedule: Schedule, reverse: ReverseChain
) -> Float[Tensor, "T+1 *batch"]:
    r"""Exercise 4.5. Each term of the ELBO's second form, at a path of the forward process.

    Row 0 is the reconstruction, log p(x_0 | x_1). Row t, for 0 < t < T, is minus the divergence from q(x_t | x_{t+1}, x_0)
    to p(x_t | x_{t+1}), and holds no x_t. Row T is minus the divergence from q(x_T | x_0) to p(x_T), and holds x_0 only.

    Parameters
    ----------
    path
        x_0, ..., x_T, of shape (T + 1, *batch, dim); T may be 1.

    Returns
    -------
    The terms in nats, of shape (T + 1, *batch), with gradients to the model.

    Raises
    ------
    TypeError, ValueError
        if the path, the schedule and the model do not fit each other.

    Source: Ho et al. (2020), equation 5; chapter 4, "The second form".
    """
    require_schedule("schedule", schedule)
    require_path("path", path, schedule)
    require_reverse("reverse", reverse, schedule)
    raise NotImplementedError("Exercise 4.5: write form2_terms in ddpmlib/diffusion_elbo.py")


def optimal_reverse(mean: Float[Tensor, "dim"], variance: Float[Tensor, "dim"], schedule: Schedule) -> ReverseChain:
    r"""Exercise 4.6. The reverse chain that closes the gap for data with independent Gaussian components.

    For x_0 ~ N(mean, diag(variance)), every p(x_{t-1} | x_t) is the law of x_{t-1} given x_t under the forward process,
    with its mean *and* its variance, and p(x_T) is the law of x_T.

    Parameters
    ----------
    mean, variance
        the mean and the variance of each component of the data, of shape (dim,).

    Returns
    -------
    A ``ReverseChain(slopes, shifts, variances, prior_mean, prior_variance)``; the tables have the shape (T + 1, dim), their
    index t belongs to the step from x_t to x_{t-1}, and entry 0 is never read.

    Raises
    ------
    TypeError, ValueError
        if mean and variance do not have one shape (dim,), or a variance is not positive.

    Source: chapter 4, "The best reverse step".
    """
    require_schedule("schedule", schedule)
    require_tensor("mean", mean, ndim=1)
    require_same_shape(mean=mean, variance=variance)
    if not (variance > 0).all():
        raise ValueError(f"variance must be positive, got {variance.min().item()}")
    raise NotImplementedError("Exercise 4.6: write optimal_reverse in ddpmlib/diffusion_elbo.py")


def _require_rows(**states: Tensor) -> None:
    require_same_shape(**states)
    name, first = next(iter(states.items()))
    if first.ndim < 2:
        raise ValueError(f"{name} must have shape (batch, ..., dim), got {tuple(first.shape)}")
