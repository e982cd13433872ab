"""Correct answers to chapter 2's code exercises that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence


@alternative("2.1", "written out, in one pass from the top")
def log_joint(decoder, path):
    def log_normal(residual, std):
        return -(residual**2 / (2 * std**2) + torch.log(std) + math.log(2 * math.pi) / 2).sum(dim=-1)

    total = log_normal(path[-1], torch.ones(()))
    for t in range(decoder.levels, 0, -1):
        step = decoder.transition(t)
        total = total + log_normal(path[t - 1] - path[t] @ step.weight.T - step.bias, step.std)
    return total


@alternative("2.1", "single precision")
def log_joint(decoder, path):  # noqa: F811
    path = [level.float() for level in path]
    total = Normal(0.0, 1.0).log_prob(path[-1]).sum(-1)
    for step, low, high in zip(decoder.transitions, path, path[1:]):
        total = total + Normal(high @ step.weight.T.float() + step.bias.float(), step.std.float()).log_prob(low).sum(-1)
    return total


@alternative("2.2", "torch's Independent")
def log_posterior(encoder, path):
    terms = [Independent(Normal(step.mean(low), step.std), 1).log_prob(high)
             for step, low, high in zip(encoder.transitions, path, path[1:])]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


@alternative("2.2", "dense Gaussians, one for each level")
def log_posterior(encoder, path):  # noqa: F811
    total = 0.0
    for t in range(1, encoder.levels + 1):
        step = encoder.transition(t)
        mean = torch.einsum("ij,...j->...i", step.weight, path[t - 1]) + step.bias
        total = total + MultivariateNormal(mean, torch.diag_embed(step.std**2)).log_prob(path[t])
    return total


@alternative("2.3", "append, then reverse")
def ancestral_sample(decoder, noise):
    path = [noise[decoder.levels]]
    for step, draw in zip(reversed(decoder.transitions), reversed(noise[:-1])):
        path.append(torch.addcmul(step.mean(path[-1]), step.std, draw))
    return tuple(reversed(path))


@alternative("2.3", "filled from the top, by dictionary")
def ancestral_sample(decoder, noise):  # noqa: F811
    levels = {decoder.levels: noise[-1]}
    for t in range(decoder.levels, 0, -1):
        step = decoder.transition(t)
        levels[t - 1] = torch.einsum("ij,...j->...i", step.weight, levels[t]) + step.bias + noise[t - 1] * step.std
    return [levels[t] for t in range(decoder.levels + 1)]


@alternative("2.3", "recursion up the encoder")
def posterior_sample(encoder, x, noise):
    def climb(t):
        if t == 0:
            return [x]
        below = climb(t - 1)
        step = encoder.transition(t)
        return below + [step.mean(below[-1]) + noise[t - 1] @ torch.diag(step.std)]

    return climb(encoder.levels)


@alternative("2.4", "difference of the means")
def hierarchical_elbo(log_joint, log_posterior):
    return log_joint.mean(dim=0) - log_posterior.mean(dim=0)


@alternative("2.4", "loop over the paths")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    total = 0.0
    for joint, posterior in zip(log_joint, log_posterior):
        total = total + joint - posterior
    return total / len(log_joint)


@alternative("2.6", "torch's KL")
def prior_matching_kl(encoder, x):
    mean, variance = x, torch.zeros(x.shape[1], x.shape[1], dtype=x.dtype)
    for t in range(1, encoder.levels + 1):
        step = encoder.transition(t)
        mean = mean @ step.weight.T + step.bias
        variance = step.weight @ variance @ step.weight.T + step.std.square().diag()
    prior = MultivariateNormal(torch.zeros_like(mean), torch.eye(mean.shape[1], dtype=x.dtype))
    return kl_divergence(MultivariateNormal(mean, variance), prior)


@alternative("2.6", "product of the weights and eigenvalues")
def prior_matching_kl(encoder, x):  # noqa: F811
    through = torch.eye(encoder.dims[-1], dtype=x.dtype)
    covariance = torch.zeros_like(through)
    for step in reversed(encoder.transitions):
        covariance = covariance + through @ torch.diag(step.std**2) @ through.T
        through = through @ step.weight
    mean = x
    for step in encoder.transitions:
        mean = step.mean(mean)
    eigenvalues = torch.linalg.eigvalsh(covariance)
    return 0.5 * ((eigenvalues - 1 - eigenvalues.log()).sum() + (mean**2).sum(-1))


@alternative("2.6", "numbers and tensors in the report")
def restrictions(encoder, x, tolerance):
    def multiple(step):
        rows, columns = step.weight.shape
        return all(step.weight[i, j] == (step.weight[0, 0] if i == j else 0)
                   for i in range(rows) for j in range(columns))

    fixed = all(len(step.learnable) == 0 and multiple(step) and (step.bias == 0).all() for step in encoder.transitions)
    return {
        "same dimension": all(dim == encoder.dims[0] for dim in encoder.dims),
        "fixed encoder": torch.tensor(bool(fixed)),
        "standard normal end": prior_matching_kl(encoder, x).max() <= tolerance,
    }
