"""Hugging Face diffusers in the place of a student's chapter 8: its layers, with our weights copied into them.

What differs: it counts its frequencies with the exponent -i/(h - 1) and puts sines first unless told otherwise, its
embedding is float32, its normalisations take eps = 1e-6 by default, and queries, keys and values have a layer each.
"""

from __future__ import annotations

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.models.resnet import ResnetBlock2D


def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):
    return get_timestep_embedding(t, dim, flip_sin_to_cos=True, downscale_freq_shift=0, max_period=max_period).to(dtype)


def residual_block(block, x, emb):
    c_in, c_out = block.conv1.in_channels, block.conv1.out_channels
    theirs = ResnetBlock2D(
        in_channels=c_in, out_channels=c_out, temb_channels=block.project.in_features, groups=block.norm1.num_groups,
        groups_out=block.norm2.num_groups, eps=block.norm1.eps, non_linearity="silu",
    ).to(x.dtype)
    names = {"project": "time_emb_proj", "skip": "conv_shortcut"}
    with torch.no_grad():
        for name, parameter in block.named_parameters():
            part, _, kind = name.partition(".")
            getattr(getattr(theirs, names.get(part, part)), kind).copy_(parameter)
    return theirs(x, emb)


def self_attention(block, x):
    channels = x.shape[1]
    theirs = Attention(
        query_dim=channels, heads=block.heads, dim_head=channels // block.heads, norm_num_groups=block.norm.num_groups, eps=block.norm.eps,
        bias=True, residual_connection=True,
    ).to(x.dtype)
    with torch.no_grad():
        for layer, weight, bias in zip((theirs.to_q, theirs.to_k, theirs.to_v), block.qkv.weight.chunk(3), block.qkv.bias.chunk(3)):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        for ours, layer in ((block.norm, theirs.group_norm), (block.out, theirs.to_out[0])):
            layer.weight.copy_(ours.weight)
            layer.bias.copy_(ours.bias)
    return theirs(x)
