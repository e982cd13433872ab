"""Checks of the formulas that chapter 2 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

SYMBOLS = {"a": (0.3, 0.9), "beta": (0.1, 0.9), "v_0": (1.5, 4.0), "t": (2.0, 6.0)}
STEP = {name: SYMBOLS[name] for name in ("a", "beta")}


@cache
def _settled() -> sympy.Expr:
    """The root of v = a^2 v + beta."""
    a, beta = (symbol(name, SYMBOLS) for name in ("a", "beta"))
    v = sympy.Symbol("v")
    return sympy.solve(sympy.Eq(v, a**2 * v + beta), v)[0]


@cache
def _variance() -> sympy.Expr:
    """The solution of the recurrence v(n + 1) = a^2 v(n) + beta, v(0) = v_0."""
    a, beta, v_0, t = (symbol(name, SYMBOLS) for name in SYMBOLS)
    n, keep = sympy.Symbol("n", integer=True, nonnegative=True), sympy.Symbol("keep", positive=True)
    v = sympy.Function("v")
    return sympy.rsolve(v(n + 1) - keep * v(n) - beta, v(n), {v(0): v_0}).subs({n: t, keep: a**2})


class ShrinkingChain(Check):
    """Exercise 2.5. Oracles: a root found by SymPy, and SymPy's solution of the recurrence."""

    number = "2.5"
    parts = {"the settled variance": 1, "the variance after t steps": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, call in zip(self.parts, ("settled_variance_formula", "variance_after_formula")):
            yield Case(part, call, {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        draw, beta = Draw(case.secret["seed"]), symbol("beta", SYMBOLS)
        special = {"where a**2 + beta = 1": {"a": sympy.sqrt(1 - beta)}}
        if case.call == "settled_variance_formula":
            return compare_expression(result, _settled(), STEP, draw, known=_settled_mistakes(), special=special)
        special["at t = 1"] = {"t": 1}
        return compare_expression(result, _variance(), SYMBOLS, draw, known=_variance_mistakes(), special=special)


def _settled_mistakes() -> dict[str, sympy.Expr]:
    a, beta = (symbol(name, SYMBOLS) for name in ("a", "beta"))
    return {
        "A factor comes out of a variance squared.": beta / (1 - a),
        "The noise is sqrt(beta) eps: its variance is beta, not beta**2.": beta**2 / (1 - a**2),
        "The noise is sqrt(beta) eps: its variance is beta, not sqrt(beta).": sympy.sqrt(beta) / (1 - a**2),
        "This is the standard deviation; the variance is asked for.": sympy.sqrt(beta / (1 - a**2)),
        "This is the beta for which the variance 1 is left as it is; here a and beta are both given.": 1 - a**2,
        "This is the a for which the variance 1 is left as it is; here a and beta are both given.":
            sympy.sqrt(1 - beta),
        "This is the noise of one step alone.": beta,
        "A variance is positive: look for a wrong sign.": beta / (a**2 - 1),
    }


def _variance_mistakes() -> dict[str, sympy.Expr]:
    a, beta, v_0, t = (symbol(name, SYMBOLS) for name in SYMBOLS)
    settled, unsquared, kept = beta / (1 - a**2), beta / (1 - a), a ** (2 * t)
    return {
        "The noise of the steps is missing.": v_0 * kept,
        "Only the last step's noise is counted; the noise of the earlier steps is still there, shrunk.":
            v_0 * kept + beta,
        "Each step's noise is shrunk by the steps after it: the noises do not simply add up to t*beta.":
            v_0 * kept + t * beta,
        "This is the variance for a = 1, without the shrinking.": v_0 + t * beta,
        "This is Var(x_t | x_0); x_0 varies too, and what is left of its variance v_0 is missing.":
            settled * (1 - kept),
        "This is the variance that a step leaves as it is; x_0 may have another one, and the chain only nears it.":
            settled,
        "Each step multiplies the variance by the square of a, not by a.": settled + (v_0 - settled) * a**t,
        "A factor comes out of a variance squared.": unsquared + (v_0 - unsquared) * a**t,
        "This is the variance after t - 1 steps: count from x_0.": settled + (v_0 - settled) * kept / a**2,
        "v_0 is the initial variance; it is squared here, as if it were a standard deviation.":
            settled + (v_0**2 - settled) * kept,
        "The exponential is what a chain of very many, very short steps tends to; here t steps are counted exactly.":
            settled + (v_0 - settled) * sympy.exp(-t * (1 - a**2)),
        "This is for very many, very short steps with a**2 + beta = 1; here a is any factor, and t is exact.":
            1 + (v_0 - 1) * sympy.exp(-beta * t),
    }


CHECKS = [ShrinkingChain()]
