"""Normalising flows: affine coupling, the exact likelihood, and bits per dimension of data that come in levels (chapter 14).

A *conditioner* is a callable ``log_scale, shift = conditioner(x)``: two tensors of the shape of x. A *layer* is a callable
``z, log_det = layer(x)``: the image of each row, and the logarithm of |det dz/dx| there, of shape (batch,).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddpmlib.validation import require_integer, require_tensor

Conditioner = Callable[[Tensor], tuple[Tensor, Tensor]]
Layer = Callable[[Tensor], tuple[Tensor, Tensor]]


def coupling_forward(
    conditioner: Conditioner, x: Float[Tensor, "batch D"], mask: Bool[Tensor, "D"]
) -> tuple[Float[Tensor, "batch D"], Float[Tensor, "batch"]]:
    r"""Exercise 14.1. An affine coupling: half of the coordinates stay, and say how the others are scaled and shifted.

    z_i = x_i where the mask is True; z_i = x_i exp(s_i) + t_i where it is False, with (s, t) = conditioner(x with the coordinates
    that change set to 0).

    Parameters
    ----------
    conditioner
        returns the logarithms s of the scales and the shifts t, of the shape of what it gets; it is called once. What it says about
        coordinates that stay is not used.
    x
        the data, of shape (batch, D).
    mask
        which of the D coordinates stay, of shape (D,) and dtype bool.

    Returns
    -------
    z, of the shape of x; and log |det dz/dx| of each row, of shape (batch,).

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or the shapes do not fit.

    Source: Dinh, Sohl-Dickstein and Bengio (2017), section 3; chapter 14, "A map whose Jacobian is triangular".
    """
    require_callable("conditioner", conditioner)
    require_tensor("x", x, ndim=2)
    require_mask("mask", mask, x.shape[1])
    ### BEGIN SOLUTION
    log_scale, shift = conditioner(torch.where(mask, x, torch.zeros_like(x)))
    log_scale = torch.where(mask, torch.zeros_like(log_scale), log_scale)
    return torch.where(mask, x, x * log_scale.exp() + shift), log_scale.sum(dim=1)
    ### END SOLUTION


def coupling_inverse(
    conditioner: Conditioner, z: Float[Tensor, "batch D"], mask: Bool[Tensor, "D"]
) -> tuple[Float[Tensor, "batch D"], Float[Tensor, "batch"]]:
    r"""Exercise 14.1. The inverse of the affine coupling, with one call of the same conditioner.

    Parameters
    ----------
    conditioner, mask
        as for ``coupling_forward``.
    z
        what the coupling made of the data, of shape (batch, D).

    Returns
    -------
    x, of the shape of z; and log |det dx/dz| of each row, of shape (batch,).

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or the shapes do not fit.

    Source: Dinh, Sohl-Dickstein and Bengio (2017), equation 8; chapter 14, "A map whose Jacobian is triangular".
    """
    require_callable("conditioner", conditioner)
    require_tensor("z", z, ndim=2)
    require_mask("mask", mask, z.shape[1])
    ### BEGIN SOLUTION
    log_scale, shift = conditioner(torch.where(mask, z, torch.zeros_like(z)))
    log_scale = torch.where(mask, torch.zeros_like(log_scale), log_scale)
    return torch.where(mask, z, (z - shift) * (-log_scale).exp()), -log_scale.sum(dim=1)
    ### END SOLUTION


def flow_log_likelihood(layers: Sequence[Layer], x: Float[Tensor, "batch D"]) -> Float[Tensor, "batch"]:
    r"""Exercise 14.2. The logarithm of the density of each row, in nats: the layers lead from data to N(0, I).

    log p(x) = log N(z; 0, I) + sum of the layers' log-determinants, where z is what all layers make of x, one after the other.

    Parameters
    ----------
    layers
        callables ``z, log_det = layer(x)``, in the order in which the data run through them. There may be none.
    x
        the data, of shape (batch, D).

    Returns
    -------
    A tensor of shape (batch,) that can be differentiated.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape.

    Source: Rezende and Mohamed (2015), equation 7; chapter 14, "Exact likelihood".
    """
    require_layers("layers", layers)
    require_tensor("x", x, ndim=2)
    ### BEGIN SOLUTION
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for layer in layers:
        x, log_det = layer(x)
        total = total + log_det
    return total - 0.5 * x.square().sum(dim=1) - 0.5 * x.shape[1] * math.log(2 * math.pi)
    ### END SOLUTION


def dequantised_bits_per_dim(
    log_prob: Callable[[Tensor], Tensor], pixels: Int[Tensor, "batch D"], levels: int, noise: Float[Tensor, "samples batch D"]
) -> Float[Tensor, "batch"]:
    r"""Exercise 14.3. Bits per dimension of data in levels 0, ..., L-1, by uniform dequantisation: an upper bound, estimated.

    The datum k of levels and a noise u in [0, 1) become x = 2 (k + u)/L - 1, which lies in [-1, 1). The law of k + u has the density
    p(x) times (2/L)^D. The bits are those of the mean of its logarithm over the noise.

    Parameters
    ----------
    log_prob
        the logarithm of a density of x, in nats: a callable that takes rows of shape (n, D) and returns shape (n,).
    pixels
        whole numbers in 0..L-1, of shape (batch, D).
    levels
        L, at least 2.
    noise
        u in [0, 1), of shape (samples, batch, D): so many draws for each datum. It has the dtype in which all is computed.

    Returns
    -------
    For each datum the negative mean of log p over its noises, in bits, divided by D: a tensor of shape (batch,).

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, a pixel lies outside 0..L-1, or a noise outside [0, 1).

    Source: Theis, van den Oord and Bethge (2016), section 3.1; chapter 14, "Data in levels".
    """
    require_callable("log_prob", log_prob)
    levels = require_integer("levels", levels, low=2)
    require_levels("pixels", pixels, levels)
    require_unit_noise("noise", noise, pixels)
    ### BEGIN SOLUTION
    samples, batch, dim = noise.shape
    x = 2 * (pixels.to(noise.dtype) + noise) / levels - 1
    log_density = log_prob(x.reshape(samples * batch, dim)).reshape(samples, batch) + dim * math.log(2 / levels)
    return -log_density.mean(dim=0) / (dim * math.log(2))
    ### END SOLUTION


def require_callable(name: str, value: object) -> None:
    """Raise TypeError unless ``value`` can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a callable, got {type(value).__name__}")


def require_layers(name: str, layers: object) -> None:
    """Raise TypeError unless ``layers`` is a list (or another sequence) of callables."""
    if isinstance(layers, (str, bytes, Tensor)) or not hasattr(layers, "__iter__") or not hasattr(layers, "__len__"):
        raise TypeError(f"{name} must be a sequence of callables, got {type(layers).__name__}")
    for layer in layers:
        if not callable(layer):
            raise TypeError(f"{name} must be a sequence of callables, got one that holds a {type(layer).__name__}")


def require_mask(name: str, mask: object, dim: int) -> None:
    """Raise unless ``mask`` is a tensor of ``dim`` booleans."""
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        found = f"dtype {mask.dtype}" if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(f"{name} must be a tensor of dtype torch.bool, got {found}")
    if mask.shape != (dim,):
        raise ValueError(f"{name} must have shape ({dim},), one entry for each coordinate, got {tuple(mask.shape)}")


def require_levels(name: str, pixels: object, levels: int) -> None:
    """Raise unless ``pixels`` holds rows of whole numbers in 0..levels-1."""
    if not isinstance(pixels, Tensor) or pixels.is_floating_point() or pixels.is_complex() or pixels.dtype == torch.bool:
        found = f"dtype {pixels.dtype}" if isinstance(pixels, Tensor) else type(pixels).__name__
        raise TypeError(f"{name} must be an integer tensor of shape (batch, D), got {found}")
    if pixels.ndim != 2:
        raise ValueError(f"{name} must have 2 axes, got shape {tuple(pixels.shape)}")
    outside = pixels[(pixels < 0) | (pixels >= levels)]
    if outside.numel():
        raise ValueError(f"{name} must be between 0 and {levels - 1}, got {outside[0].item()}")


def require_unit_noise(name: str, noise: object, pixels: Tensor) -> None:
    """Raise unless ``noise`` holds draws in [0, 1), at least one for each pixel."""
    require_tensor(name, noise, ndim=3)
    if noise.shape[1:] != pixels.shape or not len(noise):
        raise ValueError(f"{name} must have shape (samples, {', '.join(map(str, pixels.shape))}) with samples at least 1, "
                         f"got {tuple(noise.shape)}")
    if not ((noise >= 0) & (noise < 1)).all():
        raise ValueError(f"{name} must lie in [0, 1), got values between {noise.min().item()} and {noise.max().item()}")
