"""denoising-diffusion-pytorch in the place of a student's chapter 6.

It predicts the noise, x_0 or v. What the check asks beyond that, the score and the way back from the posterior mean,
is made of its tables here. Its losses are for images of shape (batch, channels, height, width), and are means over
their components.
"""

from __future__ import annotations

import torch

from .denoising_diffusion_pytorch_library import Network, diffusion, learned, library, their_times

OBJECTIVES = {"x0": "pred_x0", "eps": "pred_noise", "v": "pred_v"}


def from_x0(kind, x0, x_t, t, schedule):
    theirs, times = diffusion(schedule.betas, x_t), their_times(t, x_t)
    if kind == "x0":
        return x0
    if kind == "mean":
        return theirs.q_posterior(x0, x_t, times)[0]
    noise = theirs.predict_noise_from_start(x_t, times, x0)
    if kind == "score":
        return -noise / library.extract(theirs.sqrt_one_minus_alphas_cumprod, times, x_t.shape)
    return noise if kind == "eps" else theirs.predict_v(x0, times, noise)


def to_x0(kind, prediction, x_t, t, schedule):
    theirs, times = diffusion(schedule.betas, x_t), their_times(t, x_t)
    if kind == "x0":
        return prediction
    if kind == "v":
        return theirs.predict_start_from_v(x_t, times, prediction)
    if kind == "mean":
        of_x0, of_x_t = (library.extract(table, times, x_t.shape)
                         for table in (theirs.posterior_mean_coef1, theirs.posterior_mean_coef2))
        return (prediction - of_x_t * x_t) / of_x0
    if kind == "score":
        prediction = -prediction * library.extract(theirs.sqrt_one_minus_alphas_cumprod, times, x_t.shape)
    return theirs.predict_start_from_noise(x_t, times, prediction)


def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):
    if kind not in OBJECTIVES:
        raise ValueError(f"denoising-diffusion-pytorch has no loss for the kind {kind}")
    images = [value.reshape(len(x0), 1, 1, -1) for value in (prediction, x0, noise)]
    network = Network(lambda x, t: images[0])
    theirs = diffusion(schedule.betas, x0, network=network, objective=OBJECTIVES[kind])
    ours = torch.ones(schedule.T) if weights is None else weights[1:]
    theirs.loss_weight = ours.to(theirs.loss_weight.dtype)  # it has the signal-to-noise ratio there, for x_0
    return theirs.p_losses(images[1], their_times(t, x0), images[2]) * images[1][0].numel()


def discretized_log_likelihood(x0, mean, std, levels):
    """256 levels only; the library approximates the normal distribution function by a tanh."""
    if levels != 256:
        raise ValueError("denoising-diffusion-pytorch has 256 levels only")
    log_std = torch.as_tensor(std, dtype=x0.dtype).log().expand(x0.shape)
    each = learned.discretized_gaussian_log_likelihood(x0, means=mean, log_scales=log_std)
    return each.reshape(len(x0), -1).sum(dim=1)
