"""Wrong answers to chapter 3's exercises on schedules."""

from __future__ import annotations

import math

import torch
from answers import mutant

F64 = torch.float64
PRODUCT = ("linear_betas: values",)
TABLE = ("alpha_bars: values",)


@mutant("3.2", "no entry for time 0", says="The entry for time 0 is missing", keeps=TABLE)
def linear_betas(T, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start, beta_end, T, dtype=F64)


@mutant("3.2", "beta_start at time 0", says="beta_start belongs to time 1", keeps=TABLE)
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    return torch.linspace(beta_start, beta_end, T + 1, dtype=F64)


@mutant("3.2", "one gap too many", says="Off by one step: there are T - 1 equal gaps", keeps=TABLE)
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    betas = torch.linspace(beta_start, beta_end, T + 1, dtype=F64)
    betas[0] = 0
    return betas


@mutant("3.2", "rises from 0", says="This rises from 0 at time 0", keeps=TABLE)
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    return torch.linspace(0, beta_end, T + 1, dtype=F64)


@mutant("3.2", "linear in the root", says="linear in sqrt(beta)", keeps=TABLE)
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    roots = torch.linspace(beta_start**0.5, beta_end**0.5, T, dtype=F64)
    return torch.cat([torch.zeros(1, dtype=F64), roots**2])


@mutant("3.2", "backwards", says="The schedule runs backwards", keeps=TABLE)
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    return torch.cat([torch.zeros(1, dtype=F64), torch.linspace(beta_end, beta_start, T, dtype=F64)])


@mutant("3.2", "scaled by 1000/T", says="scaled by 1000/T", keeps=TABLE)
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    return torch.cat([torch.zeros(1, dtype=F64), torch.linspace(beta_start, beta_end, T, dtype=F64) * 1000 / T])


@mutant("3.2", "float32 table", says="right to single precision only", keeps=("linear_betas: values", *TABLE))
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    return torch.cat([torch.zeros(1), torch.linspace(beta_start, beta_end, T)])


@mutant("3.2", "product of the betas", says="This is the product of the betas", keeps=PRODUCT)
def alpha_bars(betas):
    return betas.cumprod(0)


@mutant("3.2", "alpha for alpha_bar", says="This is alpha_t = 1 - beta_t itself", keeps=PRODUCT)
def alpha_bars(betas):  # noqa: F811
    return 1 - betas


@mutant("3.2", "product from the wrong end", says="The product runs from the wrong end", keeps=PRODUCT)
def alpha_bars(betas):  # noqa: F811
    return (1 - betas).flip(0).cumprod(0).flip(0)


@mutant("3.2", "late product", says="late by one step", keeps=PRODUCT)
def alpha_bars(betas):  # noqa: F811
    return torch.cat([torch.ones(1, dtype=F64), (1 - betas).cumprod(0)[:-1]])


@mutant("3.2", "sum of the betas", says="1 minus the sum of the betas", keeps=PRODUCT)
def alpha_bars(betas):  # noqa: F811
    return 1 - betas.cumsum(0)


@mutant("3.2", "exponential of the sum", says="an approximation for small betas", keeps=PRODUCT)
def alpha_bars(betas):  # noqa: F811
    return torch.exp(-betas.cumsum(0))


@mutant("3.2", "root of alpha_bar", says="This is sqrt(alpha_bar_t)", keeps=PRODUCT)
def alpha_bars(betas):  # noqa: F811
    return (1 - betas).sqrt().cumprod(0)


@mutant("3.2", "float32 product", says="right to single precision only", keeps=("linear_betas: values", *TABLE))
def alpha_bars(betas):  # noqa: F811
    return (1 - betas.float()).cumprod(0)


def cosine(T, s, max_beta, *, power=2, shift=0):
    times = torch.arange(T + 1, dtype=F64) + shift
    f = torch.cos((times / T + s) / (1 + s) * math.pi / 2) ** power
    return torch.cat([torch.zeros(1, dtype=F64), (1 - f[1:] / f[:-1]).clamp(max=max_beta)])


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


@mutant("3.3", "float32", says="right to single precision only", keeps=("values", "largest beta"))
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    return cosine(T, s, max_beta).float()


@mutant("3.4", "ratio of standard deviations", says="This is a ratio of standard deviations")
def signal_to_noise(alpha_bar):
    return (alpha_bar / (1 - alpha_bar)).sqrt()


@mutant("3.4", "noise over signal", says="upside down")
def signal_to_noise(alpha_bar):  # noqa: F811
    return (1 - alpha_bar) / alpha_bar


@mutant("3.4", "logarithm", says="This is the logarithm of the ratio")
def signal_to_noise(alpha_bar):  # noqa: F811
    return torch.log(alpha_bar) - torch.log(1 - alpha_bar)


@mutant("3.4", "squared", says="alpha_bar is already a variance")
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar**2 / (1 - alpha_bar) ** 2


@mutant("3.4", "root over variance", says="the mean's coefficient over the noise's variance")
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar.sqrt() / (1 - alpha_bar)


@mutant("3.4", "clamped denominator", says="At alpha_bar = 1 there is no noise", keeps=("values",))
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar / (1 - alpha_bar).clamp(min=1e-12)


@mutant("3.4", "small number added", says="the digits of 1 - alpha_bar are lost")
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar / (1 - alpha_bar + 1e-7)


@mutant("3.4", "float32", says="the digits of 1 - alpha_bar are lost", keeps=("values", "time 0 and full noise"))
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar.float() / (1 - alpha_bar.float())
