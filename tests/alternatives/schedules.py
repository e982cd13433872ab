"""Correct answers to chapter 3's exercises on schedules that differ from the reference."""

from __future__ import annotations

import math

import numpy as np
import torch
from answers import alternative


@alternative("3.2", "list of Python numbers")
def linear_betas(T, beta_start=1e-4, beta_end=0.02):
    gap = (beta_end - beta_start) / max(T - 1, 1)
    return torch.tensor([0.0] + [beta_start + k * gap for k in range(T)], dtype=torch.float64)


@alternative("3.2", "NumPy, padded")
def linear_betas(T, beta_start=1e-4, beta_end=0.02):  # noqa: F811
    return torch.from_numpy(np.pad(np.linspace(beta_start, beta_end, T), (1, 0)))


@alternative("3.2", "loop over the steps")
def alpha_bars(betas):
    table = torch.ones(len(betas), dtype=torch.float64)
    for t in range(1, len(betas)):
        table[t] = table[t - 1] * (1 - betas[t].double())
    return table


@alternative("3.2", "sum of logarithms")
def alpha_bars(betas):  # noqa: F811
    return torch.log1p(-betas.double()).cumsum(0).exp()


@alternative("3.3", "loop and math.cos")
def cosine_betas(T, s=0.008, max_beta=0.999):
    def f(t):
        return math.cos((t / T + s) / (1 + s) * math.pi / 2) ** 2

    return torch.tensor([0.0] + [min(1 - f(t) / f(t - 1), max_beta) for t in range(1, T + 1)], dtype=torch.float64)


@alternative("3.3", "half-angle in NumPy, from alpha_bar")
def cosine_betas(T, s=0.008, max_beta=0.999):  # noqa: F811
    f = 0.5 * (1 + np.cos((np.arange(T + 1) / T + s) / (1 + s) * np.pi))
    alpha_bar = f / f[0]
    betas = np.minimum((alpha_bar[:-1] - alpha_bar[1:]) / alpha_bar[:-1], max_beta)
    return torch.from_numpy(np.concatenate([[0.0], betas]))


@alternative("3.4", "exponential of the logit")
def signal_to_noise(alpha_bar):
    return torch.exp(torch.logit(alpha_bar))


@alternative("3.4", "where, in NumPy")
def signal_to_noise(alpha_bar):  # noqa: F811
    values = alpha_bar.numpy()
    noise = 1 - values
    return torch.from_numpy(np.where(noise > 0, values / np.where(noise > 0, noise, 1), np.inf))


@alternative("3.4", "reciprocal")
def signal_to_noise(alpha_bar):  # noqa: F811
    return 1 / (1 - alpha_bar) - 1
