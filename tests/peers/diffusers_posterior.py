"""Hugging Face diffusers in the place of a student's chapter 5.

What differs: diffusers' time t is our time t + 1, its tables are float32, and it clips variances from below at 1e-20. It does not
give the posterior mean by itself: its ``step`` adds noise to it, which is taken off again here.
"""

from __future__ import annotations

import torch
from diffusers import DDPMScheduler
from diffusers.utils.torch_utils import randn_tensor


def _scheduler(schedule, prediction_type: str = "sample") -> DDPMScheduler:
    return DDPMScheduler(schedule.T, trained_betas=schedule.betas[1:].numpy(), prediction_type=prediction_type,
                         clip_sample=False, variance_type="fixed_small")


def posterior_variance(schedule):
    scheduler = _scheduler(schedule)
    found = [scheduler._get_variance(t) for t in range(schedule.T)]  # their t is our t + 1
    return torch.cat([torch.zeros(1), torch.stack(found)]).double()


def _step(scheduler: DDPMScheduler, prediction, x_t, t):
    """The mean of diffusers' step, row by row: its sample less its noise, which the same seed draws again."""
    rows = []
    for time, predicted, latent in zip(torch.as_tensor(t).expand(len(x_t)).tolist(), prediction, x_t):
        predicted, latent = predicted.reshape(1, -1), latent.reshape(1, -1)
        sample = scheduler.step(predicted, time - 1, latent, generator=torch.Generator().manual_seed(0)).prev_sample
        if time > 1:
            noise = randn_tensor(predicted.shape, generator=torch.Generator().manual_seed(0), dtype=predicted.dtype)
            sample = sample - scheduler._get_variance(time - 1) ** 0.5 * noise
        rows.append(sample.reshape(x_t.shape[1:]))
    return torch.stack(rows)


def posterior_mean(x0, x_t, t, schedule):
    return _step(_scheduler(schedule), x0, x_t, t)


def posterior_mean_from_noise(x_t, noise, t, schedule):
    return _step(_scheduler(schedule, "epsilon"), noise, x_t, t)
