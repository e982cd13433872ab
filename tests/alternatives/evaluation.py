"""Correct answers to chapter 9's code exercises on evaluation that differ from the reference."""

from __future__ import annotations

import numpy as np
import torch
from answers import alternative


@alternative("9.5", "class by class")
def class_accuracy(probabilities, labels):
    seen = probabilities.max(dim=1).indices
    table = torch.full((probabilities.shape[1],), float("nan"), dtype=torch.float64)
    for k in labels.unique().tolist():
        table[k] = (seen[labels == k] == k).double().mean()
    return int((seen == labels).sum()) / len(labels), table


@alternative("9.5", "a table of confusions")
def class_accuracy(probabilities, labels):  # noqa: F811
    classes = probabilities.shape[1]
    confusions = torch.bincount(labels * classes + probabilities.argmax(1), minlength=classes**2).reshape(classes, classes).double()
    return (confusions.trace() / confusions.sum()).item(), confusions.diagonal() / confusions.sum(1)


@alternative("9.5", "pairs")
def class_diversity(features, labels, classes):
    table = torch.full((classes,), float("nan"), dtype=torch.float64)
    for k in range(classes):
        own = features[labels == k].double()
        if len(own) > 1:
            table[k] = torch.nn.functional.pdist(own).square().mean()
    return table


@alternative("9.7", "eigenvalues of the product, by NumPy")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):
    a, b = covariance_a.double().numpy(), covariance_b.double().numpy()
    shared = np.sqrt(np.clip(np.linalg.eigvals(a @ b).real, 0, None)).sum()
    return float(((mean_a.double() - mean_b.double()) ** 2).sum()) + float(np.trace(a) + np.trace(b) - 2 * shared)


@alternative("9.7", "singular values of the roots")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    def factor(matrix):
        values, vectors = torch.linalg.eigh(matrix.double())
        return vectors * values.clamp(min=0).sqrt()

    f, g = factor(covariance_a), factor(covariance_b)
    shared = torch.linalg.svdvals(f.T @ g).sum()
    apart = torch.dist(mean_a.double(), mean_b.double()) ** 2
    return (apart + f.square().sum() + g.square().sum() - 2 * shared).item()


@alternative("9.7", "singular values of the data")
def frechet_distance(a, b):
    f, g = (((rows := x.double()) - rows.mean(0)) / (len(x) - 1) ** 0.5 for x in (a, b))
    shared = torch.linalg.svdvals(f @ g.T).sum()
    apart = (a.double().mean(0) - b.double().mean(0)).square().sum()
    return (apart + f.square().sum() + g.square().sum() - 2 * shared).item()


@alternative("9.8", "broadcast differences")
def nearest_distances(samples, reference):
    a, b = samples.double().flatten(1), reference.double().flatten(1)
    return torch.stack([(row - b).square().sum(dim=1).min() for row in a]).sqrt()


@alternative("9.8", "NumPy")
def nearest_distances(samples, reference):  # noqa: F811
    a, b = (x.double().numpy().reshape(len(x), -1) for x in (samples, reference))
    return torch.from_numpy(np.linalg.norm(a[:, None] - b[None], axis=-1).min(axis=1))


@alternative("9.8", "sorted distances")
def coverage_and_density(real, samples, k):
    radii = torch.cdist(real.double(), real.double(), compute_mode="donot_use_mm_for_euclid_dist").sort(dim=1).values[:, k]
    near = torch.cdist(real.double(), samples.double(), compute_mode="donot_use_mm_for_euclid_dist") <= radii[:, None]
    return float((near.sum(1) > 0).double().mean()), float(near.double().sum()) / k / len(samples)
