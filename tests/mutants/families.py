"""Wrong answers to chapter 14's exercise on modes, precision and recall."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.families import distances

MODES, NEAR, PRECISION, RECALL = "modes", "near samples", "precision", "recall"
SUPPORT, COUNTS = (PRECISION, RECALL), (MODES, NEAR)


def counted(owner, near, count, least):
    return int((torch.bincount(owner[near], minlength=count) >= least).sum())


@mutant("14.8", "far samples counted", says="Samples that lie too far from their mean are counted", keeps=(NEAR, *SUPPORT))
def modes_covered(samples, means, radius, least=1):
    away, owner = distances(samples, means).min(1)
    return counted(owner, away < torch.inf, len(means), least), (away <= radius).double().mean().item()


@mutant("14.8", "least ignored", says="least is ignored", keeps=(NEAR, *SUPPORT))
def modes_covered(samples, means, radius, least=1):  # noqa: F811
    away, owner = distances(samples, means).min(1)
    return counted(owner, away <= radius, len(means), 1), (away <= radius).double().mean().item()


@mutant("14.8", "more than least", says="More than least samples are wanted here", keeps=(NEAR, *SUPPORT))
def modes_covered(samples, means, radius, least=1):  # noqa: F811
    away, owner = distances(samples, means).min(1)
    return counted(owner, away <= radius, len(means), least + 1), (away <= radius).double().mean().item()


@mutant("14.8", "every ball", says="A sample belongs to its nearest mean only", keeps=(NEAR, *SUPPORT))
def modes_covered(samples, means, radius, least=1):  # noqa: F811
    inside = distances(samples, means) <= radius
    return int((inside.sum(0) >= least).sum()), inside.any(1).double().mean().item()


@mutant("14.8", "a count", says="their share is asked for", keeps=(MODES, *SUPPORT))
def modes_covered(samples, means, radius, least=1):  # noqa: F811
    away, owner = distances(samples, means).min(1)
    return counted(owner, away <= radius, len(means), least), float((away <= radius).sum())


@mutant("14.8", "covered modes only", says="all near samples should be", keeps=(MODES, *SUPPORT))
def modes_covered(samples, means, radius, least=1):  # noqa: F811
    away, owner = distances(samples, means).min(1)
    near = away <= radius
    full = torch.bincount(owner[near], minlength=len(means)) >= least
    return int(full.sum()), (near & full[owner]).double().mean().item()


def radii(rows, k):
    return distances(rows, rows).sort(1).values[:, k]


def share(points, centres, radius):
    return (distances(points, centres) <= radius).any(1).double().mean().item()


@mutant("14.8", "exchanged", says="Precision and recall are exchanged", keeps=COUNTS)
def precision_recall(real, samples, k):
    return share(real, samples, radii(samples, k)), share(samples, real, radii(real, k))


@mutant("14.8", "itself as a neighbour", says="The row itself counts as its first neighbour", keeps=COUNTS)
def precision_recall(real, samples, k):  # noqa: F811
    return share(samples, real, radii(real, k - 1)), share(real, samples, radii(samples, k - 1))


@mutant("14.8", "open balls", says="The edge of a ball belongs to it", keeps=COUNTS)
def precision_recall(real, samples, k):  # noqa: F811
    def inside(points, centres):
        return (distances(points, centres) < radii(centres, k)).any(1).double().mean().item()

    return inside(samples, real), inside(real, samples)


@mutant("14.8", "coverage for recall", says="The balls stand around the wrong set", keeps=(*COUNTS, PRECISION))
def precision_recall(real, samples, k):  # noqa: F811
    covered = (distances(real, samples) <= radii(real, k)[:, None]).any(1).double().mean().item()
    return share(samples, real, radii(real, k)), covered
