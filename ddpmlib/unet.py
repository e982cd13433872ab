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

from ddpmlib.validation import require_integer, require_number, require_tensor, require_times

if TYPE_CHECKING:
    from ddpmlib.layers import ResidualBlock, SelfAttention, UNet


def time_embedding(
    t: Int[Tensor, "batch"], dim: int, max_period: float = 10_000.0, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "batch dim"]:
    r"""Exercise 8.1. The sinusoidal embedding of the times: cosines, then sines, of dim/2 frequencies.

    With h = dim/2 and w_i = max_period^(-i/h), i = 0, ..., h - 1, row b is
    (cos(w_0 t_b), ..., cos(w_{h-1} t_b), sin(w_0 t_b), ..., sin(w_{h-1} t_b)).
    """
    t = require_times("t", t, low=0)
    if require_integer("dim", dim, low=2) % 2:
        raise ValueError(f"dim must be even, got {dim}")
    require_number("max_period", max_period, above=1)
    raise NotImplementedError("Exercise 8.1: write time_embedding in ddpmlib/unet.py")


def residual_block(
    block: ResidualBlock, x: Float[Tensor, "batch c_in h w"], emb: Float[Tensor, "batch dim"]
) -> Float[Tensor, "batch c_out h w"]:
    r"""Exercise 8.4. skip(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + project(silu(emb)))))."""
    require_tensor("x", x, ndim=4)
    require_tensor("emb", emb, ndim=2)
    raise NotImplementedError("Exercise 8.4: write residual_block in ddpmlib/unet.py")


def attention(
    q: Float[Tensor, "*batch n d"], k: Float[Tensor, "*batch m d"], v: Float[Tensor, "*batch m e"]
) -> Float[Tensor, "*batch n e"]:
    r"""Exercise 8.5. softmax(q k^T / sqrt(d)) v, the softmax over the m keys."""
    for name, value in {"q": q, "k": k, "v": v}.items():
        require_tensor(name, value)
    raise NotImplementedError("Exercise 8.5: write attention in ddpmlib/unet.py")


def self_attention(block: SelfAttention, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
    r"""Exercise 8.6. x + out(attention of the pixels of norm(x) among each other), in ``block.heads`` heads."""
    require_tensor("x", x, ndim=4)
    raise NotImplementedError("Exercise 8.6: write self_attention in ddpmlib/unet.py")


def condition(net: UNet, t: Int[Tensor, "batch"], y: Int[Tensor, "batch"] | None = None) -> Float[Tensor, "batch dim"]:
    r"""Exercise 8.7. What all blocks are told: the time's embedding after ``net.time``, plus the class's row of ``net.label``.

    ``y`` holds classes 0, ..., K - 1, or K, the null class, for a row whose class is not told. Without ``y`` no row's is.
    """
    t = require_times("t", t, low=0)
    raise NotImplementedError("Exercise 8.7: write condition in ddpmlib/unet.py")


def unet(net: UNet, x: Float[Tensor, "batch c h w"], emb: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch c h w"]:
    r"""Exercise 8.8. Down, across and up again, with a skip connection from every level of the way down to the same level up."""
    require_tensor("x", x, ndim=4)
    require_tensor("emb", emb, ndim=2)
    raise NotImplementedError("Exercise 8.8: write unet in ddpmlib/unet.py")
