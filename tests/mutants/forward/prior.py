"""Wrong answers to exercise 3.9: the distance from the prior in bits per dimension."""

from __future__ import annotations

import math

import torch
from answers import mutant


def nats(x0, alpha_bar_T):
    return 0.5 * (alpha_bar_T * (x0.double().flatten(1) ** 2 - 1) - math.log1p(-alpha_bar_T))


@mutant("3.9", "nats", says="This is in nats")
def prior_matching_bits_per_dim(x0, alpha_bar_T):
    return nats(x0, alpha_bar_T).mean(1)


@mutant("3.9", "sum instead of mean", says="This is the sum over a row")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    return nats(x0, alpha_bar_T).sum(1) / math.log(2)


@mutant("3.9", "mean over the batch", says="This is the mean over the batch")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    return nats(x0, alpha_bar_T).mean() / math.log(2)


@mutant("3.9", "mean over the rows", says="the mean over the dimensions is asked for")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    return nats(x0, alpha_bar_T).mean(0) / math.log(2)


@mutant("3.9", "swapped arguments", says="The arguments are swapped")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    square, variance = x0.double().flatten(1) ** 2, 1 - alpha_bar_T
    return 0.5 * ((1 + alpha_bar_T * square) / variance - 1 + math.log(variance)).mean(1) / math.log(2)


@mutant("3.9", "no half", says="The factor 1/2 is missing")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    return 2 * nats(x0, alpha_bar_T).mean(1) / math.log(2)


@mutant("3.9", "no root of alpha_bar", says="its square has the factor alpha_bar_T")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    mean, variance = alpha_bar_T * x0.double().flatten(1), 1 - alpha_bar_T
    return 0.5 * (variance + mean**2 - 1 - math.log(variance)).mean(1) / math.log(2)


@mutant("3.9", "no logarithm", says="The logarithm of the variance is missing")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    return (nats(x0, alpha_bar_T).mean(1) + 0.5 * math.log1p(-alpha_bar_T)) / math.log(2)


@mutant("3.9", "last axis only", says="Only the last axis is averaged", keeps=("values",))
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    return nats(x0, alpha_bar_T).reshape(x0.shape).mean(-1) / math.log(2)


@mutant("3.9", "float32 logarithm", says="Nothing is left of it. In float32, 1 - alpha_bar_T rounds to 1",
        keeps=("values", "a row is one datum"))
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    square = x0.flatten(1).square().mean(1)
    variance = torch.tensor(1 - alpha_bar_T, dtype=x0.dtype)
    return 0.5 * (variance + alpha_bar_T * square - 1 - torch.log(variance)) / math.log(2)


@mutant("3.9", "logarithm of a rounded number", says="counts as 0. In float32", keeps=("values", "a row is one datum"))
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    mean_square = x0.flatten(1).square().mean(1)
    lost = torch.log(torch.tensor(1 - alpha_bar_T, dtype=x0.dtype))
    return 0.5 * (alpha_bar_T * (mean_square - 1) - lost) / math.log(2)


@mutant("3.9", "times log 2", says="should be larger than the one in nats")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    return nats(x0, alpha_bar_T).mean(1) * math.log(2)


@mutant("3.9", "square of the mean", says="the mean of the squares is asked for")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    square = x0.double().flatten(1).mean(1) ** 2
    return 0.5 * (alpha_bar_T * (square - 1) - math.log1p(-alpha_bar_T)) / math.log(2)
