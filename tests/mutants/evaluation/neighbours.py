"""Wrong answers to exercise 9.8: nearest neighbours."""

from __future__ import annotations

import torch
from answers import mutant

NEAREST, COPIES, COVERAGE, DENSITY = "nearest", "copies", "coverage", "density"


def table(a, b):
    return (a.double().flatten(1)[:, None] - b.double().flatten(1)[None]).norm(dim=-1)


def radii(rows, k):
    return table(rows, rows).sort(dim=1).values[:, k]


def numbers(inside, k):
    return inside.any(1).double().mean().item(), inside.sum().item() / (k * inside.shape[1])


@mutant("9.8", "squared", says="This is the squared distance", keeps=(COVERAGE, DENSITY))
def nearest_distances(samples, reference):
    return table(samples, reference).square().min(1).values


@mutant("9.8", "of the reference", says="the samples' are asked for", keeps=(COVERAGE, DENSITY))
def nearest_distances(samples, reference):  # noqa: F811
    return table(samples, reference).min(0).values


@mutant("9.8", "farthest", says="This is the distance to the farthest row", keeps=(COVERAGE, DENSITY))
def nearest_distances(samples, reference):  # noqa: F811
    return table(samples, reference).max(1).values


@mutant("9.8", "index", says="This is the index of the nearest row", keeps=(COVERAGE, DENSITY))
def nearest_distances(samples, reference):  # noqa: F811
    return table(samples, reference).argmin(1)


@mutant("9.8", "mean over the components", says="This is a mean over the components", keeps=(COVERAGE, DENSITY))
def nearest_distances(samples, reference):  # noqa: F811
    a, b = samples.double().flatten(1), reference.double().flatten(1)
    return (a[:, None] - b[None]).square().mean(-1).min(1).values.sqrt()


@mutant("9.8", "cdist of float32", says="a copy is not at distance 0", keeps=(NEAREST, COVERAGE, DENSITY))
def nearest_distances(samples, reference):  # noqa: F811
    return torch.cdist(samples.flatten(1), reference.flatten(1)).min(1).values


@mutant("9.8", "itself as a neighbour", says="The row itself counts as its first neighbour here", keeps=(NEAREST, COPIES))
def coverage_and_density(real, samples, k):
    return numbers(table(real, samples) <= radii(real, k - 1)[:, None], k)


@mutant("9.8", "one neighbour more", says="The radius is the distance to neighbour k + 1", keeps=(NEAREST, COPIES))
def coverage_and_density(real, samples, k):  # noqa: F811
    return numbers(table(real, samples) <= radii(real, min(k + 1, len(real) - 1))[:, None], k)


@mutant("9.8", "open balls", says="A sample on the edge of a ball counts too", keeps=(NEAREST, COPIES))
def coverage_and_density(real, samples, k):  # noqa: F811
    return numbers(table(real, samples) < radii(real, k)[:, None], k)


@mutant("9.8", "precision for coverage", says="This is the share of samples in some ball", keeps=(NEAREST, COPIES, DENSITY))
def coverage_and_density(real, samples, k):  # noqa: F811
    inside = table(real, samples) <= radii(real, k)[:, None]
    return inside.any(0).double().mean().item(), numbers(inside, k)[1]


@mutant("9.8", "not divided by k", says="The division by k is missing", keeps=(NEAREST, COPIES, COVERAGE))
def coverage_and_density(real, samples, k):  # noqa: F811
    inside = table(real, samples) <= radii(real, k)[:, None]
    return numbers(inside, k)[0], numbers(inside, 1)[1]


@mutant("9.8", "divided by the real rows", says="it should have that of samples", keeps=(NEAREST, COPIES, COVERAGE))
def coverage_and_density(real, samples, k):  # noqa: F811
    inside = table(real, samples) <= radii(real, k)[:, None]
    return numbers(inside, k)[0], inside.sum().item() / (k * len(real))


@mutant("9.8", "exchanged", says="Coverage and density are exchanged", keeps=(NEAREST, COPIES))
def coverage_and_density(real, samples, k):  # noqa: F811
    return numbers(table(real, samples) <= radii(real, k)[:, None], k)[::-1]
