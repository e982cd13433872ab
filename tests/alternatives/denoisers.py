"""Correct denoisers of a mixture that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative
from torch.distributions import Normal


@alternative("6.7", "Tweedie's formula for each component")
def mixture_denoiser(mixture, x_t, alpha_bar):
    a = torch.as_tensor(alpha_bar, dtype=torch.float64).expand(len(x_t))[:, None, None].sqrt()
    x, variances = x_t.double()[:, None, :], mixture.variances[:, None]
    spread = a**2 * variances + 1 - a**2
    law = Normal(a * mixture.means, spread.sqrt())
    logs = mixture.weights.log() + law.log_prob(x).sum(-1)
    shares = (logs - logs.logsumexp(1, keepdim=True)).exp()
    guesses = (variances * a * x + (1 - a**2) * mixture.means) / spread  # weighted by precisions
    return torch.einsum("bk,bkd->bd", shares, guesses).to(x_t.dtype)


@alternative("6.7", "point by point")
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    values = torch.as_tensor(alpha_bar, dtype=torch.float64).expand(len(x_t)).tolist()
    rows = []
    for x, left in zip(x_t.double(), values):
        logs, guesses = [], []
        for weight, mean, variance in zip(mixture.weights.tolist(), mixture.means, mixture.variances.tolist()):
            spread = left * variance + 1 - left
            away = x - math.sqrt(left) * mean
            logs.append(math.log(weight) - (away @ away).item() / (2 * spread) - len(x) / 2 * math.log(spread))
            guesses.append(mean + math.sqrt(left) * variance / spread * away)
        shares = [math.exp(log - max(logs)) for log in logs]
        rows.append(sum(share * guess for share, guess in zip(shares, guesses)) / sum(shares))
    return torch.stack(rows).to(x_t.dtype)


@alternative("6.7", "the diffused mixture's own log densities")
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    values = torch.as_tensor(alpha_bar, dtype=torch.float64).expand(len(x_t)).tolist()
    rows = []
    for x, left in zip(x_t.double(), values):
        noisy = mixture.diffused(left)
        shares = noisy.component_log_probs(x[None])[0].softmax(0)
        gain = math.sqrt(left) * mixture.variances / noisy.variances
        rows.append(shares @ (mixture.means + gain[:, None] * (x - noisy.means)))
    return torch.stack(rows).to(x_t.dtype)
