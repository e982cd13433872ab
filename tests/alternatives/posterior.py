"""Correct answers to chapter 5's code exercises that differ from the reference."""

from __future__ import annotations

import math

import numpy as np
import torch
from answers import alternative


def _times(t, x):
    return torch.as_tensor(t).expand(len(x)).tolist()


@alternative("5.3", "sum of precisions, loop")
def posterior_variance(schedule):
    table = torch.zeros(schedule.T + 1, dtype=torch.float64)
    for t in range(2, schedule.T + 1):
        precision = 1 / (1 - schedule.alpha_bars[t - 1]) + schedule.alphas[t] / schedule.betas[t]
        table[t] = 1 / precision
    return table


@alternative("5.3", "NumPy, nan_to_num")
def posterior_variance(schedule):  # noqa: F811
    betas, bars = schedule.betas.numpy(), schedule.alpha_bars.numpy()
    before = np.concatenate([[1.0], bars[:-1]])
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(np.nan_to_num((1 - before) / (1 - bars) * betas))


@alternative("5.3", "variance less what is explained")
def posterior_variance(schedule):  # noqa: F811
    noise = 1 - schedule.alpha_bars
    explained = schedule.alphas[1:] * noise[:-1] ** 2 / noise[1:]
    return torch.cat([noise[:1], noise[:-1] - explained])


@alternative("5.4", "row by row")
def posterior_mean(x0, x_t, t, schedule):
    means = []
    for time, datum, latent in zip(_times(t, x0), x0, x_t):
        before, now = schedule.alpha_bars[time - 1].item(), schedule.alpha_bars[time].item()
        beta = schedule.betas[time].item()
        means.append((math.sqrt(1 - beta) * (1 - before) * latent + math.sqrt(before) * beta * datum) / (1 - now))
    return torch.stack(means)


@alternative("5.4", "average of two opinions")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    alpha, beta, before = schedule.alphas[t], schedule.betas[t], schedule.alpha_bars[t - 1]
    ours = beta / (beta + alpha * (1 - before))  # the prior's share of the precision
    prior, seen = (weight.reshape(-1, *[1] * (x0.ndim - 1)) for weight in (ours * before.sqrt(), (1 - ours) / alpha.sqrt()))
    return (prior * x0.double() + seen * x_t.double()).to(x_t.dtype)


@alternative("5.4", "from the noise")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    shape = (-1, *[1] * (x0.ndim - 1))
    alpha, beta, now = (table[t].reshape(shape) for table in (schedule.alphas, schedule.betas, schedule.alpha_bars))
    spread = (1 - now).sqrt()
    noise = (x_t.double() - now.sqrt() * x0.double()) / spread
    return ((x_t.double() - beta / spread * noise) / alpha.sqrt()).to(x_t.dtype)


@alternative("5.5", "inverse of the whole covariance")
def condition_gaussian(mean, covariance, observed, values):
    rest = [place for place in range(len(mean)) if place not in observed]
    precision = torch.linalg.inv(covariance)
    left = torch.linalg.inv(precision[rest][:, rest])
    return mean[rest] - (values - mean[observed]) @ precision[observed][:, rest] @ left, left


@alternative("5.5", "Cholesky")
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest = [place for place in range(len(mean)) if place not in observed]
    order = torch.tensor(list(observed) + rest)
    k = len(observed)
    factor = torch.linalg.cholesky(covariance[order][:, order])
    white = torch.linalg.solve_triangular(factor[:k, :k], (values - mean[list(observed)]).reshape(-1, k).T, upper=False)
    shift = (factor[k:, :k] @ white).T.reshape(*values.shape[:-1], len(rest))
    return mean[rest] + shift, factor[k:, k:] @ factor[k:, k:].T


@alternative("5.5", "one component after the other")
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest = [place for place in range(len(mean)) if place not in observed]
    means, covariance = mean.expand(*values.shape[:-1], len(mean)), covariance.clone()
    for place, value in zip(observed, values.unbind(-1)):
        gain = covariance[:, place] / covariance[place, place]
        means = means + (value - means[..., place])[..., None] * gain
        covariance = covariance - torch.outer(gain, covariance[place])
    return means[..., rest], covariance[rest][:, rest]


@alternative("5.6", "row by row")
def posterior_mean_from_noise(x_t, noise, t, schedule):
    means = []
    for time, latent, eps in zip(_times(t, x_t), x_t, noise):
        beta, now = schedule.betas[time].item(), schedule.alpha_bars[time].item()
        means.append((latent - beta / math.sqrt(1 - now) * eps) / math.sqrt(1 - beta))
    return torch.stack(means)


@alternative("5.6", "by way of the datum")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    shape = (-1, *[1] * (x_t.ndim - 1))
    before, now, beta = (table.reshape(shape) for table in (
        schedule.alpha_bars[t - 1], schedule.alpha_bars[t], schedule.betas[t]))
    datum = (x_t.double() - (1 - now).sqrt() * noise.double()) / now.sqrt()
    mean = (1 - beta).sqrt() * (1 - before) / (1 - now) * x_t.double() + before.sqrt() * beta / (1 - now) * datum
    return mean.to(x_t.dtype)


@alternative("5.7", "a step of the straight way")
def posterior_mean_ve(x0, x_t, t):
    times = torch.as_tensor(t).expand(len(x0)).to(x0.dtype).reshape(-1, *[1] * (x0.ndim - 1))
    return x_t - (x_t - x0) / times


@alternative("5.7", "row by row")
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    return torch.stack([((time - 1) * latent + datum) / time for time, datum, latent in zip(_times(t, x0), x0, x_t)])


@alternative("5.7", "one fraction, NumPy")
def posterior_variance_ve(t):
    times = np.asarray(t, dtype=np.float64)
    return torch.as_tensor((times - 1) / times, dtype=torch.float64)
