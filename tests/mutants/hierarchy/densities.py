"""Wrong answers to exercises 2.1 and 2.2: the densities of a path."""

from __future__ import annotations

import math

import torch
from answers import mutant
from torch.distributions import Normal


def _joint_terms(decoder, path, scale=lambda std: std):
    return [Normal(step.mean(path[t]), scale(step.std)).log_prob(path[t - 1]).sum(-1)
            for t, step in enumerate(decoder.transitions, start=1)]


def _prior(path):
    return Normal(0.0, 1.0).log_prob(path[-1]).sum(-1)


@mutant("2.1", "prior forgotten", says="The prior log p(z_T) is missing")
def log_joint(decoder, path):
    return sum(_joint_terms(decoder, path))


@mutant("2.1", "product starts at t = 2", says="The term log p(x | z_1) is missing")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path)[1:], _prior(path))


@mutant("2.1", "product ends at T - 1", says="The transition p(z_{T-1} | z_T) is missing")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path)[:-1], _prior(path))


@mutant("2.1", "standard deviation used as variance", says="std is a standard deviation; it is used as a variance")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path, torch.sqrt), _prior(path))


@mutant("2.1", "variance given to Normal", says="The standard deviation is squared here")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path, torch.square), _prior(path))


@mutant("2.1", "no normalising constant", says="The constant -log(2 pi)/2 is missing")
def log_joint(decoder, path):  # noqa: F811
    total = -0.5 * (path[-1] ** 2).sum(-1)
    for t, step in enumerate(decoder.transitions, start=1):
        residual = (path[t - 1] - step.mean(path[t])) / step.std
        total = total - (0.5 * residual**2 + step.std.log()).sum(-1)
    return total


@mutant("2.1", "density in place of its logarithm", says="This is the density; its logarithm is asked for")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path), _prior(path)).exp()


@mutant("2.1", "sum over the batch", says="keep the batch")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path), _prior(path)).sum()


@mutant("2.1", "bias left out", says="The bias of the transitions is left out")
def log_joint(decoder, path):  # noqa: F811
    total = _prior(path)
    for t, step in enumerate(decoder.transitions, start=1):
        total = total + Normal(path[t] @ step.weight.T, step.std).log_prob(path[t - 1]).sum(-1)
    return total


@mutant("2.1", "transitions in the wrong direction", says="value must have shape")
def log_joint(decoder, path):  # noqa: F811
    total = _prior(path)
    for t, step in enumerate(decoder.transitions, start=1):
        total = total + Normal(step.mean(path[t - 1]), step.std).log_prob(path[t]).sum(-1)
    return total


def _posterior_terms(encoder, path, scale=lambda std: std):
    return [Normal(step.mean(path[t - 1]), scale(step.std)).log_prob(path[t]).sum(-1)
            for t, step in enumerate(encoder.transitions, start=1)]


@mutant("2.2", "prior added", says="A prior log p(z_T) is added")
def log_posterior(encoder, path):
    return sum(_posterior_terms(encoder, path), _prior(path))


@mutant("2.2", "product starts at t = 2", says="The term log q(z_1 | x) is missing", keeps=("one level",))
def log_posterior(encoder, path):  # noqa: F811
    terms = _posterior_terms(encoder, path)
    return sum(terms[1:]) if len(terms) > 1 else terms[0]


@mutant("2.2", "product ends at T - 1", says="The transition q(z_T | z_{T-1}) is missing", keeps=("one level",))
def log_posterior(encoder, path):  # noqa: F811
    terms = _posterior_terms(encoder, path)
    return sum(terms[:-1]) if len(terms) > 1 else terms[0]


@mutant("2.2", "standard deviation used as variance", says="std is a standard deviation; it is used as a variance")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path, torch.sqrt))


@mutant("2.2", "variance given to Normal", says="The standard deviation is squared here")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path, torch.square))


@mutant("2.2", "no logarithm of the standard deviation", says="The term -log(std) of the transitions")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path)) + sum(step.std.log().sum() for step in encoder.transitions)


@mutant("2.2", "no normalising constant", says="The constant -log(2 pi)/2 is missing")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path)) + sum(encoder.dims[1:]) / 2 * math.log(2 * math.pi)


@mutant("2.2", "sum over the batch", says="keep the batch")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path)).sum()
