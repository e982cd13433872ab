"""Wrong answers to exercise 3.3: the cosine schedule."""

from __future__ import annotations

import math

import torch
from answers import mutant

F64 = torch.float64


def cosine(T, s, max_beta, *, power=2, angle=lambda t, T, s: (t / T + s) / (1 + s) * math.pi / 2, dtype=F64):
    f = torch.cos(angle(torch.arange(T + 1, dtype=dtype), T, s)) ** power
    return torch.cat([torch.zeros(1, dtype=dtype), (1 - f[1:] / f[:-1]).clamp(max=max_beta)])


@mutant("3.3", "no square", says="here the square is missing")
def cosine_betas(T, s=0.008, max_beta=0.999):
    return cosine(T, s, max_beta, power=1)


@mutant("3.3", "no offset", says="The offset s is not used")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, 0.0, max_beta)


@mutant("3.3", "default offset", says="The default s = 0.008 is used", keeps=("T = 1000", "largest beta"))
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, 0.008, max_beta)


@mutant("3.3", "not clipped", says="clip them")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, 1.0)


@mutant("3.3", "default clip", says="The default max_beta = 0.999 is used", keeps=("values", "T = 1000"))
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, 0.999)


@mutant("3.3", "alpha_bar for beta", says="This is alpha_bar_t; beta_t = 1 -")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return (1 - cosine(T, s, 1.0)).cumprod(0)


@mutant("3.3", "alpha for beta", says="This is alpha_t = f(t)/f(t-1)")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return 1 - cosine(T, s, max_beta)


@mutant("3.3", "cumulative beta", says="the variance 1 - alpha_bar_t; beta_t compares")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return (1 - (1 - cosine(T, s, 1.0)).cumprod(0)).clamp(max=max_beta)


@mutant("3.3", "no entry for time 0", says="The entry for time 0 is missing")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta)[1:]


@mutant("3.3", "rounded to float32", says="right to single precision only",
        keeps=("values", "largest beta", "T = 1000"))
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta).float()


@mutant("3.3", "float32 throughout", says="right to single precision only", keeps=("T = 1000",))
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta, dtype=torch.float32)


@mutant("3.3", "alpha_bar clipped", says="here it is applied to alpha_bar_t")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    left = (1 - cosine(T, s, 1.0)).cumprod(0).clamp(max=max_beta)
    return torch.cat([torch.zeros(1, dtype=F64), 1 - left[1:] / left[:-1]])


@mutant("3.3", "alpha_bar clipped from below", says="here it is applied to alpha_bar_t")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    left = (1 - cosine(T, s, 1.0)).cumprod(0).clamp(min=1 - max_beta)
    return torch.cat([torch.zeros(1, dtype=F64), 1 - left[1:] / left[:-1]])


@mutant("3.3", "alpha clipped", says="here it is applied to f(t)/f(t-1)")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return torch.cat([torch.zeros(1, dtype=F64), 1 - (1 - cosine(T, s, 1.0)[1:]).clamp(max=max_beta)])


@mutant("3.3", "upside down", says="The ratio is upside down")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    f = torch.cos((torch.arange(T + 1, dtype=F64) / T + s) / (1 + s) * math.pi / 2) ** 2
    return torch.cat([torch.zeros(1, dtype=F64), (1 - f[:-1] / f[1:]).clamp(max=max_beta)])


@mutant("3.3", "one step early", says="Early by one step")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta, angle=lambda t, T, s: ((t + 1) / T + s) / (1 + s) * math.pi / 2)


@mutant("3.3", "no quarter turn", says="a factor pi/2 is missing")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta, angle=lambda t, T, s: (t / T + s) / (1 + s))


@mutant("3.3", "not divided by 1 + s", says="is to be divided by 1 + s")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta, angle=lambda t, T, s: (t / T + s) * math.pi / 2)


@mutant("3.3", "offset in the denominator", says="This has t / (T + s)")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta, angle=lambda t, T, s: t / (T + s) / (1 + s) * math.pi / 2)


@mutant("3.3", "offset in steps", says="This has (t + s) / T")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta, angle=lambda t, T, s: (t + s) / T / (1 + s) * math.pi / 2)
