"""Correct answers to exercise 13.12 that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative

from ddpmlib.discretized import discretized_log_likelihood
from ddpmlib.improved import learned_log_variance as reference_logs
from ddpmlib.improved import vlb_term as reference_term


def rows(values, x):
    return values.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))


@alternative("13.12", "lerp")
def learned_log_variance(v, t, schedule):
    t = torch.as_tensor(t).expand(len(v))
    left = schedule.alpha_bars
    at = t.clamp(min=2)
    low = (schedule.betas[at] * (1 - left[at - 1]) / (1 - left[at])).log()
    return torch.lerp(rows(low, v).expand_as(v), rows(schedule.betas[t].log(), v).expand_as(v), v)


@alternative("13.12", "row by row")
def learned_log_variance(v, t, schedule):  # noqa: F811
    found = []
    for row, time in zip(v, torch.as_tensor(t).expand(len(v)).tolist()):
        at = max(time, 2)
        small = schedule.betas[at] * (1 - schedule.alpha_bars[at - 1]) / (1 - schedule.alpha_bars[at])
        found.append(math.log(small) + row * (math.log(schedule.betas[time]) - math.log(small)))
    return torch.stack(found)


@alternative("13.12", "both kinds of terms for all rows")
def vlb_term(eps, v, x0, noise, t, schedule, levels):
    t = torch.as_tensor(t).expand(len(x0))
    left, betas = schedule.alpha_bars, schedule.betas
    logs = reference_logs(v, t, schedule)
    x_t = rows(left[t].sqrt(), x0) * x0 + rows((1 - left[t]).sqrt(), x0) * noise
    mean = (x_t - rows(betas[t] / (1 - left[t]).sqrt(), x0) * eps) / rows((1 - betas[t]).sqrt(), x0)
    gap = rows(betas[t] / ((1 - left[t]) * (1 - betas[t])).sqrt(), x0) * (noise - eps)
    true = reference_logs(torch.zeros_like(v), t, schedule)
    nats = 0.5 * (logs - true - 1 + (true - logs).exp() + gap**2 * (-logs).exp())
    kl = nats.flatten(1).mean(1) if x0.ndim > 1 else nats
    on_grid = (x0 * (levels - 1) / 2 + (levels - 1) / 2).round() * 2 / (levels - 1) - 1
    decoder = -discretized_log_likelihood(on_grid, mean, (logs / 2).exp(), levels) / x0[0].numel()
    return torch.where(t == 1, decoder, kl) / math.log(2)


@alternative("13.12", "a loop over rows")
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    times = torch.as_tensor(t).expand(len(x0)).tolist()
    return torch.cat([reference_term(*(x[i : i + 1] for x in (eps, v, x0, noise)), time, schedule, levels) for i, time in enumerate(times)])


@alternative("13.12", "mse_loss")
def hybrid_loss(eps, v, x0, noise, t, schedule, levels, weight):
    stopped = eps.clone().detach()
    found = reference_term(stopped, v, x0, noise, t, schedule, levels)
    return torch.nn.functional.mse_loss(eps, noise) + weight * schedule.T * found.sum() / len(x0)
