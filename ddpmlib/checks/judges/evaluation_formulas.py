"""Check of the formulas that chapter 9 asks for on distances between Gaussians."""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

LINE = {"m1": (-2.0, 2.0), "m2": (-2.0, 2.0), "s1": (0.3, 3.0), "s2": (0.3, 3.0)}
PLANE = {"r": (0.1, 0.9), "q": (0.1, 0.9)}


class FrechetFormulas(Check):
    """Exercise 9.6. Oracles: the best correlation of a coupling, and the trace of a root from trace and determinant."""

    number = "9.6"
    parts = {"on the line": 1, "in the plane": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("on the line", "frechet_line_formula", {}, "the squared distance on the line", seed)
        yield Case("in the plane", "frechet_correlated_formula", {}, "the squared distance in the plane", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        if case.part == "on the line":
            m1, m2, s1, s2 = (symbol(name, LINE) for name in LINE)
            rho = sympy.Symbol("rho")
            coupled = (m1 - m2) ** 2 + s1**2 + s2**2 - 2 * rho * s1 * s2  # of two numbers with the correlation rho
            expected = coupled.subs(rho, 1)
            known = {
                "This is the mean squared distance of independent numbers; the best coupling is asked for.": coupled.subs(rho, 0),
                "This is the distance; its square is asked for.": sqrt(expected),
                "s1 and s2 are standard deviations; here they stand as variances.": (m1 - m2) ** 2 + s1 + s2 - 2 * sqrt(s1 * s2),
                "Variances are compared; the standard deviations should be.": (m1 - m2) ** 2 + (s1**2 - s2**2) ** 2,
                "This is what variances would differ by; the coupling moves standard deviations.": (m1 - m2) ** 2 + s1**2 - s2**2,
                "The means enter squared.": m1 - m2 + (s1 - s2) ** 2,
                "The means' part is missing.": (s1 - s2) ** 2,
                "The standard deviations' part is missing.": (m1 - m2) ** 2,
                "This couples them against each other, which is the worst.": coupled.subs(rho, -1),
            }
            special = {"for equal means": {"m1": 0, "m2": 0}, "for equal standard deviations": {"s1": 1, "s2": 1}}
            return compare_expression(result, expected, LINE, draw, known=known, special=special)
        r, q = (symbol(name, PLANE) for name in PLANE)
        a, b = (sympy.Matrix([[1, c], [c, 1]]) for c in (r, q))
        product = a * b
        shared = sqrt(product.trace() + 2 * sqrt(product.det()))  # of a 2 x 2 matrix, the trace of the root
        expected = a.trace() + b.trace() - 2 * shared
        known = {
            "The factor 2 of the root is missing.": 4 - shared,
            "This is the distance; its square is asked for.": sqrt(expected),
            "This is the trace of the product of the matrices; the root's is asked for.": 4 - 2 * product.trace(),
            "The two covariances' traces are 2 each.": 2 - 2 * shared,
            "This is the squared distance of the matrices, not of the Gaussians.": 2 * (r - q) ** 2,
            "This compares the axes of the covariances only in the direction of larger variance.":
                (sqrt(1 + r) - sqrt(1 + q)) ** 2,
            "This compares the axes of the covariances only in the direction of smaller variance.":
                (sqrt(1 - r) - sqrt(1 - q)) ** 2,
            "Along each axis of its own a Gaussian here has the variance 1; the axes that count are the diagonals.": sympy.Integer(0),
        }
        special = {"if one of them has the correlation 0": {"q": 0}, "for equal correlations": {"q": r}}
        return compare_expression(result, expected, PLANE, draw, known=known, special=special)


CHECKS = [FrechetFormulas()]
