"""Wrong answers to exercises 2.1 and 2.2: the densities of a path."""

from __future__ import annotations

import math

import numpy as np
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


@mutant("2.1", "transitions in the wrong direction", says="The decoder points down")
def log_joint(decoder, path):  # noqa: F811
    total = _prior(path)
    for t, step in enumerate(decoder.transitions, start=1):
        total = total + Normal(step.mean(path[t - 1]), step.std).log_prob(path[t]).sum(-1)
    return total


@mutant("2.1", "components averaged", says="so their log-densities add up")
def log_joint(decoder, path):  # noqa: F811
    total = Normal(0.0, 1.0).log_prob(path[-1]).mean(-1)
    for t, step in enumerate(decoder.transitions, start=1):
        total = total + Normal(step.mean(path[t]), step.std).log_prob(path[t - 1]).mean(-1)
    return total


@mutant("2.1", "prior of the data", says="The prior N(0, I) is that of z_T, not of x")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path), _prior(path[:1]))


@mutant("2.1", "logarithm of a product", says="add logarithms, multiply no densities",
        keeps=("one level", "many paths for one x", "gradient"))
def log_joint(decoder, path):  # noqa: F811
    density = _prior(path).exp()
    for term in _joint_terms(decoder, path):
        density = density * term.exp()
    return density.log()


@mutant("2.1", "detached", says="no gradient reaches the inputs",
        keeps=("one level", "several levels", "many paths for one x"))
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path), _prior(path)).detach()


@mutant("2.1", "standard deviation as a plain number", says="is it detached, or used as a plain number?",
        keeps=("one level", "several levels", "many paths for one x"))
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path, torch.detach), _prior(path))


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


@mutant("2.2", "transitions in the wrong direction", says="The encoder points up")
def log_posterior(encoder, path):  # noqa: F811
    return sum(Normal(step.mean(path[t]), step.std).log_prob(path[t - 1]).sum(-1)
               for t, step in enumerate(encoder.transitions, start=1))


@mutant("2.2", "each level given x", says="Each z_t is drawn given z_{t-1}", keeps=("one level",))
def log_posterior(encoder, path):  # noqa: F811
    return sum(Normal(step.mean(path[0]), step.std).log_prob(path[t]).sum(-1)
               for t, step in enumerate(encoder.transitions, start=1))


@mutant("2.2", "factor for x", says="x is given here, and has no factor")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path), _prior(path[:1]))


@mutant("2.2", "range(1, T)", says="No factor was added")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path)[:-1])


@mutant("2.2", "through NumPy", says="Can't call numpy() on Tensor that requires grad",
        keeps=("one level", "several levels", "many paths for one x"))
def log_posterior(encoder, path):  # noqa: F811
    total = 0.0
    for step, low, high in zip(encoder.transitions, path, path[1:]):
        std = step.std.numpy()
        residual = (high.numpy() - step.mean(low).numpy()) / std
        total = total - (residual**2 / 2 + np.log(std * np.sqrt(2 * np.pi))).sum(axis=-1)
    return torch.from_numpy(total)
