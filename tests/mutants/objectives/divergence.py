"""Wrong answers to Exercise 6.1, the divergence of two Gaussians."""

from __future__ import annotations

import math

import torch
from answers import mutant


def each(mean_q, var_q, mean_p, var_p):
    ratio = torch.as_tensor(var_q, dtype=mean_q.dtype) / var_p
    return 0.5 * ((mean_q - mean_p) ** 2 / var_p + ratio - 1 - torch.log(ratio))


def rows(values):
    return values.reshape(len(values), -1).sum(1)


@mutant("6.1", "swapped arguments", says="this is KL(p || q)", keeps=("the same variance",))
def gaussian_kl(mean_q, var_q, mean_p, var_p):
    return rows(each(mean_p, var_p, mean_q, var_q).expand(mean_q.shape))


@mutant("6.1", "no half", says="The factor 1/2 is missing")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return 2 * rows(each(mean_q, var_q, mean_p, var_p))


@mutant("6.1", "the other variance under the means", says="divided by var_p", keeps=("the same variance",))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    square = (mean_q - mean_p) ** 2
    return rows(each(mean_q, var_q, mean_p, var_p) + 0.5 * square / var_q - 0.5 * square / var_p)


@mutant("6.1", "variances squared", says="taken for standard deviations")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return rows(each(mean_q, var_q**2, mean_p, var_p**2))


@mutant("6.1", "means only", says="only the distance of the means is there", keeps=("the same variance",))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return rows(0.5 * (mean_q - mean_p) ** 2 / var_p)


@mutant("6.1", "log of sigma without its half", says="log sigma has a factor 1/2 of its own", keeps=("the same variance",))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    ratio = torch.as_tensor(var_q, dtype=mean_q.dtype) / var_p
    return rows(each(mean_q, var_q, mean_p, var_p) - 0.5 * torch.log(ratio))


@mutant("6.1", "sign of the logarithm", says="has the wrong sign", keeps=("the same variance",))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    ratio = torch.as_tensor(var_q, dtype=mean_q.dtype) / var_p
    return rows(each(mean_q, var_q, mean_p, var_p) + torch.log(ratio))


@mutant("6.1", "no minus one", says="The constant -1 is missing")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return rows(each(mean_q, var_q, mean_p, var_p) + 0.5)


@mutant("6.1", "mean over the dimensions", says="the divergence of independent components is their sum")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    values = each(mean_q, var_q, mean_p, var_p)
    return values.reshape(len(values), -1).mean(1)


@mutant("6.1", "sum over everything", says="each row has its own divergence", keeps=("gradient",))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return each(mean_q, var_q, mean_p, var_p).sum()


@mutant("6.1", "sum over the batch", says="This adds up the batch", keeps=("gradient",))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return each(mean_q, var_q, mean_p, var_p).sum(0)


@mutant("6.1", "last axis only", says="Only the last axis has been added up")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    values = each(mean_q, var_q, mean_p, var_p)
    return values.sum(-1) if values.ndim > 1 else values


@mutant("6.1", "bits", says="This is in bits")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return rows(each(mean_q, var_q, mean_p, var_p)) / math.log(2)


@mutant("6.1", "detached", says="No gradient flows: the result is detached",
        keeps=("the same variance", "different variances", "a row is one datum", "float32 stays float32"))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return rows(each(mean_q, var_q, mean_p, var_p)).detach()


@mutant("6.1", "variance of the model detached", says="No gradient flows to var_p",
        keeps=("the same variance", "different variances", "a row is one datum", "float32 stays float32"))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    var_p = var_p.detach() if isinstance(var_p, torch.Tensor) else var_p
    return rows(each(mean_q, var_q, mean_p, var_p))


@mutant("6.1", "single precision inside", says="right to single precision only")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    var_q, var_p = (torch.as_tensor(var).float() for var in (var_q, var_p))
    return rows(each(mean_q.float(), var_q, mean_p.float(), var_p)).to(mean_q.dtype)


@mutant("6.1", "double precision out", says="mean_q is float32", keeps=("the same variance", "different variances", "gradient"))
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    return rows(each(mean_q.double(), var_q, mean_p.double(), var_p))
