"""Wrong answers to exercise 5.5: conditioning a Gaussian vector."""

from __future__ import annotations

import torch
from answers import mutant

MEAN, COVARIANCE = ("mean",), ("covariance",)


def blocks(mean, covariance, observed):
    """The other places, and the blocks: between the groups, of the known ones, of the others."""
    rest = [place for place in range(len(mean)) if place not in observed]
    return rest, covariance[rest][:, observed], covariance[observed][:, observed], covariance[rest][:, rest]


def answer(mean, covariance, observed, values):
    rest, across, own, other = blocks(mean, covariance, observed)
    gain = across @ torch.linalg.inv(own)
    return mean[rest] + (values - mean[observed]) @ gain.T, other - gain @ across.T


@mutant("5.5", "mean of the known not subtracted", says="is not subtracted from their values", keeps=COVARIANCE)
def condition_gaussian(mean, covariance, observed, values):
    rest, across, own, _ = blocks(mean, covariance, observed)
    return mean[rest] + values @ (across @ torch.linalg.inv(own)).T, answer(mean, covariance, observed, values)[1]


@mutant("5.5", "mean of the others not added", says="The mean of the other components is not added", keeps=COVARIANCE)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest, across, own, _ = blocks(mean, covariance, observed)
    shift = values - mean[observed]
    return shift @ (across @ torch.linalg.inv(own)).T, answer(mean, covariance, observed, values)[1]


@mutant("5.5", "sign of the shift", says="The sign is wrong", keeps=COVARIANCE)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest = blocks(mean, covariance, observed)[0]
    found, left = answer(mean, covariance, observed, values)
    return 2 * mean[rest] - found, left


@mutant("5.5", "no inverse", says="is not divided by that of the known components")
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest, across, _, other = blocks(mean, covariance, observed)
    return mean[rest] + (values - mean[observed]) @ across.T, other - across @ across.T


@mutant("5.5", "inverse of the other block", says="it should be that of the known ones", keeps=COVARIANCE)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest, across, _, other = blocks(mean, covariance, observed)
    gain = torch.linalg.inv(other) @ across
    return mean[rest] + (values - mean[observed]) @ gain.T, answer(mean, covariance, observed, values)[1]


@mutant("5.5", "transposed gain", says="The matrix in front of the values is transposed", keeps=COVARIANCE)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest, across, own, _ = blocks(mean, covariance, observed)
    gain = across @ torch.linalg.inv(own)
    gain = gain if len(rest) != len(observed) else gain.T
    return mean[rest] + (values - mean[observed]) @ gain.T, answer(mean, covariance, observed, values)[1]


@mutant("5.5", "variances of the known only", says="they are correlated among themselves", keeps=COVARIANCE)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest, across, own, _ = blocks(mean, covariance, observed)
    gain = across / own.diagonal()
    return mean[rest] + (values - mean[observed]) @ gain.T, answer(mean, covariance, observed, values)[1]


@mutant("5.5", "covariance unchanged", says="before anything is known; knowing the others makes it smaller", keeps=MEAN)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    return answer(mean, covariance, observed, values)[0], blocks(mean, covariance, observed)[3]


@mutant("5.5", "explained part added", says="The explained part is added", keeps=MEAN)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    found, left = answer(mean, covariance, observed, values)
    return found, 2 * blocks(mean, covariance, observed)[3] - left


@mutant("5.5", "precision", says="This is the precision", keeps=MEAN)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    found, left = answer(mean, covariance, observed, values)
    return found, torch.linalg.inv(left)


@mutant("5.5", "variances alone", says="These are the variances alone", keeps=MEAN)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    found, left = answer(mean, covariance, observed, values)
    return found, left.diagonal()


@mutant("5.5", "mean only", says="should be a pair")
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    return answer(mean, covariance, observed, values)[0]


@mutant("5.5", "places sorted", says="this takes them as sorted by place", keeps=(*MEAN, *COVARIANCE, "several observations"))
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    return answer(mean, covariance, sorted(observed), values)


@mutant("5.5", "one observation only", says="differ", keeps=(*MEAN, *COVARIANCE, "any places, in any order"))
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    found, left = answer(mean, covariance, observed, values)
    first = found.reshape(-1, found.shape[-1])[0]
    return first.expand_as(found), left


@mutant("5.5", "the pair exchanged", says="the pair is in the other order")
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    return answer(mean, covariance, observed, values)[::-1]


@mutant("5.5", "promoted to float64", says="should be float32, as the arguments are",
        keeps=(*MEAN, *COVARIANCE, "several observations", "any places, in any order"))
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    return answer(mean.double(), covariance.double(), observed, values.double())


@mutant("5.5", "observations as columns", says="multiplied with the columns of values", keeps=(*MEAN, *COVARIANCE))
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest, across, own, other = blocks(mean, covariance, observed)
    gain = across @ torch.linalg.inv(own)
    return mean[rest] + gain @ (values - mean[observed]), other - gain @ across.T


@mutant("5.5", "gain twice", says="The matrix in front of the values enters twice", keeps=MEAN)
def condition_gaussian(mean, covariance, observed, values):  # noqa: F811
    rest, across, own, other = blocks(mean, covariance, observed)
    gain = across @ torch.linalg.inv(own)
    return mean[rest] + (values - mean[observed]) @ gain.T, other - gain @ gain.T
