"""Wrong answers to exercise 9.6."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import sqrt

M1, M2 = sympy.symbols("m1 m2", real=True)
S1, S2, R, Q = sympy.symbols("s1 s2 r q", positive=True)
LINE, PLANE = ("on the line",), ("in the plane",)


@mutant("9.6", "independent", says="the best coupling is asked for", keeps=PLANE)
def frechet_line_formula():
    return (M1 - M2) ** 2 + S1**2 + S2**2


@mutant("9.6", "root", says="This is the distance; its square", keeps=PLANE)
def frechet_line_formula():  # noqa: F811
    return sqrt((M1 - M2) ** 2 + (S1 - S2) ** 2)


@mutant("9.6", "deviations taken for variances", says="here they stand as variances", keeps=PLANE)
def frechet_line_formula():  # noqa: F811
    return (M1 - M2) ** 2 + S1 + S2 - 2 * sqrt(S1 * S2)


@mutant("9.6", "variances compared", says="Variances are compared", keeps=PLANE)
def frechet_line_formula():  # noqa: F811
    return (M1 - M2) ** 2 + (S1**2 - S2**2) ** 2


@mutant("9.6", "worst coupling", says="which is the worst", keeps=PLANE)
def frechet_line_formula():  # noqa: F811
    return (M1 - M2) ** 2 + (S1 + S2) ** 2


@mutant("9.6", "factor 2 missing", says="The factor 2 of the root is missing", keeps=LINE)
def frechet_correlated_formula():
    return 4 - sqrt((1 + R) * (1 + Q)) - sqrt((1 - R) * (1 - Q))


@mutant("9.6", "trace of the product", says="This is the trace of the product", keeps=LINE)
def frechet_correlated_formula():  # noqa: F811
    return 4 - 4 * (1 + R * Q)


@mutant("9.6", "distance of the matrices", says="the squared distance of the matrices", keeps=LINE)
def frechet_correlated_formula():  # noqa: F811
    return 2 * (R - Q) ** 2


@mutant("9.6", "one axis", says="only in the direction of larger variance", keeps=LINE)
def frechet_correlated_formula():  # noqa: F811
    return (sqrt(1 + R) - sqrt(1 + Q)) ** 2


@mutant("9.6", "nothing differs", says="the axes that count are the diagonals", keeps=LINE)
def frechet_correlated_formula():  # noqa: F811
    return sympy.Integer(0)


@mutant("9.6", "one is the unit matrix", says="right if one of them has the correlation 0", keeps=LINE)
def frechet_correlated_formula():  # noqa: F811
    return 4 - 2 * sqrt(1 + R + Q) - 2 * sqrt(1 - R - Q)
