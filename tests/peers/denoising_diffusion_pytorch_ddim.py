"""denoising-diffusion-pytorch in the place of a student's chapter 10.

Its DDIM takes its times from a spacing of its own that ends in -1, which stands for our time 0; it clips the predicted x_0 to
[-1, 1] and finds the noise anew. Here it gets our times, does not clip, and gets the noise that is passed in.
"""

from __future__ import annotations

from unittest import mock

import torch

from .denoising_diffusion_pytorch_library import diffusion, library
from .denoising_diffusion_pytorch_sampling import Given, _network


class Unclipped(library.GaussianDiffusion):
    def model_predictions(self, x, t, x_self_cond=None, clip_x_start=False, rederive_pred_noise=False):
        return super().model_predictions(x, t, x_self_cond)


class AtTimes(Given):
    """While this is active, torch.linspace gives these times."""

    def __init__(self, times, next_noise, first):
        super().__init__(next_noise, first)
        self.times = times

    def __torch_function__(self, function, kinds, args=(), kwargs=None):
        if function is torch.linspace:
            return torch.tensor(self.times)
        return super().__torch_function__(function, kinds, args, kwargs)


def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):
    theirs = diffusion(schedule.betas, x_T, kind=Unclipped, network=_network(model, x_T.shape), objective="pred_noise",
                       sampling_timesteps=len(times), ddim_sampling_eta=eta)
    noises = iter([] if noise is None else [noise[t] for t in times])

    def next_noise():
        if noise is not None:
            return next(noises)
        return torch.zeros_like(x_T) if generator is None else torch.empty_like(x_T).normal_(generator=generator)

    rising = [-1, *(t - 1 for t in reversed(times))]
    with mock.patch.object(library, "tqdm", lambda times, **options: times), AtTimes(rising, next_noise, first=x_T):
        return theirs.ddim_sample(x_T.shape).clone()
