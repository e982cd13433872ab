"""Check of the formulas that chapter 9 asks for on moving averages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

WEIGHT = {"d": (0.3, 0.95), "j": (0.5, 4.0), "n": (5.0, 9.0)}
VARIANCE = {"d": (0.2, 0.95), "r": (0.1, 0.9)}


@cache
def sum_of_powers(d: sympy.Expr, n: sympy.Expr) -> sympy.Expr:
    """1 + d + ... + d^(n-1), from what multiplying it by d does."""
    total = sympy.Symbol("total")
    (found,) = sympy.solve(sympy.Eq(d * total, total - 1 + d**n), total)
    return found


@cache
def long_run(d: sympy.Expr, r: sympy.Expr) -> sympy.Expr:
    """The variance of the average, from the two equations that its joint law with the iterate satisfies in the long run."""
    variance, shared = sympy.symbols("variance shared")
    equations = [
        sympy.Eq(shared, d * r * shared + 1 - d),
        sympy.Eq(variance, d**2 * variance + (1 - d) ** 2 + 2 * d * (1 - d) * r * shared),
    ]
    return sympy.simplify(sympy.solve(equations, [variance, shared], dict=True)[0][variance])


class MovingAverage(Check):
    """Exercise 9.2. Oracles: a sum from its own shift, and a stationary covariance from the recursion."""

    number = "9.2"
    parts = {"the weights": 1, "the variance": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the weights", "average_weight_formula", {}, "the weight of the iterate of j steps ago", seed)
        yield Case("the variance", "averaged_variance_formula", {}, "the variance of the average", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        if case.part == "the weights":
            d, j, n = (symbol(name, WEIGHT) for name in WEIGHT)
            total = sum_of_powers(d, n)
            known = {
                "These weights do not add to 1 yet: divide by their sum.": (1 - d) * d**j,
                "The newest iterate, j = 0, has the largest weight; here it is the oldest.": d ** (n - 1 - j) / total,
                "The newest iterate is that of j = 0.": d ** (j - 1) / total,
                "This counts one step too many: j = 0 has no power of d.": d ** (j + 1) / total,
                "The sum of the weights is that of n iterates, not n + 1.": d**j / sum_of_powers(d, n + 1),
                "The sum of the weights is that of n iterates, not n - 1.": d**j / sum_of_powers(d, n - 1),
                "The weights are multiplied by their sum; divide.": (1 - d) ** 2 * d**j * total,
                "The factor 1 - d cancels against the sum's, if it stands in both.": d**j / (1 - d**n),
                "This is the sum of the weights of all iterates from the newest to this one.": (1 - d ** (j + 1)) / (1 - d**n),
            }
            special = {"for the newest iterate (j = 0)": {"j": 0}, "in the long run": {"n": 10_000}}
            return compare_expression(result, d**j / total, WEIGHT, draw, known=known, special=special)
        d, r = (symbol(name, VARIANCE) for name in VARIANCE)
        expected, alone = long_run(d, r), (1 - d) / (1 + d)
        known = {
            "This is right for independent iterates; neighbours have the correlation r.": alone,
            "Every pair of different iterates counts twice, once in each order.": alone * (1 + d * r / (1 - d * r)),
            "This is the standard deviation.": sqrt(expected),
            "This is how many independent iterates the average is worth, its inverse is asked for.": 1 / expected,
            "Signs are exchanged: correlation makes the average noisier.": alone * (1 - d * r) / (1 + d * r),
            "Iterates that are m steps apart have the correlation r^m, and weights that differ by d^m.": alone * (1 + r) / (1 - r),
            "The weights enter the variance squared.": (1 + d * r) / (1 - d * r),
            "This is the covariance of the average with the newest iterate.": (1 - d) / (1 - d * r),
            "The correlation enters only once, not squared: Cov, not Var, falls by r a step.": alone * (1 + d * r**2) / (1 - d * r**2),
        }
        special = {"for independent iterates (r = 0)": {"r": 0}, "for iterates that are all the same (r = 1)": {"r": 1}}
        return compare_expression(result, expected, VARIANCE, draw, known=known, special=special)


CHECKS = [MovingAverage()]
