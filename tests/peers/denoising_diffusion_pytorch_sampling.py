"""denoising-diffusion-pytorch in the place of a student's chapter 7.

Its sampler draws its noise itself, clips the predicted x_0 to [-1, 1], has one time for a whole batch, and the
variance beta-tilde_t only. Here it gets the noise that is passed in, does not clip, walks the rows one by one
where their times differ, and finds our variances in its table.
"""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .denoising_diffusion_pytorch_library import Network, diffusion, library, their_times, with_time_0


class Unclipped(library.GaussianDiffusion):
    def p_mean_variance(self, x, t, x_self_cond=None, clip_denoised=False):
        return super().p_mean_variance(x, t, x_self_cond, clip_denoised=False)


class Given(TorchFunctionMode):
    """While this is active, torch.randn draws ``first``, and torch.randn_like what ``next_noise`` returns."""

    def __init__(self, next_noise: Callable[[], Tensor], first: Tensor | None = None):
        super().__init__()
        self.next_noise, self.first = next_noise, first

    def __torch_function__(self, function, kinds, args=(), kwargs=None):
        if function is torch.randn:
            return self.first
        if function is torch.randn_like:
            return self.next_noise()
        return function(*args, **(kwargs or {}))


def _network(model, shape):
    """Our model, told our times, and given data of its own shape: the library's losses are for images only."""
    return Network(lambda x, t: model(x.reshape(-1, *shape[1:]), t + 1).reshape(x.shape))


def _sampler(model, x, schedule, variance):
    theirs = diffusion(schedule.betas, x, kind=Unclipped, network=_network(model, x.shape), objective="pred_noise")
    table = theirs.posterior_log_variance_clipped
    theirs.posterior_log_variance_clipped = variance[1:].double().log().to(table.dtype)
    return theirs


def training_loss(model, x0, t, noise, schedule):
    theirs = diffusion(schedule.betas, x0, network=_network(model, x0.shape), objective="pred_noise")
    images = [value.reshape(len(x0), 1, 1, -1) for value in (x0, noise)]
    return theirs.p_losses(images[0], their_times(t, x0), images[1])


def loss_per_time(model, x0, times, noise, schedule):
    with torch.no_grad():
        return torch.stack([training_loss(model, x0, t, noise, schedule) for t in times.tolist()])


def reverse_variance(schedule, kind):
    theirs = diffusion(schedule.betas)
    return with_time_0({"small": theirs.posterior_variance, "large": theirs.betas}[kind], 0.0)


def ancestral_step(model, x_t, t, schedule, noise, variance):
    theirs = _sampler(model, x_t, schedule, variance)
    times = their_times(t, x_t).tolist()
    rows = [slice(None)] if len(set(times)) == 1 else [slice(row, row + 1) for row in range(len(times))]
    found = []
    for time, row in zip(times, rows, strict=False):
        with Given(lambda: noise[row]):
            found.append(theirs.p_sample(x_t[row], time)[0])
    return torch.cat(found).clone()


def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):
    table = reverse_variance(schedule, variance) if isinstance(variance, str) else variance
    theirs = _sampler(model, x_T, schedule, table)
    if noise is not None:
        next_noise = iter(noise.flip(0)).__next__
    else:
        def next_noise():
            return torch.empty_like(x_T).normal_(generator=generator)
    with mock.patch.object(library, "tqdm", lambda times, **options: times), Given(next_noise, first=x_T):
        return theirs.p_sample_loop(x_T.shape).clone()


def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):
    """The library has no such sampler; this one calls its prediction of x_0 and its jump from there."""
    theirs = diffusion(schedule.betas, x_T, network=_network(model, x_T.shape), objective="pred_noise")
    x = x_T
    with torch.no_grad():
        for t in range(schedule.T, 0, -1):
            z = torch.empty_like(x).normal_(generator=generator) if noise is None else noise[t]
            x = theirs.model_predictions(x, their_times(t, x)).pred_x_start
            if t > 1:
                x = theirs.q_sample(x, their_times(t - 1, x), z)
    return x
