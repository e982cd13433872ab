"""Wrong answers to chapter 3's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import log, sqrt

alpha_t, alpha_prev, abar = sympy.symbols("alpha_t alpha_prev abar", positive=True)
x_0 = sympy.Symbol("x_0", real=True)
COEFFICIENT, VARIANCE = ("coefficient",), ("variance",)


@mutant("3.5", "no square root", says="the square root is missing", keeps=VARIANCE)
def two_step_coefficient_formula():
    return alpha_t * alpha_prev


@mutant("3.5", "sum of the coefficients", says="they do not add", keeps=VARIANCE)
def two_step_coefficient_formula():  # noqa: F811
    return sqrt(alpha_t) + sqrt(alpha_prev)


@mutant("3.5", "one step only", says="the coefficient of one step only", keeps=VARIANCE)
def two_step_coefficient_formula():  # noqa: F811
    return sqrt(alpha_t)


@mutant("3.5", "first noise not shrunk", says="its variance gets the factor alpha_t", keeps=COEFFICIENT)
def two_step_variance_formula():
    return 2 - alpha_t - alpha_prev


@mutant("3.5", "one noise for two", says="one and the same", keeps=COEFFICIENT)
def two_step_variance_formula():  # noqa: F811
    return (sqrt(alpha_t) * sqrt(1 - alpha_prev) + sqrt(1 - alpha_t)) ** 2


@mutant("3.5", "sum of the deviations", says="This adds the standard deviations", keeps=COEFFICIENT)
def two_step_variance_formula():  # noqa: F811
    return sqrt(alpha_t * (1 - alpha_prev)) + sqrt(1 - alpha_t)


@mutant("3.5", "standard deviation", says="the variance is asked for", keeps=COEFFICIENT)
def two_step_variance_formula():  # noqa: F811
    return sqrt(1 - alpha_t * alpha_prev)


@mutant("3.5", "coefficient not squared", says="enters the variance squared", keeps=COEFFICIENT)
def two_step_variance_formula():  # noqa: F811
    return sqrt(alpha_t) * (1 - alpha_prev) + 1 - alpha_t


@mutant("3.5", "noise without its root", says="has variance (1 - alpha_t)^2", keeps=COEFFICIENT)
def two_step_variance_formula():  # noqa: F811
    return alpha_t * (1 - alpha_prev) ** 2 + (1 - alpha_t) ** 2


@mutant("3.5", "last step alone", says="the variance of the last step alone", keeps=COEFFICIENT)
def two_step_variance_formula():  # noqa: F811
    return 1 - alpha_t


@mutant("3.5", "right for equal steps", says="if both steps are equal (alpha_prev = alpha_t), but not", keeps=COEFFICIENT)
def two_step_variance_formula():  # noqa: F811
    return 1 - alpha_t**2


@mutant("3.8", "swapped arguments", says="The arguments are swapped")
def prior_kl_formula():
    return ((1 + abar * x_0**2) / (1 - abar) - 1 + log(1 - abar)) / 2


@mutant("3.8", "bits", says="This is in bits")
def prior_kl_formula():  # noqa: F811
    return (abar * x_0**2 - abar - log(1 - abar)) / (2 * log(2))


@mutant("3.8", "no half", says="The factor 1/2 is missing")
def prior_kl_formula():  # noqa: F811
    return abar * x_0**2 - abar - log(1 - abar)


@mutant("3.8", "logarithm of the standard deviation", says="has a factor 1/2 of its own")
def prior_kl_formula():  # noqa: F811
    return (abar * x_0**2 - abar) / 2 - log(1 - abar)


@mutant("3.8", "mean without its factor", says="its square has the factor abar")
def prior_kl_formula():  # noqa: F811
    return (x_0**2 - abar - log(1 - abar)) / 2


@mutant("3.8", "mean without its root", says="not abar x_0")
def prior_kl_formula():  # noqa: F811
    return (abar**2 * x_0**2 - abar - log(1 - abar)) / 2


@mutant("3.8", "abar for the variance", says="this takes abar")
def prior_kl_formula():  # noqa: F811
    return (abar + abar * x_0**2 - 1 - log(abar)) / 2


@mutant("3.8", "constant missing", says="The constant -1 is missing")
def prior_kl_formula():  # noqa: F811
    return (1 - abar + abar * x_0**2 - log(1 - abar)) / 2


@mutant("3.8", "no logarithm", says="The logarithm of the variance is missing")
def prior_kl_formula():  # noqa: F811
    return abar * (x_0**2 - 1) / 2


@mutant("3.8", "mean not squared", says="enters squared; here it is not")
def prior_kl_formula():  # noqa: F811
    return (sqrt(abar) * x_0 - abar - log(1 - abar)) / 2


@mutant("3.8", "x_0 not squared", says="enters squared; here x_0 is not")
def prior_kl_formula():  # noqa: F811
    return (abar * x_0 - abar - log(1 - abar)) / 2


@mutant("3.8", "deviation for variance", says="that is its standard deviation")
def prior_kl_formula():  # noqa: F811
    return (sqrt(1 - abar) + abar * x_0**2 - 1 - log(sqrt(1 - abar))) / 2


@mutant("3.8", "variance squared", says="as if 1 - abar were its standard deviation")
def prior_kl_formula():  # noqa: F811
    return ((1 - abar) ** 2 + abar * x_0**2 - 1 - log((1 - abar) ** 2)) / 2


@mutant("3.8", "deviation outside the logarithm", says="The term outside the logarithm")
def prior_kl_formula():  # noqa: F811
    return (sqrt(1 - abar) + abar * x_0**2 - 1 - log(1 - abar)) / 2


@mutant("3.8", "deviation inside the logarithm", says="The logarithm is of the variance")
def prior_kl_formula():  # noqa: F811
    return (abar * x_0**2 - abar - log(sqrt(1 - abar))) / 2
