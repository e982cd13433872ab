"""Correct answers to chapter 2's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

beta, v_0, t = sympy.symbols("beta v_0 t", positive=True)
plain_beta = sympy.Symbol("beta")


@alternative("2.5", "a power")
def preserving_coefficient_formula():
    return (1 - plain_beta) ** sympy.Rational(1, 2)


@alternative("2.5", "two roots")
def preserving_coefficient_formula():  # noqa: F811
    return (1 - plain_beta) / sympy.sqrt(1 - plain_beta)


@alternative("2.5", "what is kept and what is added")
def variance_after_formula():
    return v_0 * (1 - beta) ** t + 1 - (1 - beta) ** t


@alternative("2.5", "geometric sum and an exponential")
def variance_after_formula():  # noqa: F811
    kept = sympy.exp(t * sympy.log(1 - beta))
    return v_0 * kept + beta * (1 - kept) / (1 - (1 - beta))
