"""Hugging Face diffusers in the place of a student's chapter 7.

What differs: diffusers counts T steps from 0, so its time t is our time t + 1. A step of it takes one time for the whole
batch, draws its noise itself, and gets its variance from the scheduler: the adapter goes row by row and puts the noise, and
a table of variances, in their places. By default it clips the predicted x_0 to [-1, 1], which Algorithm 2 does not. Its
tables are float32.
"""

from __future__ import annotations

from unittest import mock

import torch
from diffusers import DDPMScheduler
from diffusers.schedulers import scheduling_ddpm


def scheduler_of(schedule, kind="small", **options):
    """diffusers' scheduler of one of our schedules, without clipping."""
    return DDPMScheduler(num_train_timesteps=schedule.T, trained_betas=schedule.betas[1:].numpy(),
                         variance_type=f"fixed_{kind}", clip_sample=False, **options)


def step(scheduler, eps, t, x_t, noise):
    """One step from our time t, with this noise."""
    with mock.patch.object(scheduling_ddpm, "randn_tensor", lambda *args, **kwargs: noise):
        return scheduler.step(eps, t - 1, x_t).prev_sample


def reverse_variance(schedule, kind):
    scheduler = scheduler_of(schedule, kind)
    return torch.stack([torch.zeros(()), *(scheduler._get_variance(t) for t in range(schedule.T))])


def ancestral_step(model, x_t, t, schedule, noise, variance):
    t = torch.as_tensor(t).expand(len(x_t))
    scheduler = scheduler_of(schedule)
    scheduler._get_variance = lambda time, **rest: variance[time + 1]
    rows = zip(model(x_t, t), t.tolist(), x_t, noise)
    # diffusers looks at two axes of what it gets
    steps = [step(scheduler, eps[None, None], time, x[None, None], z[None, None])[0, 0] for eps, time, x, z in rows]
    return torch.stack(steps).to(x_t.dtype)
