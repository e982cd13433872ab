"""Checks of the formulas that chapter 4 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import log, sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

EXCESS = {"a": (0.3, 1.5), "b": (-1.0, 1.0), "v": (0.2, 0.9), "alpha_next": (0.3, 0.9), "beta_t": (0.1, 0.7), "x_prev": (-2.0, 2.0)}
TELESCOPE = {"abar_1": (0.6, 0.9), "abar_T": (0.05, 0.5)}
LOSS = {"v_prev": (0.3, 4.0), "alpha_t": (0.2, 0.9)}


def _mean(polynomial: sympy.Expr, noises: list[sympy.Symbol]) -> sympy.Expr:
    """The expectation of a polynomial in independent standard normal noises, from the moments 1, 0, 1, 0, 3."""
    terms = sympy.Poly(sympy.expand(polynomial), *noises).terms()
    moments = (1, 0, 1, 0, 3)
    return sum(factor * sympy.prod([moments[power] for power in powers]) for powers, factor in terms)


@cache
def excess() -> sympy.Expr:
    """Three steps written out in their noises; the fresh x_t has a noise of its own."""
    a, b, v, following, beta, x_prev = (symbol(name, EXCESS) for name in EXCESS)
    noises = sympy.symbols("e_1 e_2 e_3", real=True)
    start = sqrt(1 - beta) * x_prev
    x_t, fresh = start + sqrt(beta) * noises[0], start + sqrt(beta) * noises[2]
    x_next = sqrt(following) * x_t + sqrt(1 - following) * noises[1]
    squares = [(value - a * x_next - b) ** 2 / (2 * v) for value in (fresh, x_t)]
    return sympy.simplify(_mean(squares[0] - squares[1], list(noises)))


@cache
def telescoped() -> sympy.Expr:
    """Three jumps whose logarithms are averaged term by term, before anything cancels."""
    e = sympy.Symbol("e", real=True)
    kept = [symbol("abar_1", TELESCOPE), sympy.Symbol("abar_2", positive=True), symbol("abar_T", TELESCOPE)]
    means = [_mean(-log(2 * sympy.pi * (1 - abar)) / 2 - (sqrt(1 - abar) * e) ** 2 / (2 * (1 - abar)), [e]) for abar in kept]
    return sympy.simplify(sum(before - after for before, after in zip(means, means[1:])))


@cache
def variance_loss() -> sympy.Expr:
    """The mean of log q - log p under q; q by conditioning the covariance matrix of (x_{t-1}, x_t)."""
    v_prev, alpha = (symbol(name, LOSS) for name in LOSS)
    e = sympy.Symbol("e", real=True)
    covariance = sympy.Matrix([[v_prev, sqrt(alpha) * v_prev], [sqrt(alpha) * v_prev, alpha * v_prev + 1 - alpha]])
    left = covariance.det() / covariance[1, 1]
    deviation = sqrt(left) * e
    log_q, log_p = (-log(variance) / 2 - deviation**2 / (2 * variance) for variance in (left, 1 - alpha))
    return _mean(log_q - log_p, [e])


class PrintedExcess(Check):
    """Exercise 4.2. Oracle: the two expectations as polynomials in the noises."""

    number = "4.2"
    parts = {"the excess": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("the excess", "printed_excess_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        a, b, v, following, beta, x_prev = (symbol(name, EXCESS) for name in EXCESS)
        expected = excess()
        known = {
            "A factor 2 is lost: the square has the cross term twice, which cancels the 1/2 of the log-density.": expected / 2,
            "A factor 2 is too much: the log-density divides the square by 2 v.": 2 * expected,
            "The sign is wrong: the printed term is the larger one.": -expected,
            "The link from x_t to x_{t+1} is sqrt(alpha_{t+1}); the root is missing.": a * following * beta / v,
            "The slope a is missing: the model's mean is a x_{t+1} + b.": sqrt(following) * beta / v,
            "Var(x_t) given x_{t-1} is beta_t, without a root.": a * sqrt(following) * sqrt(beta) / v,
            "v is a variance already; it is not squared.": expected / v,
            "v is a variance; its root is not taken.": expected * sqrt(v),
            "The squares of a x_{t+1} are the same in both expectations and cancel; the cross term is linear in a.":
                a**2 * following * beta / v,
            "This is a coefficient of x_{t-1}'s share, which both forms have.": a * sqrt(following) * (1 - beta) / v,
            "The variance v of the reverse step is missing.": expected * v,
            "The link from x_t to x_{t+1} is missing: given x_{t-1}, their covariance is sqrt(alpha_{t+1}) beta_t.": a * beta / v,
        }
        special = {"for alpha_{t+1} = 1": {"alpha_next": 1}, "for a = 1": {"a": 1}, "for v = beta_t": {"v": beta}}
        return compare_expression(result, expected, EXCESS, Draw(case.secret["seed"]), known=known, special=special)


class Telescoped(Check):
    """Exercise 4.4. Oracle: all jumps' expected log-densities, added up without cancelling anything by hand."""

    number = "4.4"
    parts = {"the expectation": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("the expectation", "telescoped_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        first, last = (symbol(name, TELESCOPE) for name in TELESCOPE)
        expected = telescoped()
        half = sympy.Rational(1, 2)
        known = {
            "The sign is wrong: log q(x_1 | x_0), the sharper density, comes with a plus.": -expected,
            "The factor 1/2 is missing: the density has the root of the variance.": 2 * expected,
            "The variance of q(x_t | x_0) is 1 - alpha_bar_t, not alpha_bar_t.": half * log(last / first),
            "The variance of q(x_t | x_0) is 1 - alpha_bar_t, not alpha_bar_t; and the sign is wrong.": half * log(first / last),
            "Only the last density is left here; of a sum that telescopes both ends stay.": half * log(1 - last),
            "Only the first density is left here; of a sum that telescopes both ends stay.": -half * log(1 - first),
            "The logarithm is missing.": (1 - last) / (1 - first),
            "The logarithm is missing; this is the quotient of the standard deviations.": sqrt((1 - last) / (1 - first)),
            "This is half the difference of the variances; the densities enter with their logarithms.": half * (first - last),
            "The mean of (x_t - sqrt(alpha_bar_t) x_0)^2 / (2 (1 - alpha_bar_t)) is 1/2 at every t: the two cancel.":
                expected + half,
        }
        special = {"at alpha_bar_T = 0": {"abar_T": 0}}
        return compare_expression(result, expected, TELESCOPE, Draw(case.secret["seed"]), known=known, special=special)


class VarianceLoss(Check):
    """Exercise 4.7. Oracle: the mean of the log-ratio, with the conditional variance from a determinant."""

    number = "4.7"
    parts = {"the loss of one step": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("the loss of one step", "fixed_variance_loss_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        v_prev, alpha = (symbol(name, LOSS) for name in LOSS)
        after = alpha * v_prev + 1 - alpha
        ratio, half = v_prev / after, sympy.Rational(1, 2)
        known = {
            "The arguments are exchanged: this is the divergence from the fixed Gaussian to q.": half * (1 / ratio - 1 + log(ratio)),
            "The factor 1/2 is missing.": ratio - 1 - log(ratio),
            "The sign of the logarithm is wrong.": half * (ratio - 1 + log(ratio)),
            "The sign is wrong: a divergence is not negative.": -half * (ratio - 1 - log(ratio)),
            "The constant -1 is missing: two equal variances must give 0.": half * (ratio - log(ratio)),
            "log of the standard deviation has a factor 1/2 of its own: log sigma = (1/2) log sigma^2.":
                half * (ratio - 1) - log(ratio),
            "The logarithm is missing.": half * (ratio - 1),
            "q's variance is taken for that of x_{t-1}, as if x_t told nothing about it.":
                half * (v_prev / (1 - alpha) - 1 - log(v_prev / (1 - alpha))),
            "q's variance is that of the forward step's reversal for x_{t-1} of variance 1; here it is v_prev.": sympy.Integer(0),
            "The variance of x_t is alpha_t v_prev + 1 - alpha_t; alpha_t is missing in it.":
                half * (v_prev / (v_prev + 1 - alpha) - 1 - log(v_prev / (v_prev + 1 - alpha))),
            "The variance of x_t is alpha_t v_prev + 1 - alpha_t; this has sqrt(alpha_t).":
                half * (v_prev / (sqrt(alpha) * v_prev + 1 - alpha) - 1 - log(v_prev / (sqrt(alpha) * v_prev + 1 - alpha))),
            "This is the ratio of the two variances, not the divergence.": ratio,
        }
        special = {"for v_prev = 1": {"v_prev": 1}}
        return compare_expression(result, variance_loss(), LOSS, Draw(case.secret["seed"]), known=known, special=special)


CHECKS = [PrintedExcess(), Telescoped(), VarianceLoss()]
