"""Wrong answers to exercises 8.3 and 8.4: group normalisation and the residual block."""

from __future__ import annotations

import torch
from answers import mutant
from torch.nn.functional import relu, silu

MOMENTS, AFFINE, EXTREME, EPS, DTYPE = (
    ("mean and variance",), ("weight and bias",), ("one group, or one for each channel",), ("eps",), ("dtype",))
EQUAL, OTHER, TOLD = ("equal channels",), ("other channels",), ("what the block is told",)


def along(values, x):
    return values.reshape(-1, *[1] * (x.ndim - 2))


def normal(x, groups, eps, *, correction=0, spread=lambda variance, eps: (variance + eps).sqrt(), center=True):
    members = x.reshape(len(x), groups, -1)
    mean = members.mean(-1, keepdim=True) if center else 0
    return ((members - mean) / spread(members.var(-1, correction=correction, keepdim=True), eps)).reshape(x.shape)


@mutant("8.3", "one less", says="divides by the number of values less one")
def group_norm(x, groups, weight, bias, eps=1e-5):
    return along(weight, x) * normal(x, groups, eps, correction=1) + along(bias, x)


@mutant("8.3", "variance for deviation", says="This divides by the variance")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, groups, eps, spread=lambda variance, eps: variance + eps) + along(bias, x)


@mutant("8.3", "eps outside", says="eps is added to the standard deviation", keeps=(), never="single precision")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, groups, eps, spread=lambda variance, eps: variance.sqrt() + eps) + along(bias, x)


@mutant("8.3", "no eps", says="eps is missing", never="single precision")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, groups, eps, spread=lambda variance, eps: variance.sqrt()) + along(bias, x)


@mutant("8.3", "eps ignored", says="whatever eps is", keeps=(*MOMENTS, *AFFINE, *EXTREME, *DTYPE))
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, groups, 1e-5) + along(bias, x)


@mutant("8.3", "no mean", says="The mean is not subtracted")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, groups, eps, center=False) + along(bias, x)


@mutant("8.3", "every groups-th channel", says="every groups-th channel", keeps=())
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    order = torch.arange(x.shape[1]).reshape(-1, groups).T.flatten()
    shuffled = normal(x[:, order], groups, eps)
    return along(weight, x) * shuffled[:, order.argsort()] + along(bias, x)


@mutant("8.3", "whole batch", says="over the whole batch")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    members = x.reshape(len(x), groups, -1)
    found = (members - members.mean((0, 2), keepdim=True)) / (members.var((0, 2), correction=0, keepdim=True) + eps).sqrt()
    return along(weight, x) * found.reshape(x.shape) + along(bias, x)


@mutant("8.3", "every channel alone", says="Every channel is normalised alone")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, x.shape[1], eps) + along(bias, x)


@mutant("8.3", "all channels together", says="All channels are normalised together")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, 1, eps) + along(bias, x)


@mutant("8.3", "groups of groups channels", says="The groups are as many as a group should have channels")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x, x.shape[1] // groups, eps) + along(bias, x)


@mutant("8.3", "last axis", says="run along the last axis", keeps=MOMENTS)
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    if x.shape[-1] == len(weight):
        return weight * normal(x, groups, eps) + bias
    return along(weight, x) * normal(x, groups, eps) + along(bias, x)


@mutant("8.3", "weight and bias forgotten", says="Weight and bias are missing", keeps=MOMENTS)
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return normal(x, groups, eps)


@mutant("8.3", "place by place", says="over the images of the batch, place by place")
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    found = (x - x.mean(0, keepdim=True)) / (x.var(0, correction=0, keepdim=True) + eps).sqrt()
    return along(weight, x) * found + along(bias, x)


@mutant("8.3", "in place", says="two calls with the same arguments give two results", keeps=())
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    members = x.view(len(x), groups, -1)
    members -= members.mean(-1, keepdim=True)
    members /= (members.square().mean(-1, keepdim=True) + eps).sqrt()
    return along(weight, x) * x + along(bias, x)


@mutant("8.3", "float64 for all", says="x is float32, and the result should be", keeps=(*MOMENTS, *AFFINE, *EXTREME, *EPS))
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x.double(), groups, eps) + along(bias, x)


@mutant("8.3", "float32 inside", says="right to single precision only", keeps=DTYPE)
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    return along(weight, x) * normal(x.float(), groups, eps) + along(bias, x)


@mutant("8.3", "statistics detached", says="Mean and variance are detached", keeps=(*MOMENTS, *AFFINE, *EXTREME, *EPS, *DTYPE))
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    members = x.reshape(len(x), groups, -1)
    mean, variance = members.mean(-1, keepdim=True).detach(), members.var(-1, correction=0, keepdim=True).detach()
    return along(weight, x) * ((members - mean) / (variance + eps).sqrt()).reshape(x.shape) + along(bias, x)


@mutant("8.3", "variance detached", says="The variance is detached", keeps=(*MOMENTS, *AFFINE, *EXTREME, *EPS, *DTYPE))
def group_norm(x, groups, weight, bias, eps=1e-5):  # noqa: F811
    members = x.reshape(len(x), groups, -1)
    variance = members.var(-1, correction=0, keepdim=True).detach()
    normal = (members - members.mean(-1, keepdim=True)) / (variance + eps).sqrt()
    return along(weight, x) * normal.reshape(x.shape) + along(bias, x)


def said(block, emb):
    return block.project(silu(emb))[:, :, None, None]


@mutant("8.4", "nothing told", says="The block is not told anything")
def residual_block(block, x, emb):
    return block.skip(x) + block.conv2(silu(block.norm2(block.conv1(silu(block.norm1(x))))))


@mutant("8.4", "emb without silu", says="emb is projected without silu")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + block.project(emb)[:, :, None, None]
    return block.skip(x) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "silu after the projection", says="silu is taken after the projection of emb; it should be taken before")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + silu(block.project(emb))[:, :, None, None]
    return block.skip(x) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "all told the same", says="All images are told what the first one is told")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb)[:1]
    return block.skip(x) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "told the mean", says="the mean of what each is told")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb).mean(0, keepdim=True)
    return block.skip(x) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "scaled", says="scales the channels, as in some later networks")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) * (1 + said(block, emb))
    return block.skip(x) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "change subtracted", says="The change is subtracted")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb)
    return block.skip(x) - block.conv2(silu(block.norm2(h)))


@mutant("8.4", "sigmoid", says="the sigmoid in the place of silu")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(torch.sigmoid(block.norm1(x))) + block.project(torch.sigmoid(emb))[:, :, None, None]
    return block.skip(x) + block.conv2(torch.sigmoid(block.norm2(h)))


@mutant("8.4", "first silu early", says="The first silu comes before its normalisation", never="The first silu is missing.")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(block.norm1(silu(x))) + said(block, emb)
    return block.skip(x) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "second silu early", says="The second silu comes before its normalisation")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb)
    return block.skip(x) + block.conv2(block.norm2(silu(h)))


@mutant("8.4", "skip detached", says="look for something that is detached", keeps=(*EQUAL, *OTHER, *TOLD))
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb)
    return block.skip(x.detach()) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "told at the end", says="is added after the second convolution")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x)))
    return block.skip(x) + block.conv2(silu(block.norm2(h))) + said(block, emb)


@mutant("8.4", "told after the normalisation", says="added after the second normalisation")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x)))
    return block.skip(x) + block.conv2(silu(block.norm2(h) + said(block, emb)))


@mutant("8.4", "no skip", says="The input is not passed around")
def residual_block(block, x, emb):  # noqa: F811
    return block.conv2(silu(block.norm2(block.conv1(silu(block.norm1(x))) + said(block, emb))))


@mutant("8.4", "second silu missing", says="The second silu is missing")
def residual_block(block, x, emb):  # noqa: F811
    return block.skip(x) + block.conv2(block.norm2(block.conv1(silu(block.norm1(x))) + said(block, emb)))


@mutant("8.4", "relu", says="This takes relu in the place of silu")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(relu(block.norm1(x))) + block.project(relu(emb))[:, :, None, None]
    return block.skip(x) + block.conv2(relu(block.norm2(h)))


@mutant("8.4", "silu first", says="silu comes before the normalisation")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(block.norm1(silu(x))) + said(block, emb)
    return block.skip(x) + block.conv2(block.norm2(silu(h)))


@mutant("8.4", "silu at the end", says="nothing comes after the sum")
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb)
    return silu(block.skip(x) + block.conv2(silu(block.norm2(h))))


@mutant("8.4", "x itself around", says="The size of tensor a", keeps=EQUAL)
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb)
    return x + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "normalised input around", says="skip gets the normalised input")
def residual_block(block, x, emb):  # noqa: F811
    x = block.norm1(x)
    h = block.conv1(silu(x)) + said(block, emb)
    return block.skip(x) + block.conv2(silu(block.norm2(h)))


@mutant("8.4", "in place", says="two calls with the same arguments give two results", keeps=OTHER)
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb)
    past = block.skip(x)
    past += block.conv2(silu(block.norm2(h)))
    return past


@mutant("8.4", "emb detached", says="no gradient reaches emb", keeps=(*EQUAL, *OTHER, *TOLD))
def residual_block(block, x, emb):  # noqa: F811
    h = block.conv1(silu(block.norm1(x))) + said(block, emb.detach())
    return block.skip(x) + block.conv2(silu(block.norm2(h)))
