"""Correct answers to chapter 5's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

alpha_t, abar_prev = sympy.symbols("alpha_t abar_prev", positive=True)


@alternative("5.1", "one fraction")
def posterior_precision_formula():
    return (1 - alpha_t * abar_prev) / ((1 - alpha_t) * (1 - abar_prev))


@alternative("5.1", "one over the precision, not simplified")
def posterior_variance_formula():
    return 1 / (1 / (1 - abar_prev) + alpha_t / (1 - alpha_t))


@alternative("5.1", "variance less what is explained, symbols without assumptions")
def posterior_variance_formula():  # noqa: F811
    alpha, abar = sympy.symbols("alpha_t abar_prev")
    return (1 - abar) - alpha * (1 - abar) ** 2 / (1 - alpha * abar)


@alternative("5.2", "variance times the linear term")
def weight_of_x_t_formula():
    variance = (1 - alpha_t) * (1 - abar_prev) / (1 - alpha_t * abar_prev)
    return variance * sympy.sqrt(alpha_t) / (1 - alpha_t)


@alternative("5.2", "share of the precision times the shrunk datum")
def weight_of_x_0_formula():
    share = 1 / (1 - abar_prev) / (1 / (1 - abar_prev) + alpha_t / (1 - alpha_t))
    return share * abar_prev ** sympy.Rational(1, 2)


@alternative("5.2", "what the mean of x_t leaves over")
def weight_of_x_0_formula():  # noqa: F811
    gain = sympy.sqrt(alpha_t) * (1 - abar_prev) / (1 - alpha_t * abar_prev)
    return sympy.sqrt(abar_prev) - gain * sympy.sqrt(alpha_t * abar_prev)
