"""Wrong answers to chapter 1's code exercises."""

from __future__ import annotations

import torch
from answers import mutant


@mutant("1.1", "variance for standard deviation", says="scaled by the variance")
def reparameterize(mu, log_var, noise):
    return mu + log_var.exp() * noise


@mutant("1.1", "log variance used as standard deviation", says="log_var is the logarithm of the variance")
def reparameterize(mu, log_var, noise):  # noqa: F811
    return mu + log_var * noise


@mutant("1.1", "detached", says="No gradient reaches", keeps=("values",))
def reparameterize(mu, log_var, noise):  # noqa: F811
    return (mu + torch.exp(0.5 * log_var) * noise).detach()
