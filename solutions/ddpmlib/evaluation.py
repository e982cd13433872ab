"""How good are samples? Numbers that ask for the right class, the right law, all of the data, and nothing copied (chapter 9).

Samples are compared as rows of features: the numbers that a classifier computes of an image, or the pixels themselves.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.validation import require_integer, require_tensor


def class_accuracy(probabilities: Float[Tensor, "n k"], labels: Int[Tensor, "n"]) -> tuple[float, Float[Tensor, "k"]]:
    r"""Exercise 9.5. The share of samples in which a classifier sees the wanted class: over all samples, and class by class.

    Parameters
    ----------
    probabilities
        what the classifier says of each sample, of shape (n, K): a row's largest entry marks the class that it sees.
    labels
        the class that each sample was asked to be, in 0..K-1, of shape (n,).

    Returns
    -------
    The share over all samples, a float; and a float64 table of shape (K,): entry k is the share among the samples that were asked
    to be of class k, and NaN if there is none.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, there are no samples, or a label lies outside 0..K-1.

    Source: chapter 9, "The right class, and more than one of it".
    """
    require_tensor("probabilities", probabilities, ndim=2)
    labels = require_labels("labels", labels, len(probabilities), probabilities.shape[1])
    ### BEGIN SOLUTION
    right = (probabilities.argmax(dim=1) == labels).double()
    members = torch.nn.functional.one_hot(labels, probabilities.shape[1]).double()
    return right.mean().item(), right @ members / members.sum(dim=0)
    ### END SOLUTION


def class_diversity(features: Float[Tensor, "n d"], labels: Int[Tensor, "n"], classes: int) -> Float[Tensor, "classes"]:
    r"""Exercise 9.5. How much the samples of one class differ: the mean of |f_i - f_j|^2 over the pairs i != j of the class.

    Parameters
    ----------
    features
        a row of features for each sample, of shape (n, d).
    labels
        the class of each sample, in 0..classes-1, of shape (n,).
    classes
        the number of classes.

    Returns
    -------
    A float64 table of shape (classes,): entry k is the mean squared distance of two *different* samples of class k, and NaN if it
    has fewer than two.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, there are no samples, or a label lies outside its range.

    Source: chapter 9, "The right class, and more than one of it".
    """
    require_tensor("features", features, ndim=2)
    require_integer("classes", classes, low=1)
    labels = require_labels("labels", labels, len(features), classes)
    ### BEGIN SOLUTION
    found = []
    for k in range(classes):
        own = features[labels == k].double()
        spread = (own - own.mean(dim=0)).square().sum()
        found.append(2 * spread / (len(own) - 1) if len(own) > 1 else torch.tensor(torch.nan, dtype=torch.float64))
    return torch.stack(found)
    ### END SOLUTION


def gaussian_frechet(
    mean_a: Float[Tensor, "d"], covariance_a: Float[Tensor, "d d"], mean_b: Float[Tensor, "d"], covariance_b: Float[Tensor, "d d"]
) -> float:
    r"""Exercise 9.7. The squared Fréchet (Wasserstein-2) distance of two Gaussians.

    |m_a - m_b|^2 + tr(A + B - 2 (A^(1/2) B A^(1/2))^(1/2)), with the symmetric roots of the symmetric matrices.

    Parameters
    ----------
    mean_a, mean_b
        the means, of shape (d,).
    covariance_a, covariance_b
        the covariances A and B, symmetric and without negative eigenvalues, of shape (d, d). They may be singular.

    Returns
    -------
    A float, computed in float64; 0 for equal Gaussians, up to rounding.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or the shapes do not fit.

    Source: Dowson and Landau (1982); chapter 9, "The distance of two Gaussians".
    """
    require_moments("a", mean_a, covariance_a)
    require_moments("b", mean_b, covariance_b)
    if mean_a.shape != mean_b.shape:
        raise ValueError(f"mean_b must have the shape of mean_a, {tuple(mean_a.shape)}, got {tuple(mean_b.shape)}")
    ### BEGIN SOLUTION
    values, vectors = torch.linalg.eigh(covariance_a.double())
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    inner = torch.linalg.eigvalsh(root @ covariance_b.double() @ root)
    overlap = inner.clamp(min=0).sqrt().sum()
    apart = (mean_a.double() - mean_b.double()).square().sum()
    return (apart + covariance_a.double().trace() + covariance_b.double().trace() - 2 * overlap).item()
    ### END SOLUTION


def frechet_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    r"""Exercise 9.7. The squared Fréchet distance of the Gaussians that are fitted to two sets of features.

    Parameters
    ----------
    a, b
        rows of features, of shape (n, d) and (m, d), at least two in each set. A Gaussian is fitted to each: the mean of the
        rows, and their covariance with the divisor n - 1.

    Returns
    -------
    A float, computed in float64.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a set has fewer than two rows.

    Source: Heusel et al. (2017); chapter 9, "The distance of two Gaussians".
    """
    require_sets(a=a, b=b, least=2)
    ### BEGIN SOLUTION
    moments = [moment for rows in (a.double(), b.double()) for moment in (rows.mean(dim=0), torch.cov(rows.T).reshape(rows.shape[1], -1))]
    return gaussian_frechet(*moments)
    ### END SOLUTION


def nearest_distances(samples: Float[Tensor, "n *shape"], reference: Float[Tensor, "m *shape"]) -> Float[Tensor, "n"]:
    r"""Exercise 9.8. The Euclidean distance of each sample to the nearest row of a reference set; 0 for a copy.

    Parameters
    ----------
    samples, reference
        images, points or features, of shapes (n, ...) and (m, ...) with the same (...).

    Returns
    -------
    A float64 tensor of shape (n,), computed in float64 from differences, so that a copy is at distance 0 exactly.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a set is empty.

    Source: chapter 9, "Coverage, density and copies".
    """
    require_sets(samples=samples, reference=reference, least=1)
    ### BEGIN SOLUTION
    return pairwise(samples, reference).amin(dim=1)
    ### END SOLUTION


def coverage_and_density(real: Float[Tensor, "n d"], samples: Float[Tensor, "m d"], k: int) -> tuple[float, float]:
    r"""Exercise 9.8. How much of the data the samples reach, and how close to the data they are.

    The neighbourhood of a real row is the ball around it whose radius is the distance to its k-th nearest *other* real row.

    Parameters
    ----------
    real, samples
        rows of features, of shape (n, d) and (m, d).
    k
        the number of neighbours, in 1..n-1.

    Returns
    -------
    The coverage: the share of the n real rows whose neighbourhood holds at least one sample. The density: the number of pairs of a
    sample and a neighbourhood that holds it, divided by k m. Two floats; a sample on the edge of a ball is in it.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, a set is empty, or k lies outside 1..n-1.

    Source: Naeem et al. (2020); chapter 9, "Coverage, density and copies".
    """
    require_sets(real=real, samples=samples, least=1)
    require_integer("k", k, low=1, high=len(real) - 1)
    ### BEGIN SOLUTION
    among = pairwise(real, real)
    radii = among.fill_diagonal_(torch.inf).kthvalue(k, dim=1).values
    inside = pairwise(real, samples) <= radii[:, None]
    return inside.any(dim=1).double().mean().item(), inside.sum().item() / (k * len(samples))
    ### END SOLUTION


def pairwise(a: Float[Tensor, "n *shape"], b: Float[Tensor, "m *shape"]) -> Float[Tensor, "n m"]:
    """All Euclidean distances of rows of ``a`` to rows of ``b``, in float64, and from differences (given: see the chapter for why)."""
    rows = [x.detach().double().flatten(start_dim=1) for x in (a, b)]
    return torch.cdist(*rows, compute_mode="donot_use_mm_for_euclid_dist")


def require_labels(name: str, labels: object, count: int, classes: int) -> Int[Tensor, "n"]:
    """The labels as int64; raise unless there are ``count`` > 0 of them, all in 0..classes-1."""
    if not isinstance(labels, Tensor) or labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        found = f"dtype {labels.dtype}" if isinstance(labels, Tensor) else type(labels).__name__
        raise TypeError(f"{name} must be an integer tensor of shape (n,), got {found}")
    if labels.shape != (count,) or not count:
        raise ValueError(f"{name} must have shape ({count},), one for each of at least one sample, got {tuple(labels.shape)}")
    outside = labels[(labels < 0) | (labels >= classes)]
    if len(outside):
        raise ValueError(f"{name} must be between 0 and {classes - 1}, got {outside[0].item()}")
    return labels.long()


def require_moments(which: str, mean: object, covariance: object) -> None:
    """Raise unless these are a vector and a square matrix of its size."""
    require_tensor(f"mean_{which}", mean, ndim=1)
    require_tensor(f"covariance_{which}", covariance, ndim=2)
    if covariance.shape != (len(mean), len(mean)):
        raise ValueError(f"covariance_{which} must have shape {(len(mean), len(mean))}, as mean_{which} has {len(mean)} entries; "
                         f"got {tuple(covariance.shape)}")


def require_sets(*, least: int, **sets: object) -> None:
    """Raise unless two sets of rows, given by name, have rows of one shape, and ``least`` of them at least."""
    for name, rows in sets.items():
        require_tensor(name, rows)
        if rows.ndim < 2 or len(rows) < least:
            raise ValueError(f"{name} must hold at least {least} row{'s' * (least > 1)} of features, got shape {tuple(rows.shape)}")
    (first, a), (second, b) = sets.items()
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"{second} must have rows of the shape of those of {first}, {tuple(a.shape[1:])}, got {tuple(b.shape[1:])}")
