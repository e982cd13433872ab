"""The forward process: from the data to noise, step by step and in one jump (chapter 3)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.tables import require_alpha_bars, require_betas
from ddpmlib.validation import require_integer, require_number, require_same_shape, require_tensor, require_times


def forward_step(
    x_prev: Float[Tensor, "*shape"], t: int, betas: Float[Tensor, "T+1"], noise: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    r"""Exercise 3.1. Draw x_t ~ q(x_t | x_{t-1}) = N(sqrt(1 - beta_t) x_{t-1}, beta_t I).

    Parameters
    ----------
    x_prev
        x_{t-1}, of any shape.
    t
        the time that the step leads to, an int in 1..T.
    betas
        the table (0, beta_1, ..., beta_T): index t is time t.
    noise
        eps_t ~ N(0, I), of the shape of ``x_prev``.

    Returns
    -------
    x_t, of the shape and dtype of ``x_prev``.

    Raises
    ------
    TypeError, ValueError
        if the shapes differ, an argument holds integers, ``betas`` is not such a table, or t lies outside 1..T.

    Source: Ho et al. (2020), equation 2; chapter 3, "One step: shrink, then blur".
    """
    require_same_shape(x_prev=x_prev, noise=noise)
    require_betas("betas", betas)
    require_integer("t", t, low=1, high=len(betas) - 1)
    ### BEGIN SOLUTION
    beta = betas[t].item()
    return math.sqrt(1 - beta) * x_prev + math.sqrt(beta) * noise
    ### END SOLUTION


def q_sample(
    x0: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    alpha_bars: Float[Tensor, "T+1"],
    noise: Float[Tensor, "batch *shape"],
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 3.6. Draw x_t ~ q(x_t | x_0) = N(sqrt(alpha_bar_t) x_0, (1 - alpha_bar_t) I) in one jump.

    Parameters
    ----------
    x0
        a batch of data, of shape (batch, ...) with any number of further axes.
    t
        the time, in 0..T (x_0 itself at t = 0): an int for the whole batch, or an integer tensor of shape (batch,) with
        one time for each row.
    alpha_bars
        the table (1, alpha_bar_1, ..., alpha_bar_T): index t is time t.
    noise
        eps ~ N(0, I), of the shape of ``x0``.

    Returns
    -------
    x_t, of the shape and dtype of ``x0`` (a float32 batch stays float32, though the table is float64).

    Raises
    ------
    TypeError, ValueError
        if the shapes do not fit, a dtype is wrong, ``alpha_bars`` is no such table, or a time lies outside 0..T.

    Source: Ho et al. (2020), equation 4; chapter 3, "The closed form".
    """
    require_same_shape(x0=x0, noise=noise)
    _require_batch(x0)
    require_alpha_bars("alpha_bars", alpha_bars)
    t = require_times("t", t, low=0, high=len(alpha_bars) - 1, batch=len(x0))
    # t is now an int64 tensor, of shape () or (batch,)
    ### BEGIN SOLUTION
    alpha_bar = alpha_bars[t.to(alpha_bars.device)].double().reshape(-1, *[1] * (x0.ndim - 1))
    signal, spread = (each.to(x0.dtype).to(x0.device) for each in (alpha_bar.sqrt(), (1 - alpha_bar).sqrt()))
    return signal * x0 + spread * noise
    ### END SOLUTION


def q_sample_ve(
    x0: Float[Tensor, "batch *shape"], t: int | Int[Tensor, "batch"], noise: Float[Tensor, "batch *shape"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 3.7. Draw x_t ~ q(x_t | x_0) = N(x_0, t I) of the random walk x_t = x_{t-1} + eps_t.

    Parameters
    ----------
    x0
        a batch of data, of shape (batch, ...).
    t
        the time, at least 0: an int for the whole batch, or an integer tensor of shape (batch,).
    noise
        eps ~ N(0, I), of the shape of ``x0``: unit variance, whatever t is.

    Returns
    -------
    x_t, of the shape and dtype of ``x0``.

    Raises
    ------
    TypeError, ValueError
        if the shapes do not fit, an argument has the wrong dtype, or a time is negative.

    Source: Song et al. (2021), section 3.4 (there with steps of any size); chapter 3, "Another way: the random walk".
    """
    require_same_shape(x0=x0, noise=noise)
    _require_batch(x0)
    t = require_times("t", t, low=0, batch=len(x0))
    # t is now an int64 tensor, of shape () or (batch,)
    ### BEGIN SOLUTION
    sigma = t.to(x0.device, x0.dtype).sqrt().reshape(-1, *[1] * (x0.ndim - 1))
    return x0 + sigma * noise
    ### END SOLUTION


def prior_matching_bits_per_dim(x0: Float[Tensor, "batch *shape"], alpha_bar_T: float) -> Float[Tensor, "batch"]:
    r"""Exercise 3.9. KL( q(x_T | x_0) || N(0, I) ) in bits per dimension, for each row of a batch.

    Parameters
    ----------
    x0
        a batch of data, of shape (batch, ...); all further axes are dimensions of one datum.
    alpha_bar_T
        what is left of the data's variance at the end, strictly between 0 and 1: a number, or a tensor of shape ().

    Returns
    -------
    One number for each row, of shape (batch,): the divergence, divided by the number of dimensions and by log 2. It is
    never negative, also where alpha_bar_T is as small as 1e-9 and ``x0`` is float32.

    Raises
    ------
    TypeError, ValueError
        if ``x0`` is not a floating-point tensor with a batch axis and another one, or alpha_bar_T lies outside (0, 1).

    Source: Ho et al. (2020), section 4 (the term L_T); chapter 3, "How far is the end from the prior?".
    """
    require_tensor("x0", x0)
    _require_batch(x0)
    if x0.ndim < 2 or x0[:1].numel() == 0:
        raise ValueError(f"x0 must have shape (batch, ...) with at least one dimension a row, got {tuple(x0.shape)}")
    if isinstance(alpha_bar_T, Tensor) and alpha_bar_T.ndim == 0:
        alpha_bar_T = alpha_bar_T.item()
    alpha_bar_T = require_number("alpha_bar_T", alpha_bar_T, above=0, below=1)
    ### BEGIN SOLUTION
    mean_square = x0.flatten(start_dim=1).square().mean(dim=1)
    nats = 0.5 * (alpha_bar_T * mean_square - alpha_bar_T - math.log1p(-alpha_bar_T))
    return nats / math.log(2)
    ### END SOLUTION


def _require_batch(x0: Tensor) -> None:
    if x0.ndim == 0:
        raise ValueError("x0 must have a batch axis: shape (batch, ...), got ()")
