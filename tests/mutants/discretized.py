"""Wrong answers to Exercise 6.8, the discretised Gaussian decoder."""

from __future__ import annotations

import math

import torch
from answers import mutant
from torch.distributions import Normal

INNER, EDGES, ONE, ROWS = "inner levels", "edges", "sums to one", "a row is one datum"
FAR, SINGLE, GRADIENT = "far from the mean", "float32 stays float32", "gradient"
FINE = (INNER, EDGES, ONE, ROWS)


def logs(x0, mean, std, levels, half=None, open_ends=True):
    """The stable logarithms, with another half width or closed ends on demand."""
    std = torch.as_tensor(std, dtype=x0.dtype)
    half = 1 / (levels - 1) if half is None else half
    away = x0 - mean
    near, far = ((-away.abs() + side * half) / std for side in (1, -1))
    log_near = torch.special.log_ndtr(near)
    inner = log_near + torch.log(-torch.expm1(torch.special.log_ndtr(far) - log_near))
    if not open_ends:
        return inner
    edge = 1 / (levels - 1)
    low, high = torch.special.log_ndtr((away + half) / std), torch.special.log_ndtr((half - away) / std)
    return torch.where(x0 < -1 + edge, low, torch.where(x0 > 1 - edge, high, inner))


def rows(values):
    return values.reshape(len(values), -1).sum(1)


def naive(x0, mean, std, levels):
    law, half = Normal(mean, torch.as_tensor(std, dtype=x0.dtype).expand(x0.shape)), 1 / (levels - 1)
    low = torch.where(x0 < -1 + half, 0.0, law.cdf(x0 - half))
    high = torch.where(x0 > 1 - half, 1.0, law.cdf(x0 + half))
    return high - low


@mutant("6.8", "closed ends", says="they are open to the outside", keeps=(INNER, ROWS))
def discretized_log_likelihood(x0, mean, std, levels):
    return rows(logs(x0, mean, std, levels, open_ends=False))


@mutant("6.8", "bins twice as wide", says="The bins are too wide")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0, mean, std, levels, half=2 / (levels - 1)))


@mutant("6.8", "one gap too many", says="lie levels - 1 gaps")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0, mean, std, levels, half=1 / levels))


@mutant("6.8", "bins half as wide", says="The bins are too narrow")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0, mean, std, levels, half=0.5 / (levels - 1)))


@mutant("6.8", "density", says="This is the density at x_0")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(Normal(mean, torch.as_tensor(std, dtype=x0.dtype).expand(x0.shape)).log_prob(x0))


@mutant("6.8", "density times width", says="This is the density times the width of the bin")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    law = Normal(mean, torch.as_tensor(std, dtype=x0.dtype).expand(x0.shape))
    return rows(law.log_prob(x0) + math.log(2 / (levels - 1)))


@mutant("6.8", "std as a variance", says="this takes it for a variance")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0, mean, std**0.5, levels))


@mutant("6.8", "std squared", says="std is squared")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0, mean, std**2, levels))


@mutant("6.8", "cut off", says="cut off at 1e-12", keeps=FINE)
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(torch.log(naive(x0, mean, std, levels).clamp(min=1e-12)))


@mutant("6.8", "plain difference", says="their difference is lost", keeps=FINE)
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(torch.log(naive(x0, mean, std, levels)))


@mutant("6.8", "no mirror image", says="a bin above the mean has a mirror image below it", keeps=FINE)
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    half, away = 1 / (levels - 1), x0 - mean
    up, down = (torch.special.log_ndtr((away + side * half) / std) for side in (1, -1))
    inner = up + torch.log(-torch.expm1(down - up))
    high = torch.special.log_ndtr((half - away) / std)
    return rows(torch.where(x0 < -1 + half, up, torch.where(x0 > 1 - half, high, inner)))


@mutant("6.8", "bits", says="This is in bits")
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0, mean, std, levels)) / math.log(2)


@mutant("6.8", "negative", says="this is the negative log-likelihood", keeps=())
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return -rows(logs(x0, mean, std, levels))


@mutant("6.8", "mean over the dimensions", says="This is the mean over the dimensions of a row", keeps=(ONE,))
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    values = logs(x0, mean, std, levels)
    return values.reshape(len(values), -1).mean(1)


@mutant("6.8", "one number", says="This is one number for the batch", keeps=(GRADIENT,))
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return logs(x0, mean, std, levels).sum()


@mutant("6.8", "last axis only", says="Only the last axis has been added up", keeps=(INNER, EDGES, ONE))
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return logs(x0, mean, std, levels).sum(-1)


@mutant("6.8", "infinite ends", says="gives NaN gradients, also in a branch", keeps=(*FINE, FAR, SINGLE))
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    half = 1 / (levels - 1)
    above = torch.where(x0 > 1 - half, torch.inf, x0 + half) - mean
    below = mean - torch.where(x0 < -1 + half, -torch.inf, x0 - half)
    near, far = torch.minimum(above, below) / std, -torch.maximum(above, below) / std
    log_near = torch.special.log_ndtr(near)
    return rows(log_near + torch.log(-torch.expm1(torch.special.log_ndtr(far) - log_near)))


@mutant("6.8", "detached", says="No gradient flows: the result is detached", keeps=(*FINE, FAR, SINGLE))
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0, mean, std, levels)).detach()


@mutant("6.8", "promoted to float64", says="x0 is float32", keeps=(*FINE, FAR, GRADIENT))
def discretized_log_likelihood(x0, mean, std, levels):  # noqa: F811
    return rows(logs(x0.double(), mean.double(), std, levels))
