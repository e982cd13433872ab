"""Hugging Face diffusers in the place of a student's second half of chapter 13.

Its schedulers hold their levels in float32, and know which step they are at; the adapters put our levels into them. EDM's scheduler knows
sigma_data from its configuration, its c_noise is a "timestep"; the Heun scheduler takes the noise of a noise predictor, for
which the denoiser's guess is converted.
"""

from __future__ import annotations

import torch
from diffusers import DDPMScheduler, EDMEulerScheduler, FlowMatchEulerDiscreteScheduler, HeunDiscreteScheduler


def edm_scheduler(sigma_data=0.5, **options):
    return EDMEulerScheduler(sigma_data=sigma_data, **options)


def _beside(values, x):
    return values.reshape(-1, *[1] * (x.ndim - 1))


def precondition(net, x, sigma, sigma_data):
    scheduler = edm_scheduler(sigma_data)
    level = _beside(sigma.to(x.dtype).expand(len(x)), x)
    told = scheduler.precondition_noise(level).flatten()
    out = net(scheduler.precondition_inputs(x, level), told)
    return scheduler.precondition_outputs(x, out, level)


def sigma_schedule(steps, sigma_min, sigma_max, rho):
    scheduler = edm_scheduler(sigma_min=sigma_min, sigma_max=sigma_max, rho=rho)
    scheduler.set_timesteps(steps)
    return scheduler.sigmas


@torch.no_grad()
def euler_sample(denoiser, x, sigmas):
    """The walk of EDMEulerScheduler through given levels, from the denoiser's guesses."""
    scheduler = edm_scheduler()
    scheduler.set_timesteps(len(sigmas) - 1)
    scheduler.sigmas = sigmas.float()
    scheduler.is_scale_input_called = True
    for time, sigma in zip(scheduler.timesteps, scheduler.sigmas):
        guess = denoiser(x, sigma.to(x.dtype).expand(len(x)))
        x = scheduler.step(guess, time, x, pred_original_sample=guess).prev_sample
    return x


@torch.no_grad()
def heun_sample(denoiser, x, sigmas):
    steps = len(sigmas) - 1
    scheduler = HeunDiscreteScheduler(num_train_timesteps=1000)
    scheduler.set_timesteps(steps)
    levels = sigmas.float()
    scheduler.sigmas = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])
    if levels[-1] > 0:  # the scheduler's last step is Euler's: give it one more level, and stop before
        scheduler.sigmas = torch.cat([levels[:1], levels[1:].repeat_interleave(2), levels.new_zeros(1)])
    calls = 2 * steps - 1 if levels[-1] == 0 else 2 * steps
    for i in range(calls):
        sigma = scheduler.sigmas[i]
        eps = (x - denoiser(x, sigma.to(x.dtype).expand(len(x)))) / sigma
        scheduler._step_index = i
        x = scheduler.step(eps, 0, x).prev_sample
    return x


@torch.no_grad()
def flow_sample(velocity, x, times):
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(len(times) - 1)
    scheduler.sigmas = times.float()
    for time, u in zip(scheduler.timesteps, scheduler.sigmas):
        x = scheduler.step(velocity(x, u.to(x.dtype).expand(len(x))), time, x).prev_sample
    return x


def learned_log_variance(v, t, schedule):
    """From the network's output 2 v - 1, row by row; it has a floor under beta-tilde_1, where ours is beta-tilde_2."""
    scheduler = DDPMScheduler(num_train_timesteps=schedule.T, trained_betas=schedule.betas[1:].numpy(), variance_type="learned_range")
    found = [scheduler._get_variance(time - 1, predicted_variance=2 * row - 1)
             for row, time in zip(v, torch.as_tensor(t).expand(len(v)).tolist())]
    return torch.stack(found).to(v.dtype)
