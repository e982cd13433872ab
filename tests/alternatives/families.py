"""Correct answers to chapter 14's exercise on modes, precision and recall that differ from the reference."""

from __future__ import annotations

from answers import alternative

from ddpmlib.families import distances


@alternative("14.8", "in a loop")
def modes_covered(samples, means, radius, least=1):
    counts = [0] * len(means)
    for row in distances(samples, means).tolist():
        if min(row) <= radius:
            counts[row.index(min(row))] += 1
    return sum(count >= least for count in counts), sum(counts) / len(samples)


@alternative("14.8", "sorted distances")
def precision_recall(real, samples, k):
    def share(points, centres):
        radii = distances(centres, centres).sort(dim=1).values[:, k]
        return (distances(centres, points) <= radii[:, None]).any(dim=0).double().mean().item()

    return share(samples, real), share(real, samples)
