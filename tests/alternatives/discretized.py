"""Correct discretised decoders that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative


@alternative("6.8", "scaled complementary error function")
def discretized_log_likelihood(x0, mean, std, levels):
    std = torch.as_tensor(std, dtype=x0.dtype)
    half, away = 1 / (levels - 1), (x0 - mean).abs()
    lower, upper = (away - half) / std / math.sqrt(2), (away + half) / std / math.sqrt(2)

    def log_tail(z):  # log(erfc(z) / 2), for z of either sign
        safe = z.clamp(min=0)
        far = torch.log(torch.special.erfcx(safe)) - safe**2
        return torch.where(z > 0, far, torch.log(torch.special.erfc(z.clamp(max=0)))) - math.log(2)

    inner = log_tail(lower) + torch.log1p(-torch.exp(log_tail(upper) - log_tail(lower)))
    inner = torch.where(upper - lower < 1e-1, _narrow(lower, upper), inner)
    signed = (x0 - mean) / std / math.sqrt(2)
    width = half / std / math.sqrt(2)
    lowest, highest = log_tail(-signed - width), log_tail(signed - width)
    logs = torch.where(x0 < -1 + half, lowest, torch.where(x0 > 1 - half, highest, inner))
    return logs.flatten(1).sum(1) if logs.ndim > 1 else logs


def _narrow(lower, upper):
    """log((erfc(lower) - erfc(upper)) / 2) by Gauss-Legendre, for a short interval."""
    import numpy as np

    nodes, weights = (torch.from_numpy(values).to(lower.dtype) for values in np.polynomial.legendre.leggauss(12))
    middle, reach = (lower + upper) / 2, (upper - lower) / 2
    z = middle[..., None] + reach[..., None] * nodes
    return torch.logsumexp(torch.log(weights) - z**2, dim=-1) + torch.log(reach) - 0.5 * math.log(math.pi)


@alternative("6.8", "level by level, both tails")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    std = torch.as_tensor(std, dtype=x0.dtype).expand(x0.shape)
    place = ((x0 + 1) / 2 * (levels - 1)).round()
    half = 1 / (levels - 1)
    low, high = (x0 - half - mean) / std, (x0 + half - mean) / std
    mirrored = low + high > 0
    low, high = torch.where(mirrored, -high, low), torch.where(mirrored, -low, high)
    first, second = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    gap = second - first
    inner = first + torch.where(gap > -math.log(2), torch.log(-torch.expm1(gap)), torch.log1p(-torch.exp(gap)))
    total = torch.where(place == 0, torch.special.log_ndtr((x0 + half - mean) / std), inner)
    total = torch.where(place == levels - 1, torch.special.log_ndtr((mean - x0 + half) / std), total)
    return torch.stack([row.sum() for row in total])


@alternative("6.8", "in float64 inside")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    x, m = x0.double(), mean.double()
    s = std.double() if isinstance(std, torch.Tensor) else std
    half = 1 / (levels - 1)
    sign = torch.where(x > m, -1.0, 1.0)
    outer, inner = sign * (x - m) - half, sign * (x - m) + half
    log_inner = torch.special.log_ndtr(inner / s)
    logs = log_inner + torch.log(-torch.expm1(torch.special.log_ndtr(outer / s) - log_inner))
    logs = torch.where(x < -1 + half, torch.special.log_ndtr((x + half - m) / s), logs)
    logs = torch.where(x > 1 - half, torch.special.log_ndtr((m - x + half) / s), logs)
    return logs.reshape(len(x), -1).sum(1).to(x0.dtype)
