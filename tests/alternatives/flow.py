"""Correct answers to chapter 14's exercises on flows that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative
from torch.distributions import Normal


@alternative("14.1", "by indices")
def coupling_forward(conditioner, x, mask):
    changes = (~mask).nonzero()[:, 0]
    seen = x.clone()
    seen[:, changes] = 0
    s, t = conditioner(seen)
    z = x.clone()
    z[:, changes] = x[:, changes] * torch.exp(s[:, changes]) + t[:, changes]
    return z, s[:, changes].sum(dim=1)


@alternative("14.1", "by multiplication")
def coupling_forward(conditioner, x, mask):  # noqa: F811
    stays = mask.to(x.dtype)
    s, t = conditioner(x * stays)
    return x * stays + (1 - stays) * (x * s.exp() + t), (s * (1 - stays)).sum(1)


@alternative("14.1", "divided by the scale")
def coupling_inverse(conditioner, z, mask):
    s, t = conditioner(z.masked_fill(~mask, 0.0))
    return torch.where(mask, z, (z - t) / s.exp()), -s[:, ~mask].sum(dim=1)


@alternative("14.2", "with torch.distributions")
def flow_log_likelihood(layers, x):
    logs = [torch.zeros(len(x), dtype=x.dtype)]
    for layer in layers:
        x, log_det = layer(x)
        logs.append(log_det)
    return Normal(0.0, 1.0).log_prob(x).sum(dim=1) + torch.stack(logs).sum(dim=0)


@alternative("14.2", "recursively")
def flow_log_likelihood(layers, x):  # noqa: F811
    if not len(layers):
        return -0.5 * (x**2 + math.log(2 * math.pi)).sum(-1)
    z, log_det = layers[0](x)
    return log_det + flow_log_likelihood(layers[1:], z)


@alternative("14.3", "noise by noise")
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):
    total = 0
    for u in noise:
        total = total + log_prob(2 * (pixels + u) / levels - 1)
    return math.log2(levels / 2) - total / len(noise) / math.log(2) / pixels.shape[1]


@alternative("14.3", "logarithms to base 2")
def dequantised_bits_per_dim(log_prob, pixels, levels, noise):  # noqa: F811
    x = (pixels + noise).mul(2).div(levels).sub(1)
    nats = torch.stack([log_prob(rows) for rows in x]) - pixels.shape[1] * math.log(levels / 2)
    return (nats * math.log2(math.e)).mean(0).neg() / pixels.shape[1]
