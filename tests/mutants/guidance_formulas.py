"""Wrong answers to chapter 11's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import sqrt

eps, g, s, m = sympy.symbols("eps g s m", real=True)
abar, alpha_t, v, u, gamma = sympy.symbols("abar alpha_t v u gamma", positive=True)
NOISE, DATUM, MEAN = ("the noise",), ("the datum",), ("the mean",)
VARIANCE, CENTRE, TIME = ("the tilted variance",), ("the tilted mean",), ("the guided variance at time t",)
narrow, wide = abar * v + 1 - abar, abar * u + 1 - abar


@mutant("11.1", "sign", says="noise points away from where the density is high", keeps=DATUM + MEAN)
def guided_eps_formula():
    return eps + sqrt(1 - abar) * s * g


@mutant("11.1", "no root", says="not by 1 - abar", keeps=DATUM + MEAN)
def guided_eps_formula():  # noqa: F811
    return eps - (1 - abar) * s * g


@mutant("11.1", "no factor", says="A gradient is no noise yet", keeps=DATUM + MEAN)
def guided_eps_formula():  # noqa: F811
    return eps - s * g


@mutant("11.1", "divided", says="The standard deviation multiplies here", keeps=DATUM + MEAN)
def guided_eps_formula():  # noqa: F811
    return eps - s * g / sqrt(1 - abar)


@mutant("11.1", "no scale", says="The scale s is missing", keeps=DATUM + MEAN)
def guided_eps_formula():  # noqa: F811
    return eps - sqrt(1 - abar) * g


@mutant("11.1", "shift only", says="the whole noise is asked for", keeps=DATUM + MEAN)
def guided_eps_formula():  # noqa: F811
    return -sqrt(1 - abar) * s * g


@mutant("11.1", "score", says="This is the score", keeps=DATUM + MEAN)
def guided_eps_formula():  # noqa: F811
    return -eps / sqrt(1 - abar) + s * g


@mutant("11.1", "datum moves away", says="The datum moves the way of the gradient", keeps=NOISE + MEAN)
def x0_shift_formula():
    return -(1 - abar) / sqrt(abar) * s * g


@mutant("11.1", "one root", says="together 1 - abar", keeps=NOISE + MEAN)
def x0_shift_formula():  # noqa: F811
    return sqrt((1 - abar) / abar) * s * g


@mutant("11.1", "no division", says="The division by sqrt(abar) is missing", keeps=NOISE + MEAN)
def x0_shift_formula():  # noqa: F811
    return (1 - abar) * s * g


@mutant("11.1", "mean moves away", says="The mean moves the way of the gradient", keeps=NOISE + DATUM)
def mean_shift_formula():
    return -(1 - alpha_t) / sqrt(alpha_t) * s * g


@mutant("11.1", "no division by the root", says="The step divides by sqrt(alpha_t).", keeps=NOISE + DATUM)
def mean_shift_formula():  # noqa: F811
    return (1 - alpha_t) * s * g


@mutant("11.1", "root left", says="has a root sqrt(1 - abar) that cancels", keeps=NOISE + DATUM)
def mean_shift_formula():  # noqa: F811
    return (1 - alpha_t) / sqrt(alpha_t) / sqrt(1 - abar) * s * g


@mutant("11.1", "shift of the datum", says="in the mean of x_{t-1} the datum has a weight", keeps=NOISE + DATUM)
def mean_shift_formula():  # noqa: F811
    return (1 - abar) / sqrt(abar) * s * g


@mutant("11.9", "variances weighted", says="Precisions are weighted, not variances", keeps=CENTRE + TIME)
def tilted_variance_formula():
    return gamma * v + (1 - gamma) * u


@mutant("11.9", "precision", says="This is the precision", keeps=CENTRE + TIME)
def tilted_variance_formula():  # noqa: F811
    return gamma / v + (1 - gamma) / u


@mutant("11.9", "geometric", says="the powers belong to the densities", keeps=CENTRE + TIME)
def tilted_variance_formula():  # noqa: F811
    return v**gamma * u ** (1 - gamma)


@mutant("11.9", "p(x) left out", says="The factor p(x)^(1 - gamma) is missing", keeps=CENTRE + TIME)
def tilted_variance_formula():  # noqa: F811
    return v / gamma


@mutant("11.9", "w for gamma", says="here it is 1 + gamma", keeps=CENTRE + TIME)
def tilted_variance_formula():  # noqa: F811
    return 1 / ((1 + gamma) / v - gamma / u)


@mutant("11.9", "exponent's sign", says="The exponent of p(x) is 1 - gamma, with this sign", keeps=CENTRE + TIME)
def tilted_variance_formula():  # noqa: F811
    return 1 / (gamma / v + (gamma - 1) / u)


@mutant("11.9", "mean not divided", says="is to be divided by the precision", keeps=VARIANCE + TIME)
def tilted_mean_formula():
    return gamma * m / v


@mutant("11.9", "mean by exponents", says="Means are weighted by precisions", keeps=VARIANCE + TIME)
def tilted_mean_formula():  # noqa: F811
    return gamma * m


@mutant("11.9", "mean of the class", says="This is the mean of p(x | y) itself", keeps=VARIANCE + TIME)
def tilted_mean_formula():  # noqa: F811
    return m


@mutant("11.9", "mean, exponents exchanged", says="The exponents are exchanged", keeps=VARIANCE + TIME)
def tilted_mean_formula():  # noqa: F811
    return (1 - gamma) * m / u / (gamma / v + (1 - gamma) / u)


@mutant("11.9", "tilt, then noise", says="This is the tilted law of x_0 with noise added", keeps=VARIANCE + CENTRE)
def guided_variance_formula():
    return abar / (gamma / v + (1 - gamma) / u) + 1 - abar


@mutant("11.9", "no noise", says="at time t both laws have noise", keeps=VARIANCE + CENTRE)
def guided_variance_formula():  # noqa: F811
    return 1 / (gamma / v + (1 - gamma) / u)


@mutant("11.9", "only scaled", says="The noise of x_t is missing", keeps=VARIANCE + CENTRE)
def guided_variance_formula():  # noqa: F811
    return abar / (gamma / v + (1 - gamma) / u)


@mutant("11.9", "variances weighted at time t", says="Precisions are weighted, not variances", keeps=VARIANCE + CENTRE)
def guided_variance_formula():  # noqa: F811
    return gamma * narrow + (1 - gamma) * wide


@mutant("11.9", "roots", says="not its root", keeps=VARIANCE + CENTRE)
def guided_variance_formula():  # noqa: F811
    return 1 / (gamma / (sqrt(abar) * v + 1 - abar) + (1 - gamma) / (sqrt(abar) * u + 1 - abar))


@mutant("11.9", "one has noise", says="Only the class's law has noise here", keeps=VARIANCE + CENTRE)
def guided_variance_formula():  # noqa: F811
    return 1 / (gamma / narrow + (1 - gamma) / u)


@mutant("11.9", "no shrinking", says="the variances v and u shrink before the noise is added", keeps=VARIANCE + CENTRE)
def guided_variance_formula():  # noqa: F811
    return 1 / (gamma / (v + 1 - abar) + (1 - gamma) / (u + 1 - abar))


@mutant("11.9", "rescaled data", says="This is the variance of x_t / sqrt(abar)", keeps=VARIANCE + CENTRE)
def guided_variance_formula():  # noqa: F811
    return 1 / (gamma / narrow + (1 - gamma) / wide) / abar


@mutant("11.9", "deviations for variances", says="here it is one over the standard deviation", keeps=CENTRE + TIME)
def tilted_variance_formula():  # noqa: F811
    return 1 / (gamma / sqrt(v) + (1 - gamma) / sqrt(u)) ** 2


@mutant("11.9", "a sum of numbers", says="a weighted sum of two independent numbers", keeps=CENTRE + TIME)
def tilted_variance_formula():  # noqa: F811
    return gamma**2 * v + (1 - gamma) ** 2 * u


@mutant("11.9", "mean without its exponent", says="is missing in the numerator", keeps=VARIANCE + TIME)
def tilted_mean_formula():  # noqa: F811
    return m / v / (gamma / v + (1 - gamma) / u)
