"""Chapter 9, evaluation: the theorem on Gaussians, perfect samples, what each number sees, and bad input."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import torch

from ddpmlib import evaluation_formulas
from ddpmlib.evaluation import (
    class_accuracy, class_diversity, coverage_and_density, frechet_distance, gaussian_frechet, nearest_distances,
)

F64 = torch.float64


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def covariance(dim, seed):
    factor = normal(dim, dim + 1, seed=seed)
    return factor @ factor.T


def value(formula, **numbers):
    return float(formula.subs({symbol: numbers[symbol.name] for symbol in formula.free_symbols}))


@pytest.mark.parametrize("dim", [1, 3, 8])
def test_frechet_distance_against_scipys_root(dim):
    a, b, m, n = covariance(dim, 1), covariance(dim, 2), normal(dim, seed=3), normal(dim, seed=4)
    root = scipy.linalg.sqrtm(a.numpy() @ b.numpy()).real
    expected = float((m - n).square().sum()) + np.trace(a.numpy() + b.numpy() - 2 * root)
    assert gaussian_frechet(m, a, n, b) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_on_the_line_is_that_of_the_quantiles():
    """Wasserstein-2 on the line moves quantile to quantile: no formula for Gaussians is used."""
    m1, s1, m2, s2 = 0.3, 0.7, -0.5, 1.6
    q = (torch.arange(200_000, dtype=F64) + 0.5) / 200_000
    z = torch.special.ndtri(q)
    moved = ((m1 + s1 * z) - (m2 + s2 * z)).square().mean().item()
    ours = gaussian_frechet(torch.tensor([m1], dtype=F64), torch.tensor([[s1**2]], dtype=F64), torch.tensor([m2], dtype=F64),
                            torch.tensor([[s2**2]], dtype=F64))
    assert ours == pytest.approx(moved, rel=1e-3)
    assert value(evaluation_formulas.frechet_line_formula(), m1=m1, m2=m2, s1=s1, s2=s2) == pytest.approx(ours)


def test_correlated_formula_is_the_general_one():
    formula, zero = evaluation_formulas.frechet_correlated_formula(), torch.zeros(2, dtype=F64)
    for r, q in ((0.3, 0.8), (0.9, 0.1)):
        a, b = (torch.tensor([[1.0, c], [c, 1.0]], dtype=F64) for c in (r, q))
        assert value(formula, r=r, q=q) == pytest.approx(gaussian_frechet(zero, a, zero, b), rel=1e-9)


@pytest.mark.parametrize("ranks", [(4, 4), (2, 4), (1, 1)])
def test_best_coupling_of_the_proof_attains_the_distance_and_no_other_is_better(ranks):
    f, g = normal(4, ranks[0], seed=1), normal(4, ranks[1], seed=2)
    a, b, zero = f @ f.T, g @ g.T, torch.zeros(4, dtype=F64)

    def root(matrix):
        values, vectors = torch.linalg.eigh(matrix)
        return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T

    best = gaussian_frechet(zero, a, zero, b)
    u, _, vh = torch.linalg.svd(root(b) @ root(a))
    cost = a.trace() + b.trace() - 2 * (root(a) @ (vh.T @ u.T) @ root(b)).trace()
    assert cost.item() == pytest.approx(best, abs=1e-6)  # roots of eigenvalues that are 0 up to rounding
    for seed in range(50):
        turn = torch.linalg.qr(normal(4, 4, seed=seed)).Q
        assert (a.trace() + b.trace() - 2 * (root(a) @ turn @ root(b)).trace()).item() >= best - 1e-6


def test_distance_is_a_lower_bound_for_other_laws():
    """Two laws of three points each: the best of all matchings costs at least the Gaussians' distance."""
    for seed in range(10):
        x, y = normal(3, 2, seed=seed), 2 * normal(3, 2, seed=seed + 100)
        cost = min(sum((x[i] - y[j]).square().sum() for i, j in enumerate(order)) / 3 for order in itertools.permutations(range(3)))
        moments = [moment for rows in (x, y) for moment in (rows.mean(0), torch.cov(rows.T, correction=0))]
        assert gaussian_frechet(*moments) <= cost + 1e-9


def test_distance_of_features_is_symmetric_and_zero_for_one_set():
    a, b = normal(30, 4), 2 * normal(20, 4, seed=1)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    turn = torch.linalg.qr(normal(4, 4, seed=5)).Q
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b))
    assert frechet_distance(a.float(), b.float()) == pytest.approx(frechet_distance(a, b), rel=1e-5)


def test_means_part_of_the_floor():
    """E |mean_a - mean_b|^2 = tr(Sigma) (1/n + 1/m)."""
    pairs = [(normal(20, 3, seed=2 * k), normal(30, 3, seed=2 * k + 1)) for k in range(2000)]
    found = sum((a.mean(0) - b.mean(0)).square().sum().item() for a, b in pairs) / 2000
    assert found == pytest.approx(3 * (1 / 20 + 1 / 30), rel=0.06)


@pytest.mark.parametrize(("n", "m", "k"), [(12, 12, 1), (20, 8, 3), (6, 15, 2)])
def test_perfect_samples_have_the_expected_coverage_and_density(n, m, k):
    found = torch.tensor([coverage_and_density(rows[:n], rows[n:], k) for rows in (normal(n + m, 2, seed=s) for s in range(1500))])
    coverage = 1 - math.prod((n - i) / (n + m - i) for i in range(1, k + 1))
    assert found[:, 0].mean() == pytest.approx(coverage, abs=0.015)
    assert found[:, 1].mean() == pytest.approx(1.0, abs=0.04)


def test_coverage_of_equal_sizes_tends_to_one_less_a_power_of_two():
    for k in (1, 3, 5):
        assert 1 - math.prod((10**6 - i) / (2 * 10**6 - i) for i in range(1, k + 1)) == pytest.approx(1 - 2.0**-k, abs=1e-5)


def test_copies_are_at_distance_zero_in_single_precision():
    rows = normal(60, 1, 8, 8).float() + 3
    assert (nearest_distances(rows, rows) == 0).all()
    assert nearest_distances(rows, rows).dtype == F64
    assert torch.cdist(rows.flatten(1), rows.flatten(1)).diagonal().max() > 1e-4, "what the helper is for"


def test_diversity_of_copies_is_zero_and_of_a_class_twice_its_variance():
    rows, labels = normal(50, 3), torch.tensor([0, 1]).repeat(25)
    rows[labels == 0] = rows[0].clone()
    table = class_diversity(rows, labels, 3)
    assert table[0] == pytest.approx(0, abs=1e-20) and table[2].isnan()
    assert table[1] == pytest.approx(2 * rows[labels == 1].var(0).sum().item())


def test_accuracy_by_hand():
    said = torch.tensor([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0], [0.8, 0.2, 0.0]])
    overall, table = class_accuracy(said, torch.tensor([0, 1, 1]))
    assert overall == pytest.approx(2 / 3) and table[:2].tolist() == [1.0, 0.5] and table[2].isnan()


X, Y = normal(5, 3), torch.tensor([0, 1, 2, 0, 1])
MEAN, COVARIANCE = torch.zeros(3, dtype=F64), torch.eye(3, dtype=F64)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: class_accuracy(X, Y.float()), TypeError, "labels must be an integer tensor"),
        (lambda: class_accuracy(X, [0, 1]), TypeError, "labels must be an integer tensor .* got list"),
        (lambda: class_accuracy(X, Y[:4]), ValueError, r"labels must have shape \(5,\)"),
        (lambda: class_accuracy(X, Y + 1), ValueError, "labels must be between 0 and 2, got 3"),
        (lambda: class_accuracy(X[:0], Y[:0]), ValueError, "one for each of at least one sample"),
        (lambda: class_diversity(X, Y, 2), ValueError, "labels must be between 0 and 1, got 2"),
        (lambda: class_diversity(X, Y, 0), ValueError, "classes must be at least 1, got 0"),
        (lambda: gaussian_frechet(MEAN, COVARIANCE[:2], MEAN, COVARIANCE), ValueError, r"covariance_a must have shape \(3, 3\)"),
        (lambda: gaussian_frechet(MEAN, COVARIANCE, MEAN[:2], COVARIANCE[:2, :2]), ValueError, "mean_b must have the shape of mean_a"),
        (lambda: frechet_distance(X[:1], X), ValueError, r"a must hold at least 2 rows of features, got shape \(1, 3\)"),
        (lambda: frechet_distance(X, X[:, :2]), ValueError, "b must have rows of the shape of those of a"),
        (lambda: nearest_distances(X, X[:0]), ValueError, "reference must hold at least 1 row of features"),
        (lambda: coverage_and_density(X, X, 5), ValueError, "k must be between 1 and 4, got 5"),
        (lambda: coverage_and_density(X.long(), X, 1), TypeError, "real must be a floating-point tensor"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
