"""The check of chapter 13's first derivations: what Langevin's steps leave, and the marginal of the VP process."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import exp, sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

STEP = {"h": (0.05, 0.3), "d": (0.7, 1.5)}
PROCESS = {"b0": (0.1, 0.9), "b1": (1.5, 6.0), "t": (0.2, 1.0)}


@cache
def settled() -> sympy.Expr:
    """The sum of what all past noises leave, as a geometric series: one over one minus its ratio."""
    h, d = (symbol(name, STEP) for name in STEP)
    ratio = sympy.expand((1 - h / d**2) ** 2)
    return 2 * h / sympy.cancel(1 - ratio)


@cache
def shrunk(power: sympy.Rational) -> sympy.Expr:
    """exp(-power times the integral of beta from 0 to t)."""
    b0, b1, t = (symbol(name, PROCESS) for name in PROCESS)
    u = sympy.Symbol("u", positive=True)
    return exp(-power * sympy.integrate(b0 + (b1 - b0) * u, (u, 0, t)))


class SdeFormulas(Check):
    """Exercise 13.3. Oracles: a geometric series, and an integral."""

    number = "13.3"
    parts = {"Langevin's variance": 2, "the mean of VP": 1, "the variance of VP": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, name in zip(self.parts, ("langevin_variance", "vp_mean", "vp_variance")):
            yield Case(part, f"{name}_formula", {}, part, {"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        if case.part == "Langevin's variance":
            h, d = (symbol(name, STEP) for name in STEP)
            known = {
                "This is the variance of the exact dynamics; the steps change it.": d**2,
                "The factor of x is squared in a variance: here it is not.": 2 * d**2,
                "The factor of x is added to 1; the step subtracts.": 2 * h / (1 - (1 + h / d**2) ** 2),
                "The noise has the variance 2 h; here it is h.": h / (1 - (1 - h / d**2) ** 2),
                "The noise has the variance 2 h; here it is squared.": 4 * h**2 / (1 - (1 - h / d**2) ** 2),
                "The score of N(0, d^2) is -x/d^2; here the square is missing.": 2 * h / (1 - (1 - h / d) ** 2),
                "This is the standard deviation.": sqrt(settled()),
                "This is what one step adds.": 2 * h,
                "This is right to first order in h only; the exact value is asked for.": d**2 + h / 2,
            }
            return compare_expression(result, settled(), STEP, draw, known=known)
        b0, b1, t = (symbol(name, PROCESS) for name in PROCESS)
        total = b0 * t + (b1 - b0) * t**2 / 2
        half = sympy.Rational(1, 2)
        special = {"for a constant rate, b0 = b1,": {"b1": b0}}
        if case.part == "the mean of VP":
            expected = shrunk(half)
            known = {
                "The rate of x is beta/2; here it is beta: this is a(t)^2.": exp(-total),
                "This grows; the datum shrinks.": exp(total / 2),
                "The rate is not integrated: this is exp(-t beta(t)/2).": exp(-t * (b0 + (b1 - b0) * t) / 2),
                "The integral of s is t^2/2; here it is t^2.": exp(-b0 * t / 2 - (b1 - b0) * t**2 / 2),
                "b1 stands where b1 - b0 should.": exp(-b0 * t / 2 - b1 * t**2 / 4),
                "This is the exponent alone.": -total / 2,
                "This is the discrete product's one-step factor with beta(t).": sqrt(1 - (b0 + (b1 - b0) * t)),
                "This is the deviation of the noise.": sqrt(1 - exp(-total)),
            }
        else:
            expected = 1 - shrunk(sympy.Integer(1))
            known = {
                "This is a(t)^2, what is left of the data's variance.": exp(-total),
                "The deviation is 1 - a(t) here; variance and a(t)^2 sum to 1.": 1 - exp(-total / 2),
                "This is the standard deviation.": sqrt(1 - exp(-total)),
                "This is what noise would add up to without the shrinking.": total,
                "This grows without bound: the sign of the exponent is wrong.": exp(total) - 1,
                "The rate is not integrated: this has t beta(t) in the exponent.": 1 - exp(-t * (b0 + (b1 - b0) * t)),
                "The integral of s is t^2/2; here it is t^2.": 1 - exp(-b0 * t - (b1 - b0) * t**2),
                "1 - a^2 has the exponent squared: twice as large as that of the mean, twice more is too much.": 1 - exp(-2 * total),
            }
        return compare_expression(result, expected, PROCESS, draw, known=known, special=special)


CHECKS = [SdeFormulas()]
