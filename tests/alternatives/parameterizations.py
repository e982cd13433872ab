"""Correct conversions of chapter 6 that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative


def numbers(schedule, t):
    left, before = schedule.alpha_bars[t].item(), schedule.alpha_bars[t - 1].item()
    return math.sqrt(left), math.sqrt(1 - left), before, schedule.alphas[t].item(), schedule.betas[t].item()


def times(t, x):
    return torch.as_tensor(t).expand(len(x)).tolist()


@alternative("6.3", "row by row")
def from_x0(kind, x0, x_t, t, schedule):
    rows = []
    for time, x, noisy in zip(times(t, x0), x0, x_t):
        a, b, before, alpha, beta = numbers(schedule, time)
        eps = (noisy - a * x) / b
        rows.append({"x0": x, "eps": eps, "v": a * eps - b * x, "score": -eps / b,
                     "mean": (noisy - beta / b * eps) / math.sqrt(alpha)}[kind])
    return torch.stack(rows)


@alternative("6.3", "row by row, back")
def to_x0(kind, prediction, x_t, t, schedule):
    rows = []
    for time, value, noisy in zip(times(t, x_t), prediction, x_t):
        a, b, before, alpha, beta = numbers(schedule, time)
        if kind == "mean":
            value = (value - math.sqrt(alpha) * (1 - before) / b**2 * noisy) / (math.sqrt(before) * beta / b**2)
        elif kind == "score":
            value = (noisy + b**2 * value) / a
        elif kind == "eps":
            value = (noisy - b * value) / a
        elif kind == "v":
            value = a * noisy - b * value
        rows.append(value)
    return torch.stack(rows)


@alternative("6.3", "computed in float64, converted at the end")
def from_x0(kind, x0, x_t, t, schedule):  # noqa: F811
    index = torch.as_tensor(t)

    def entry(table):
        return table[index].reshape(-1, *[1] * (x0.ndim - 1)) if index.ndim else table[index]

    left, alpha, beta, before = (entry(table) for table in (
        schedule.alpha_bars, schedule.alphas, schedule.betas, schedule.alpha_bars.roll(1)))
    x, noisy = x0.double(), x_t.double()
    eps = (noisy - left.sqrt() * x) / (1 - left).sqrt()
    values = {"x0": x, "eps": eps, "v": (left.sqrt() * noisy - x) / (1 - left).sqrt(),
              "score": (left.sqrt() * x - noisy) / (1 - left),
              "mean": (alpha.sqrt() * (1 - before) * noisy + before.sqrt() * beta * x) / (1 - left)}
    return values[kind].to(x0.dtype)
