"""Correct answers to exercise 9.6 that are written otherwise than the reference."""

from __future__ import annotations

import sympy
from answers import alternative
from sympy import sqrt

M1, M2 = sympy.symbols("m1 m2", real=True)
S1, S2, R, Q = sympy.symbols("s1 s2 r q", positive=True)


@alternative("9.6", "expanded")
def frechet_line_formula():
    return M1**2 - 2 * M1 * M2 + M2**2 + S1**2 + S2**2 - 2 * S1 * S2


@alternative("9.6", "axis by axis")
def frechet_correlated_formula():
    return (sqrt(1 + R) - sqrt(1 + Q)) ** 2 + (sqrt(1 - R) - sqrt(1 - Q)) ** 2


@alternative("9.6", "from trace and determinant")
def frechet_correlated_formula():  # noqa: F811
    return 4 - 2 * sqrt(2 + 2 * R * Q + 2 * sqrt((1 - R**2) * (1 - Q**2)))
