"""Correct answers to exercise 13.13 that differ from the reference."""

from __future__ import annotations

import torch
from answers import alternative


def rows(values, x):
    return values.to(x.dtype).expand(len(x)).reshape(-1, *[1] * (x.ndim - 1))


@alternative("13.13", "lerp and mse_loss")
def flow_matching_loss(velocity, x0, noise, u):
    x_u = torch.lerp(x0, noise, rows(u, x0).expand_as(x0))
    return torch.nn.functional.mse_loss(velocity(x_u, u.to(x0.dtype).expand(len(x0))), noise - x0)


@alternative("13.13", "row by row")
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    found = []
    for datum, z, time in zip(x0.split(1), noise.split(1), u.to(x0.dtype).expand(len(x0)).split(1)):
        found.append((velocity(datum + time.squeeze() * (z - datum), time) + datum - z) ** 2)
    return torch.cat(found).mean()


@alternative("13.13", "noise less datum")
def velocity_from_denoiser(denoiser, x, u):
    share = rows(u, x)
    sigma = (u / (1 - u)).to(x.dtype).expand(len(x))
    datum = denoiser(x / (1 - share), sigma)
    return (x - (1 - share) * datum) / share - datum


@alternative("13.13", "by the slope in sigma")
def velocity_from_denoiser(denoiser, x, u):  # noqa: F811
    share = rows(u, x)
    y, sigma = x / (1 - share), share / (1 - share)
    datum = denoiser(y, sigma.flatten())
    return (y - datum) / sigma - datum


@alternative("13.13", "by gaps")
@torch.no_grad()
def flow_sample(velocity, x, times):
    for u, gap in zip(times[:-1].tolist(), times.diff().tolist()):
        x = torch.add(x, velocity(x, x.new_full((len(x),), u)), alpha=gap)
    return x


@alternative("13.13", "backwards count")
def flow_sample(velocity, x, times):  # noqa: F811
    x = x.clone()
    for i in range(len(times) - 1):
        with torch.no_grad():
            speed = velocity(x, times[i].to(x.dtype).expand(len(x)))
        x -= (times[i] - times[i + 1]).item() * speed
    return x
