"""Wrong answers to exercises 8.1 and 8.7: the embedding of the time, and what a block is told."""

from __future__ import annotations

import math

import torch
from answers import mutant
from torch.nn.functional import silu

from ddpmlib.unet import time_embedding as reference_embedding

VALUES, PERIOD, DTYPE = ("values",), ("max_period",), ("dtype",)
PLAIN, CLASSES, NONE, MIXED = ("no classes",), ("classes",), ("no class told",), ("some told, some not",)


def waves(t, dim, max_period, dtype, *, exponent=lambda i, h: -i / h, turn=1.0):
    half = dim // 2
    number = torch.arange(half, dtype=torch.promote_types(dtype, torch.float32))
    angles = turn * t[:, None] * torch.exp(math.log(max_period) * exponent(number, half))
    return angles.cos().to(dtype), angles.sin().to(dtype)


@mutant("8.1", "sines first", says="The sines come first")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):
    return torch.cat(waves(t, dim, max_period, dtype)[::-1], dim=1)


@mutant("8.1", "alternating", says="Cosines and sines alternate")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.stack(waves(t, dim, max_period, dtype), dim=2).flatten(1)


@mutant("8.1", "one less below", says="as in Ho et al.'s code")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, dtype, exponent=lambda i, h: -i / (h - 1)), dim=1)


@mutant("8.1", "dim below", says="The exponent is -i/dim")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, dtype, exponent=lambda i, h: -i / (2 * h)), dim=1)


@mutant("8.1", "sign of the exponent", says="The frequencies grow with i")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, torch.float64, exponent=lambda i, h: i / h), dim=1).to(dtype)


@mutant("8.1", "period ignored", says="whatever max_period is", keeps=(*VALUES, *DTYPE))
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, 10_000.0, dtype), dim=1)


@mutant("8.1", "turns for radians", says="multiplied by 2 pi")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, dtype, turn=2 * math.pi), dim=1)


@mutant("8.1", "counting from 1", says="The exponent counts from 1")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, dtype, exponent=lambda i, h: -(i + 1) / h), dim=1)


@mutant("8.1", "float32 inside", says="right to single precision only", keeps=(*VALUES, *PERIOD))
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, torch.float32), dim=1).to(dtype)


@mutant("8.1", "dtype ignored", says="right to single precision only", keeps=(*VALUES, *PERIOD))
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, torch.float64), dim=1).float()


@mutant("8.1", "always float64", says="the result should have the dtype", keeps=())
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, torch.float64), dim=1)


@mutant("8.1", "angles in the result's dtype", says="Times or angles have too few digits", keeps=(*VALUES, *PERIOD))
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    half = dim // 2
    frequencies = max_period ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = (t[:, None] * frequencies).to(dtype)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


@mutant("8.1", "times in the result's dtype", says="Times or angles have too few digits", keeps=(*VALUES, *PERIOD))
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t.to(dtype).to(torch.promote_types(dtype, torch.float32)), dim, max_period, dtype), dim=1)


@mutant("8.1", "share of a thousand", says="The times are divided by 1000 first")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, dtype, turn=1e-3), dim=1)


@mutant("8.1", "length 1", says="Everything is divided by sqrt(h)")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, dtype), dim=1) / math.sqrt(dim / 2)


@mutant("8.1", "powers of e", says="The frequencies are powers of e")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, math.e, dtype), dim=1)


@mutant("8.1", "transposed", says="Rows and columns are interchanged")
def time_embedding(t, dim, max_period=10_000.0, dtype=torch.float32):  # noqa: F811
    return torch.cat(waves(t, dim, max_period, dtype), dim=1).T


def told(net, t):
    return net.time(reference_embedding(t, net.dim, dtype=net.dtype))


def filled(net, t, y):
    return torch.full_like(t, net.classes) if y is None else y


@mutant("8.7", "no class", says="The class is missing", keeps=PLAIN)
def condition(net, t, y=None):
    return told(net, t)


@mutant("8.7", "nothing for None", says="Where no class is told, the null class's row is added", keeps=(*PLAIN, *CLASSES, *MIXED))
def condition(net, t, y=None):  # noqa: F811
    return told(net, t) if y is None else told(net, t) + net.label(y)


@mutant("8.7", "class 0 for None", says="gets the row of class 0", keeps=(*PLAIN, *CLASSES, *MIXED))
def condition(net, t, y=None):  # noqa: F811
    if net.classes is None:
        return told(net, t)
    return told(net, t) + net.label(torch.zeros_like(t) if y is None else y)


@mutant("8.7", "last class for None", says="the last one; the null class is K", keeps=(*PLAIN, *CLASSES, *MIXED))
def condition(net, t, y=None):  # noqa: F811
    if net.classes is None:
        return told(net, t)
    return told(net, t) + net.label(torch.full_like(t, net.classes - 1) if y is None else y)


@mutant("8.7", "null class adds nothing", says="The null class adds nothing here", keeps=(*PLAIN, *CLASSES))
def condition(net, t, y=None):  # noqa: F811
    if net.classes is None:
        return told(net, t)
    y = filled(net, t, y)
    return told(net, t) + net.label(y) * (y < net.classes)[:, None] + 0 * net.label(y)


@mutant("8.7", "class before net.time", says="The class's row is added before net.time", keeps=PLAIN)
def condition(net, t, y=None):  # noqa: F811
    waves = reference_embedding(t, net.dim, dtype=net.dtype)
    return net.time(waves if net.classes is None else waves + net.label(filled(net, t, y)))


@mutant("8.7", "waves alone", says="they should pass through net.time")
def condition(net, t, y=None):  # noqa: F811
    waves = reference_embedding(t, net.dim, dtype=net.dtype)
    return waves if net.classes is None else waves + net.label(filled(net, t, y))


@mutant("8.7", "product", says="The class's row multiplies", keeps=PLAIN)
def condition(net, t, y=None):  # noqa: F811
    return told(net, t) if net.classes is None else told(net, t) * net.label(filled(net, t, y))


@mutant("8.7", "classes ignored", says="every row gets the null class", keeps=(*PLAIN, *NONE))
def condition(net, t, y=None):  # noqa: F811
    return told(net, t) if net.classes is None else told(net, t) + net.label(torch.full_like(t, net.classes))


@mutant("8.7", "one class for all", says="All rows get the class of the first one", keeps=(*PLAIN, *NONE), never="every row gets the null class")
def condition(net, t, y=None):  # noqa: F811
    return told(net, t) if net.classes is None else told(net, t) + net.label(filled(net, t, y)[:1])


@mutant("8.7", "float64 always", says="a float32 network", keeps=(*PLAIN, *CLASSES, *NONE, *MIXED))
def condition(net, t, y=None):  # noqa: F811
    emb = net.time(reference_embedding(t, net.dim, dtype=torch.float64))
    return emb if net.classes is None else emb + net.label(filled(net, t, y))


@mutant("8.7", "t - 1", says="This is the embedding of t - 1")
def condition(net, t, y=None):  # noqa: F811
    return told(net, t - 1) if net.classes is None else told(net, t - 1) + net.label(filled(net, t, y))


@mutant("8.7", "silu of the result", says="silu is taken of the result")
def condition(net, t, y=None):  # noqa: F811
    return silu(told(net, t) if net.classes is None else told(net, t) + net.label(filled(net, t, y)))


@mutant("8.7", "silu of the time", says="silu is taken of the time's part", keeps=())
def condition(net, t, y=None):  # noqa: F811
    return silu(told(net, t)) if net.classes is None else silu(told(net, t)) + net.label(filled(net, t, y))


@mutant("8.7", "null class for all besides", says="The null class's row is added to every row", keeps=PLAIN)
def condition(net, t, y=None):  # noqa: F811
    if net.classes is None:
        return told(net, t)
    return told(net, t) + net.label.weight[net.classes] + (0 if y is None else net.label(y))


@mutant("8.7", "mean of all rows", says="gets the mean of all rows", keeps=(*PLAIN, *CLASSES, *MIXED))
def condition(net, t, y=None):  # noqa: F811
    if net.classes is None:
        return told(net, t)
    return told(net, t) + (net.label.weight.mean(0) if y is None else net.label(y))


@mutant("8.7", "detached", says="no gradient reaches", keeps=(*PLAIN, *CLASSES, *NONE, *MIXED))
def condition(net, t, y=None):  # noqa: F811
    with torch.no_grad():
        return told(net, t) if net.classes is None else told(net, t) + net.label(filled(net, t, y))
