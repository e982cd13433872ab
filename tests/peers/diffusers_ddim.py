"""Hugging Face diffusers in the place of a student's chapter 10.

What differs: diffusers counts T steps from 0, so its time t is our time t + 1, and a step that ends before its time 0 ends at our
time 0. A step goes down by T // S and takes one time for the whole batch; the adapter goes row by row where the times differ, and sets S so
that the step ends where ours does. By default it clips the predicted x_0 to [-1, 1]. Its tables are float32.
"""

from __future__ import annotations

import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler


def scheduler_of(schedule, steps=None, **options):
    """diffusers' scheduler of one of our schedules, without clipping; with ``steps`` its list of times is set."""
    made = DDIMScheduler(num_train_timesteps=schedule.T, trained_betas=schedule.betas[1:].numpy(),
                         **{"clip_sample": False} | options)
    if steps is not None:
        made.set_timesteps(steps)
    return made


def ours(scheduler):
    """Its times in our count."""
    return [time + 1 for time in scheduler.timesteps.tolist()]


class Steps:
    """A number S of steps for which T // S is this gap."""

    def __init__(self, gap):
        self.gap = gap

    def __rfloordiv__(self, T):
        return self.gap


def stepping(scheduler, t, s):
    """The scheduler, set so that its step from our time t ends at our time s: T // S is t - s."""
    scheduler.num_inference_steps = Steps(t - s)
    return scheduler


def ddim_sigma(schedule, t, s, eta):
    scheduler = scheduler_of(schedule)
    pairs = torch.stack(torch.broadcast_tensors(torch.as_tensor(t), torch.as_tensor(s))).reshape(2, -1).T.tolist()
    found = torch.stack([scheduler._get_variance(now - 1, then - 1) for now, then in pairs]).clamp(min=0).sqrt()
    return eta * found.reshape(torch.broadcast_shapes(torch.as_tensor(t).shape, torch.as_tensor(s).shape))


def _rows(schedule, outputs, x_t, t, s, noise, eta, **options):
    scheduler = scheduler_of(schedule, **options)
    if isinstance(t, int) and isinstance(s, int):
        return stepping(scheduler, t, s).step(outputs, t - 1, x_t, eta=eta, variance_noise=noise).prev_sample.to(x_t.dtype)
    times = [torch.as_tensor(time).expand(len(x_t)).tolist() for time in (t, s)]
    zs = torch.zeros_like(x_t) if noise is None else noise
    found = [stepping(scheduler, now, then).step(output, now - 1, x, eta=eta, variance_noise=z).prev_sample
             for output, x, now, then, z in zip(outputs, x_t, *times, zs)]
    return torch.stack(found).to(x_t.dtype)


def ddim_step(model, x_t, t, s, schedule, noise, eta):
    return _rows(schedule, model(x_t, torch.as_tensor(t).expand(len(x_t))), x_t, t, s, noise, eta)


def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):
    return _rows(schedule, x0, x_t, t, s, noise, eta, prediction_type="sample")


@torch.no_grad()
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):
    x = x_T
    for t, s in zip(times, [*times[1:], 0]):
        z = noise[t] if noise is not None else torch.randn(x.shape, generator=generator, dtype=x.dtype) if generator else None
        x = ddim_step(model, x, t, s, schedule, z, eta)
    return x


@torch.no_grad()
def ddim_invert(model, x0, schedule, times):
    """Its inverse steps, with the model asked where ours is."""
    scheduler = DDIMInverseScheduler(num_train_timesteps=schedule.T, trained_betas=schedule.betas[1:].numpy(), clip_sample=False)
    scheduler.initial_alpha_cumprod = torch.tensor(1.0)
    x, upwards = x0, times[::-1]
    for s, t in zip([0, *upwards], upwards):
        x = stepping(scheduler, t, s).step(model(x, torch.full((len(x),), max(s, 1))), t - 1, x).prev_sample.to(x.dtype)
    return x
