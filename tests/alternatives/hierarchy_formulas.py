"""Correct answers to chapter 2's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

a, beta, v_0, t = sympy.symbols("a beta v_0 t", positive=True)
plain_a, plain_beta = sympy.symbols("a beta")


@alternative("2.5", "partial fractions")
def settled_variance_formula():
    return plain_beta / 2 * (1 / (1 - plain_a) + 1 / (1 + plain_a))


@alternative("2.5", "solved by SymPy")
def settled_variance_formula():  # noqa: F811
    v = sympy.Symbol("v")
    return sympy.solve(a**2 * v + beta - v, v)[0]


@alternative("2.5", "what is kept and what is added")
def variance_after_formula():
    return v_0 * a ** (2 * t) + beta * (1 - a ** (2 * t)) / (1 - a**2)


@alternative("2.5", "geometric sum and an exponential")
def variance_after_formula():  # noqa: F811
    kept = sympy.exp(2 * t * sympy.log(a))
    return v_0 * kept + beta * (kept - 1) / (a**2 - 1)
