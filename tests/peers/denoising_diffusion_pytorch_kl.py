"""denoising-diffusion-pytorch's divergence of two Gaussians, given as means and log-variances, in several places."""

from __future__ import annotations

import math

import torch

from .denoising_diffusion_pytorch_library import learned


def kl_to_standard_normal(mu, log_var):
    zero = mu.new_zeros(())
    return learned.normal_kl(mu, log_var, zero, zero).sum(-1)


def prior_matching_bits_per_dim(x0, alpha_bar_T):
    zero = x0.new_zeros(())
    log_var = x0.new_tensor(math.log1p(-alpha_bar_T))
    return learned.meanflat(learned.normal_kl(math.sqrt(alpha_bar_T) * x0, log_var, zero, zero)) * learned.NAT


def gaussian_kl(mean_q, var_q, mean_p, var_p):
    logs = (torch.as_tensor(variance, dtype=mean_q.dtype).log() for variance in (var_q, var_p))
    divergence = learned.normal_kl(mean_q, next(logs), mean_p, next(logs))
    return divergence.reshape(len(mean_q), -1).sum(dim=1)
