"""Correct answers to chapter 6's exercises on the divergence and the losses that differ from the reference."""

from __future__ import annotations

import torch
from answers import alternative
from torch.distributions import Independent, Normal, kl_divergence

from ddpmlib.tables import at_times


@alternative("6.1", "torch.distributions")
def gaussian_kl(mean_q, var_q, mean_p, var_p):
    var_q, var_p = (torch.as_tensor(var, dtype=mean_q.dtype).expand(mean_q.shape) for var in (var_q, var_p))
    axes = mean_q.ndim - 1
    return kl_divergence(Independent(Normal(mean_q, var_q.sqrt()), axes), Independent(Normal(mean_p, var_p.sqrt()), axes))


@alternative("6.1", "sum of sums")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    var_q, var_p = (torch.as_tensor(var, dtype=mean_q.dtype).broadcast_to(mean_q.shape).reshape(len(mean_q), -1)
                    for var in (var_q, var_p))
    gap = (mean_q - mean_p).reshape(len(mean_q), -1)
    return 0.5 * ((gap**2 / var_p).sum(1) + (var_q / var_p).sum(1) - gap.shape[1] + var_p.log().sum(1) - var_q.log().sum(1))


@alternative("6.1", "row by row")
def gaussian_kl(mean_q, var_q, mean_p, var_p):  # noqa: F811
    var_q, var_p = (torch.as_tensor(var, dtype=mean_q.dtype) + torch.zeros_like(mean_q) for var in (var_q, var_p))
    rows = []
    for mq, vq, mp, vp in zip(mean_q, var_q, mean_p, var_p):
        rows.append((((mq - mp) ** 2 + vq) / (2 * vp) - 0.5 - 0.5 * torch.log(vq / vp)).sum())
    return torch.stack(rows)


@alternative("6.5", "as printed")
def loss_weights(kind, schedule, variances):
    left, alphas, betas = schedule.alpha_bars, schedule.alphas, schedule.betas
    before, twice = left.roll(1), 2 * variances.double()
    weights = {
        "mean": 1 / twice,
        "x0": before * betas**2 / (twice * (1 - left) ** 2),
        "eps": betas**2 / (twice * alphas * (1 - left)),
        "v": before * betas**2 / (twice * (1 - left)),
        "score": betas**2 / (twice * alphas),
    }[kind]
    weights[0] = 0
    return weights


@alternative("6.5", "from signal-to-noise ratios")
def loss_weights(kind, schedule, variances):  # noqa: F811
    left = schedule.alpha_bars
    snr = left[1:] / (1 - left[1:])
    tilde = schedule.betas[1:] * (1 - left[:-1]) / (1 - left[1:])
    of_mean = 1 / (2 * variances[1:].double())
    shift = schedule.betas[1:] * left[:-1].sqrt() / (1 - left[1:])
    of_x0 = torch.where(tilde > 0, 0.5 * (left[:-1] / (1 - left[:-1]) - snr) * 2 * tilde * of_mean, shift**2 * of_mean)
    of_x0 = torch.where(of_x0.isnan(), shift**2 * of_mean, of_x0)
    found = {"mean": of_mean, "x0": of_x0, "eps": of_x0 / snr, "v": of_x0 / (1 + snr), "score": of_x0 / snr * (1 - left[1:])}
    return torch.cat([torch.zeros(1, dtype=torch.float64), found[kind]])


@alternative("6.6", "by from_x0")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):
    from ddpmlib.parameterizations import from_x0

    t = torch.as_tensor(t)
    a, b = schedule.alpha_bars.sqrt(), (1 - schedule.alpha_bars).sqrt()
    x_t = at_times(a, t, x0) * x0 + at_times(b, t, x0) * noise
    error = from_x0(kind, x0, x_t, t, schedule) - prediction
    factor = 1.0 if weights is None else at_times(weights, t, x0)
    return (factor * error**2).sum() / len(x0)


@alternative("6.6", "row by row")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    times = torch.as_tensor(t).expand(len(x0)).tolist()
    total = torch.zeros((), dtype=prediction.dtype)
    for time, guess, x, eps in zip(times, prediction, x0, noise):
        a, b = schedule.alpha_bars[time].sqrt().item(), (1 - schedule.alpha_bars[time]).sqrt().item()
        x_t, alpha, beta = a * x + b * eps, schedule.alphas[time].item(), schedule.betas[time].item()
        target = {"x0": x, "eps": eps, "v": a * eps - b * x, "score": -eps / b,
                  "mean": (x_t - beta / b * eps) / alpha**0.5}[kind]
        total = total + (1.0 if weights is None else weights[time].item()) * ((guess - target) ** 2).sum()
    return total / len(x0)
