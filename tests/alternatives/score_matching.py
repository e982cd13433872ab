"""Correct answers to exercises 13.1 and 13.2 that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative


@alternative("13.1", "target and weight as they are written")
def dsm_loss(score, x0, sigma, noise):
    sigma = sigma.to(x0.dtype).expand(len(x0))
    rows = sigma.reshape(-1, *[1] * (x0.ndim - 1))
    x = x0 + rows * noise
    target = (x0 - x) / rows**2
    return (rows**2 * (score(x, sigma) - target) ** 2).mean()


@alternative("13.1", "by autograd")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    sigma = sigma.to(x0.dtype).expand(len(x0))
    rows = sigma.reshape(-1, *[1] * (x0.ndim - 1))
    x = (x0 + rows * noise).requires_grad_()
    (target,) = torch.autograd.grad((-((x - x0) ** 2) / (2 * rows**2)).sum(), x)
    return torch.mean((rows * (score(x.detach(), sigma) - target)) ** 2)


@alternative("13.2", "score of a filled tensor")
def langevin_step(score, x, sigma, step, noise):
    level = x.new_full((x.shape[0],), sigma)
    return torch.add(x, step * score(x, level)).add(noise, alpha=math.sqrt(2 * step))


@alternative("13.2", "no_grad as a decorator, indices")
@torch.no_grad()
def annealed_langevin(score, x, sigmas, count, share, noise):
    x = x.clone()
    for i in range(len(sigmas)):
        step = share * float(sigmas[i]) ** 2
        for k in range(count):
            level = x.new_full((len(x),), float(sigmas[i]))
            x = x + step * score(x, level) + math.sqrt(2 * step) * noise[i, k]
    return x
