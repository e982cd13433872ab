"""Flow matching along straight lines (Lipman et al. 2023; Liu et al. 2023; chapter 13).

The time u runs from 0 (data) to 1 (noise): x_u = (1 - u) x_0 + u eps. A *velocity* is a callable ``v = velocity(x, u)``. It gets points
of shape (batch, ...) and a tensor of shape (batch,), in the dtype of x, with the time of each row, and returns its guess of
dx_u/du, of the shape of x.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.noise_levels import (
    Denoiser, beside_rows, constant_level, require_batch, require_callable, require_levels_down, require_row_levels,
    require_row_shares,
)
from ddpmlib.validation import require_same_shape

Velocity = Callable[[Tensor, Tensor], Tensor]


def flow_matching_loss(
    velocity: Velocity, x0: Float[Tensor, "batch *shape"], noise: Float[Tensor, "batch *shape"], u: Float[Tensor, "batch"]
) -> Float[Tensor, ""]:
    r"""Exercise 13.13. The conditional flow matching loss: the mean square of v(x_u, u) - dx_u/du, over all elements.

    x_u = (1 - u) x_0 + u eps is the point at time u of the straight line from the datum to its noise.

    Parameters
    ----------
    velocity
        the model v; it is called once, with the points x_u and with u, of shape (batch,) in their dtype.
    x0, noise
        data and eps ~ N(0, I), of one shape (batch, ...).
    u
        the time of each row, between 0 and 1, of shape (), for all rows, or (batch,).

    Returns
    -------
    A tensor of shape (), differentiable in the model's parameters.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or a time lies outside [0, 1].

    Source: Lipman et al. (2023), equation 23 (with time reversed); chapter 13, "From the other end".
    """
    require_callable("velocity", velocity, "v = velocity(x, u)")
    require_same_shape(x0=x0, noise=noise)
    require_batch("x0", x0)
    u = require_row_shares("u", u, x0)
    ### BEGIN SOLUTION
    share = beside_rows(u, x0)
    x_u = (1 - share) * x0 + share * noise
    return (velocity(x_u, u.to(x0.dtype)) - (noise - x0)).square().mean()
    ### END SOLUTION


def velocity_from_denoiser(
    denoiser: Denoiser, x: Float[Tensor, "batch *shape"], u: Float[Tensor, "batch"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.13. The velocity of the straight lines at x_u = x, found with a denoiser D(x; sigma) of EDM.

    Parameters
    ----------
    denoiser
        D; it is called once, with points x_0 + sigma eps and their noise levels sigma, of shape (batch,) in the dtype of ``x``.
    x
        points x_u, of shape (batch, ...).
    u
        the time of each row, strictly between 0 and 1, of shape (), for all rows, or (batch,).

    Returns
    -------
    The velocity, of the shape and dtype of ``x``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or a time lies outside (0, 1).

    Source: chapter 13, "It is diffusion again".
    """
    require_callable("denoiser", denoiser, "x0 = denoiser(x, sigma)")
    require_batch("x", x)
    u = require_row_levels("u", u, x, above=0.0, below=1.0)
    ### BEGIN SOLUTION
    x0 = denoiser(x / beside_rows(1 - u, x), (u / (1 - u)).to(x.dtype))
    return (x - x0) / beside_rows(u, x)
    ### END SOLUTION


def flow_sample(
    velocity: Velocity, x: Float[Tensor, "batch *shape"], times: Float[Tensor, "steps+1"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.13. Euler's method for dx/du = v(x, u), down through the given times and without gradients.

    Parameters
    ----------
    velocity
        the model v; it is called once a step, at the time at which the step starts.
    x
        where the walk starts, of shape (batch, ...): at the time ``times[0]``.
    times
        the times, falling, between 0 and 1, of shape (steps + 1,).

    Returns
    -------
    x at the last time, of the shape and dtype of ``x``, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or the times do not fall or leave [0, 1].

    Source: Liu et al. (2023), algorithm 1 (with time reversed); chapter 13, "Straight lines and few steps".
    """
    require_callable("velocity", velocity, "v = velocity(x, u)")
    require_batch("x", x)
    walk = require_levels_down("times", times, high=1.0)
    ### BEGIN SOLUTION
    with torch.no_grad():
        for u, lower in zip(walk, walk[1:]):
            x = x + (lower - u) * velocity(x, constant_level(u, x))
    return x
    ### END SOLUTION
