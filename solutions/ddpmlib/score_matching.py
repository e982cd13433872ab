"""Scores learned by denoising, and Langevin dynamics (Vincent 2011; Song and Ermon 2019; chapter 13).

A *score* by noise level is a callable ``s = score(x, sigma)``. It gets noisy data x = x_0 + sigma eps of shape (batch, ...), and a tensor
of shape (batch,), in the dtype of x, with the noise level of each row. It returns the gradient of log p_sigma at x, of the shape of x.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.noise_levels import beside_rows, constant_level, require_batch, require_callable, require_levels_down, require_row_levels
from ddpmlib.validation import require_integer, require_number, require_same_shape, require_tensor

Score = Callable[[Tensor, Tensor], Tensor]
CALL = "s = score(x, sigma)"


def dsm_loss(
    score: Score, x0: Float[Tensor, "batch *shape"], sigma: Float[Tensor, "batch"], noise: Float[Tensor, "batch *shape"]
) -> Float[Tensor, ""]:
    r"""Exercise 13.1. The loss of denoising score matching with the weight lambda(sigma) = sigma^2, as a mean over all elements.

    The mean of sigma^2 (s(x_sigma, sigma) - grad log q(x_sigma | x_0))^2, with x_sigma = x_0 + sigma eps, and with the gradient in x_sigma.

    Parameters
    ----------
    score
        the model s; it is called once, with x_sigma and the levels, of shape (batch,) in the dtype of ``x0``.
    x0, noise
        data and eps ~ N(0, I), of one shape (batch, ...).
    sigma
        the noise level of each row, greater than 0, of shape (), for all rows, or (batch,).

    Returns
    -------
    A tensor of shape (), differentiable in the model's parameters.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or a level is not positive.

    Source: Vincent (2011), section 4.2; Song and Ermon (2019), equations 5 and 6; chapter 13, "Denoising is enough".
    """
    require_callable("score", score, CALL)
    require_same_shape(x0=x0, noise=noise)
    require_batch("x0", x0)
    sigma = require_row_levels("sigma", sigma, x0)
    ### BEGIN SOLUTION
    level = beside_rows(sigma, x0)
    found = score(x0 + level * noise, sigma.to(x0.dtype))
    return (level * found + noise).square().mean()
    ### END SOLUTION


def langevin_step(
    score: Score, x: Float[Tensor, "batch *shape"], sigma: float, step: float, noise: Float[Tensor, "batch *shape"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.2. One step of Langevin dynamics at the level sigma: x + step s(x, sigma) + sqrt(2 step) z.

    Parameters
    ----------
    score
        the model s; it is called once.
    x, noise
        where the walk is and z ~ N(0, I), of one shape (batch, ...).
    sigma
        the noise level, greater than 0.
    step
        the length of the step in time, greater than 0.

    Returns
    -------
    The next x, of the shape and dtype of ``x``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or a number is not positive.

    Source: Song and Ermon (2019), equation 4, whose epsilon is twice our step; chapter 13, "Langevin dynamics".
    """
    require_callable("score", score, CALL)
    require_same_shape(x=x, noise=noise)
    require_batch("x", x)
    sigma = require_number("sigma", sigma, above=0.0)
    step = require_number("step", step, above=0.0)
    ### BEGIN SOLUTION
    return x + step * score(x, constant_level(sigma, x)) + (2 * step) ** 0.5 * noise
    ### END SOLUTION


def annealed_langevin(
    score: Score,
    x: Float[Tensor, "batch *shape"],
    sigmas: Float[Tensor, "levels"],
    count: int,
    share: float,
    noise: Float[Tensor, "levels count batch *shape"],
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.2. Langevin dynamics at falling noise levels: ``count`` steps of length share * sigma^2 at each, without gradients.

    Parameters
    ----------
    score
        the model s; it is called once a step.
    x
        where the walk starts, of shape (batch, ...).
    sigmas
        the levels, falling and greater than 0, two of them at least.
    count
        the number of steps at each level, at least 1.
    share
        the length of a step as a share of the level's variance, greater than 0.
    noise
        z ~ N(0, I): ``noise[i, k]`` for step k at the level ``sigmas[i]``.

    Returns
    -------
    x after the last step at the last level, of the shape and dtype of ``x``, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, the levels do not fall or are not positive, or a number is out of range.

    Source: Song and Ermon (2019), algorithm 1; chapter 13, "Many levels".
    """
    require_callable("score", score, CALL)
    require_batch("x", x)
    levels = require_levels_down("sigmas", sigmas)
    if levels[-1] <= 0:
        raise ValueError(f"sigmas must be greater than 0, got {levels[-1]}")
    require_integer("count", count, low=1)
    share = require_number("share", share, above=0.0)
    require_tensor("noise", noise)
    if noise.shape != (len(levels), count, *x.shape):
        raise ValueError(f"noise must have shape {(len(levels), count, *x.shape)}, got {tuple(noise.shape)}")
    ### BEGIN SOLUTION
    with torch.no_grad():
        for sigma, draws in zip(levels, noise):
            for z in draws:
                x = langevin_step(score, x, sigma, share * sigma**2, z)
    return x
    ### END SOLUTION
