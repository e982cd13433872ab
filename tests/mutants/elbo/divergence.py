"""Wrong answers to exercise 1.2: the KL to the prior."""
# ruff: noqa: F811

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib import elbo


@mutant("1.2", "not summed", says="sum over the last axis", keeps=())
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


@mutant("1.2", "mean over the components", says="mean over the components")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).mean(-1)


@mutant("1.2", "first axis", says="summed over the first axis", keeps=("one vector", "gradient"))
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(0)


@mutant("1.2", "all axes", says="summed over all axes", keeps=("one vector", "gradient"))
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum()


@mutant("1.2", "swapped", says="the arguments are swapped")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * ((1 + mu**2) / log_var.exp() - 1 + log_var).sum(-1)


@mutant("1.2", "no half", says="The factor 1/2 is missing")
def kl_to_standard_normal(mu, log_var):
    return (mu**2 + log_var.exp() - 1 - log_var).sum(-1)


@mutant("1.2", "sign", says="a KL is never negative")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(-1)


@mutant("1.2", "log standard deviation", says="logarithm of the standard deviation")
def kl_to_standard_normal(mu, log_var):
    return (0.5 * (mu**2 + torch.exp(2 * log_var) - 1) - log_var).sum(-1)


@mutant("1.2", "no minus one", says="The -1 is missing", keeps=("gradient",))
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - log_var).sum(-1)


@mutant("1.2", "no mean", says="The term mu^2 is missing")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (log_var.exp() - 1 - log_var).sum(-1)


@mutant("1.2", "detached", says="No gradient reaches", keeps=("one vector", "a batch"))
def kl_to_standard_normal(mu, log_var):
    return elbo.kl_to_standard_normal(mu.detach(), log_var.detach())


@mutant("1.2", "logarithm of an exponential", says="log_var is the logarithm already",
        keeps=("one vector", "a batch", "gradient"))
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var.exp().log()).sum(-1)


@mutant("1.2", "torch.distributions squares the scale", says="log_var is the logarithm already",
        keeps=("one vector", "a batch", "gradient"))
def kl_to_standard_normal(mu, log_var):
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return torch.distributions.kl_divergence(torch.distributions.Normal(mu, (log_var / 2).exp()), prior).sum(-1)


@mutant("1.2", "logarithm of the log variance", says="log_var is a logarithm already")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var.log()).sum(-1)


@mutant("1.2", "sign of the logarithm", says="The sign of log sigma^2 is turned")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 + log_var).sum(-1)


@mutant("1.2", "standard deviation for variance", says="exp(log_var / 2) is the standard deviation")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + torch.exp(log_var / 2) - 1 - log_var).sum(-1)


@mutant("1.2", "logarithm of the standard deviation", says="log_var / 2 is the logarithm of the standard deviation")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var / 2).sum(-1)


@mutant("1.2", "standard deviation everywhere", says="The standard deviation stands where the variance is due")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + torch.exp(log_var / 2) - 1 - log_var / 2).sum(-1)


@mutant("1.2", "mean not squared", says="The mean is not squared")
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu + log_var.exp() - 1 - log_var).sum(-1)


@mutant("1.2", "half of the mean only", says="belongs to all four terms")
def kl_to_standard_normal(mu, log_var):
    return (0.5 * mu**2 + log_var.exp() - 1 - log_var).sum(-1)


@mutant("1.2", "axis kept", says="The last axis is still there", keeps=("gradient",))
def kl_to_standard_normal(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1, keepdim=True)
