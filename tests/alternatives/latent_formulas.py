"""Correct answers to chapter 12's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

lam, kappa, abar, s = sympy.symbols("lam kappa abar s", positive=True)


@alternative("12.9", "what the means leave")
def encoder_variance_formula():
    slope = sympy.sqrt(lam - kappa / 2)
    return 1 - slope**2 / (slope**2 + kappa / 2)


@alternative("12.9", "rate as a difference of logarithms")
def rate_formula():
    return (sympy.log(lam) - sympy.log(kappa) + sympy.log(2)) / 2


@alternative("12.9", "through the ratio")
def effective_alpha_bar_formula():
    ratio = s**2 * abar / (1 - abar)
    return ratio / (1 + ratio)


@alternative("12.9", "one over one plus the ratio of noise to signal")
def effective_alpha_bar_formula():  # noqa: F811
    return 1 / (1 + (1 - abar) / (s**2 * abar))
