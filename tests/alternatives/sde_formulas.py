"""Correct answers to exercise 13.3 that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

h, d = sympy.symbols("h d", positive=True)
b0, b1, t = sympy.symbols("b0 b1 t", positive=True)


@alternative("13.3", "one fraction")
def langevin_variance_formula():
    return 2 * d**4 / (2 * d**2 - h)


@alternative("13.3", "solved")
def langevin_variance_formula():  # noqa: F811
    v = sympy.Symbol("v", positive=True)
    return sympy.solve((1 - h / d**2) ** 2 * v + 2 * h - v, v)[0]


@alternative("13.3", "an integral")
def vp_mean_formula():
    s = sympy.Symbol("s", positive=True)
    return sympy.exp(-sympy.integrate(b0 + (b1 - b0) * s, (s, 0, t)) / 2)


@alternative("13.3", "what the mean leaves")
def vp_variance_formula():
    return 1 - sympy.exp(-b0 * t / 2 - (b1 - b0) * t**2 / 4) ** 2
