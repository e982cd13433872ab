"""Wrong answers to chapter 1's code exercises."""
# ruff: noqa: F811

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib import elbo


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


@mutant("1.4", "underflow", says="below -745 is 0", keeps=("values",))
def importance_log_marginal(log_joint, log_proposal):
    return torch.exp(log_joint - log_proposal).mean(0).log()


@mutant("1.4", "mean of logarithms", says="This is the mean of the log-weights")
def importance_log_marginal(log_joint, log_proposal):
    return (log_joint - log_proposal).mean(0)


@mutant("1.4", "sum", says="lacks a division by K")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint - log_proposal, 0)


@mutant("1.4", "product with the proposal", says="the proposal is multiplied here")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint + log_proposal, 0) - math.log(len(log_joint))


@mutant("1.4", "no proposal", says="The proposal is missing")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint, 0) - math.log(len(log_joint))


@mutant("1.4", "upside down", says="The ratio is upside down")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_proposal - log_joint, 0) - math.log(len(log_joint))


@mutant("1.4", "last axis", says="The mean is over the last axis")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint - log_proposal, -1) - math.log(log_joint.shape[-1])


@mutant("1.4", "no logarithm", says="return its logarithm")
def importance_log_marginal(log_joint, log_proposal):
    return elbo.importance_log_marginal(log_joint, log_proposal).exp()


def _samples(mu, log_var, noise):
    return mu + torch.exp(0.5 * log_var) * noise


@mutant("1.5", "noise not used", says="likelihood at the encoder's mean", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    return model.log_likelihood(x, mu), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "summed over the samples", says="summed over the samples", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    return model.log_likelihood(x, _samples(mu, log_var, noise)).sum(0), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "logarithm of the mean", says="the mean of logarithms", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    values = model.log_likelihood(x, _samples(mu, log_var, noise))
    return torch.logsumexp(values, 0) - math.log(len(noise)), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "variance for standard deviation", says="scaled by the variance", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    return model.log_likelihood(x, mu + log_var.exp() * noise).mean(0), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "wrong order", says="the wrong order")
def elbo_terms(model, x, mu, log_var, noise):
    return elbo.elbo_terms(model, x, mu, log_var, noise)[::-1]


@mutant("1.5", "batch averaged", says="averaged over the batch as well")
def elbo_terms(model, x, mu, log_var, noise):
    return tuple(term.mean() for term in elbo.elbo_terms(model, x, mu, log_var, noise))


@mutant("1.5", "samples kept", says="average over axis 0", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    return model.log_likelihood(x, _samples(mu, log_var, noise)), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "averaged over the batch axis", says="it should be over axis 0", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    return model.log_likelihood(x, _samples(mu, log_var, noise)).mean(1), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "per pixel", says="divided by the number of data dimensions", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
    return reconstruction / x.shape[-1], prior_matching


@mutant("1.5", "loss for term", says="this is the reconstruction loss", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
    return -reconstruction, prior_matching


@mutant("1.5", "sampled KL", says="it has a closed form", keeps=("reconstruction", "log p - ELBO = KL"))
def elbo_terms(model, x, mu, log_var, noise):
    z = _samples(mu, log_var, noise)
    ratio = 0.5 * (z**2 - noise**2 - log_var).sum(-1)
    return model.log_likelihood(x, z).mean(0), ratio.mean(0)


@mutant("1.5", "minus the KL", says="return the KL itself", keeps=("reconstruction",))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
    return reconstruction, -prior_matching


@mutant("1.5", "KL averaged over the latents", says="averaged over the latent axis", keeps=("reconstruction",))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
    return reconstruction, prior_matching / mu.shape[-1]


@mutant("1.5", "KL to the posterior", says="This is the KL to the posterior", keeps=("reconstruction",))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, _ = elbo.elbo_terms(model, x, mu, log_var, noise)
    mean, covariance = model.posterior(x)
    encoder = torch.distributions.MultivariateNormal(mu, torch.diag_embed(log_var.exp()))
    return reconstruction, torch.distributions.kl_divergence(
        encoder, torch.distributions.MultivariateNormal(mean, covariance))
