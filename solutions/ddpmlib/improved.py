"""Improved DDPM: a learned variance of the reverse steps (Nichol and Dhariwal 2021; chapter 13).

A model returns two tensors of the shape of x_t: its guess ``eps`` of the noise, and ``v``, which says where the logarithm of
the variance lies between those of beta-tilde_t (v = 0) and beta_t (v = 1), element by element.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.discretized import discretized_log_likelihood, require_levels
from ddpmlib.models import row_times
from ddpmlib.noise_levels import require_batch
from ddpmlib.objectives import gaussian_kl
from ddpmlib.posterior import posterior_mean, posterior_mean_from_noise, posterior_variance
from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule
from ddpmlib.validation import require_integer, require_number, require_same_shape


def learned_log_variance(
    v: Float[Tensor, "batch *shape"], t: int | Int[Tensor, "batch"], schedule: Schedule
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.12. The logarithm of the variance that v stands for: v log(beta_t) + (1 - v) log(beta-tilde_t).

    beta-tilde_1 is 0 and has no logarithm; at t = 1, beta-tilde_2 stands in its place.

    Parameters
    ----------
    v
        any real numbers, of shape (batch, ...); between 0 and 1 the variance lies between the two.
    t
        the time of each row, in 1..T.
    schedule
        the schedule's tables, with T at least 2.

    Returns
    -------
    The logarithms, of the shape and dtype of ``v`` (the tables are computed in float64 first), differentiable in ``v``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or a time lies outside 1..T.

    Source: Nichol and Dhariwal (2021), equation 15; chapter 13, "A variance between two".
    """
    require_batch("v", v)
    require_schedule("schedule", schedule)
    if schedule.T < 2:
        raise ValueError(f"schedule must have at least 2 steps, got {schedule.T}")
    t = row_times("t", t, v, schedule.T)
    ### BEGIN SOLUTION
    small = posterior_variance(schedule).clone()
    small[1] = small[2]
    low, high = at_times(small.log(), t, v), at_times(schedule.betas.log(), t, v)
    return v * high + (1 - v) * low
    ### END SOLUTION


def vlb_term(
    eps: Float[Tensor, "batch *shape"],
    v: Float[Tensor, "batch *shape"],
    x0: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
    levels: int,
) -> Float[Tensor, "batch"]:
    r"""Exercise 13.12. The term of the variational bound that belongs to the time t, in bits per dimension, for each row.

    For t > 1 it is KL( q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t) ), for t = 1 it is -log p(x_0 | x_1) with the discretised
    decoder of chapter 6. The mean of p is the one that the predicted noise implies, its variance that of ``learned_log_variance``.

    Parameters
    ----------
    eps, v
        the model's two answers at x_t.
    x0, noise
        the datum and the noise that x_t is made of, all of one shape (batch, ...). In rows with t = 1, x0 lies on the levels.
    t
        the time of each row, in 1..T.
    schedule
        the schedule's tables, with T at least 2.
    levels
        the number of levels of a pixel between -1 and 1.

    Returns
    -------
    The terms, of shape (batch,), differentiable in ``eps`` and ``v``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, a time lies outside 1..T, or a datum with t = 1 lies on none of the levels.

    Source: Nichol and Dhariwal (2021), equations 4 to 7; chapter 13, "Learning it".
    """
    require_same_shape(eps=eps, v=v, x0=x0, noise=noise)
    require_batch("eps", eps)
    require_schedule("schedule", schedule)
    if schedule.T < 2:
        raise ValueError(f"schedule must have at least 2 steps, got {schedule.T}")
    t = row_times("t", t, x0, schedule.T)
    require_integer("levels", levels, low=2)
    require_levels("x0", x0[t == 1], levels)
    ### BEGIN SOLUTION
    left = schedule.alpha_bars
    x_t = at_times(left.sqrt(), t, x0) * x0 + at_times((1 - left).sqrt(), t, x0) * noise
    mean, log_variance = posterior_mean_from_noise(x_t, eps, t, schedule), learned_log_variance(v, t, schedule)
    last = t == 1
    nats = x0.new_zeros(len(x0))
    if last.any():
        deviation = (log_variance[last] / 2).exp()
        nats[last] = -discretized_log_likelihood(x0[last], mean[last], deviation, levels)
    if not last.all():
        rest = last.logical_not()
        true_mean = posterior_mean(x0[rest], x_t[rest], t[rest], schedule)
        true_variance = at_times(posterior_variance(schedule), t[rest], x0).expand_as(true_mean)
        nats[rest] = gaussian_kl(true_mean, true_variance, mean[rest], log_variance[rest].exp())
    return nats / (x0[0].numel() * math.log(2))
    ### END SOLUTION


def hybrid_loss(
    eps: Float[Tensor, "batch *shape"],
    v: Float[Tensor, "batch *shape"],
    x0: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
    levels: int,
    weight: float,
) -> Float[Tensor, ""]:
    r"""Exercise 13.12. The hybrid loss: L_simple trains the mean, the variational bound the variance alone.

    The mean square of noise - eps, plus weight T times the mean over the rows of ``vlb_term``, in which the predicted noise counts as
    a constant.

    Parameters
    ----------
    eps, v, x0, noise, t, schedule, levels
        as for ``vlb_term``.
    weight
        how much the bound counts, at least 0; Nichol and Dhariwal take 0.001.

    Returns
    -------
    A tensor of shape (). Its gradient in ``eps`` is that of L_simple, its gradient in ``v`` that of the bound.

    Raises
    ------
    TypeError, ValueError
        as for ``vlb_term``, or if the weight is negative.

    Source: Nichol and Dhariwal (2021), equation 16; chapter 13, "Learning it".
    """
    require_same_shape(eps=eps, v=v, x0=x0, noise=noise)
    require_batch("eps", eps)
    require_schedule("schedule", schedule)
    t = row_times("t", t, x0, schedule.T)
    require_integer("levels", levels, low=2)
    weight = require_number("weight", weight)
    if weight < 0:
        raise ValueError(f"weight must be at least 0, got {weight}")
    ### BEGIN SOLUTION
    bound = vlb_term(eps.detach(), v, x0, noise, t, schedule, levels).mean()
    return (noise - eps).square().mean() + weight * schedule.T * bound
    ### END SOLUTION
