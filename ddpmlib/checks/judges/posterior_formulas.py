"""Checks of the formulas that chapter 5 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

SYMBOLS = {"alpha_t": (0.2, 0.9), "abar_prev": (0.2, 0.9)}
ALPHA, ABAR = symbol("alpha_t", SYMBOLS), symbol("abar_prev", SYMBOLS)


@cache
def best_guess() -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """The weights of x_t and x_0 in the mean of x_{t-1}, and the variance that is left.

    For a Gaussian the conditional mean is the guess with the least squared error. The error u x_t + w x_0 - x_{t-1} is
    written with x_0 and the two noises; x_0 has to drop out whatever it is, and the mean square of the rest is minimised.
    """
    u, w = sympy.symbols("u w", real=True)
    to_x0, spread = sqrt(ABAR), sqrt(1 - ABAR)
    of_x0 = u * sqrt(ALPHA) * to_x0 + w - to_x0
    of_first_noise, of_second_noise = (u * sqrt(ALPHA) - 1) * spread, u * sqrt(1 - ALPHA)
    square = of_first_noise**2 + of_second_noise**2
    (best_u,) = sympy.solve(sympy.diff(square, u), u)
    (best_w,) = sympy.solve(of_x0.subs(u, best_u), w)
    return tuple(sympy.simplify(value) for value in (best_u, best_w, square.subs(u, best_u)))


class PrecisionAndVariance(Check):
    """Exercise 5.1. Oracle: the least squared error of a linear guess of x_{t-1}."""

    number = "5.1"
    parts = {"precision": 2, "variance": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part in self.parts:
            yield Case(part, f"posterior_{part}_formula", {}, f"the {part}", {"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        variance = best_guess()[2]
        prior, step = 1 - ABAR, 1 - ALPHA
        if case.part == "precision":
            expected = 1 / variance
            known = {
                "This is the variance; the precision is 1 over it.": variance,
                "x_t is a sample around sqrt(alpha_t) x_{t-1}, not around x_{t-1}: the square of that coefficient multiplies "
                "the precision of the step.": 1 / prior + 1 / step,
                "The coefficient sqrt(alpha_t) stands inside a square: it enters the precision squared.":
                    1 / prior + sqrt(ALPHA) / step,
                "The coefficient enters the other way: x_t / sqrt(alpha_t) has the variance (1 - alpha_t) / alpha_t.":
                    1 / prior + 1 / (ALPHA * step),
                "This is the precision of x_{t-1} given x_0 alone; what x_t says is missing.": 1 / prior,
                "This is what x_t says alone; the precision of x_{t-1} given x_0 is missing.": ALPHA / step,
                "This adds variances; factors of a density add their precisions.": prior + step / ALPHA,
                "This is 1 over the sum of the variances; add the precisions.": 1 / (prior + step / ALPHA),
                "The variance of x_{t-1} given x_0 is 1 - abar_prev; this takes abar_prev.": 1 / ABAR + ALPHA / step,
                "The factor 1/2 belongs to the exponent: the precision is what multiplies x^2 in -2 log of the density.":
                    expected / 2,
                "The factor 2 is too much: the precision is what multiplies x^2 in -2 log of the density.": 2 * expected,
                "The precision is 1 over the variance, not over the standard deviation.": 1 / sqrt(prior) + sqrt(ALPHA / step),
                "Standard deviations stand below; 1 - abar_prev and 1 - alpha_t are variances, and have no root.":
                    1 / sqrt(prior) + ALPHA / sqrt(step),
            }
            special = {"if nothing is left of the data (abar_prev = 0)": {"abar_prev": 0}}
        else:
            expected = variance
            known = {
                "This is the precision; the variance is 1 over it.": 1 / variance,
                "This is the standard deviation; the variance is asked for.": sqrt(variance),
                "This is the variance of the step forwards; x_0 makes it smaller. (Below belongs 1 - abar_t, which does not cancel.)":
                    step,
                "This is the variance of x_{t-1} given x_0 alone; x_t makes it smaller.": prior,
                "This is the variance of x_t given x_0.": 1 - ALPHA * ABAR,
                "This adds variances, or inverts a sum term by term; precisions add, and the variance is 1 over their sum.":
                    prior + step / ALPHA,
                "The variance of x_{t-1} given x_0 is 1 - abar_prev; there is no root of abar_prev in it.":
                    step * (1 - sqrt(ABAR)) / (1 - ALPHA * ABAR),
                "The variance of x_{t-1} given x_0 is 1 - abar_prev; this takes abar_prev.": 1 / (1 / ABAR + ALPHA / step),
                "The fraction is upside down: abar_{t-1} belongs above, abar_t below.": step * (1 - ALPHA * ABAR) / prior,
                "The factor 1 - abar_prev is missing.": step / (1 - ALPHA * ABAR),
                "The factor 1 - alpha_t is missing.": prior / (1 - ALPHA * ABAR),
                "x_t is a sample around sqrt(alpha_t) x_{t-1}, not around x_{t-1}: the square of that coefficient multiplies "
                "the precision of the step.": 1 / (1 / prior + 1 / step),
                "The coefficient sqrt(alpha_t) stands inside a square: it enters the precision squared.":
                    1 / (1 / prior + sqrt(ALPHA) / step),
            }
            special = {"if nothing is left of the data (abar_prev = 0)": {"abar_prev": 0}}
        return compare_expression(result, expected, SYMBOLS, Draw(case.secret["seed"]), known=known, special=special)


class Weights(Check):
    """Exercise 5.2. Oracle: the linear guess of x_{t-1} with the least squared error."""

    number = "5.2"
    parts = {"weight of x_t": 1, "weight of x_0": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, call in zip(self.parts, ("weight_of_x_t_formula", "weight_of_x_0_formula")):
            yield Case(part, call, {}, f"the {part}", {"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        of_x_t, of_x_0, variance = best_guess()
        now, before, root = 1 - ALPHA * ABAR, 1 - ABAR, sqrt(ALPHA)
        if case.part == "weight of x_t":
            expected, other = of_x_t, of_x_0
            known = {
                "This is the weight of x_0.": other,
                "This has alpha_t, which is the weight of x_t / sqrt(alpha_t); the coefficient enters the term linear in x_{t-1} once.":
                    ALPHA * before / now,
                "The factor sqrt(alpha_t) is missing.": before / now,
                "The weights need not sum to 1; this is 1 minus the weight of x_0.": 1 - of_x_0,
                "The term linear in x_{t-1} is still to be divided by the precision.": root / (1 - ALPHA),
                "The square root is that of abar_prev; x_t comes with sqrt(alpha_t).": sqrt(ABAR) * before / now,
                "This undoes the shrinking, as if x_0 were not known.": 1 / root,
                "Off by one: above stands 1 - abar_t; it should be 1 - abar_{t-1}.": root,
                "The division by 1 - abar_t is missing.": root * before,
                "Above stands abar_prev in the place of 1 - abar_prev.": root * ABAR / now,
                "There is no root in the variance: above belongs 1 - abar_prev.": root * (1 - sqrt(ABAR)) / now,
            }
        else:
            expected, other = of_x_0, of_x_t
            known = {
                "This is the weight of x_t.": other,
                "The mean of x_{t-1} given x_0 is sqrt(abar_prev) x_0; the square root is missing.": ABAR * (1 - ALPHA) / now,
                "This is the weight of sqrt(abar_prev) x_0; the factor sqrt(abar_prev) is missing.": (1 - ALPHA) / now,
                "The square root is that of abar_t; x_{t-1} given x_0 has the one of abar_{t-1}.":
                    sqrt(ALPHA * ABAR) * (1 - ALPHA) / now,
                "The weights need not sum to 1; this is 1 minus the weight of x_t.": 1 - of_x_t,
                "The term linear in x_{t-1} is still to be divided by the precision.": sqrt(ABAR) / before,
                "This is the mean given x_0 alone; x_t takes its share.": sqrt(ABAR),
                "The division by 1 - abar_t is missing.": sqrt(ABAR) * (1 - ALPHA),
                "Above stands alpha_t in the place of beta_t = 1 - alpha_t.": sqrt(ABAR) * ALPHA / now,
                "Above stands the root of beta_t = 1 - alpha_t; it should be beta_t.": sqrt(ABAR) * sqrt(1 - ALPHA) / now,
                "Below stands 1 - abar_{t-1}; it should be 1 - abar_t.": sqrt(ABAR) * (1 - ALPHA) / before,
            }
        special = {"if both symbols have the same value": {"abar_prev": ALPHA}}
        return compare_expression(result, expected, SYMBOLS, Draw(case.secret["seed"]), known=known, special=special)


CHECKS = [PrecisionAndVariance(), Weights()]
