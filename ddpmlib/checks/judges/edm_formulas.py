"""The check of the factors by which one step multiplies Gaussian data. The slope of dx/dsigma is linear in x there."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw
from .edm_oracles import EULER, HEUN

LEVELS = {"s": (1.0, 2.0), "r": (0.2, 0.9), "d": (0.4, 1.5)}


@cache
def symbols() -> tuple[sympy.Symbol, ...]:
    return tuple(symbol(name, LEVELS) for name in LEVELS)


@cache
def exact() -> sympy.Expr:
    """The exponential of the integral of the rate at which x shrinks."""
    s, r, d = symbols()
    u = sympy.Symbol("u", positive=True)
    return sympy.exp(sympy.integrate(u / (d**2 + u**2), (u, s, r)))


@cache
def stepped(name: str) -> sympy.Expr:
    """What a Runge-Kutta step makes of x = 1, from the method's table and the covariance of data and noise."""
    s, r, d = symbols()
    nodes, rows, weights = {"euler": EULER, "heun": HEUN}[name]
    found: list[sympy.Expr] = []
    for node, row in zip(nodes, rows):
        level = s + sympy.nsimplify(node) * (r - s)
        x = 1 + (r - s) * sum(sympy.nsimplify(a) * k for a, k in zip(row, found))
        found.append((level**2 / (d**2 + level**2)) * x / level)  # E[eps | x], by regression, has this factor
    return 1 + (r - s) * sum(sympy.nsimplify(weight) * k for weight, k in zip(weights, found))


class Factors(Check):
    """Exercise 13.11. Oracles: the integrated rate, and Runge-Kutta tables."""

    number = "13.11"
    parts = {"the flow": 1, "Euler's step": 1, "Heun's step": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, name in (("the flow", "exact"), ("Euler's step", "euler"), ("Heun's step", "heun")):
            yield Case(part, f"{name}_factor_formula", {}, part, {"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        s, r, d = symbols()
        a, b = s / (d**2 + s**2), r / (d**2 + r**2)
        gap = r - s
        euler = 1 + gap * a
        if case.part == "the flow":
            expected = exact()
            known = {
                "This is the ratio of the variances; x is multiplied by the ratio of the deviations.": (d**2 + r**2) / (d**2 + s**2),
                "The fraction is upside down: on the way down x gets smaller.": sqrt((d**2 + s**2) / (d**2 + r**2)),
                "The data's own variance is missing: this is the noise alone.": r / s,
                "The deviations of independent parts do not add; their squares do.": (d + r) / (d + s),
                "This is one Euler step.": euler,
                "This leads from s to level 0.": d / sqrt(d**2 + s**2),
            }
        elif case.part == "Euler's step":
            expected = stepped("euler")
            known = {
                "The step goes down, from s to r: its length is r - s, which is negative.": 1 - gap * a,
                "This is what is added; x itself is missing.": gap * a,
                "This is the guess D of the datum: the step all the way to 0.": d**2 / (d**2 + s**2),
                "The slope is found at r; Euler's step finds it at s.": 1 + gap * b,
                "The slope is that of the datum; it is (x - D) / s.": 1 + gap * d**2 / (d**2 + s**2) / s,
                "x - D is not divided by s.": 1 + gap * s**2 / (d**2 + s**2),
                "This is the exact factor.": exact(),
                "The datum is guessed as x: D is d^2 x / (d^2 + s^2).": r / s,
            }
        else:
            expected = stepped("heun")
            known = {
                "This is Euler's step.": euler,
                "Both slopes are found at x; the second belongs to the end of the Euler step, which is at a smaller x.": 1 + gap * (a + b) / 2,
                "The whole step is made with the slope at the end; the mean of both is asked for.": 1 + gap * b * euler,
                "The slopes are summed; their mean is asked for.": 1 + gap * (a + b * euler),
                "The second half starts from the Euler step's end; the whole step starts from x.": euler + gap * (a + b * euler) / 2,
                "The second slope is found with the level s; it belongs to the level r.": 1 + gap * (a + a * euler) / 2,
                "This is what is added; x itself is missing.": gap * (a + b * euler) / 2,
                "The step goes down, from s to r: its length is r - s, which is negative.": 1 - gap * (a + b * (1 - gap * a)) / 2,
                "This is the exact factor.": exact(),
                "The second slope is found in the middle of the step; Heun's method finds it at the end.":
                    1 + gap * ((s + r) / 2) / (d**2 + ((s + r) / 2) ** 2) * (1 + gap / 2 * a),
            }
        special = {"for r = s": {"r": s}}
        if case.part != "the flow":
            special = {"for data that are a single point, d = 0,": {"d": 0}}
        return compare_expression(result, expected, LEVELS, Draw(case.secret["seed"]), known=known, special=special)


CHECKS = [Factors()]
