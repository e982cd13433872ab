"""Correct answers to chapter 10's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

abar_t, abar_s, s2 = sympy.symbols("abar_t abar_s s2", positive=True)


@alternative("10.1", "solved for the square")
def weight_of_x_t_formula():
    square = sympy.Symbol("square", positive=True)
    (found,) = sympy.solve(square * (1 - abar_t) + s2 - (1 - abar_s), square)
    return sympy.sqrt(found)


@alternative("10.1", "one fraction")
def weight_of_x_0_formula():
    root = sympy.sqrt(1 - abar_t)
    return (sympy.sqrt(abar_s) * root - sympy.sqrt(abar_t * (1 - abar_s - s2))) / root


@alternative("10.2", "what x_s explains is subtracted")
def implied_variance_formula():
    covariance = sympy.sqrt((1 - abar_t) * (1 - abar_s - s2))
    return 1 - abar_t - covariance**2 / (1 - abar_s)


@alternative("10.2", "precisions add")
def implied_variance_formula():  # noqa: F811
    weight = (1 - abar_s - s2) / (1 - abar_t)
    return 1 / (1 / (1 - abar_t) + weight / s2)


@alternative("10.2", "from the implied variance")
def markov_variance_formula():
    return sympy.solve((1 - abar_t) * s2 / (1 - abar_s) - (1 - abar_t / abar_s), s2)[0]


@alternative("10.2", "precisions of the chain")
def markov_variance_formula():  # noqa: F811
    ratio = abar_t / abar_s
    return 1 / (1 / (1 - abar_s) + ratio / (1 - ratio))
