"""Wrong answers to exercise 1.1: reparameterised sampling."""
# ruff: noqa: F811

from __future__ import annotations

import math

import torch
from answers import mutant


@mutant("1.1", "variance for standard deviation", says="scaled by the variance", keeps=("the given noise",))
def reparameterize(mu, log_var, noise):
    return mu + log_var.exp() * noise


@mutant("1.1", "log variance used as standard deviation", says="log_var is the logarithm of the variance")
def reparameterize(mu, log_var, noise):
    return mu + log_var * noise


@mutant("1.1", "root of the log variance", says="The root of log_var is taken")
def reparameterize(mu, log_var, noise):
    return mu + torch.sqrt(log_var) * noise


@mutant("1.1", "divided by the standard deviation", says="divided by the standard deviation")
def reparameterize(mu, log_var, noise):
    return mu + torch.exp(-0.5 * log_var) * noise


@mutant("1.1", "mean scaled too", says="The mean is scaled too")
def reparameterize(mu, log_var, noise):
    return torch.exp(0.5 * log_var) * (mu + noise)


@mutant("1.1", "noise of its own", says="draw nothing yourself")
def reparameterize(mu, log_var, noise):
    return mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)


@mutant("1.1", "detached", says="No gradient reaches mu and log_var", keeps=("values", "the given noise"))
def reparameterize(mu, log_var, noise):
    return (mu + torch.exp(0.5 * log_var) * noise).detach()


@mutant("1.1", "standard deviation by math", says="No gradient reaches log_var", keeps=("values", "the given noise"))
def reparameterize(mu, log_var, noise):
    sigma = torch.tensor([math.exp(0.5 * value) for value in log_var.flatten().tolist()], dtype=mu.dtype)
    return mu + sigma.reshape(mu.shape) * noise


@mutant("1.1", "noise subtracted", says="The noise is subtracted")
def reparameterize(mu, log_var, noise):
    return mu - torch.exp(0.5 * log_var) * noise


@mutant("1.1", "log variance clamped", says="log_var -30 and 30", keeps=("the given noise", "gradient"))
def reparameterize(mu, log_var, noise):
    return mu + torch.exp(0.5 * log_var.clamp(-10, 10)) * noise
