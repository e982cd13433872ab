"""denoising-diffusion-pytorch in the place of a student's chapter 3.

Its linear schedule has the ends 0.1 / T and 20 / T, and no others: those of Ho et al. (2020) for T = 1000 only. The
bound of its cosine schedule is 0.999.
"""

from __future__ import annotations

import math

import torch

from .denoising_diffusion_pytorch_library import betas_of, diffusion, library, their_times, with_time_0


def linear_betas(T, beta_start=1e-4, beta_end=0.02):
    if not (math.isclose(beta_start, 0.1 / T) and math.isclose(beta_end, 20 / T)):
        raise ValueError("denoising-diffusion-pytorch has the ends 0.1 / T and 20 / T only")
    return with_time_0(library.linear_beta_schedule(T), 0.0)


def alpha_bars(betas):
    return with_time_0(diffusion(betas).alphas_cumprod, 1.0)


def cosine_betas(T, s=0.008, max_beta=0.999):
    if max_beta != 0.999:
        raise ValueError("denoising-diffusion-pytorch has the bound 0.999 only")
    return with_time_0(library.cosine_beta_schedule(T, s), 0.0)


def signal_to_noise(alpha_bar):
    """The library's weight of an error in x_0, which makes of it an error in the noise."""
    betas = betas_of(torch.cat([torch.ones(1), alpha_bar.flatten()]))
    return diffusion(betas, objective="pred_x0").loss_weight.reshape(alpha_bar.shape)


def forward_step(x_prev, t, betas, noise):
    """A chain of one step: its closed form is the step."""
    one_step = diffusion(torch.stack([betas[0], betas[t]]), x_prev)
    return one_step.q_sample(x_prev, torch.zeros(len(x_prev), dtype=torch.int64), noise)


def q_sample(x0, t, alpha_bars, noise):
    times = their_times(t, x0)
    noisy = diffusion(betas_of(alpha_bars), x0).q_sample(x0, times.clamp(min=0), noise)
    at_0 = (times < 0).reshape(-1, *[1] * (x0.ndim - 1))  # a time that the library does not have
    return torch.where(at_0, x0, noisy)
