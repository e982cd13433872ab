"""Wrong answers to exercise 1.4: importance sampling in logarithms."""
# ruff: noqa: F811

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib import elbo


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


@mutant("1.4", "largest of the whole batch", says="the largest log-weight of that batch entry", keeps=("values",))
def importance_log_marginal(log_joint, log_proposal):
    weights = log_joint - log_proposal
    largest = weights.max()
    return largest + (weights - largest).exp().mean(0).log()


@mutant("1.4", "largest not put back", says="taken out of the sum and not put back")
def importance_log_marginal(log_joint, log_proposal):
    weights = log_joint - log_proposal
    return (weights - weights.amax(0)).exp().mean(0).log()


@mutant("1.4", "logarithm divided", says="The logarithm is divided by K")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint - log_proposal, 0) / len(log_joint)


@mutant("1.4", "log K added", says="log K has the wrong sign")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint - log_proposal, 0) + math.log(len(log_joint))


@mutant("1.4", "number of all entries", says="the number of all entries")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint - log_proposal, 0) - math.log(log_joint.numel())


@mutant("1.4", "batch averaged too", says="averages over the batch too")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp((log_joint - log_proposal).flatten(), 0) - math.log(log_joint.numel())


@mutant("1.4", "mean by mean", says="divides a mean by a mean")
def importance_log_marginal(log_joint, log_proposal):
    return torch.logsumexp(log_joint, 0) - torch.logsumexp(log_proposal, 0)
