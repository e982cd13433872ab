"""Correct answers to chapter 3's exercises on the forward process that differ from the reference."""

from __future__ import annotations

import math

import numpy as np
import torch
from answers import alternative


@alternative("3.1", "tensor coefficients")
def forward_step(x_prev, t, betas, noise):
    return torch.sqrt(1 - betas[t]) * x_prev + torch.sqrt(betas[t]) * noise


@alternative("3.1", "NumPy")
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    angle = np.arcsin(np.sqrt(betas[t].item()))
    x = np.cos(angle) * x_prev.numpy() + np.sin(angle) * noise.numpy()
    return torch.from_numpy(x.astype(x_prev.numpy().dtype))


@alternative("3.6", "row by row")
def q_sample(x0, t, alpha_bars, noise):
    times = [int(t)] * len(x0) if torch.as_tensor(t).ndim == 0 else t.tolist()
    rows = [math.sqrt(alpha_bars[time]) * row + math.sqrt(1 - alpha_bars[time]) * eps
            for time, row, eps in zip(times, x0, noise)]
    return torch.stack(rows)


@alternative("3.6", "einsum, flattened")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = alpha_bars[torch.as_tensor(t).expand(len(x0))]
    signal, spread = alpha_bar.sqrt().to(x0.dtype), (1 - alpha_bar).sqrt().to(x0.dtype)
    flat = torch.einsum("b,bd->bd", signal, x0.reshape(len(x0), -1))
    return (flat + torch.einsum("b,bd->bd", spread, noise.reshape(len(x0), -1))).reshape(x0.shape)


@alternative("3.6", "in float64, rounded at the end")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = alpha_bars[t]
    while 0 < alpha_bar.ndim < x0.ndim:
        alpha_bar = alpha_bar[..., None]
    return (alpha_bar.sqrt() * x0.double() + (1 - alpha_bar).sqrt() * noise.double()).to(x0.dtype)


@alternative("3.7", "row by row")
def q_sample_ve(x0, t, noise):
    times = torch.as_tensor(t).expand(len(x0)).tolist()
    return torch.stack([row + math.sqrt(time) * eps for time, row, eps in zip(times, x0, noise)])


@alternative("3.7", "NumPy, transposed")
def q_sample_ve(x0, t, noise):  # noqa: F811
    x = (x0.numpy().T + np.sqrt(np.asarray(t)) * noise.numpy().T).T
    return torch.from_numpy(x.astype(x0.numpy().dtype))


@alternative("3.9", "torch.distributions in float64")
def prior_matching_bits_per_dim(x0, alpha_bar_T):
    flat = x0.double().flatten(1)
    q = torch.distributions.Normal(math.sqrt(alpha_bar_T) * flat, math.sqrt(1 - alpha_bar_T))
    p = torch.distributions.Normal(torch.zeros_like(flat), torch.ones_like(flat))
    return torch.distributions.kl_divergence(q, p).mean(1) / math.log(2)


@alternative("3.9", "loop with base-2 logarithms")
def prior_matching_bits_per_dim(x0, alpha_bar_T):  # noqa: F811
    bits = []
    for row in x0:
        square = float((row.double() ** 2).mean())
        bits.append(0.5 * (alpha_bar_T * (square - 1) / math.log(2) - math.log2(1 - alpha_bar_T)))
    return torch.tensor(bits)
