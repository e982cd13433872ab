"""denoising-diffusion-pytorch in the place of a student's chapter 5, and of what chapter 4 needs of it.

It knows the variance-preserving process only: no random walk, and no Gaussians in general.
"""

from __future__ import annotations

from torch.distributions import Normal

from .denoising_diffusion_pytorch_library import diffusion, learned, their_times, with_time_0


def posterior_variance(schedule):
    return with_time_0(diffusion(schedule.betas).posterior_variance, 0.0)


def posterior_mean(x0, x_t, t, schedule):
    return diffusion(schedule.betas, x_t).q_posterior(x0, x_t, their_times(t, x_t))[0]


def posterior_mean_from_noise(x_t, noise, t, schedule):
    theirs, times = diffusion(schedule.betas, x_t), their_times(t, x_t)
    return theirs.q_posterior(theirs.predict_start_from_noise(x_t, times, noise), x_t, times)[0]


def posterior_log_prob(x_prev, x_t, x0, t, schedule):
    mean, variance, _ = diffusion(schedule.betas, x_t).q_posterior(x0, x_t, their_times(t, x_t))
    return Normal(mean, variance.sqrt()).log_prob(x_prev).sum(-1)


def denoising_matching(x0, x_t, t, schedule, reverse):
    mean, _, log_variance = diffusion(schedule.betas, x_t).q_posterior(x0, x_t, their_times(t, x_t))
    model = reverse.step(x_t, t)
    return learned.normal_kl(mean, log_variance, model.mean, model.variance.log()).sum(-1)
