"""Correct answers to chapter 3's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

alpha_t, alpha_prev, abar = sympy.symbols("alpha_t alpha_prev abar", positive=True)
x_0 = sympy.Symbol("x_0", real=True)


@alternative("3.5", "product of roots")
def two_step_coefficient_formula():
    return sympy.sqrt(alpha_t) * sympy.sqrt(alpha_prev)


@alternative("3.5", "symbols without assumptions")
def two_step_coefficient_formula():  # noqa: F811
    a, b = sympy.symbols("alpha_t alpha_prev")
    return (a * b) ** sympy.Rational(1, 2)


@alternative("3.5", "the two variances as they come")
def two_step_variance_formula():
    return alpha_t * (1 - alpha_prev) + (1 - alpha_t)


@alternative("3.8", "mean square, variance, logarithm")
def prior_kl_formula():
    mean, variance = sympy.sqrt(abar) * x_0, 1 - abar
    return (variance + mean**2 - 1 - sympy.log(variance)) / 2


@alternative("3.8", "logarithm of the standard deviation")
def prior_kl_formula():  # noqa: F811
    return sympy.log(1 / sympy.sqrt(1 - abar)) + (1 - abar) / 2 + abar * x_0**2 / 2 - sympy.Rational(1, 2)
