"""Checks of the formulas that chapter 1 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

SYMBOLS = {
    "x": (0.5, 2.0), "w": (0.3, 0.8), "b": (-1.0, -0.3), "sigma": (1.2, 2.0), "m": (0.7, 1.5), "s": (1.2, 2.0)
}
MODEL = {name: SYMBOLS[name] for name in ("x", "w", "b", "sigma")}
X, W, SIGMA, M, S = (symbol(name, SYMBOLS) for name in ("x", "w", "sigma", "m", "s"))
B = symbol("b", SYMBOLS)


@cache
def _posterior() -> tuple[sympy.Expr, sympy.Expr]:
    """Mean and variance of z given x: the stationary point and the curvature of log p(x, z) in z."""
    z = sympy.Symbol("z", real=True)
    log_joint = -(z**2) / 2 - (X - W * z - B) ** 2 / (2 * SIGMA**2)
    (mean,) = sympy.solve(sympy.diff(log_joint, z), z)
    return mean, sympy.cancel(-1 / sympy.diff(log_joint, z, 2))


@cache
def _gap() -> sympy.Expr:
    """log p(x) - E_q[log p(x, z)] - H(q), with the moments E_q[z] = m and E_q[z^2] = m^2 + s^2."""
    z = sympy.Symbol("z", real=True)
    total = W**2 + SIGMA**2
    log_marginal = -(X - B) ** 2 / (2 * total) - sympy.log(2 * sympy.pi * total) / 2
    log_joint = (-(z**2) - sympy.log(2 * sympy.pi) - (X - W * z - B) ** 2 / SIGMA**2
                 - sympy.log(2 * sympy.pi) - 2 * sympy.log(SIGMA)) / 2
    polynomial = sympy.Poly(sympy.expand(log_joint), z)
    moments = {0: 1, 1: M, 2: M**2 + S**2}
    expected = sum(coefficient * moments[power] for (power,), coefficient in polynomial.terms())
    entropy = sympy.log(2 * sympy.pi * sympy.E) / 2 + sympy.log(S)
    return log_marginal - expected - entropy


def _kl(mean_1, variance_1, mean_2, variance_2) -> sympy.Expr:
    return (variance_1 / variance_2 + (mean_1 - mean_2) ** 2 / variance_2 - 1
            + sympy.log(variance_2) - sympy.log(variance_1)) / 2


@cache
def _wrong_means() -> dict[str, sympy.Expr]:
    """What goes wrong in E[z | x], and where it leads."""
    mean, _ = _posterior()
    return {
        "sigma is a standard deviation: the variance of x given z is sigma**2.": mean.subs(SIGMA, sympy.sqrt(SIGMA)),
        "The offset b is missing: the model is x = w z + b + noise.": mean.subs(B, 0),
        "The sign of b is wrong: the model is x = w z + b + noise.": mean.subs(B, -B),
        "This inverts the decoder, (x - b)/w, and forgets the prior on z.": (X - B) / W,
        "The linear term lacks its division by the precision; complete the square.": W * (X - B) / SIGMA**2,
        "This is E[x | z] in disguise: the answer is a mean of z, given x.": W * X + B,
    }


@cache
def _wrong_variances() -> dict[str, sympy.Expr]:
    """What goes wrong in Var[z | x], and where it leads."""
    _, variance = _posterior()
    return {
        "This is the precision; the variance is one over it.": 1 / variance,
        "This is the standard deviation; the variance is its square.": sympy.sqrt(variance),
        "sigma is a standard deviation: the variance of x given z is sigma**2.":
            variance.subs(SIGMA, sympy.sqrt(SIGMA)),
        "This forgets the prior on z: precisions add, and the prior's is 1.": SIGMA**2 / W**2,
        "This is the prior's variance: the observation has not been used.": sympy.Integer(1),
        "This is the variance of x given z; asked is that of z given x.": SIGMA**2,
        "This is the variance of x, w**2 + sigma**2; asked is that of z given x.": W**2 + SIGMA**2,
        "This is the share of the variance that z explains; what is left of z is one less it.": 1 - variance,
        "The coefficient of z**2 comes from a square: so does its w.": variance.subs(W, sympy.sqrt(W)),
    }


@cache
def _wrong_gaps() -> dict[str, sympy.Expr]:
    """What goes wrong in the gap once the posterior is right, and where it leads."""
    mean, variance = _posterior()
    gap = _gap()
    total = W**2 + SIGMA**2
    log_marginal = -(X - B) ** 2 / (2 * total) - sympy.log(2 * sympy.pi * total) / 2
    log_ratio = sympy.log(variance) - 2 * sympy.log(S)
    return {
        "This is KL(p(z | x) || q): the arguments are swapped.": _kl(mean, variance, M, S**2),
        "This is the KL to the prior N(0, 1); the gap is the KL to the posterior.": _kl(M, S**2, 0, 1),
        "The sign is wrong: this is ELBO - log p(x), which is never positive.": -gap,
        "The factor 1/2 is missing.": 2 * gap,
        "s is a standard deviation: the encoder's variance is s**2.": _kl(M, S, mean, variance),
        "This is the gap of the means only; the variances differ too.": (M - mean) ** 2 / (2 * variance),
        "This is the ELBO; asked is log p(x) - ELBO.": log_marginal - gap,
        "The posterior's standard deviation stands where its variance is due.":
            _kl(M, S**2, mean, sympy.sqrt(variance)),
        "The posterior's variance is squared; it is a variance already.": _kl(M, S**2, mean, variance**2),
        "The logarithm is missing: where the variances differ, it counts.": gap - log_ratio / 2,
        "The ratio in the logarithm is upside down.": gap - log_ratio,
        "The logarithm has half its weight: is it one of variances, or of standard deviations?": gap - log_ratio / 4,
        "The logarithm has twice its weight: is it one of variances, or of standard deviations?": gap + log_ratio / 2,
        "The -1 is missing: at the exact posterior the gap must be 0.": gap + sympy.Rational(1, 2),
    }


@cache
def _gaps_of_wrong_posteriors() -> dict[str, sympy.Expr]:
    """The gap with a wrong answer to Exercise 1.3 in it."""
    mean, variance = _posterior()
    root = {SIGMA: sympy.sqrt(SIGMA)}
    said = "sigma is a standard deviation: the variance of x given z is sigma**2."
    return (
        {said: _kl(M, S**2, mean.subs(root), variance.subs(root))}
        | {f"The posterior's mean is wrong in it; check Exercise 1.3. {message}": _kl(M, S**2, wrong, variance)
           for message, wrong in _wrong_means().items()}
        | {f"The posterior's variance is wrong in it; check Exercise 1.3. {message}": _kl(M, S**2, mean, wrong)
           for message, wrong in _wrong_variances().items()}
    )


class Posterior(Check):
    """Exercise 1.3. Oracle: the stationary point and the curvature of log p(x, z) in z."""

    number = "1.3"
    parts = {"E[z | x]": 1, "Var[z | x]": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("E[z | x]", "posterior_mean_formula", {}, secret={"seed": draw.integer(0, 2**31)})
        yield Case("Var[z | x]", "posterior_variance_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        mean, variance = _posterior()
        points = Draw(case.secret["seed"])
        if case.part == "E[z | x]":
            # no such case for the variance: at sigma = 0 it is 0, as many a wrong answer is
            return compare_expression(result, mean, MODEL, points, known=_wrong_means(),
                                      special={"without noise (sigma = 0)": {"sigma": 0}})
        return compare_expression(result, variance, MODEL, points, known=_wrong_variances())


class ElboGap(Check):
    """Exercise 1.6. Oracle: log p(x) - E_q[log p(x, z)] - H(q), term by term from the moments of q."""

    number = "1.6"
    parts = {"log p(x) - ELBO": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("log p(x) - ELBO", "elbo_gap_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        mean, variance = _posterior()
        special = {"for the encoder with the posterior's mean (m = E[z | x])": {"m": mean},
                   "for the encoder with the posterior's standard deviation (s**2 = Var[z | x])":
                       {"s": sympy.sqrt(variance)}}
        return compare_expression(result, _gap(), SYMBOLS, Draw(case.secret["seed"]), special=special,
                                  known=_wrong_gaps() | _gaps_of_wrong_posteriors())


CHECKS = [Posterior(), ElboGap()]
