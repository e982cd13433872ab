"""EDM: a denoiser for all noise levels, and a sampler of second order (Karras et al. 2022; chapter 13).

Noise is counted by its standard deviation: x = x_0 + sigma eps. What a *denoiser* is, ``x0 = denoiser(x, sigma)``, stands in
``noise_levels.py``. A *network* here is the F inside of it, ``F = net(y, c)``: it gets y of shape (batch, ...) and one number c for each
row, of shape (batch,), both in the dtype of the data, and returns a tensor of the shape of y.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.noise_levels import (
    Denoiser, beside_rows, constant_level, require_batch, require_callable, require_levels_down, require_row_levels,
)
from ddpmlib.validation import require_integer, require_number, require_same_shape, require_tensor

Network = Callable[[Tensor, Tensor], Tensor]


def preconditioning(
    sigma: Float[Tensor, "*batch"], sigma_data: float
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"], Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    r"""Exercise 13.8. The four coefficients (c_skip, c_out, c_in, c_noise) of EDM's denoiser.

    c_skip = sigma_data^2 / (sigma^2 + sigma_data^2), c_out = sigma sigma_data / sqrt(sigma^2 + sigma_data^2),
    c_in = 1 / sqrt(sigma^2 + sigma_data^2), c_noise = log(sigma) / 4.

    Parameters
    ----------
    sigma
        positive noise levels, of any shape.
    sigma_data
        the standard deviation of a component of the data, positive.

    Returns
    -------
    Four tensors of the shape and dtype of ``sigma``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or is not positive.

    Source: Karras et al. (2022), table 1; chapter 13, "Three wishes".
    """
    require_tensor("sigma", sigma)
    if not (sigma > 0).all():
        raise ValueError(f"sigma must be positive, got {sigma[(sigma > 0).logical_not()].flatten()[0].item()}")
    sigma_data = require_number("sigma_data", sigma_data, above=0.0)
    ### BEGIN SOLUTION
    total = sigma**2 + sigma_data**2
    return sigma_data**2 / total, sigma * sigma_data / total.sqrt(), 1 / total.sqrt(), sigma.log() / 4
    ### END SOLUTION


def precondition(
    net: Network, x: Float[Tensor, "batch *shape"], sigma: Float[Tensor, "batch"], sigma_data: float
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.8. The denoiser D(x; sigma) = c_skip x + c_out F(c_in x, c_noise) around a network F.

    Parameters
    ----------
    net
        F; it is called once, with c_in x and with c_noise, a tensor of shape (batch,) in the dtype of ``x``.
    x
        noisy data, of shape (batch, ...).
    sigma
        the noise level of each row, positive, of shape (), for all rows, or (batch,).
    sigma_data
        the standard deviation of a component of the data, positive.

    Returns
    -------
    The guess of x_0, of the shape and dtype of ``x``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or is not positive.

    Source: Karras et al. (2022), equation 7; chapter 13, "Three wishes".
    """
    require_callable("net", net, "F = net(y, c)")
    require_batch("x", x)
    sigma = require_row_levels("sigma", sigma, x)
    sigma_data = require_number("sigma_data", sigma_data, above=0.0)
    ### BEGIN SOLUTION
    c_skip, c_out, c_in, c_noise = preconditioning(sigma, sigma_data)
    out = net(beside_rows(c_in, x) * x, c_noise.to(x.dtype))
    return beside_rows(c_skip, x) * x + beside_rows(c_out, x) * out
    ### END SOLUTION


def sigma_schedule(steps: int, sigma_min: float, sigma_max: float, rho: float) -> Float[Tensor, "steps+1"]:
    r"""Exercise 13.9. The noise levels of a walk: sigma_0 = sigma_max down to sigma_{N-1} = sigma_min, and sigma_N = 0.

    sigma_i = (sigma_max^(1/rho) + i/(N-1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho for i = 0, ..., N - 1.

    Parameters
    ----------
    steps
        N, the number of steps, at least 2.
    sigma_min, sigma_max
        the smallest positive level and the largest, 0 < sigma_min < sigma_max.
    rho
        how much closer the levels lie near the data, positive; EDM takes 7.

    Returns
    -------
    A float64 tensor of shape (N + 1,) that falls and ends in 0.

    Raises
    ------
    TypeError, ValueError
        if a number has the wrong type or lies outside its range.

    Source: Karras et al. (2022), equation 5; chapter 13, "Where the levels lie".
    """
    require_integer("steps", steps, low=2)
    sigma_max = require_number("sigma_max", sigma_max, above=0.0)
    sigma_min = require_number("sigma_min", sigma_min, above=0.0, below=sigma_max)
    rho = require_number("rho", rho, above=0.0)
    ### BEGIN SOLUTION
    share = torch.arange(steps, dtype=torch.float64) / (steps - 1)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return torch.cat([(high + share * (low - high)) ** rho, torch.zeros(1, dtype=torch.float64)])
    ### END SOLUTION


def edm_loss(
    net: Network,
    x0: Float[Tensor, "batch *shape"],
    sigma: Float[Tensor, "batch"],
    noise: Float[Tensor, "batch *shape"],
    sigma_data: float,
) -> Float[Tensor, ""]:
    r"""Exercise 13.9. The training loss: the mean of lambda(sigma) (D(x_0 + sigma noise; sigma) - x_0)^2, over all elements.

    lambda(sigma) = (sigma^2 + sigma_data^2) / (sigma sigma_data)^2, and D is the denoiser of ``precondition``.

    Parameters
    ----------
    net
        the network F inside the denoiser.
    x0
        data, of shape (batch, ...).
    sigma
        the noise level of each row, positive, of shape (), for all rows, or (batch,).
    noise
        eps ~ N(0, I), of the shape of ``x0``.
    sigma_data
        the standard deviation of a component of the data, positive.

    Returns
    -------
    A tensor of shape (), differentiable in the network's parameters.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or is not positive.

    Source: Karras et al. (2022), equation 8; chapter 13, "The loss, and which levels it sees".
    """
    require_callable("net", net, "F = net(y, c)")
    require_same_shape(x0=x0, noise=noise)
    require_batch("x0", x0)
    sigma = require_row_levels("sigma", sigma, x0)
    sigma_data = require_number("sigma_data", sigma_data, above=0.0)
    ### BEGIN SOLUTION
    x = x0 + beside_rows(sigma, x0) * noise
    weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
    away = precondition(net, x, sigma, sigma_data) - x0
    return (beside_rows(weight, x0) * away.square()).mean()
    ### END SOLUTION


def heun_sample(
    denoiser: Denoiser, x: Float[Tensor, "batch *shape"], sigmas: Float[Tensor, "steps+1"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 13.10. Heun's method for dx/dsigma = (x - D(x; sigma)) / sigma, through the given levels and without gradients.

    A step from sigma to the next level takes an Euler step there, finds the slope at its end as well, and goes back to make the
    whole step with the mean of the two slopes. A step to level 0, where the slope has no value, is an Euler step.

    Parameters
    ----------
    denoiser
        D; it is called twice a step (once in a step to 0), with a tensor of shape (batch,) of levels in the dtype of ``x``.
    x
        where the walk starts, of shape (batch, ...): at the level ``sigmas[0]``.
    sigmas
        the levels, falling, of shape (steps + 1,); the last may be 0.

    Returns
    -------
    x at the last level, of the shape and dtype of ``x``, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or the levels do not fall or are negative.

    Source: Karras et al. (2022), algorithm 1; chapter 13, "Heun's method".
    """
    require_callable("denoiser", denoiser, "x0 = denoiser(x, sigma)")
    require_batch("x", x)
    levels = require_levels_down("sigmas", sigmas)
    ### BEGIN SOLUTION
    with torch.no_grad():
        for sigma, lower in zip(levels, levels[1:]):
            slope = (x - denoiser(x, constant_level(sigma, x))) / sigma
            ahead = x + (lower - sigma) * slope
            if lower > 0:
                there = (ahead - denoiser(ahead, constant_level(lower, x))) / lower
                ahead = x + (lower - sigma) * (slope + there) / 2
            x = ahead
    return x
    ### END SOLUTION
