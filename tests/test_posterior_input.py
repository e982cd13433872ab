"""Chapter 5: dtypes, times, and bad input."""

from __future__ import annotations

import pytest
import torch

from ddpmlib.posterior import (
    condition_gaussian,
    posterior_mean,
    posterior_mean_from_noise,
    posterior_mean_ve,
    posterior_variance,
    posterior_variance_ve,
)
from ddpmlib.schedules import Schedule

F64 = torch.float64
LINEAR = Schedule.linear(1000)
SHORT = Schedule.linear(10)
X = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=F64)
EYE, ZEROS, ONE = torch.eye(3, dtype=F64), torch.zeros(3, dtype=F64), torch.ones(1, dtype=F64)


@pytest.mark.parametrize("call", [
    lambda x, t: posterior_mean(x, 2 * x, t, LINEAR),
    lambda x, t: posterior_mean_from_noise(x, 2 * x, t, LINEAR),
    lambda x, t: posterior_mean_ve(x, 2 * x, t),
])
def test_float32_is_kept_and_as_good_as_float32_can_be(call):
    t = torch.tensor([1, 2, 500, 1000])
    single = call(X.float(), t)
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), call(X.float().double(), t), rtol=1e-6, atol=1e-6)
    for time in (7, torch.tensor(7), torch.full((4,), 7, dtype=torch.int32)):
        assert torch.equal(call(X, time), call(X, torch.full((4,), 7)))


def test_variances_are_float64_tables():
    assert posterior_variance(LINEAR).dtype == F64 and posterior_variance(LINEAR).shape == (1001,)
    assert posterior_variance_ve(3).shape == () and posterior_variance_ve(3).dtype == F64
    assert posterior_variance_ve(torch.tensor([1, 2])).tolist() == [0, 0.5]


def test_conditioning_keeps_float32_and_takes_many_observations():
    mean, left = condition_gaussian(ZEROS.float(), EYE.float(), [2], torch.ones(5, 4, 1))
    assert mean.shape == (5, 4, 2) and left.shape == (2, 2)
    assert mean.dtype == left.dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: posterior_variance(SHORT.betas.tolist()), TypeError, "schedule must be a ddpmlib.schedules.Schedule"),
        (lambda: posterior_mean(X, X, 0, SHORT), ValueError, "t must be between 1 and 10, got 0"),
        (lambda: posterior_mean(X, X, 11, SHORT), ValueError, "t must be between 1 and 10, got 11"),
        (lambda: posterior_mean(X, X, torch.tensor([1, 2, 3]), SHORT), ValueError, r"t must have shape \(\) or \(4,\)"),
        (lambda: posterior_mean(X, X, 2.0, SHORT), TypeError, "t must be an int"),
        (lambda: posterior_mean(X, X[:2], 2, SHORT), ValueError, r"x_t must have the shape of x0, \(4, 3\)"),
        (lambda: posterior_mean(X, X.float(), 2, SHORT), ValueError, "x_t must have the dtype of x0, torch.float64"),
        (lambda: posterior_mean(X[0, 0], X[0, 0], 2, SHORT), ValueError, "x0 must have a batch axis"),
        (lambda: posterior_mean(X, X, 2, SHORT.betas.tolist()), TypeError, "schedule must be"),
        (lambda: posterior_mean_from_noise(X, X, 0, SHORT), ValueError, "t must be between 1 and 10, got 0"),
        (lambda: posterior_mean_from_noise(X, X.T, 1, SHORT), ValueError, "noise must have the shape of x_t"),
        (lambda: posterior_mean_ve(X, X, 0), ValueError, "t must be at least 1, got 0"),
        (lambda: posterior_variance_ve(0), ValueError, "t must be at least 1, got 0"),
        (lambda: posterior_variance_ve(torch.tensor([1.0])), TypeError, "t must hold integers"),
        (lambda: condition_gaussian(ZEROS, EYE[:2], [0], ONE), ValueError, r"covariance must be symmetric of shape \(3, 3\)"),
        (lambda: condition_gaussian(ZEROS, EYE + X[:3].triu(1), [0], ONE), ValueError, "covariance must be symmetric"),
        (lambda: condition_gaussian(ZEROS, EYE.float(), [0], ONE), ValueError, "must have the dtype of mean"),
        (lambda: condition_gaussian(ZEROS, EYE, [3], ONE), ValueError, r"observed\[0\] must be between 0 and 2, got 3"),
        (lambda: condition_gaussian(ZEROS, EYE, [-1], ONE), ValueError, r"observed\[0\] must be between 0 and 2"),
        (lambda: condition_gaussian(ZEROS, EYE, [], ONE[:0]), ValueError, "observed must hold between 1 and 2"),
        (lambda: condition_gaussian(ZEROS, EYE, [0, 1, 2], ZEROS), ValueError, "observed must hold between 1 and 2"),
        (lambda: condition_gaussian(ZEROS, EYE, [1, 1], ZEROS[:2]), ValueError, "observed must hold .* different"),
        (lambda: condition_gaussian(ZEROS, EYE, [0.5], ONE), TypeError, r"observed\[0\] must be an integer"),
        (lambda: condition_gaussian(ZEROS, EYE, torch.tensor([0]), ONE), TypeError, "observed must be a list"),
        (lambda: condition_gaussian(ZEROS, EYE, [0, 1], ONE), ValueError, r"values must have shape \(..., 2\)"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
