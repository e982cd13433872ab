"""Wrong answers to exercise 2.4: the ELBO of a hierarchy."""

from __future__ import annotations

import math

from answers import mutant


@mutant("2.4", "logarithm of the mean", says="This is the logarithm of the mean ratio", keeps=("exact posterior",))
def hierarchical_elbo(log_joint, log_posterior):
    return (log_joint - log_posterior).logsumexp(0) - math.log(len(log_joint))


@mutant("2.4", "sum over the paths", says="take their mean")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).sum(0)


@mutant("2.4", "negative", says="this is the negative ELBO")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_posterior - log_joint).mean(0)


@mutant("2.4", "encoder forgotten", says="The encoder's density is missing")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return log_joint.mean(0)


@mutant("2.4", "encoder added", says="The encoder's log-density is added")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint + log_posterior).mean(0)


@mutant("2.4", "mean over the batch too", says="The batch is averaged too")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).mean()


@mutant("2.4", "mean over the last axis", says="The mean is taken over the last axis")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).mean(-1)


@mutant("2.4", "mean of the ratio", says="This is the mean of the ratio itself")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).exp().mean(0)


@mutant("2.4", "detached", says="No gradient reaches the arguments", keeps=("mean over the paths", "sigma points"))
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).mean(0).detach()


@mutant("2.4", "ratio of the logarithms", says="the logarithm of a ratio is a difference")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint / log_posterior).mean(0)


@mutant("2.4", "no mean", says="This is one value for each path")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return log_joint - log_posterior
