"""Correct answers to chapter 1's code exercises that differ from the reference."""
# ruff: noqa: F811

from __future__ import annotations

import numpy as np
import torch
from answers import alternative


@alternative("1.1", "square root of the variance")
def reparameterize(mu, log_var, noise):
    return torch.addcmul(mu, torch.sqrt(torch.exp(log_var)), noise)


@alternative("1.1", "one entry at a time")
def reparameterize(mu, log_var, noise):
    entries = zip(mu.flatten(), log_var.flatten(), noise.flatten())
    return torch.stack([m + (v / 2).exp() * e for m, v, e in entries]).reshape(mu.shape)


@alternative("1.1", "float32 inside")
def reparameterize(mu, log_var, noise):
    return mu.float() + (log_var.float() / 2).exp() * noise.float()


@alternative("1.2", "component by component")
def kl_to_standard_normal(mu, log_var):
    total = 0.0
    for index in range(mu.shape[-1]):
        m, v = mu[..., index], log_var[..., index]
        total = total + (torch.expm1(v) - v + m * m) / 2
    return total


@alternative("1.2", "cross-entropy less entropy")
def kl_to_standard_normal(mu, log_var):
    sigma = torch.exp(log_var / 2)
    entropy = torch.distributions.Normal(mu, sigma).entropy()
    cross = -torch.distributions.Normal(0.0, 1.0).log_prob((mu**2 + sigma**2).sqrt())
    return (cross - entropy).sum(-1)


@alternative("1.2", "trace and determinant")
def kl_to_standard_normal(mu, log_var):
    trace = torch.diag_embed(log_var.exp()).diagonal(dim1=-2, dim2=-1).sum(-1)
    return (trace + torch.einsum("...i,...i->...", mu, mu) - mu.shape[-1] - log_var.sum(-1)) / 2


@alternative("1.4", "NumPy and the largest weight taken out")
def importance_log_marginal(log_joint, log_proposal):
    weights = log_joint.numpy() - log_proposal.numpy()
    largest = weights.max(axis=0)
    return largest + np.log(np.exp(weights - largest).mean(axis=0))


@alternative("1.4", "one sample after the other")
def importance_log_marginal(log_joint, log_proposal):
    total = log_joint[0] - log_proposal[0]
    for joint, proposal in zip(log_joint[1:], log_proposal[1:]):
        total = torch.logaddexp(total, joint - proposal)
    return total - torch.tensor(float(len(log_joint))).double().log()


@alternative("1.5", "loop over the samples")
def elbo_terms(model, x, mu, log_var, noise):
    sigma = torch.exp(log_var / 2)
    values = [model.log_likelihood(x, mu + sigma * eps) for eps in noise]
    prior_matching = (sigma**2 + mu**2 - 1).sum(-1) / 2 - torch.log(sigma).sum(-1)
    return sum(values) / len(values), prior_matching


@alternative("1.5", "one data point at a time, as a list")
def elbo_terms(model, x, mu, log_var, noise):
    rows = []
    for index in range(len(x)):
        sigma = torch.exp(log_var[index] / 2)
        z = mu[index] + sigma * noise[:, index]
        normal = torch.distributions.Normal(mu[index], sigma)
        kl = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum()
        rows.append(torch.stack([model.log_likelihood(x[index], z).mean(), kl]))
    return list(torch.stack(rows, dim=1))
