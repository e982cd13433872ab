"""Correct answers to exercises 13.8 to 13.10 that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative

from ddpmlib.edm import precondition as reference_denoiser
from ddpmlib.edm import preconditioning as reference_coefficients


@alternative("13.8", "signal-to-noise ratios")
def preconditioning(sigma, sigma_data):
    ratio = (sigma / sigma_data) ** 2
    skip = 1 / (1 + ratio)
    return skip, sigma * skip.sqrt(), skip.sqrt() / sigma_data, 0.25 * torch.log(sigma)


@alternative("13.8", "hypot")
def preconditioning(sigma, sigma_data):  # noqa: F811
    deviation = torch.hypot(sigma, torch.full_like(sigma, sigma_data))
    return (sigma_data / deviation) ** 2, sigma_data * sigma / deviation, deviation.reciprocal(), torch.log(sigma).div(4)


@alternative("13.8", "einsum over rows")
def precondition(net, x, sigma, sigma_data):
    c_skip, c_out, c_in, c_noise = (c.to(x.dtype) for c in reference_coefficients(sigma.double().expand(len(x)), sigma_data))
    out = net(torch.einsum("b,b...->b...", c_in, x), c_noise)
    return torch.einsum("b,b...->b...", c_skip, x) + torch.einsum("b,b...->b...", c_out, out)


@alternative("13.9", "one by one")
def sigma_schedule(steps, sigma_min, sigma_max, rho):
    roots = [sigma_max ** (1 / rho) * (1 - i / (steps - 1)) + sigma_min ** (1 / rho) * i / (steps - 1) for i in range(steps)]
    return torch.tensor([*[root**rho for root in roots], 0.0], dtype=torch.float64)


@alternative("13.9", "linspace")
def sigma_schedule(steps, sigma_min, sigma_max, rho):  # noqa: F811
    roots = torch.linspace(math.pow(sigma_max, 1 / rho), math.pow(sigma_min, 1 / rho), steps, dtype=torch.float64)
    return torch.nn.functional.pad(roots.pow(rho), (0, 1))


@alternative("13.9", "the error of F")
def edm_loss(net, x0, sigma, noise, sigma_data):
    sigma = sigma.expand(len(x0)).reshape(-1, *[1] * (x0.ndim - 1)).to(x0.dtype)
    x = x0 + sigma * noise
    c_skip, c_out, c_in, c_noise = reference_coefficients(sigma, sigma_data)
    return torch.nn.functional.mse_loss(net(c_in * x, c_noise.flatten()), (x0 - c_skip * x) / c_out)


@alternative("13.9", "a loop over rows")
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    total = 0.0
    for row, z, s in zip(x0.split(1), noise.split(1), sigma.expand(len(x0)).split(1)):
        weight = (1 / s**2 + 1 / sigma_data**2).to(x0.dtype)
        x = row + s.to(x0.dtype) * z
        total = total + weight.squeeze() * (reference_denoiser(net, x, s, sigma_data) - row).square().mean()
    return total / len(x0)


@alternative("13.10", "the paper's algorithm")
@torch.no_grad()
def heun_sample(denoiser, x, sigmas):
    for i in range(len(sigmas) - 1):
        now, then = sigmas[i].item(), sigmas[i + 1].item()
        d = (x - denoiser(x, x.new_full((len(x),), now))) / now
        new = x + (then - now) * d
        if then != 0:
            other = (new - denoiser(new, x.new_full((len(x),), then))) / then
            new = x + (then - now) * (0.5 * d + 0.5 * other)
        x = new
    return x


@alternative("13.10", "predicted data")
@torch.no_grad()
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    levels = sigmas.tolist()
    for s, r in zip(levels[:-1], levels[1:]):
        clean = denoiser(x, torch.full((x.shape[0],), s, dtype=x.dtype))
        new = r / s * x + (1 - r / s) * clean
        if r > 0:
            second = denoiser(new, torch.full((x.shape[0],), r, dtype=x.dtype))
            new = x + (r - s) / 2 * ((x - clean) / s + (new - second) / r)
        x = new
    return x
