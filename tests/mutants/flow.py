"""Wrong answers to chapter 14's exercises on flows."""

from __future__ import annotations

import math

import torch
from answers import mutant
from torch.distributions import Normal

FORWARD, LOGDET, INVERSE, BACK, GRADIENT = "forward", "log-determinant", "inverse", "inverse's log-determinant", "differentiable"
LINEAR, CURVED, NONE = "linear layers", "curved layers", "no layer"
ONE, SEVERAL, UNIFORM = "one noise", "several noises", "a density that is 1"


def said(conditioner, x, mask):
    s, t = conditioner(torch.where(mask, x, torch.zeros_like(x)))
    return torch.where(mask, torch.zeros_like(s), s), t


@mutant("14.1", "sees all", says="or there is no inverse", keeps=(INVERSE, BACK))
def coupling_forward(conditioner, x, mask):
    s, t = conditioner(x)
    s = torch.where(mask, torch.zeros_like(s), s)
    return torch.where(mask, x, x * s.exp() + t), s.sum(1)


@mutant("14.1", "mask turned round", says="The mask is turned round", keeps=(INVERSE, BACK))
def coupling_forward(conditioner, x, mask):  # noqa: F811
    s, t = said(conditioner, x, ~mask)
    return torch.where(~mask, x, x * s.exp() + t), s.sum(1)


@mutant("14.1", "no exponential", says="s is the logarithm of the scale", keeps=(LOGDET, INVERSE, BACK))
def coupling_forward(conditioner, x, mask):  # noqa: F811
    s, t = said(conditioner, x, mask)
    return torch.where(mask, x, x * s + t), s.sum(1)


@mutant("14.1", "shift first", says="The shift comes after the scale", keeps=(LOGDET, INVERSE, BACK))
def coupling_forward(conditioner, x, mask):  # noqa: F811
    s, t = said(conditioner, x, mask)
    return torch.where(mask, x, (x + t) * s.exp()), s.sum(1)


@mutant("14.1", "all scales counted", says="The scales of the coordinates that stay are counted too", keeps=(FORWARD, INVERSE, BACK))
def coupling_forward(conditioner, x, mask):  # noqa: F811
    s, t = conditioner(torch.where(mask, x, torch.zeros_like(x)))
    return torch.where(mask, x, x * s.exp() + t), s.sum(1)


@mutant("14.1", "mean", says="This is the mean over the coordinates", keeps=(FORWARD, INVERSE, BACK))
def coupling_forward(conditioner, x, mask):  # noqa: F811
    s, t = said(conditioner, x, mask)
    return torch.where(mask, x, x * s.exp() + t), s.mean(1)


@mutant("14.1", "detached", says="is something detached?", keeps=(FORWARD, LOGDET, INVERSE, BACK))
def coupling_forward(conditioner, x, mask):  # noqa: F811
    s, t = (a.detach() for a in said(conditioner, x, mask))
    return torch.where(mask, x, x * s.exp() + t), s.sum(1)


@mutant("14.1", "float32", says="values differ", keeps=(INVERSE, BACK))
def coupling_forward(conditioner, x, mask):  # noqa: F811
    s, t = said(conditioner, x, mask)
    return torch.where(mask, x, x * s.exp() + t).float(), s.sum(1)


@mutant("14.1", "the wrong order", says="The shift is taken off first", keeps=(FORWARD, LOGDET, BACK))
def coupling_inverse(conditioner, z, mask):
    s, t = said(conditioner, z, mask)
    return torch.where(mask, z, z * (-s).exp() - t), -s.sum(1)


@mutant("14.1", "the sign of the other direction", says="The sign is that of the other direction", keeps=(FORWARD, LOGDET, INVERSE))
def coupling_inverse(conditioner, z, mask):  # noqa: F811
    s, t = said(conditioner, z, mask)
    return torch.where(mask, z, (z - t) * (-s).exp()), s.sum(1)


@mutant("14.1", "two calls", says="should be called once", keeps=(FORWARD, LOGDET))
def coupling_inverse(conditioner, z, mask):  # noqa: F811
    s, _ = said(conditioner, z, mask)
    _, t = said(conditioner, z, mask)
    return torch.where(mask, z, (z - t) * (-s).exp()), -s.sum(1)


def walk(layers, x):
    logs = torch.zeros(len(x), dtype=x.dtype)
    for layer in layers:
        x, log_det = layer(x)
        logs = logs + log_det
    return x, logs


def base(z):
    return Normal(0.0, 1.0).log_prob(z).sum(1)


@mutant("14.2", "subtracted", says="The log-determinants are subtracted", keeps=(NONE,))
def flow_log_likelihood(layers, x):
    z, logs = walk(layers, x)
    return base(z) - logs


@mutant("14.2", "without determinants", says="The log-determinants are missing", keeps=(NONE,))
def flow_log_likelihood(layers, x):  # noqa: F811
    return base(walk(layers, x)[0])


@mutant("14.2", "density at x", says="it should be taken at z", keeps=(NONE,))
def flow_log_likelihood(layers, x):  # noqa: F811
    return base(x) + walk(layers, x)[1]


@mutant("14.2", "no constant", says="for each coordinate, is missing", keeps=("differentiable",))
def flow_log_likelihood(layers, x):  # noqa: F811
    z, logs = walk(layers, x)
    return -0.5 * (z**2).sum(1) + logs


@mutant("14.2", "one constant a row", says="not to each row once", keeps=("differentiable",))
def flow_log_likelihood(layers, x):  # noqa: F811
    z, logs = walk(layers, x)
    return -0.5 * (z**2).sum(1) + logs - 0.5 * math.log(2 * math.pi)


@mutant("14.2", "reversed", says="The layers run in the reverse order", keeps=(NONE,))
def flow_log_likelihood(layers, x):  # noqa: F811
    z, logs = walk(layers[::-1], x)
    return base(z) + logs


@mutant("14.2", "no gradient", says="is something detached?", keeps=(LINEAR, CURVED, NONE))
@torch.no_grad()
def flow_log_likelihood(layers, x):  # noqa: F811
    z, logs = walk(layers, x)
    return base(z) + logs


def logs_of(log_prob, pixels, levels, noise, width=2, divisor=0):
    x = width * (pixels + noise) / (levels - divisor) - 1
    return log_prob(x.flatten(0, 1)).unflatten(0, noise.shape[:2])


def in_bits(logs, dim):
    return -logs / (dim * math.log(2))


@mutant("14.3", "nats", says="This is in nats")
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):
    dim = pixels.shape[1]
    return -(logs_of(log_prob, pixels, levels, noise).mean(0) + dim * math.log(2 / levels)) / dim


@mutant("14.3", "no width", says="The bin's width is missing")
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    return in_bits(logs_of(log_prob, pixels, levels, noise).mean(0), pixels.shape[1])


@mutant("14.3", "width once", says="counts for each of the D coordinates")
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    return in_bits(logs_of(log_prob, pixels, levels, noise).mean(0) + math.log(2 / levels), pixels.shape[1])


@mutant("14.3", "width with the wrong sign", says="or with the wrong sign")
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    dim = pixels.shape[1]
    return in_bits(logs_of(log_prob, pixels, levels, noise).mean(0) - dim * math.log(2 / levels), dim)


@mutant("14.3", "logarithm of the mean", says="This is the logarithm of a mean", keeps=(ONE, UNIFORM))
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    dim = pixels.shape[1]
    logs = logs_of(log_prob, pixels, levels, noise).logsumexp(0) - math.log(len(noise))
    return in_bits(logs + dim * math.log(2 / levels), dim)


@mutant("14.3", "no noise", says="The noise is not used", keeps=(UNIFORM,))
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    dim = pixels.shape[1]
    return in_bits(logs_of(log_prob, pixels, levels, 0 * noise).mean(0) + dim * math.log(2 / levels), dim)


@mutant("14.3", "first noise", says="Only the first noise is used", keeps=(ONE, UNIFORM))
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    dim = pixels.shape[1]
    return in_bits(logs_of(log_prob, pixels, levels, noise)[0] + dim * math.log(2 / levels), dim)


@mutant("14.3", "largest level for their number", says="here L - 1 divides", keeps=(UNIFORM,))
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    dim = pixels.shape[1]
    return in_bits(logs_of(log_prob, pixels, levels, noise, divisor=1).mean(0) + dim * math.log(2 / levels), dim)
