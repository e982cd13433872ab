"""Correct answers to chapter 14's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

h, d, a, b, c, g = sympy.symbols("h d a b c g", positive=True)


@alternative("14.6", "twice the divergence less log 4")
def shifted_value_formula():
    return 2 * h * sympy.log(2) - sympy.log(4)


@alternative("14.6", "by the chain rule")
def non_saturating_slope_formula():
    return sympy.diff(-sympy.log(d), d) * d * (1 - d)


@alternative("14.7", "product of the eigenvalues")
def simultaneous_growth_formula():
    first, second = sympy.Matrix([[1, -a * c], [b * c, 1 - b * g]]).eigenvals(multiple=True)
    return sympy.simplify(first * second)


@alternative("14.7", "half of the trace")
def alternating_cosine_formula():
    return (sympy.Matrix([[1, 0], [b * c, 1]]) * sympy.Matrix([[1, -a * c], [0, 1]])).trace() / 2
