"""Hugging Face diffusers in the place of a student's chapter 3.

What differs: diffusers counts T steps from 0, so its time t is our time t + 1, and its tables have no entry for our
time 0. The adapter shifts by one and adds the entry. Its tables are float32.
"""

from __future__ import annotations

from types import SimpleNamespace

import torch
from diffusers import DDPMScheduler
from diffusers.schedulers.scheduling_ddpm import betas_for_alpha_bar
from diffusers.training_utils import compute_snr


def _scheduler(betas: torch.Tensor) -> DDPMScheduler:
    """diffusers' scheduler of one of our tables (without its entry for time 0)."""
    return DDPMScheduler(num_train_timesteps=len(betas) - 1, trained_betas=betas[1:].numpy())


def _with_time_0(table: torch.Tensor, first: float) -> torch.Tensor:
    return torch.cat([torch.tensor([first], dtype=table.dtype), table])


def linear_betas(T, beta_start=1e-4, beta_end=0.02):
    scheduler = DDPMScheduler(T, beta_start=beta_start, beta_end=beta_end, beta_schedule="linear")
    return _with_time_0(scheduler.betas, 0.0)


def alpha_bars(betas):
    return _with_time_0(_scheduler(betas).alphas_cumprod, 1.0)


def cosine_betas(T, s=0.008, max_beta=0.999):
    if s != 0.008:
        raise ValueError("diffusers has the offset s = 0.008 only")
    if max_beta == 0.999:
        return _with_time_0(DDPMScheduler(T, beta_schedule="squaredcos_cap_v2").betas, 0.0)
    return _with_time_0(betas_for_alpha_bar(T, max_beta=max_beta, alpha_transform_type="cosine"), 0.0)


def signal_to_noise(alpha_bar):
    times = torch.arange(alpha_bar.numel())
    return compute_snr(SimpleNamespace(alphas_cumprod=alpha_bar.flatten()), times).reshape(alpha_bar.shape)


def forward_step(x_prev, t, betas, noise):
    """A chain of one step: its closed form is the step."""
    one_step = torch.stack([betas[0], betas[t]])
    return _scheduler(one_step).add_noise(x_prev, noise, torch.zeros(len(x_prev), dtype=torch.long))


def q_sample(x0, t, alpha_bars, noise):
    t = torch.as_tensor(t).expand(len(x0))
    betas = torch.cat([torch.zeros(1, dtype=alpha_bars.dtype), 1 - alpha_bars[1:] / alpha_bars[:-1]])
    noisy = _scheduler(betas).add_noise(x0, noise, (t - 1).clamp(min=0))
    at_0 = (t == 0).reshape(-1, *[1] * (x0.ndim - 1))  # a time that diffusers does not have
    return torch.where(at_0, x0, noisy)
