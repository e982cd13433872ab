"""Wrong answers to exercise 9.7: the Fréchet distance."""

from __future__ import annotations

import torch
from answers import mutant

AXES, ANY, SINGULAR, FITTED, PRECISION = "the same axes", "any covariances", "singular covariances", "fitted to features", "precision"


def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def parts(mean_a, a, mean_b, b):
    """The means' part, the traces, and the trace of the root."""
    shared = root(root(a) @ b @ root(a)).trace()
    return (mean_a - mean_b).square().sum(), a.trace() + b.trace(), shared


def moments(rows, correction=1):
    return rows.mean(0), torch.cov(rows.T, correction=correction).reshape(rows.shape[1], rows.shape[1])


@mutant("9.7", "root of the whole", says="This is the distance; its square is asked for")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):
    apart, total, shared = parts(mean_a, covariance_a, mean_b, covariance_b)
    return (apart + total - 2 * shared).clamp(min=0).sqrt().item()


@mutant("9.7", "no means", says="The difference of the means is missing")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    apart, total, shared = parts(mean_a, covariance_a, mean_b, covariance_b)
    return (total - 2 * shared).item()


@mutant("9.7", "norm of the means", says="enters squared")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    apart, total, shared = parts(mean_a, covariance_a, mean_b, covariance_b)
    return (apart.sqrt() + total - 2 * shared).item()


@mutant("9.7", "no factor 2", says="The factor 2 of the root is missing")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    apart, total, shared = parts(mean_a, covariance_a, mean_b, covariance_b)
    return (apart + total - shared).item()


@mutant("9.7", "roots multiplied", says="This multiplies the two roots", keeps=(AXES,))
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    apart, total, _ = parts(mean_a, covariance_a, mean_b, covariance_b)
    return (apart + total - 2 * (root(covariance_a) @ root(covariance_b)).trace()).item()


@mutant("9.7", "root of each element", says="Roots are taken element by element")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    apart, total, _ = parts(mean_a, covariance_a, mean_b, covariance_b)
    return (apart + total - 2 * (covariance_a @ covariance_b).clamp(min=0).sqrt().diagonal().sum()).item()


@mutant("9.7", "variances only", says="Only the variances of each axis are compared")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    apart = (mean_a - mean_b).square().sum()
    return (apart + (covariance_a.diagonal().sqrt() - covariance_b.diagonal().sqrt()).square().sum()).item()


@mutant("9.7", "Cholesky factors", says="your code raised", keeps=(AXES, ANY))
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    f, g = torch.linalg.cholesky(covariance_a), torch.linalg.cholesky(covariance_b)
    shared = torch.linalg.svdvals(f.T @ g).sum()
    return ((mean_a - mean_b).square().sum() + covariance_a.trace() + covariance_b.trace() - 2 * shared).item()


@mutant("9.7", "no clamp", says="Some values are NaN", keeps=())
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    values, vectors = torch.linalg.eigh(covariance_a - 1e-9 * torch.eye(len(mean_a)))
    half = vectors @ torch.diag(values.sqrt()) @ vectors.T
    shared = torch.linalg.eigvalsh(torch.nan_to_num(half) @ covariance_b @ torch.nan_to_num(half)).sqrt().sum() + 0 * half.sum()
    return ((mean_a - mean_b).square().sum() + covariance_a.trace() + covariance_b.trace() - 2 * shared).item()


@mutant("9.7", "a tensor", says=".item() makes one of a tensor")
def gaussian_frechet(mean_a, covariance_a, mean_b, covariance_b):  # noqa: F811
    apart, total, shared = parts(mean_a, covariance_a, mean_b, covariance_b)
    return apart + total - 2 * shared


@mutant("9.7", "divisor n", says="The covariances have the divisor n", keeps=(AXES, ANY, SINGULAR))
def frechet_distance(a, b):
    apart, total, shared = parts(*moments(a.double(), 0), *moments(b.double(), 0))
    return (apart + total - 2 * shared).item()


@mutant("9.7", "columns for rows", says="your code raised", keeps=(AXES, ANY, SINGULAR))
def frechet_distance(a, b):  # noqa: F811
    apart, total, shared = parts(a.mean(0), torch.cov(a), b.mean(0), torch.cov(b))
    return (apart + total - 2 * shared).item()


@mutant("9.7", "in float32", says="convert the features to float64 first", keeps=(AXES, ANY, SINGULAR, FITTED))
def frechet_distance(a, b):  # noqa: F811
    def second(rows):
        mean = rows.mean(0)
        return mean.double(), ((rows - mean).T @ (rows - mean) / (len(rows) - 1)).double()

    apart, total, shared = parts(*second(a), *second(b))
    return (apart + total - 2 * shared).item()
