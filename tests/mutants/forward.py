"""Wrong answers to chapter 3's exercises on the forward process."""

from __future__ import annotations

import math

import torch
from answers import mutant

KEPT, ADDED = ("what is kept of x_{t-1}",), ("what is added",)


@mutant("3.1", "variance for standard deviation", says="The noise is scaled by the variance beta_t", keeps=KEPT)
def forward_step(x_prev, t, betas, noise):
    return (1 - betas[t]).sqrt() * x_prev + betas[t] * noise


@mutant("3.1", "no square root", says="the square root is missing", keeps=ADDED)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t]) * x_prev + betas[t].sqrt() * noise


@mutant("3.1", "coefficient 1", says="the variance grows with every step", keeps=ADDED)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return x_prev + betas[t].sqrt() * noise


@mutant("3.1", "1 minus root", says="1 - sqrt(beta_t)", keeps=ADDED)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t].sqrt()) * x_prev + betas[t].sqrt() * noise


@mutant("3.1", "index from zero", says="this is beta_{t-1}; index t is time t")
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t - 1]).sqrt() * x_prev + betas[t - 1].sqrt() * noise


@mutant("3.1", "swapped coefficients", says="The roles are swapped")
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return betas[t].sqrt() * x_prev + (1 - betas[t]).sqrt() * noise


@mutant("3.1", "unscaled noise", says="The noise is not scaled at all", keeps=KEPT)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t]).sqrt() * x_prev + noise


def rows(values, x0):
    return values.reshape(-1, *[1] * (x0.ndim - 1))


@mutant("3.6", "variances as coefficients", says="take the square roots")
def q_sample(x0, t, alpha_bars, noise):
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar * x0 + (1 - alpha_bar) * noise


@mutant("3.6", "variance for standard deviation", says="scaled by the variance 1 - alpha_bar_t")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar) * noise


@mutant("3.6", "no root on the signal", says="The coefficient of x_0 is alpha_bar_t")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "swapped coefficients", says="The roles are swapped")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return (1 - alpha_bar).sqrt() * x0 + alpha_bar.sqrt() * noise


@mutant("3.6", "coefficients that sum to 1", says="a^2 + b^2 = 1")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    root = rows(alpha_bars[t], x0).sqrt()
    return root * x0 + (1 - root) * noise


@mutant("3.6", "beta for 1 - abar", says="This is beta_t in the place of 1 - alpha_bar_t")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    before = alpha_bars[torch.as_tensor(t - 1).clamp(min=0)]
    beta = rows(1 - alpha_bars[t] / before, x0)
    return rows(alpha_bars[t], x0).sqrt() * x0 + beta.sqrt() * noise


@mutant("3.6", "index from zero", says="Off by one in t: this is alpha_bar_{t-1}")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[torch.as_tensor(t - 1).clamp(min=0)], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "wrong axis", says="run along the last axis", keeps=("one time for all",))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    return alpha_bars[t].sqrt() * x0 + (1 - alpha_bars[t]).sqrt() * noise


@mutant("3.6", "time of the first row", says="All rows have the time of the first row", keeps=("one time for all",))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = alpha_bars[torch.as_tensor(t).flatten()[0]].to(x0.dtype)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "promoted to float64", says="x0 is float32, and x_t should be",
        keeps=("one time for all", "a time for each row", "t = 0 and t = T"))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.7", "variance for standard deviation", says="x_0 + t eps has variance t^2")
def q_sample_ve(x0, t, noise):
    return x0 + rows(torch.as_tensor(t).double(), x0) * noise


@mutant("3.7", "one step only", says="one step of the walk")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + noise


@mutant("3.7", "shrunk like VP", says="The random walk does not shrink x_0")
def q_sample_ve(x0, t, noise):  # noqa: F811
    variance = rows(torch.as_tensor(t).double(), x0)
    return (x0 + variance.sqrt() * noise) / (1 + variance).sqrt()


@mutant("3.7", "scales the data", says="sqrt(t) belongs to the noise")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return rows(torch.as_tensor(t).double(), x0).sqrt() * x0 + noise


@mutant("3.7", "one step too many", says="the variance after t steps is t, so that x_0 has none")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + rows(torch.as_tensor(t).double() + 1, x0).sqrt() * noise


@mutant("3.7", "one step too few", says="step 1 already adds noise")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + rows(torch.as_tensor(t).double() - 1, x0).clamp(min=0).sqrt() * noise


@mutant("3.7", "wrong axis", says="run along the last axis", keeps=("one time for all",))
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + torch.as_tensor(t).double().sqrt() * noise


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


@mutant("3.9", "float32 logarithm", says="rounds to 1", keeps=("values", "a row is one datum"))
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    square = x0.flatten(1).square().mean(1)
    variance = torch.tensor(1 - alpha_bar_T, dtype=x0.dtype)
    return 0.5 * (variance + alpha_bar_T * square - 1 - torch.log(variance)) / math.log(2)
