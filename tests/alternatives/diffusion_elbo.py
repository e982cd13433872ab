"""Correct answers to chapter 4's exercises on the two forms of the ELBO that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from ddpmlib.gaussian_diffusion import ReverseChain, conditional_law, jump_law, step_law


@alternative("4.1", "three cases")
def form1_terms(path, schedule, reverse):
    T = schedule.T
    terms = path.new_zeros(path.shape[:-1])
    terms[0] = reverse.step(path[1], 1).log_prob(path[0]).sum(-1)
    for t in range(1, T):
        ratio = reverse.step(path[t + 1], t + 1).log_prob(path[t]) - step_law(path[t - 1], t, schedule).log_prob(path[t])
        terms[t] = ratio.sum(-1)
    terms[T] = (reverse.prior.log_prob(path[T]) - step_law(path[T - 1], T, schedule).log_prob(path[T])).sum(-1)
    return terms


@alternative("4.1", "densities written out")
def form1_terms(path, schedule, reverse):  # noqa: F811
    def log_normal(x, mean, variance):
        return -0.5 * ((x - mean) ** 2 / variance + torch.log(2 * math.pi * variance)).sum(-1)

    betas = schedule.betas
    q = [log_normal(path[t], (1 - betas[t]).sqrt() * path[t - 1], betas[t].expand(path.shape[-1])) for t in range(1, len(path))]
    p = [log_normal(path[t], reverse.slopes[t + 1] * path[t + 1] + reverse.shifts[t + 1], reverse.variances[t + 1])
         for t in range(len(path) - 1)] + [log_normal(path[-1], reverse.prior_mean, reverse.prior_variance)]
    return torch.stack(p) - torch.cat([torch.zeros_like(p[0])[None], torch.stack(q)])


@alternative("4.1", "shifted and flipped")
def form1_terms(path, schedule, reverse):  # noqa: F811
    down = [reverse.prior.log_prob(path[-1]).sum(dim=-1)]
    up = []
    for t in range(schedule.T, 0, -1):
        down.append(reverse.step(path[t], t).log_prob(path[t - 1]).sum(dim=-1))
        up.append(step_law(path[t - 1], t, schedule).log_prob(path[t]).sum(dim=-1))
    return torch.stack(down[::-1]) - torch.stack([*up, torch.zeros_like(up[0])]).flip(0)


@alternative("4.3", "densities multiplied")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):
    joint = step_law(x_prev, t, schedule).log_prob(x_t).exp() * jump_law(x0, t - 1, schedule).log_prob(x_prev).exp()
    return (joint.log() - jump_law(x0, t, schedule).log_prob(x_t)).sum(dim=-1)


@alternative("4.3", "row by row")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    rows = []
    for k, time in enumerate(torch.as_tensor(t).expand(len(x0)).tolist()):
        numerator = step_law(x_prev[k], time, schedule).log_prob(x_t[k]).sum(-1)
        numerator = numerator + jump_law(x0[k], time - 1, schedule).log_prob(x_prev[k]).sum(-1)
        rows.append(numerator - jump_law(x0[k], time, schedule).log_prob(x_t[k]).sum(-1))
    return torch.stack(rows)


@alternative("4.3", "given law")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return conditional_law(x_t, x0, t, schedule).log_prob(x_prev).sum(-1)


@alternative("4.5", "divergence written out")
def denoising_matching(x0, x_t, t, schedule, reverse):
    q, p = conditional_law(x_t, x0, t, schedule), reverse.step(x_t, t)
    ratio = q.variance / p.variance
    return 0.5 * (ratio + (q.mean - p.mean) ** 2 / p.variance - 1 - ratio.log()).sum(-1)


@alternative("4.5", "multivariate divergence")
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    laws = (conditional_law(x_t, x0, t, schedule), reverse.step(x_t, t))
    return kl_divergence(*(MultivariateNormal(law.mean, torch.diag_embed(law.variance)) for law in laws))


@alternative("4.5", "filled table")
def form2_terms(path, schedule, reverse):
    T = schedule.T
    terms = path.new_zeros(path.shape[:-1])
    terms[0] = reverse.step(path[1], 1).log_prob(path[0]).sum(-1)
    for t in range(2, T + 1):
        terms[t - 1] = -kl_divergence(conditional_law(path[t], path[0], t, schedule), reverse.step(path[t], t)).sum(-1)
    terms[T] = -kl_divergence(jump_law(path[0], T, schedule), reverse.prior).sum(-1)
    return terms


@alternative("4.6", "step by step")
def optimal_reverse(mean, variance, schedule):
    m, v = mean, variance
    rows = [(torch.zeros_like(mean),) * 3]
    for t in range(1, schedule.T + 1):
        root = schedule.alphas[t].sqrt()
        after_m, after_v = root * m, schedule.alphas[t] * v + schedule.betas[t]
        slope = root * v / after_v
        rows.append((slope, m - slope * after_m, schedule.betas[t] * v / after_v))
        m, v = after_m, after_v
    return ReverseChain(*(torch.stack(values) for values in zip(*rows)), m, v)


@alternative("4.6", "precisions add")
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    abar = schedule.alpha_bars[:, None]
    means, spreads = abar.sqrt() * mean, abar * variance + (1 - abar)
    variances, slopes, shifts = (torch.ones_like(spreads) for _ in range(3))
    for t in range(1, schedule.T + 1):
        alpha, beta = schedule.alphas[t], schedule.betas[t]
        variances[t] = 1 / (alpha / beta + 1 / spreads[t - 1])
        slopes[t] = variances[t] * alpha.sqrt() / beta
        shifts[t] = variances[t] * means[t - 1] / spreads[t - 1]
    return ReverseChain(slopes, shifts, variances, means[-1], spreads[-1])


@alternative("4.6", "law of total variance")
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    abar = schedule.alpha_bars[:, None]
    law = Normal(abar.sqrt() * mean, (abar * variance + (1 - abar)).sqrt())
    before = law.variance.roll(1, 0)
    slopes = schedule.alphas[:, None].sqrt() * before / law.variance
    left = before - slopes**2 * law.variance
    return ReverseChain(slopes, law.mean.roll(1, 0) - slopes * law.mean, left, law.mean[-1], law.variance[-1])
