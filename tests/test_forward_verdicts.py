"""Chapter 3: what the checks must not say of a wrong answer, since it would not be true of it."""

from __future__ import annotations

import pytest
import torch
from answers import collect

from ddpmlib.checks import assess

MUTANTS = {(answer.exercise, answer.title): answer for answer in collect("mutants")}


@pytest.mark.parametrize(
    ("exercise", "title", "unsaid"),
    [
        ("3.4", "root over variance", "digits"),
        ("3.4", "squared numerator", "digits"),
        ("3.9", "sum instead of mean", "rounds to 1"),
        ("3.9", "nats", "rounds to 1"),
        ("3.9", "no half", "rounds to 1"),
        ("3.3", "no square", "single precision"),
        ("3.3", "one step early", "single precision"),
        ("3.2", "alpha for alpha_bar", "single precision"),
        ("3.1", "variance for standard deviation", "the square root is missing"),
        ("3.1", "no square root", "scaled by the variance"),
        ("3.6", "variances as coefficients", "single precision"),
        ("3.7", "variance for standard deviation", "single precision"),
        ("3.8", "x_0 not squared", "at x_0 = 0"),
    ],
)
def test_no_false_cause_is_named(exercise, title, unsaid):
    for seed in range(20):
        verdict = assess(exercise, seed=seed, module=MUTANTS[exercise, title].as_module())
        assert verdict.status == "failing" and unsaid not in verdict.report()


@pytest.mark.parametrize(
    ("exercise", "title", "part"),
    [
        ("3.3", "no square", "float64"),
        ("3.2", "alpha for alpha_bar", "float64"),
        ("3.1", "unscaled noise", "dtype and digits of x_prev"),
        ("3.6", "swapped coefficients", "float64 keeps its digits"),
        ("3.7", "one step only", "dtype and digits of x0"),
    ],
)
def test_digits_are_not_judged_before_the_values_are_right(exercise, title, part):
    verdict = assess(exercise, seed=0, module=MUTANTS[exercise, title].as_module())
    (problem,) = (found.problem for found in verdict.parts if found.name == part)
    assert "not judged until the values are right" in problem


def test_the_variance_alone_does_not_tell_two_slips_apart():
    """(1 - b)^2 + b is (1 - b) + b^2: x multiplied by 1 - b, or the noise by b."""
    for title in ("variance for standard deviation", "no square root"):
        report = assess("3.1", seed=0, module=MUTANTS["3.1", title].as_module()).report()
        assert "Two slips lead there" in report
    beta = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)
    assert torch.allclose((1 - beta) ** 2 + beta, (1 - beta) + beta**2)
