"""Correct answers to exercises 13.4 to 13.7 that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative

from ddpmlib.noise_levels import constant_level
from ddpmlib.sde import at


@alternative("13.4", "log of the mean, as in the authors' code")
def vp_coefficients(t, beta_min, beta_max):
    log_mean = -0.25 * t**2 * (beta_max - beta_min) - 0.5 * t * beta_min
    beta = torch.lerp(torch.full_like(t, beta_min), torch.full_like(t, beta_max), t)
    return -0.5 * beta, torch.sqrt(beta), torch.exp(log_mean), torch.sqrt(-torch.special.expm1(2 * log_mean))


@alternative("13.4", "powers of the ratio")
def ve_coefficients(t, sigma_min, sigma_max):
    sigma = sigma_min * (sigma_max / sigma_min) ** t
    g = sigma * math.sqrt(2 * (math.log(sigma_max) - math.log(sigma_min)))
    return 0 * t, g, torch.ones_like(t), sigma


@alternative("13.5", "drift of the reverse SDE, and length")
def reverse_sde_step(score, x, t, s, sde, noise, lam=1.0):
    f, g, _, _ = at(sde, t)
    h = t - s
    back = -f * x + (g**2 / 2 + lam**2 * g**2 / 2) * score(x, constant_level(t, x))
    return x + h * back + lam * g * h**0.5 * noise


@alternative("13.5", "coefficients as tensors")
def reverse_sde_step(score, x, t, s, sde, noise, lam=1.0):  # noqa: F811
    f, g, _, _ = (value.to(x.dtype) for value in sde(torch.tensor(t, dtype=torch.float64)))
    slope = f * x - (1 + lam**2) / 2 * g**2 * score(x, torch.full((len(x),), t, dtype=x.dtype))
    return x - slope * (t - s) + lam * g * math.sqrt(t - s) * noise


@alternative("13.6", "half of the square")
def probability_flow_drift(score, x, t, sde):  # noqa: F811
    f, g, _, _ = at(sde, t)
    return f * x - 0.5 * g * g * score(x, x.new_full((len(x),), t))


@alternative("13.6", "slopes times the length")
def rk4_step(field, x, t, s):
    h, middle = s - t, (t + s) / 2
    a = h * field(x, t)
    b = h * field(x + a / 2, middle)
    c = h * field(x + b / 2, middle)
    d = h * field(x + c, s)
    return x + (a + d) / 6 + (b + c) / 3


@alternative("13.7", "Jacobians row by row")
def divergence(field, x, t):
    found = []
    for row in x.detach():
        with torch.enable_grad():
            matrix = torch.autograd.functional.jacobian(lambda y: field(y[None], t)[0], row)
        found.append(matrix.trace())
    return torch.stack(found)


@alternative("13.7", "point and integral apart")
def log_likelihood(score, x, times, sde, prior_std):
    def trace(y, u):
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            found = torch.zeros_like(y[:, 0])
            values = flow(y, u)
            for i in range(y.shape[1]):
                found = found + torch.autograd.grad(values[:, i].sum(), y, retain_graph=True)[0][:, i]
        return found.detach()

    def flow(y, u):
        f, g, _, _ = at(sde, u)
        return f * y - g**2 / 2 * score(y, constant_level(u, y))

    y, total, walk = x.detach(), torch.zeros_like(x[:, 0]), times.tolist()
    for t, s in zip(walk, walk[1:]):
        h, middle = s - t, (t + s) / 2
        k1 = flow(y, t).detach()
        k2 = flow(y + h / 2 * k1, middle).detach()
        k3 = flow(y + h / 2 * k2, middle).detach()
        k4 = flow(y + h * k3, s).detach()
        traces = [trace(y, t), trace(y + h / 2 * k1, middle), trace(y + h / 2 * k2, middle), trace(y + h * k3, s)]
        total = total + h / 6 * (traces[0] + 2 * traces[1] + 2 * traces[2] + traces[3])
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    law = torch.distributions.Normal(torch.zeros((), dtype=x.dtype), prior_std)
    return law.log_prob(y).sum(dim=1) + total
