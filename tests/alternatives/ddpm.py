"""Correct answers to chapter 7's code exercises that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative

from ddpmlib.ddpm import ancestral_step as reference_step
from ddpmlib.ddpm import reverse_variance as reference_variance
from ddpmlib.forward import q_sample


def times_of(t, x):
    return torch.as_tensor(t).expand(len(x))


@alternative("7.1", "chapter 3's jump and PyTorch's loss")
def training_loss(model, x0, t, noise, schedule):
    x_t = q_sample(x0, t, schedule.alpha_bars, noise)
    return torch.nn.functional.mse_loss(model(x_t, times_of(t, x0)), noise)


@alternative("7.1", "row by row, with a norm")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    total = 0.0
    for x, eps, time in zip(x0, noise, times_of(t, x0)):
        left = schedule.alpha_bars[time].item()
        x_t = math.sqrt(left) * x + math.sqrt(1 - left) * eps
        total = total + (model(x_t[None], time[None])[0] - eps).norm() ** 2
    return total / x0.numel()


@alternative("7.1", "through the signal-to-noise ratio")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    snr = (schedule.alpha_bars / (1 - schedule.alpha_bars))[times_of(t, x0)].reshape(-1, *[1] * (x0.ndim - 1))
    x_t = torch.sigmoid(snr.log()).sqrt().to(x0.dtype) * x0 + torch.sigmoid(-snr.log()).sqrt().to(x0.dtype) * noise
    return ((noise - model(x_t, times_of(t, x0))) ** 2).sum() / x0.numel()


@alternative("7.2", "loop over the times")
def reverse_variance(schedule, kind):
    table = [0.0]
    for t in range(1, schedule.T + 1):
        beta, before, now = (float(value) for value in (schedule.betas[t], schedule.alpha_bars[t - 1], schedule.alpha_bars[t]))
        table.append(beta if kind == "large" else (1 - before) / (1 - now) * beta)
    return torch.tensor(table, dtype=torch.float64)


@alternative("7.2", "precisions add")
def reverse_variance(schedule, kind):  # noqa: F811
    if kind == "large":
        return 1 - schedule.alphas
    table = torch.zeros_like(schedule.betas)
    table[2:] = 1 / (schedule.alphas[2:] / schedule.betas[2:] + 1 / (1 - schedule.alpha_bars[1:-1]))
    return table


@alternative("7.3", "through the clean data and the posterior")
def ancestral_step(model, x_t, t, schedule, noise, variance):
    t = times_of(t, x_t)

    def rows(table):
        return table[t].to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))

    now, before = schedule.alpha_bars, schedule.alpha_bars.roll(1)
    x0 = (x_t - rows((1 - now).sqrt()) * model(x_t, t)) / rows(now.sqrt())
    mean = rows(before.sqrt() * schedule.betas / (1 - now)) * x0 + rows(schedule.alphas.sqrt() * (1 - before) / (1 - now)) * x_t
    return mean + torch.where(rows(torch.arange(len(now))) == 1, torch.zeros_like(noise), rows(variance.sqrt()) * noise)


@alternative("7.3", "row by row")
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    t = times_of(t, x_t)
    rows = []
    for x, eps, z, time in zip(x_t, model(x_t, t), noise, t.tolist()):
        mean = (x - schedule.betas[time].item() / math.sqrt(1 - schedule.alpha_bars[time]) * eps) / math.sqrt(schedule.alphas[time])
        rows.append(mean + (math.sqrt(variance[time]) * z if time > 1 else 0.0))
    return torch.stack(rows)


@alternative("7.3", "a mask on the noise")
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    t = times_of(t, x_t)
    shape = (-1, *[1] * (x_t.ndim - 1))
    weight = ((1 - schedule.alphas[t]) / (1 - schedule.alpha_bars[t]) ** 0.5).reshape(shape).to(x_t.dtype)
    sigma = (variance[t] ** 0.5 * (t > 1)).reshape(shape).to(x_t.dtype)
    return (x_t - weight * model(x_t, t)) / (schedule.alphas[t] ** 0.5).reshape(shape).to(x_t.dtype) + sigma * noise


@alternative("7.5", "all noise drawn at once")
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):
    if noise is None:
        noise = torch.randn(schedule.T + 1, *x_T.shape, generator=generator, dtype=x_T.dtype)
    table = variance if torch.is_tensor(variance) else reference_variance(schedule, variance)
    x = x_T
    for t in reversed(range(1, schedule.T + 1)):
        with torch.no_grad():
            x = reference_step(model, x, t, schedule, noise[t], table)
    return x


@alternative("7.5", "without the step function")
@torch.no_grad()
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    abar, x = schedule.alpha_bars, x_T.clone()
    for t in range(schedule.T, 0, -1):
        beta, alpha = float(schedule.betas[t]), float(schedule.alphas[t])
        small = beta * float((1 - abar[t - 1]) / (1 - abar[t]))
        sigma = math.sqrt(variance[t] if torch.is_tensor(variance) else small if variance == "small" else beta)
        eps = model(x, torch.full((len(x),), t))
        x = (x - beta / math.sqrt(1 - abar[t]) * eps) / math.sqrt(alpha)
        if t > 1:
            x = x + sigma * (torch.randn(x.shape, generator=generator, dtype=x.dtype) if noise is None else noise[t])
    return x


@alternative("7.7", "all times in one batch")
@torch.no_grad()
def loss_per_time(model, x0, times, noise, schedule):
    n, batch = len(times), len(x0)
    t = times.repeat_interleave(batch)
    repeated, eps = (value.repeat(n, *[1] * (x0.ndim - 1)) for value in (x0, noise))
    error = eps - model(q_sample(repeated, t, schedule.alpha_bars, eps), t)
    return error.square().reshape(n, -1).mean(1)


@alternative("7.7", "loop, detached")
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    found = torch.zeros(len(times), dtype=x0.dtype)
    for index, t in enumerate(times):
        x_t = q_sample(x0, int(t), schedule.alpha_bars, noise)
        found[index] = (noise - model(x_t, t.expand(len(x0)))).detach().pow(2).mean()
    return found


@alternative("7.8", "chapter 3's jump")
@torch.no_grad()
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):
    x = x_T
    for t in range(schedule.T, 0, -1):
        left = schedule.alpha_bars[t].item()
        xhat = (x - math.sqrt(1 - left) * model(x, torch.full((len(x),), t))) / math.sqrt(left)
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype) if noise is None else noise[t]
        x = q_sample(xhat, t - 1, schedule.alpha_bars, z)
    return x


@alternative("7.8", "the last step apart")
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    ratio = ((1 - schedule.alpha_bars) / schedule.alpha_bars).sqrt()

    def clean(x, t):
        with torch.no_grad():
            return x / float(schedule.alpha_bars[t]) ** 0.5 - ratio[t].item() * model(x, torch.tensor([t] * len(x)))

    x = x_T.detach()
    for t in range(schedule.T, 1, -1):
        z = torch.randn(x.shape, generator=generator, dtype=x.dtype) if noise is None else noise[t]
        left = float(schedule.alpha_bars[t - 1])
        x = left**0.5 * clean(x, t) + (1 - left) ** 0.5 * z
    return clean(x, 1)
