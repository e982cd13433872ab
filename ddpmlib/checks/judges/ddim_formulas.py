"""Checks of the formulas that chapter 10 asks for. All laws are Gaussian: a covariance matrix, or a quadratic form, tells all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw
from .ddpm_formulas import gaussian

STEP = {"abar_t": (0.1, 0.4), "abar_s": (0.5, 0.7), "s2": (0.02, 0.25)}
PAIR = {name: STEP[name] for name in ("abar_t", "abar_s")}


@cache
def symbols() -> tuple[sympy.Symbol, ...]:
    return tuple(symbol(name, STEP) for name in STEP)


@cache
def joint() -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """Var(x_t), Var(x_s) and Cov(x_s, x_t) given x_0, if given x_t too the variance of x_s is s2."""
    now, then, s2 = symbols()
    return 1 - now, 1 - then, sqrt((1 - now) * (1 - then - s2))


@cache
def implied() -> sympy.Expr:
    """The curvature of log q(x_t | x_0) + log q(x_s | x_t, x_0) in x_t, with the datum taken off."""
    _, _, s2 = symbols()
    variance, _, covariance = joint()
    x_t, x_s = sympy.symbols("x_t x_s", real=True)
    return gaussian(x_t**2 / variance + (x_s - covariance / variance * x_t) ** 2 / s2, x_t)[1]


@cache
def chained() -> sympy.Expr:
    """The curvature of log q(x_s | x_0) + log q(x_t | x_s) in x_s, for the chain that goes on from s to t."""
    now, then, _ = symbols()
    x_t, x_s = sympy.symbols("x_t x_s", real=True)
    return gaussian(x_s**2 / (1 - then) + (x_t - sqrt(now / then) * x_s) ** 2 / (1 - now / then), x_s)[1]


class Weights(Check):
    """Exercise 10.1. Oracle: the regression of x_s on x_t in the joint Gaussian whose conditional variance is s2."""

    number = "10.1"
    parts = {"the weight of x_t": 1, "the weight of x_0": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the weight of x_t", "weight_of_x_t_formula", {}, "the weight of x_t", seed)
        yield Case("the weight of x_0", "weight_of_x_0_formula", {}, "the weight of x_0", seed)

    def judge(self, case: Case, result: object) -> str | None:
        now, then, s2 = symbols()
        variance, _, covariance = joint()
        a = covariance / variance
        chain = sqrt(now / then) * (1 - then) / (1 - now)
        still = sqrt((1 - then) / (1 - now))
        if case.part == "the weight of x_t":
            expected = a
            known = {
                "This is a^2; take the root.": a**2,
                "The variances: a^2 (1 - abar_t) + s2 = 1 - abar_s; here s2 is added where it is to be subtracted.":
                    sqrt((1 - then + s2) / (1 - now)),
                "s2 is missing: the noise that the step adds counts in the variance of x_s.": still,
                "s2 is sigma^2 already.": sqrt((1 - then - s2**2) / (1 - now)),
                "This is the weight in the Markov chain's posterior, which is right for one value of s2 only.": chain,
                "This is the weight of the noise eps of x_t; x_t itself has a noise of variance 1 - abar_t.": sqrt(1 - then - s2),
                "The fraction is upside down.": 1 / a,
                "1 - abar_t is a variance; it enters under the root.": sqrt(1 - then - s2) / (1 - now),
                "s and t are swapped.": sqrt((1 - now - s2) / (1 - then)),
                "Above and below stand 1 - abar, the variances of the noise; not abar.": sqrt((then - s2) / now),
            }
        else:
            expected = sqrt(then) - a * sqrt(now)
            known = {
                "The mean of x_s is sqrt(abar_s) x_0; what a x_t contributes to it is to be subtracted.": sqrt(then),
                "x_t has the mean sqrt(abar_t) x_0; the root is missing.": sqrt(then) - a * now,
                "The mean of x_s is sqrt(abar_s) x_0; the root is missing.": then - a * sqrt(now),
                "Means have roots: sqrt(abar_s) and sqrt(abar_t).": then - a * now,
                "a x_t contributes a sqrt(abar_t) x_0 to the mean, and that is to be subtracted.": sqrt(then) + a * sqrt(now),
                "a x_t contributes a sqrt(abar_t) x_0, not a x_0.": sqrt(then) - a,
                "This is the weight with s2 = 0; a depends on s2.": sqrt(then) - still * sqrt(now),
                "This is the weight in the Markov chain's posterior, which is right for one value of s2 only.":
                    sqrt(then) - chain * sqrt(now),
                "The weights need not sum to 1.": 1 - a,
            }
        special = {"at s2 = 0": {"s2": 0}}
        return compare_expression(result, expected, STEP, Draw(case.secret["seed"]), known=known, special=special)


class ImpliedForward(Check):
    """Exercise 10.2. Oracle: curvatures of the two log densities that make up the joint law."""

    number = "10.2"
    parts = {"what x_t has of its own": 1, "the chain's variance": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("what x_t has of its own", "implied_variance_formula", {}, "the variance of x_t given x_s and x_0", seed)
        yield Case("the chain's variance", "markov_variance_formula", {}, "the chain's sigma^2", seed)

    def judge(self, case: Case, result: object) -> str | None:
        now, then, s2 = symbols()
        draw = Draw(case.secret["seed"])
        variance, before, covariance = joint()
        if case.part == "what x_t has of its own":
            expected = implied()
            known = {
                "This is the variance of x_s given x_t; the other direction is asked for.": s2,
                "This is the variance of x_t given x_0 alone; x_s tells something of it.": variance,
                "This is the forward chain's variance from s to t, right for one value of s2 only.": 1 - now / then,
                "This is what x_s explains of the variance of x_t; what it leaves is asked for.": variance - expected,
                "This is the standard deviation; the variance is asked for.": sqrt(expected),
                "The variances are exchanged: Var(x_t) belongs above.": before * s2 / variance,
                "The covariance enters squared.": variance - covariance / before,
                "The covariance is a (1 - abar_t), with the weight a of Exercise 10.1; here it is a.":
                    variance - (covariance / variance) ** 2 / before,
                "s2 is sigma^2 already.": variance * s2**2 / before,
            }
            special = {"for the Markov chain's value of s2": {"s2": chained()}}
            return compare_expression(result, expected, STEP, draw, known=known, special=special)
        expected = chained()
        known = {
            "This is the standard deviation; the variance is asked for.": sqrt(expected),
            "This is the variance of the chain's step from s to t; sigma^2 belongs to the step back.": 1 - now / then,
            "The fraction is upside down: 1 - abar_s belongs above.": (1 - now) / (1 - then) * (1 - now / then),
            "The factor 1 - abar_t / abar_s, the chain's own noise from s to t, is missing.": (1 - then) / (1 - now),
            "This is the largest sigma^2 that there is; it makes x_s independent of x_t given x_0.": 1 - then,
            "This is for s = t - 1 only if abar_s - abar_t is divided by abar_s: the chain's noise is 1 - abar_t / abar_s.":
                (1 - then) / (1 - now) * (then - now),
            "The chain's weight of x_s in x_t is sqrt(abar_t / abar_s); it enters squared.":
                (1 - then) * (1 - sqrt(now / then) * (1 - then) / (1 - now)),
            "The chain's gain from s to t is missing in the covariance.": (1 - then) * (1 - (1 - then) / (1 - now)),
        }
        return compare_expression(result, expected, PAIR, draw, known=known)


CHECKS = [Weights(), ImpliedForward()]
