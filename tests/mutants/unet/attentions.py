"""Wrong answers to exercises 8.5 and 8.6: attention, and self-attention over pixels."""

from __future__ import annotations

import math

import torch
from answers import mutant
from torch.nn.functional import normalize

from ddpmlib.unet import attention as reference_attention

ONE, MORE, OTHER, LARGE = ("one computation",), ("more axes",), ("other numbers",), ("large scores",)
SINGLE, SEVERAL = ("one head",), ("several heads",)


def weighted(q, k, v, scale, axis=-1):
    return (q @ k.mT * scale).softmax(axis) @ v


@mutant("8.5", "no scale", says="The scores are not divided by sqrt(d)")
def attention(q, k, v):
    return weighted(q, k, v, 1.0)


@mutant("8.5", "no root", says="The scores are divided by d; it should be its root")
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, 1 / q.shape[-1])


@mutant("8.5", "root of the keys", says="divided by the root of the number of keys; it")
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, k.shape[-2] ** -0.5)


@mutant("8.5", "length of a value", says="divided by the root of the length of a value", keeps=ONE)
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, v.shape[-1] ** -0.5)


@mutant("8.5", "root of the queries", says="divided by the root of the number of queries; it")
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, q.shape[-2] ** -0.5)


@mutant("8.5", "wrong sign", says="The scores have the wrong sign")
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, -(q.shape[-1] ** -0.5))


@mutant("8.5", "cosines", says="Queries and keys are brought to length 1 first")
def attention(q, k, v):  # noqa: F811
    return weighted(normalize(q, dim=-1), normalize(k, dim=-1), v, q.shape[-1] ** -0.5)


@mutant("8.5", "sigmoid", says="A sigmoid of each score", never="over all pairs")
def attention(q, k, v):  # noqa: F811
    return torch.sigmoid(q @ k.mT / math.sqrt(q.shape[-1])) @ v


@mutant("8.5", "small number in the sum", says="or a small number is added where none belongs")
def attention(q, k, v):  # noqa: F811
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / (powers.sum(-1, keepdim=True) + 1e-8) @ v


@mutant("8.5", "always float64", says="what comes in is float32, and the result should be", keeps=(*ONE, *MORE, *OTHER, *LARGE))
def attention(q, k, v):  # noqa: F811
    return weighted(q.double(), k.double(), v.double(), q.shape[-1] ** -0.5)


@mutant("8.5", "over the queries", says="The softmax is over the queries")
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, q.shape[-1] ** -0.5, axis=-2)


@mutant("8.5", "over the first axis", says="The softmax is over the first axis", keeps=())
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, q.shape[-1] ** -0.5, axis=0)


@mutant("8.5", "over axis 1", says="The softmax is over the queries", keeps=(*ONE, *LARGE))
def attention(q, k, v):  # noqa: F811
    return weighted(q, k, v, q.shape[-1] ** -0.5, axis=1)


@mutant("8.5", "scale after softmax", says="The division by sqrt(d) comes after the softmax")
def attention(q, k, v):  # noqa: F811
    return (q @ k.mT).softmax(-1) @ v / math.sqrt(q.shape[-1])


@mutant("8.5", "exponentials by hand", says="The exponential of a large score overflows", keeps=(*ONE, *MORE, *OTHER))
def attention(q, k, v):  # noqa: F811
    powers = torch.exp(q @ k.mT / math.sqrt(q.shape[-1]))
    return powers / powers.sum(-1, keepdim=True) @ v


@mutant("8.5", "all pairs", says="The softmax is over all pairs at once", keeps=())
def attention(q, k, v):  # noqa: F811
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return scores.flatten(-2).softmax(-1).reshape(scores.shape) @ v


@mutant("8.5", "no softmax", says="The softmax is missing")
def attention(q, k, v):  # noqa: F811
    return q @ k.mT / math.sqrt(q.shape[-1]) @ v


@mutant("8.5", "plain transpose", says="your code raised", keeps=(*ONE, *LARGE))
def attention(q, k, v):  # noqa: F811
    return (q @ k.permute(*reversed(range(k.ndim))) / math.sqrt(q.shape[-1])).softmax(-1) @ v


@mutant("8.5", "in place", says="two calls with the same arguments give two results")
def attention(q, k, v):  # noqa: F811
    q /= math.sqrt(q.shape[-1])
    return (q @ k.mT).softmax(-1) @ v


@mutant("8.5", "float32 inside", says="right to single precision only")
def attention(q, k, v):  # noqa: F811
    return weighted(q.float(), k.float(), v.float(), q.shape[-1] ** -0.5).to(v.dtype)


@mutant("8.5", "weights detached", says="no gradient reaches q", keeps=(*ONE, *MORE, *OTHER, *LARGE))
def attention(q, k, v):  # noqa: F811
    return weighted(q.detach(), k, v, q.shape[-1] ** -0.5)


def layer(block, x, *, cut=None, join=None, past=lambda x, normal: x, out=True, heads=None, norm=True, scale=1.0, order=(0, 1, 2)):
    """The layer, in which single pieces can be replaced."""
    batch, c, height, width = x.shape
    heads = heads or block.heads
    normal = block.norm(x) if norm else x
    made = block.qkv(normal.flatten(2).mT)  # (batch, pixels, 3c)
    cut = cut or (lambda made: made.unflatten(-1, (3, heads, c // heads)).permute(2, 0, 3, 1, 4))
    join = join or (lambda found: found.transpose(1, 2).flatten(2))
    parts = cut(made)
    found = join(reference_attention(parts[order[0]] * scale, parts[order[1]], parts[order[2]]))
    found = block.out(found) if out else found
    return past(x, normal) + found.mT.reshape(x.shape)


@mutant("8.6", "x not added", says="x is not added")
def self_attention(block, x):
    return layer(block, x, past=lambda x, normal: 0)


@mutant("8.6", "normalised images added", says="The normalised images are added")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, past=lambda x, normal: normal)


@mutant("8.6", "no out", says="out is missing")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, out=False)


@mutant("8.6", "no norm", says="The normalisation is missing")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, norm=False)


@mutant("8.6", "heads not separated", says="The heads are not separated", keeps=SINGLE)
def self_attention(block, x):  # noqa: F811
    return layer(block, x, heads=1)


@mutant("8.6", "scaled by all channels", says="scaled by the root of all channels", keeps=SINGLE)
def self_attention(block, x):  # noqa: F811
    return layer(block, x, scale=block.heads**-0.5)


@mutant("8.6", "heads first", says="qkv is cut into heads first", keeps=SINGLE)
def self_attention(block, x):  # noqa: F811
    return layer(block, x, cut=lambda made: made.unflatten(-1, (block.heads, 3, -1)).permute(3, 0, 2, 1, 4))


@mutant("8.6", "every heads-th channel", says="A head takes every heads-th channel", keeps=SINGLE)
def self_attention(block, x):  # noqa: F811
    return layer(block, x, cut=lambda made: made.unflatten(-1, (3, -1, block.heads)).permute(2, 0, 4, 1, 3))


@mutant("8.6", "heads mixed with pixels", says="What the heads find is mixed up with the pixels", keeps=SINGLE)
def self_attention(block, x):  # noqa: F811
    batch, c, height, width = x.shape
    return layer(block, x, join=lambda found: found.reshape(batch, height * width, c))


@mutant("8.6", "queries and keys interchanged", says="Queries and keys are interchanged")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, order=(1, 0, 2))


@mutant("8.6", "keys and values interchanged", says="Keys and values are interchanged")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, order=(0, 2, 1))


@mutant("8.6", "pixels not transposed", says="images must be transposed to (pixels, channels) before reshaping")
def self_attention(block, x):  # noqa: F811
    batch, c, height, width = x.shape
    q, k, v = block.qkv(block.norm(x).reshape(batch, -1, c)).unflatten(-1, (3, block.heads, -1)).permute(2, 0, 3, 1, 4)
    found = block.out(reference_attention(q, k, v).transpose(1, 2).flatten(2))
    return x + found.mT.reshape(x.shape)


@mutant("8.6", "pixels not transposed back", says="transpose to (channels, pixels) before reshaping")
def self_attention(block, x):  # noqa: F811
    q, k, v = block.qkv(block.norm(x).flatten(2).mT).unflatten(-1, (3, block.heads, -1)).permute(2, 0, 3, 1, 4)
    return x + block.out(reference_attention(q, k, v).transpose(1, 2).flatten(2)).reshape(x.shape)


@mutant("8.6", "values first", says="the values come first")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, order=(1, 2, 0))


@mutant("8.6", "queries last", says="the queries come last")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, order=(2, 0, 1))


@mutant("8.6", "three last", says="qkv is cut into heads, their channels, and three")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, cut=lambda made: made.unflatten(-1, (block.heads, -1, 3)).permute(4, 0, 2, 1, 3))


@mutant("8.6", "four heads always", says="This is for 4 heads, whatever block.heads is", keeps=())
def self_attention(block, x):  # noqa: F811
    return layer(block, x, heads=4 if x.shape[1] % 4 == 0 else block.heads)


@mutant("8.6", "scaled twice", says="The scores are divided by sqrt(d) twice")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, scale=(x.shape[1] / block.heads) ** -0.5)


@mutant("8.6", "heads among each other", says="The heads attend to each other, in each pixel")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, cut=lambda made: made.unflatten(-1, (3, block.heads, -1)).permute(2, 0, 1, 3, 4),
                 join=lambda found: found.flatten(2))


@mutant("8.6", "channels among each other", says="Here channels attend to channels")
def self_attention(block, x):  # noqa: F811
    return layer(block, x, cut=lambda made: made.unflatten(-1, (3, block.heads, -1)).permute(2, 0, 3, 4, 1),
                 join=lambda found: found.permute(0, 3, 1, 2).flatten(2))


@mutant("8.6", "whole batch", says="All images of the batch attend together")
def self_attention(block, x):  # noqa: F811
    batch = len(x)
    return layer(block, x, cut=lambda made: made.unflatten(-1, (3, block.heads, -1)).permute(2, 3, 0, 1, 4).flatten(2, 3)[:, None],
                 join=lambda found: found[0].unflatten(1, (batch, -1)).permute(1, 2, 0, 3).flatten(2))


@mutant("8.6", "columns first", says="interchanged on one of the two ways")
def self_attention(block, x):  # noqa: F811
    turned = layer(block, x.mT, past=lambda x, normal: 0)
    return x + turned.flatten(2).reshape(x.shape)


@mutant("8.6", "turned on the way back", says="interchanged on the way back", keeps=())
def self_attention(block, x):  # noqa: F811
    change = layer(block, x, past=lambda x, normal: 0)
    return x + change.flatten(2).unflatten(2, x.shape[:1:-1]).mT


@mutant("8.6", "part of the gradient", says="look for something that is detached", keeps=(*SINGLE, *SEVERAL))
def self_attention(block, x):  # noqa: F811
    return layer(block, x, cut=lambda made: [
        part.detach() if i < 2 else part
        for i, part in enumerate(made.unflatten(-1, (3, block.heads, -1)).permute(2, 0, 3, 1, 4))])


@mutant("8.6", "in place", says="two calls with the same arguments give two results")
def self_attention(block, x):  # noqa: F811
    x += layer(block, x, past=lambda x, normal: 0)
    return x


@mutant("8.6", "detached", says="no gradient reaches", keeps=(*SINGLE, *SEVERAL))
def self_attention(block, x):  # noqa: F811
    return x + layer(block, x, past=lambda x, normal: 0).detach()
