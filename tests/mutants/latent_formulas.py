"""Wrong answers to chapter 12's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import Rational, log, sqrt

lam, kappa, abar, s = sympy.symbols("lam kappa abar s", positive=True)
VARIANCE, RATE, SCALE = ("the encoder's variance",), ("the rate",), ("the effective alpha_bar",)


@mutant("12.9", "variance of the means", says="This is the variance of the means", keeps=RATE + SCALE)
def encoder_variance_formula():
    return 1 - kappa / (2 * lam)


@mutant("12.9", "deviation", says="This is the standard deviation", keeps=RATE + SCALE)
def encoder_variance_formula():  # noqa: F811
    return sqrt(kappa / (2 * lam))


@mutant("12.9", "no half", says="The KL has a factor 1/2, and the squared error has none", keeps=RATE + SCALE)
def encoder_variance_formula():  # noqa: F811
    return kappa / lam


@mutant("12.9", "upside down", says="more weight, more noise", keeps=RATE + SCALE)
def encoder_variance_formula():  # noqa: F811
    return 2 * lam / kappa


@mutant("12.9", "distortion", says="This is the squared error that is left", keeps=RATE + SCALE)
def encoder_variance_formula():  # noqa: F811
    return kappa / 2


@mutant("12.9", "fixed decoder", says="the decoder is chosen too", keeps=RATE + SCALE)
def encoder_variance_formula():  # noqa: F811
    return kappa / (kappa + 2)


@mutant("12.9", "means of variance 1", says="This is for means of variance 1", keeps=RATE + SCALE)
def encoder_variance_formula():  # noqa: F811
    return kappa / (2 * lam - kappa)


@mutant("12.9", "collapsed", says="only where it is given up", keeps=RATE + SCALE)
def encoder_variance_formula():  # noqa: F811
    return sympy.Integer(1)


@mutant("12.9", "sign of the rate", says="a divergence is never negative", keeps=VARIANCE + SCALE)
def rate_formula():
    return log(kappa / (2 * lam)) / 2


@mutant("12.9", "no half before the logarithm", says="a factor 1/2 before its logarithm", keeps=VARIANCE + SCALE)
def rate_formula():  # noqa: F811
    return log(2 * lam / kappa)


@mutant("12.9", "bits", says="This is in bits", keeps=VARIANCE + SCALE)
def rate_formula():  # noqa: F811
    return log(2 * lam / kappa) / (2 * log(2))


@mutant("12.9", "means forgotten", says="The means count too", keeps=VARIANCE + SCALE)
def rate_formula():  # noqa: F811
    return log(2 * lam / kappa) / 2 + (kappa / (2 * lam) - 1) / 2


@mutant("12.9", "minus one left", says="The KL's -1 is left over", keeps=VARIANCE + SCALE)
def rate_formula():  # noqa: F811
    return log(2 * lam / kappa) / 2 - Rational(1, 2)


@mutant("12.9", "distortion kappa", says="is kappa / 2, not kappa", keeps=VARIANCE + SCALE)
def rate_formula():  # noqa: F811
    return log(lam / kappa) / 2


@mutant("12.9", "ratio", says="This is the ratio of signal to noise", keeps=VARIANCE + RATE)
def effective_alpha_bar_formula():
    return s**2 * abar / (1 - abar)


@mutant("12.9", "not squared", says="enters the variance of the signal squared", keeps=VARIANCE + RATE)
def effective_alpha_bar_formula():  # noqa: F811
    return s * abar / (1 - abar + s * abar)


@mutant("12.9", "not divided", says="divide by the whole variance", keeps=VARIANCE + RATE)
def effective_alpha_bar_formula():  # noqa: F811
    return s**2 * abar


@mutant("12.9", "scale upside down", says="larger latents are less noisy", keeps=VARIANCE + RATE)
def effective_alpha_bar_formula():  # noqa: F811
    return abar / (abar + s**2 * (1 - abar))


@mutant("12.9", "roots", says="a share of variances already", keeps=VARIANCE + RATE)
def effective_alpha_bar_formula():  # noqa: F811
    return s * sqrt(abar) / (s * sqrt(abar) + sqrt(1 - abar))


@mutant("12.9", "unscaled", says="added to the latents as they are", keeps=VARIANCE + RATE)
def effective_alpha_bar_formula():  # noqa: F811
    return abar
