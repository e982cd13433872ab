"""Wrong answers to exercise 1.5: the two terms of the ELBO."""
# ruff: noqa: F811

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib import elbo


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


@mutant("1.5", "z detached", says="No gradient of the reconstruction reaches mu, log_var:",
        keeps=("reconstruction", "prior matching", "log p - ELBO = KL"))
def elbo_terms(model, x, mu, log_var, noise):
    z = _samples(mu, log_var, noise).detach()
    return model.log_likelihood(x, z).mean(0), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "no gradient at all", says="No gradient of the prior matching reaches mu, log_var:",
        keeps=("reconstruction", "prior matching", "log p - ELBO = KL"))
@torch.no_grad()
def elbo_terms(model, x, mu, log_var, noise):
    return elbo.elbo_terms(model, x, mu, log_var, noise)


@mutant("1.5", "standard deviation detached", says="No gradient of the reconstruction reaches log_var:",
        keeps=("reconstruction", "prior matching", "log p - ELBO = KL"))
def elbo_terms(model, x, mu, log_var, noise):
    z = _samples(mu, log_var.detach(), noise)
    return model.log_likelihood(x, z).mean(0), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "new tensor of numbers", says="reaches mu, log_var, the model's W, the model's b",
        keeps=("reconstruction", "prior matching", "log p - ELBO = KL"))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
    return torch.tensor(reconstruction.tolist(), dtype=mu.dtype), prior_matching


@mutant("1.5", "half of the gradient", says="the gradient of the reconstruction to mu",
        keeps=("reconstruction", "prior matching", "log p - ELBO = KL"))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
    return (reconstruction + reconstruction.detach()) / 2, prior_matching


@mutant("1.5", "noise of its own", says="draw nothing yourself", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    z = _samples(mu, log_var, torch.randn_like(noise))
    return model.log_likelihood(x, z).mean(0), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "ELBO for the first term", says="This is the ELBO; return its two terms", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
    return reconstruction - prior_matching, prior_matching


@mutant("1.5", "joint for likelihood", says="This is the mean of log p(x, z)", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    return model.log_joint(x, _samples(mu, log_var, noise)).mean(0), elbo.kl_to_standard_normal(mu, log_var)


@mutant("1.5", "first sample only", says="Only the first sample is used", keeps=("prior matching",))
def elbo_terms(model, x, mu, log_var, noise):
    return model.log_likelihood(x, _samples(mu, log_var, noise[0])), elbo.kl_to_standard_normal(mu, log_var)
