"""Wrong cross-attention."""

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib.latent import cross_attention as right_answer
from ddpmlib.unet import attention


def made(x, context, layer, *, heads=None, swap=False, norm=True, out=True, scale=1.0, add=True, of=None, scrambled=False, together=True):
    """The layer, with a slip."""
    batch, c, height, width = x.shape
    heads = layer.heads if heads is None else heads

    def split(rows):
        if of == "strided":
            return rows.reshape(batch, -1, c // heads, heads).permute(0, 3, 1, 2)
        return rows.reshape(batch, -1, heads, c // heads).transpose(1, 2)

    h = layer.norm(x) if norm else x
    pixels = h.reshape(batch, -1, c) if scrambled else h.flatten(2).mT
    k, v = layer.kv(context).chunk(2, dim=-1)
    if swap:
        k, v = v, k
    found = attention(split(layer.q(pixels)) * scale, split(k), split(v))
    rows = found.transpose(1, 2).reshape(batch, -1, c) if together else found.reshape(batch, -1, c)
    rows = layer.out(rows) if out else rows
    change = rows.mT.reshape(x.shape)
    return x + change if add else change


for title, options, says in [
    ("one head", {"heads": 1}, "The heads are not separated"),
    ("values first", {"swap": True}, "Keys and values are interchanged"),
    ("no norm", {"norm": False}, "The normalisation is missing"),
    ("no out", {"out": False}, "out is missing"),
    ("not added", {"add": False}, "x is not added"),
    ("scrambled", {"scrambled": True}, "mixed up with the pixels"),
    ("heads not put together", {"together": False}, "What the heads find is mixed up with the pixels"),
]:
    def cross_attention(layer, x, context, options=options):
        return made(x, context, layer, **options)

    mutant("12.3", title, says=says)(cross_attention)


@mutant("12.3", "divided twice", says="divided by sqrt(d) twice")
def cross_attention(layer, x, context):  # noqa: F811
    return made(x, context, layer, scale=1 / math.sqrt(x.shape[1] // layer.heads))


@mutant("12.3", "every second channel", says="A head takes every heads-th channel", keeps=("one head",))
def cross_attention(layer, x, context):  # noqa: F811
    return made(x, context, layer, of="strided")


@mutant("12.3", "first caption for all", says="All images see the words of the first")
def cross_attention(layer, x, context):  # noqa: F811
    return right_answer(layer, x, context[:1].expand_as(context))


@mutant("12.3", "detached words", says="no gradient reaches context", keeps=("one head", "several heads"))
def cross_attention(layer, x, context):  # noqa: F811
    return right_answer(layer, x, context.detach())


@mutant("12.3", "in place", says="your code changes its argument x")
def cross_attention(layer, x, context):  # noqa: F811
    change = right_answer(layer, x, context) - x
    if not x.requires_grad:
        x += change
        return x
    return x + change


@mutant("12.3", "float32", says="single precision only", keeps=("dtype",))
def cross_attention(layer, x, context):  # noqa: F811
    return right_answer(layer.float(), x.float(), context.float()).to(x.dtype)
