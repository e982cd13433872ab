"""Checks of the formulas that chapter 2 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

SYMBOLS = {"beta": (0.1, 0.9), "v_0": (1.5, 4.0), "t": (2.0, 6.0)}
BETA = {"beta": SYMBOLS["beta"]}


@cache
def _coefficient() -> sympy.Expr:
    """The positive root of Var(x_t) = a^2 + beta = 1."""
    beta, a = symbol("beta", SYMBOLS), sympy.Symbol("a")
    return next(root for root in sympy.solve(a**2 + beta - 1, a) if root.subs(beta, sympy.Rational(1, 4)) > 0)


@cache
def _variance() -> sympy.Expr:
    """The solution of the recurrence v(n + 1) = a^2 v(n) + beta, v(0) = v_0."""
    beta, v_0, t = (symbol(name, SYMBOLS) for name in ("beta", "v_0", "t"))
    n, keep = sympy.Symbol("n", integer=True, nonnegative=True), sympy.Symbol("keep", positive=True)
    v = sympy.Function("v")
    return sympy.rsolve(v(n + 1) - keep * v(n) - 1 + keep, v(n), {v(0): v_0}).subs({n: t, keep: 1 - beta})


class VariancePreserving(Check):
    """Exercise 2.5. Oracles: a root found by SymPy, and SymPy's solution of the recurrence."""

    number = "2.5"
    parts = {"the coefficient": 1, "the variance after t steps": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, call in zip(self.parts, ("preserving_coefficient_formula", "variance_after_formula")):
            yield Case(part, call, {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        beta, v_0, t = (symbol(name, SYMBOLS) for name in ("beta", "v_0", "t"))
        if case.call == "preserving_coefficient_formula":
            known = {
                "The square root is missing: the variance of a x is a**2 times that of x.": 1 - beta,
                "This keeps the sum of the coefficients at 1; it is the sum of their squares that must be 1.":
                    1 - sympy.sqrt(beta),
                "The noise's coefficient is sqrt(beta): its variance is beta, not beta**2.": sympy.sqrt(1 - beta**2),
                "With a = 1 every step adds beta to the variance.": sympy.Integer(1),
            }
            return compare_expression(result, _coefficient(), BETA, draw, known=known)
        known = {
            "The square root is missing: a**2 = 1 - beta is the factor of the variance.":
                1 + (v_0 - 1) * (1 - beta) ** (2 * t),
            "Each step multiplies the variance by a**2, not by a.": 1 + (v_0 - 1) * (1 - beta) ** (t / 2),
            "The noise of the steps is missing.": v_0 * (1 - beta) ** t,
            "Only the last step's noise is counted; the noise of the earlier steps is still there, shrunk.":
                v_0 * (1 - beta) ** t + beta,
            "Each step's noise is shrunk by the steps after it: the noises do not simply add up to t*beta.":
                v_0 * (1 - beta) ** t + t * beta,
            "This is the variance for a = 1, without the shrinking of the mean.": v_0 + t * beta,
            "This is the variance after t - 1 steps: count from x_0.": 1 + (v_0 - 1) * (1 - beta) ** (t - 1),
            "v_0 is the initial variance; it is squared here, as if it were a standard deviation.":
                1 + (v_0**2 - 1) * (1 - beta) ** t,
        }
        special = {"at t = 1": {"t": 1}, "for v_0 = 1": {"v_0": 1}, "at t = 0": {"t": 0}}
        return compare_expression(result, _variance(), SYMBOLS, draw, known=known, special=special)


CHECKS = [VariancePreserving()]
