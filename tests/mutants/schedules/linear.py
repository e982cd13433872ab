"""Wrong answers to exercise 3.2: the linear schedule and what is left."""

from __future__ import annotations

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


@mutant("3.2", "formula as printed", says="look for 0/0", keeps=(*PRODUCT, *TABLE, "float64"))
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    t = torch.arange(T + 1, dtype=F64)
    betas = beta_start + (t - 1) / (T - 1) * (beta_end - beta_start)
    betas[0] = 0
    return betas


@mutant("3.2", "one step of beta_end", says="Of a single step, beta_1 = beta_start",
        keeps=(*PRODUCT, *TABLE, "float64"))
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    steps = torch.linspace(beta_end, beta_start, T, dtype=F64).flip(0)
    return torch.cat([torch.zeros(1, dtype=F64), steps])


@mutant("3.2", "dtype of the betas", says="computed from them should be float64", keeps=(*PRODUCT, *TABLE, "one step"))
def alpha_bars(betas):  # noqa: F811
    return (1 - betas).cumprod(0)


@mutant("3.2", "a factor 1 in front", says="One entry too many", keeps=PRODUCT)
def alpha_bars(betas):  # noqa: F811
    return torch.cat([torch.ones(1, dtype=F64), (1 - betas).cumprod(0)])
