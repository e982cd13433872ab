"""Correct answers to chapter 8's code exercises that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative
from torch import nn
from torch.nn.functional import scaled_dot_product_attention, silu

from ddpmlib.unet import attention as reference_attention
from ddpmlib.unet import time_embedding as reference_embedding


@alternative("8.1", "entry by entry")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):
    half = dim // 2
    frequencies = [max_period ** (-i / half) for i in range(half)]
    rows = [[wave(w * time) for wave in (math.cos, math.sin) for w in frequencies] for time in t.tolist()]
    return torch.tensor(rows, dtype=torch.float64).to(dtype)


@alternative("8.1", "the real and imaginary part of a turn")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    half = dim // 2
    angles = torch.outer(t.double(), max_period ** (-torch.arange(half, dtype=torch.float64) / half))
    turns = torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turns.real, turns.imag], dim=-1).to(dtype)


@alternative("8.3", "PyTorch's own")
def group_norm(x, groups, weight, bias, eps=1e-5):
    return nn.functional.group_norm(x, groups, weight, bias, eps)


@alternative("8.3", "mean of squares less squared mean")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    parts = []
    for part in x.chunk(groups, dim=1):
        axes = tuple(range(1, x.ndim))
        mean, square = part.mean(axes, keepdim=True), part.square().mean(axes, keepdim=True)
        parts.append((part - mean) * torch.rsqrt(square - mean.square() + eps))
    shape = (1, len(weight), *[1] * (x.ndim - 2))
    return torch.cat(parts, dim=1) * weight.view(shape) + bias.view(shape)


@alternative("8.4", "functions of the weights")
def residual_block(block, x, emb):
    normal, conv = nn.functional.group_norm, nn.functional.conv2d
    h = silu(normal(x, block.norm1.num_groups, block.norm1.weight, block.norm1.bias))
    told = silu(emb) @ block.project.weight.T + block.project.bias
    h = conv(h, block.conv1.weight, block.conv1.bias + 0, padding=1) + told[..., None, None]
    h = silu(normal(h, block.norm2.num_groups, block.norm2.weight, block.norm2.bias))
    return conv(h, block.conv2.weight, block.conv2.bias, padding=1) + block.skip(x)


@alternative("8.4", "the shift as an image")
def residual_block(block, x, emb):  # noqa: F811
    inner = block.conv1(nn.SiLU()(block.norm1(x)))
    told = block.project(nn.SiLU()(emb)).unflatten(1, (-1, 1, 1)).expand_as(inner)
    return torch.add(block.conv2(nn.SiLU()(block.norm2(inner + told))), block.skip(x))


@alternative("8.5", "PyTorch's own")
def attention(q, k, v):
    return scaled_dot_product_attention(q, k, v)


@alternative("8.5", "exponentials less the largest score")
def attention(q, k, v):  # noqa: F811
    scores = torch.einsum("...nd,...md->...nm", q, k) / q.shape[-1] ** 0.5
    powers = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return torch.einsum("...nm,...me->...ne", powers, v) / powers.sum(dim=-1, keepdim=True)


@alternative("8.6", "head by head")
def self_attention(block, x):
    batch, c, height, width = x.shape
    made = block.qkv(block.norm(x).permute(0, 2, 3, 1).reshape(batch, height * width, c))
    q, k, v = made.split(c, dim=-1)
    size = c // block.heads
    heads = [reference_attention(*(part[..., i * size : (i + 1) * size] for part in (q, k, v))) for i in range(block.heads)]
    found = block.out(torch.cat(heads, dim=-1)).reshape(batch, height, width, c)
    return x + found.permute(0, 3, 1, 2)


@alternative("8.6", "heads in the batch, PyTorch's attention")
def self_attention(block, x):  # noqa: F811
    batch, c, height, width = x.shape
    made = block.qkv(block.norm(x).flatten(2).mT).mT.reshape(batch, 3, block.heads, c // block.heads, height * width)
    q, k, v = (part.flatten(0, 1).mT for part in made.unbind(1))
    found = scaled_dot_product_attention(q, k, v).mT.reshape(batch, c, height * width)
    return x + block.out(found.mT).mT.unflatten(2, (height, width))


@alternative("8.7", "row by row")
def condition(net, t, y=None):
    told = []
    for index, time in enumerate(t):
        emb = net.time(reference_embedding(time[None], net.dim, dtype=net.dtype))[0]
        if net.classes is not None:
            emb = emb + net.label.weight[net.classes if y is None else y[index]]
        told.append(emb)
    return torch.stack(told)


@alternative("8.7", "a product with unit vectors")
def condition(net, t, y=None):  # noqa: F811
    emb = net.time(reference_embedding(t, net.dim, dtype=net.dtype))
    if net.classes is not None:
        classes = torch.tensor([net.classes] * len(t)) if y is None else y
        emb = emb + nn.functional.one_hot(classes, net.classes + 1).to(emb) @ net.label.weight
    return emb


@alternative("8.8", "levels in pairs")
def unet(net, x, emb):
    h, kept = net.first(x), {}
    for i, level in enumerate(net.down):
        kept[i] = level.attention(level.block(h, emb))
        h = level.resample(kept[i])
    for block in net.middle:
        h = block(h, emb)
    for i, level in zip(reversed(range(len(net.down))), net.up):
        h = level.attention(level.block(torch.cat((level.resample(h), kept[i]), 1), emb))
    return net.last(silu(net.norm(h)))


@alternative("8.8", "recursion")
def unet(net, x, emb):  # noqa: F811
    def across(h, pairs):
        if not pairs:
            for block in net.middle:
                h = block(h, emb)
            return h
        (down, up), *deeper = pairs
        kept = down.attention(down.block(h, emb))
        back = up.resample(across(down.resample(kept), deeper))
        return up.attention(up.block(torch.cat([back, kept], dim=1), emb))

    return net.last(nn.functional.silu(net.norm(across(net.first(x), list(zip(net.down, reversed(net.up)))))))
