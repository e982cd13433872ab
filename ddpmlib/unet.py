# Stub: write your code where NotImplementedError is raised.
"""The network of a diffusion model, part by part: time embedding, residual block, attention, U-Net (chapter 8).

The layers that own the parameters are given, in ``layers.py``; what is computed with them is written here. Each layer's
``forward`` calls the function below that bears its name, so the U-Net of every lab is the reader's own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from ddpmlib.layer_inputs import (
    require_classes, require_dtype, require_embedding, require_even, require_groups, require_halvings, require_images,
    require_layer, require_queries, require_row_times,
)
from ddpmlib.validation import require_number

if TYPE_CHECKING:
    from ddpmlib.layers import ResidualBlock, SelfAttention, UNet


def time_embedding(
    t: Int[Tensor, "batch"], dim: int, max_period: float = 10_000.0, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "batch dim"]:
    r"""Exercise 8.1. The sinusoidal embedding of the times: cosines, then sines, of dim/2 frequencies.

    With h = dim/2 and w_i = max_period^(-i/h), i = 0, ..., h - 1, row b is
    (cos(w_0 t_b), ..., cos(w_{h-1} t_b), sin(w_0 t_b), ..., sin(w_{h-1} t_b)).

    Parameters
    ----------
    t
        the times: an integer tensor of shape (batch,), none of them negative.
    dim
        the number of entries of a row, an even number.
    max_period
        P > 1, which sets the slowest frequency: w_{h-1} = P^(1/h)/P, in radians for one step of the time.
    dtype
        of the result. Times, frequencies and angles are taken in this dtype, or in float32 where it has fewer digits than that.

    Returns
    -------
    A tensor of shape (batch, dim), on the device of ``t``.

    Raises
    ------
    TypeError, ValueError
        if ``t`` has the wrong type or shape or a negative entry, ``dim`` is odd, ``max_period`` is not greater than 1, or
        ``dtype`` is no floating-point dtype.

    Source: Vaswani et al. (2017), section 3.5, in the order and with the exponent -i/h of Nichol and Dhariwal's (2021) code;
    chapter 8, "Waves of the time".
    """
    t = require_row_times("t", t)
    require_even("dim", dim)
    require_number("max_period", max_period, above=1)
    require_dtype("dtype", dtype)
    raise NotImplementedError("Exercise 8.1: write time_embedding in ddpmlib/unet.py")


def group_norm(
    x: Float[Tensor, "batch c *space"], groups: int, weight: Float[Tensor, "c"], bias: Float[Tensor, "c"], eps: float = 1e-5
) -> Float[Tensor, "batch c *space"]:
    r"""Exercise 8.3. Group normalisation: each group of channels of each image gets mean 0 and variance 1; then weight and bias.

    weight_c (x_c - mean_g) / sqrt(variance_g + eps) + bias_c, where g is the group of channel c.

    Parameters
    ----------
    x
        a batch of images, of shape (batch, channels, ...).
    groups
        the number of groups; the first channels/groups channels are group 0, the next ones group 1, and so on. Mean and variance of
        a group are over all its channels and all places of *one* image; the variance divides by the number of values, not by one less.
    weight, bias
        a number for each channel.
    eps
        is added to the variance, so that a constant group divides by no zero.

    Returns
    -------
    A new tensor of the shape and dtype of ``x``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, ``groups`` does not divide the channels, a shape does not fit, or ``eps`` is not positive.

    Source: Wu and He (2018), equations 1 to 7; chapter 8, "Normalise in groups".
    """
    require_groups(x, groups, weight, bias)
    require_number("eps", eps, above=0)
    raise NotImplementedError("Exercise 8.3: write group_norm in ddpmlib/unet.py")


def residual_block(
    block: ResidualBlock, x: Float[Tensor, "batch c_in h w"], emb: Float[Tensor, "batch dim"]
) -> Float[Tensor, "batch c_out h w"]:
    r"""Exercise 8.4. skip(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + project(silu(emb))))).

    Parameters
    ----------
    block
        the layer with the parts norm1, conv1, project, norm2, conv2 and skip. Each is called like a function.
    x
        images, of shape (batch, c_in, h, w).
    emb
        what the block is told, of shape (batch, dim). Its projection has c_out numbers a row, and each is added to all pixels of
        one channel.

    Returns
    -------
    Images of shape (batch, c_out, h, w).

    Raises
    ------
    TypeError, ValueError
        if ``block`` is no ResidualBlock, a tensor has the wrong type or dtype, or a shape does not fit the block.

    Source: He et al. (2016b), figure 4e, with the time of Ho et al. (2020), appendix B; chapter 8, "The residual block".
    """
    require_layer("block", block, "ResidualBlock")
    require_images("x", x, block.conv1.in_channels, block.conv1.weight)
    require_embedding("emb", emb, len(x), block.project.in_features)
    raise NotImplementedError("Exercise 8.4: write residual_block in ddpmlib/unet.py")


def attention(
    q: Float[Tensor, "*batch n d"], k: Float[Tensor, "*batch m d"], v: Float[Tensor, "*batch m e"]
) -> Float[Tensor, "*batch n e"]:
    r"""Exercise 8.5. softmax(q k^T / sqrt(d)) v, the softmax over the m keys.

    Parameters
    ----------
    q, k, v
        queries of shape (..., n, d), keys (..., m, d) and values (..., m, e). The leading axes (batch, head) are the same in
        all three, and each of their entries is a computation of its own.

    Returns
    -------
    A tensor of shape (..., n, e) and of the dtype of the arguments: for each query a mean of the values, weighted by how well their
    keys fit it. Scores of any size give finite results.

    Raises
    ------
    TypeError, ValueError
        if an argument is no floating-point tensor, or the shapes do not fit.

    Source: Vaswani et al. (2017), equation 1; chapter 8, "Attention".
    """
    require_queries(q, k, v)
    raise NotImplementedError("Exercise 8.5: write attention in ddpmlib/unet.py")


def self_attention(block: SelfAttention, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
    r"""Exercise 8.6. x + out(attention of the pixels of norm(x) among each other), in ``block.heads`` heads.

    ``block.qkv`` makes 3c numbers of the c channels of a pixel: c of queries, then c of keys, then c of values. In each of these, the
    first c/heads belong to head 0, the next to head 1, and so on; each head attends on its own. What the heads find is put
    together in the same order, and ``block.out`` mixes it.

    Parameters
    ----------
    block
        the layer with the parts norm, qkv, out and the number of heads.
    x
        images, of shape (batch, c, h, w).

    Returns
    -------
    Images of the shape of ``x``.

    Raises
    ------
    TypeError, ValueError
        if ``block`` is no SelfAttention, or ``x`` has the wrong type, dtype or shape.

    Source: Vaswani et al. (2017), section 3.2.2; Ho et al. (2020), appendix B; chapter 8, "Self-attention over pixels".
    """
    require_layer("block", block, "SelfAttention")
    require_images("x", x, block.qkv.in_features, block.qkv.weight)
    raise NotImplementedError("Exercise 8.6: write self_attention in ddpmlib/unet.py")


def condition(net: UNet, t: Int[Tensor, "batch"], y: Int[Tensor, "batch"] | None = None) -> Float[Tensor, "batch dim"]:
    r"""Exercise 8.7. What all blocks are told: the time's embedding after ``net.time``, plus the class's row of ``net.label``.

    Parameters
    ----------
    net
        the network: ``net.dim`` and ``net.dtype`` are those of the embedding, ``net.classes`` is the number K of classes (None: it has
        none, and no ``net.label``).
    t
        the times: an integer tensor of shape (batch,), none of them negative.
    y
        classes 0, ..., K - 1, or K, the null class, for a row whose class is not told: an integer tensor of shape (batch,). Without
        ``y`` no row's class is told.

    Returns
    -------
    A tensor of shape (batch, net.dim) and of the network's dtype.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, a time is negative, a class lies outside 0..K, or classes are given to a network
        that has none.

    Source: Dhariwal and Nichol (2021), section 3.1, for the sum; Ho and Salimans (2022) for the null class; chapter 8,
    "What a block is told".
    """
    require_layer("net", net, "UNet")
    t = require_row_times("t", t)
    y = require_classes("y", y, net.classes, len(t))
    raise NotImplementedError("Exercise 8.7: write condition in ddpmlib/unet.py")


def unet(net: UNet, x: Float[Tensor, "batch c h w"], emb: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch c h w"]:
    r"""Exercise 8.8. Down, across and up again, with a skip connection from every level of the way down to the same level up.

    ``net.first``; for each level of ``net.down``: block, attention, keep the result, resample; the blocks of ``net.middle``; for each
    level of ``net.up``: resample, put the kept result of the same level behind the channels, block, attention; then ``net.norm``,
    silu and ``net.last``.

    Parameters
    ----------
    net
        the network. ``net.down`` goes from the full resolution to the lowest, ``net.up`` from the lowest to the full. Its layers are
        called like functions: ``level.block(h, emb)``, ``level.attention(h)``, ``level.resample(h)``; the layers of ``net.middle`` are
        blocks. Where a level has no attention, or nothing to resample, the layer in its place returns what it gets.
    x
        images, of shape (batch, channels, h, w); h and w are divisible by 2^(levels - 1).
    emb
        what the blocks are told, of shape (batch, net.dim).

    Returns
    -------
    A tensor of the shape of ``x``: the predicted noise.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or dtype, or a shape does not fit the network.

    Source: Ronneberger et al. (2015), figure 1; Ho et al. (2020), appendix B; chapter 8, "The wiring".
    """
    require_layer("net", net, "UNet")
    require_images("x", x, net.first.in_channels, net.first.weight)
    require_embedding("emb", emb, len(x), net.dim)
    require_halvings("x", x, len(net.down))
    raise NotImplementedError("Exercise 8.8: write unet in ddpmlib/unet.py")
