"""Checks of the formulas that chapter 12 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import log, sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw
from .ddpm_formulas import gaussian

LINEAR = {"lam": (0.8, 4.0), "kappa": (0.1, 1.4)}
SCALED = {"abar": (0.05, 0.95), "s": (0.2, 6.0)}


@cache
def best() -> tuple[sympy.Expr, sympy.Expr]:
    """The encoder's variance and the rate: the posterior of a number drawn from N(0, 1), seen through a line with noise.

    The loss over kappa is, up to a constant, minus the ELBO of the model x = w z + noise of variance kappa / 2. The best w makes the variance of
    x that of the data, the best encoder is the exact posterior, and the rate is what seeing x takes from the entropy of z.
    """
    lam, kappa = (symbol(name, LINEAR) for name in LINEAR)
    z, x = sympy.symbols("z x", real=True)
    slope = sqrt(lam - kappa / 2)
    _, variance = gaussian(z**2 + (x - slope * z) ** 2 / (kappa / 2), z)
    return variance, -log(variance) / 2


@cache
def as_noisy() -> sympy.Expr:
    """Solve for the alpha_bar with the same ratio of signal to noise."""
    abar, s = (symbol(name, SCALED) for name in SCALED)
    unknown = sympy.Symbol("unknown", positive=True)
    (solution,) = sympy.solve(unknown * (1 - abar) - s**2 * abar * (1 - unknown), unknown)
    return solution


class Latents(Check):
    """Exercise 12.9. Oracle: the exact posterior of a linear model, and an equation between two ratios."""

    number = "12.9"
    parts = {"the encoder's variance": 2, "the rate": 1, "the effective alpha_bar": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the encoder's variance", "encoder_variance_formula", {}, "the encoder's variance", seed)
        yield Case("the rate", "rate_formula", {}, "the rate", seed)
        yield Case("the effective alpha_bar", "effective_alpha_bar_formula", {}, "the effective alpha_bar", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        if case.part == "the effective alpha_bar":
            return self._judge_scale(result, draw)
        lam, kappa = (symbol(name, LINEAR) for name in LINEAR)
        variance, rate = best()
        collapse = {"where the latent is given up (kappa = 2 lam)": {"kappa": 2 * lam}}
        if case.part == "the encoder's variance":
            known = {
                "This is the variance of the means a x; the encoder's own variance is what it leaves of 1.": 1 - variance,
                "This is the standard deviation; the variance is asked for.": sqrt(variance),
                "The KL has a factor 1/2, and the squared error has none.": kappa / lam,
                "The KL has a factor 1/2; here it multiplies on the wrong side.": 2 * kappa / lam,
                "The fraction is upside down: more weight, more noise.": 1 / variance,
                "This is the squared error that is left; the variance of the latent is asked for.": kappa / 2,
                "This is the posterior for the decoder d = 1; the decoder is chosen too.": kappa / (kappa + 2),
                "This is for means of variance 1; the weight pulls the variance of z to 1, which is that of the means and s2 together.":
                    kappa / (2 * lam - kappa),
                "lam is the variance of the data, not the standard deviation.": kappa / (2 * lam**2),
                "At this weight the latent is in use: a variance of 1 is right only where it is given up.": sympy.Integer(1),
            }
            return compare_expression(result, variance, LINEAR, draw, known=known)
        known = {
            "The sign: a divergence is never negative.": -rate,
            "A variance has a factor 1/2 before its logarithm.": 2 * rate,
            "This is in bits; the rate in nats is asked for.": rate / log(2),
            "The means count too: the mean of their squares and s2 sum to 1, which cancels the -1.": rate + (variance - 1) / 2,
            "The KL's -1 is left over; the mean of (a x)^2 and s2 sum to 1 and cancel it.": rate - sympy.Rational(1, 2),
            "The KL has -1, which cancels the variances of the means and of the noise.": rate + sympy.Rational(1, 2),
            "This is kappa times the rate, its share of the loss.": kappa * rate,
            "The squared error that is left is kappa / 2, not kappa.": log(lam / kappa) / 2,
            "This is the rate if the variance of the means were 1, the data's variance over the noise's.": log(1 + 1 / variance) / 2,
        }
        return compare_expression(result, rate, LINEAR, draw, known=known, special=collapse)

    @staticmethod
    def _judge_scale(result: object, draw: Draw) -> str | None:
        abar, s = (symbol(name, SCALED) for name in SCALED)
        expected = as_noisy()
        ratio = s**2 * abar / (1 - abar)
        known = {
            "This is the ratio of signal to noise; the alpha_bar that belongs to it is asked for.": ratio,
            "The standard deviation enters the variance of the signal squared.": s * abar / (1 - abar + s * abar),
            "This is the variance of z_t; alpha_bar is the share of the signal in it.": 1 - abar + s**2 * abar,
            "This is what the signal has of the variance; divide by the whole variance.": s**2 * abar,
            "The scale is upside down: larger latents are less noisy.": abar / (abar + s**2 * (1 - abar)),
            "This is the share of the noise, 1 - alpha_bar; the share of the signal is asked for.": 1 - expected,
            "alpha_bar is a share of variances already, without a root.":
                s * sqrt(abar) / (s * sqrt(abar) + sqrt(1 - abar)),
            "This is the root of it, the factor in front of the datum.": sqrt(expected),
            "The noise is not scaled: it is added to the latents as they are.": abar,
        }
        return compare_expression(result, expected, SCALED, draw, known=known, special={"for s = 1": {"s": 1}})


CHECKS = [Latents()]
