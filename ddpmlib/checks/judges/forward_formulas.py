"""Checks of the formulas that chapter 3 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import log, sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

TWO_STEPS = {"alpha_t": (0.2, 0.9), "alpha_prev": (0.2, 0.9)}
PRIOR = {"abar": (0.1, 0.9), "x_0": (-2.0, 2.0)}


@cache
def two_steps() -> tuple[sympy.Expr, sympy.Expr]:
    """Coefficient and variance of x_t given x_{t-2}, by integrating x_{t-1} out of the product of the two kernels.

    Up to a constant, -2 log of the product is a quadratic form; integrating a Gaussian variable out of it is minimising
    it in that variable. What is left is (x_t - mean)^2 / variance.
    """
    alpha, previous = symbol("alpha_t", TWO_STEPS), symbol("alpha_prev", TWO_STEPS)
    x, between, start = sympy.symbols("x between start", real=True)
    form = (between - sqrt(previous) * start) ** 2 / (1 - previous) + (x - sqrt(alpha) * between) ** 2 / (1 - alpha)
    (lowest,) = sympy.solve(sympy.diff(form, between), between)
    form = form.subs(between, lowest)
    (mean,) = sympy.solve(sympy.diff(form, x), x)
    variance = sympy.simplify(2 / sympy.diff(form, x, 2))
    return sympy.simplify(sympy.diff(mean, start)), variance


@cache
def prior_kl(swapped: bool = False) -> sympy.Expr:
    """KL(q || p) of q = N(sqrt(abar) x_0, 1 - abar) and p = N(0, 1); moments from the moment generating function."""
    abar, x_0 = symbol("abar", PRIOR), symbol("x_0", PRIOR)
    u, x = sympy.symbols("u x", real=True)
    laws = [(sqrt(abar) * x_0, 1 - abar), (sympy.Integer(0), sympy.Integer(1))]
    (mean, variance), (other_mean, other_variance) = reversed(laws) if swapped else laws
    generating = sympy.exp(mean * u + variance * u**2 / 2)
    moments = {power: sympy.diff(generating, u, power).subs(u, 0) for power in (0, 1, 2)}
    log_q, log_p = (-log(v) - (x - m) ** 2 / v for m, v in ((mean, variance), (other_mean, other_variance)))
    log_ratio = (log_q - log_p) / 2
    polynomial = sympy.Poly(sympy.expand(log_ratio), x)
    return sympy.cancel(sum(term * moments[power] for (power,), term in polynomial.terms()))


class TwoSteps(Check):
    """Exercise 3.5. Oracle: x_{t-1} integrated out of q(x_t | x_{t-1}) q(x_{t-1} | x_{t-2})."""

    number = "3.5"
    parts = {"coefficient": 1, "variance": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("coefficient", "two_step_coefficient_formula", {}, "the coefficient of x_{t-2}", seed)
        yield Case("variance", "two_step_variance_formula", {}, "the variance", seed)

    def judge(self, case: Case, result: object) -> str | None:
        alpha, previous = symbol("alpha_t", TWO_STEPS), symbol("alpha_prev", TWO_STEPS)
        coefficient, variance = two_steps()
        if case.part == "coefficient":
            known = {
                "Each step multiplies by sqrt(alpha); the square root is missing.": coefficient**2,
                "The coefficients of the two steps multiply; they do not add.": sqrt(alpha) + sqrt(previous),
                "This is the coefficient of one step only.": sqrt(alpha),
                "This is the coefficient of the earlier step only.": sqrt(previous),
            }
            special = {"without the second step (alpha_t = 1)": {"alpha_t": 1}}
        else:
            known = {
                "The noise of the first step is shrunk by the second one: its variance gets the factor alpha_t.":
                    2 - alpha - previous,
                "This treats the two noises as one and the same; independent noises add their variances, "
                "not their standard deviations.": (sqrt(alpha * (1 - previous)) + sqrt(1 - alpha)) ** 2,
                "This adds the standard deviations of the two noises; the variances of independent noises add.":
                    sqrt(alpha * (1 - previous)) + sqrt(1 - alpha),
                "This is the standard deviation; the variance is asked for.": sqrt(variance),
                "A coefficient in front of a noise enters the variance squared: sqrt(alpha_t) becomes alpha_t.":
                    sqrt(alpha) * (1 - previous) + 1 - alpha,
                "(1 - alpha_t) eps has variance (1 - alpha_t)^2; the noise's coefficient is a square root.":
                    alpha * (1 - previous) ** 2 + (1 - alpha) ** 2,
                "This is the variance of the last step alone.": 1 - alpha,
                "The variances of the two noises add; they do not multiply.": (1 - alpha) * (1 - previous),
            }
            special = {"if both steps are equal (alpha_prev = alpha_t)": {"alpha_prev": alpha}}
        expected = coefficient if case.part == "coefficient" else variance
        return compare_expression(result, expected, TWO_STEPS, Draw(case.secret["seed"]), known=known, special=special)


class PriorKL(Check):
    """Exercise 3.8. Oracle: the mean of log q - log p, a polynomial in x, from the moment generating function of q."""

    number = "3.8"
    parts = {"KL": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("KL", "prior_kl_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        abar, x_0 = symbol("abar", PRIOR), symbol("x_0", PRIOR)
        expected = prior_kl()
        known = {
            "The arguments are swapped: this is KL(N(0, 1) || q(x_T | x_0)).": prior_kl(swapped=True),
            "This is in bits; nats are asked for.": expected / log(2),
            "The factor 1/2 is missing.": 2 * expected,
            "log of the standard deviation has a factor 1/2 of its own: log sigma = (1/2) log sigma^2.":
                (abar * (x_0**2 - 1)) / 2 - log(1 - abar),
            "The mean of q(x_T | x_0) is sqrt(abar) x_0; its square has the factor abar.":
                expected + (1 - abar) * x_0**2 / 2,
            "The mean of q(x_T | x_0) is sqrt(abar) x_0, not abar x_0.": expected + (abar**2 - abar) * x_0**2 / 2,
            "The mean of q(x_T | x_0) enters squared; here it is not.":
                expected + (sqrt(abar) * x_0 - abar * x_0**2) / 2,
            "The mean of q(x_T | x_0) enters squared; here x_0 is not.": expected + (abar * x_0 - abar * x_0**2) / 2,
            "The variance of q(x_T | x_0) is 1 - abar; this takes abar.": (abar + abar * x_0**2 - 1 - log(abar)) / 2,
            "This takes sqrt(1 - abar) for the variance of q(x_T | x_0): that is its standard deviation.":
                (sqrt(1 - abar) + abar * x_0**2 - 1 - log(1 - abar) / 2) / 2,
            "This takes (1 - abar)^2 for the variance of q(x_T | x_0), as if 1 - abar were its standard deviation.":
                ((1 - abar) ** 2 + abar * x_0**2 - 1 - 2 * log(1 - abar)) / 2,
            "The term outside the logarithm is the variance of q(x_T | x_0); here it is the standard deviation.":
                expected + (sqrt(1 - abar) - (1 - abar)) / 2,
            "The logarithm is of the variance of q(x_T | x_0), with the factor 1/2; here it is of the "
            "standard deviation.":
                expected + log(1 - abar) / 4,
            "The constant -1 is missing: the divergence must be 0 when q is N(0, 1), at abar = 0.":
                expected + sympy.Rational(1, 2),
            "The sign of the logarithm is wrong: a narrower q is further from the prior.":
                (abar * (x_0**2 - 1) + log(1 - abar)) / 2,
            "The logarithm of the variance is missing.": abar * (x_0**2 - 1) / 2,
        }
        special = {"at x_0 = 0": {"x_0": 0}, "at x_0 = 1": {"x_0": 1}}
        return compare_expression(result, expected, PRIOR, Draw(case.secret["seed"]), known=known, special=special)


CHECKS = [TwoSteps(), PriorKL()]
