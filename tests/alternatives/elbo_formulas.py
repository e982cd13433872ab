"""Correct formulas for chapter 1 in other forms."""
# ruff: noqa: F811

from __future__ import annotations

import sympy
from answers import alternative

x, w, b, sigma, m, s = sympy.symbols("x w b sigma m s")


@alternative("1.3", "regression of z on x")
def posterior_mean_formula():
    return (x - b) / w * (1 - 1 / (1 + w**2 / sigma**2))


@alternative("1.3", "precisions add")
def posterior_variance_formula():
    return 1 / (1 + (w / sigma) ** 2)


@alternative("1.3", "prior variance less what x explains")
def posterior_variance_formula():
    return 1 - w**2 / (w**2 + sigma**2)


@alternative("1.6", "with the precision")
def elbo_gap_formula():
    precision = 1 + w**2 / sigma**2
    difference = m - w * (x - b) / (sigma**2 * precision)
    return precision * (s**2 + difference**2) / 2 - sympy.Rational(1, 2) - sympy.log(s) - sympy.log(precision) / 2


@alternative("1.6", "evidence less the two terms")
def elbo_gap_formula():
    total = w**2 + sigma**2
    evidence = -((x - b) ** 2) / (2 * total) - sympy.log(2 * sympy.pi * total) / 2
    reconstruction = -((x - b - w * m) ** 2 + w**2 * s**2) / (2 * sigma**2) - sympy.log(2 * sympy.pi * sigma**2) / 2
    return evidence - reconstruction + (s**2 + m**2 - 1) / 2 - sympy.log(s)
