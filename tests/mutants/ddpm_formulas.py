"""Wrong answers to chapter 7's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import sqrt

alpha_t, abar, abar_prev, c = sympy.symbols("alpha_t abar abar_prev c", positive=True)
v_t, u, s2 = sympy.symbols("v_t u s2", positive=True)
TRUE, SAMPLER = ("what the small choice lacks",), ("the sampler's variance",)
STEP, REST = ("one step",), ("at rest",)
before = abar_prev * c + 1 - abar_prev
now = alpha_t * before + 1 - alpha_t
noise = 1 - alpha_t * abar_prev
weight = sqrt(abar_prev) * (1 - alpha_t) / noise
total = abar * c + 1 - abar
factor = (1 - (1 - alpha_t) / v_t) / sqrt(alpha_t)


@mutant("7.4", "whole variance", says="beta-tilde_t is to be subtracted", keeps=SAMPLER)
def shortfall_formula():
    return (1 - alpha_t) * before / now


@mutant("7.4", "excess of the large choice", says="what the large choice has too much", keeps=SAMPLER)
def shortfall_formula():  # noqa: F811
    return (1 - alpha_t) * (1 - before / now)


@mutant("7.4", "difference of the choices", says="the lack for data of variance 1", keeps=SAMPLER)
def shortfall_formula():  # noqa: F811
    return (1 - alpha_t) * (1 - (1 - abar_prev) / noise)


@mutant("7.4", "variance of the datum", says="This is Var(x_0 | x_t)", keeps=SAMPLER)
def shortfall_formula():  # noqa: F811
    return c * noise / now


@mutant("7.4", "weight not squared", says="The weight of x_0 in the posterior's mean enters squared", keeps=SAMPLER)
def shortfall_formula():  # noqa: F811
    return weight * c * noise / now


@mutant("7.4", "variance before x_t is seen", says="given x_t it is smaller", keeps=SAMPLER)
def shortfall_formula():  # noqa: F811
    return weight**2 * c


@mutant("7.4", "sign", says="wrong sign", keeps=SAMPLER)
def shortfall_formula():  # noqa: F811
    return -weight**2 * c * noise / now


@mutant("7.4", "factor not squared", says="A factor in front of x_t enters the variance squared", keeps=TRUE)
def variance_after_step_formula():
    return factor * u + s2


@mutant("7.4", "no added noise", says="The variance of the added noise is missing", keeps=TRUE)
def variance_after_step_formula():  # noqa: F811
    return factor**2 * u


@mutant("7.4", "model of the sampler's law", says="here u stands in its place", keeps=TRUE)
def variance_after_step_formula():  # noqa: F811
    return (1 - (1 - alpha_t) / u) ** 2 * u / alpha_t + s2


@mutant("7.4", "no division by alpha", says="The division by sqrt(alpha_t) is missing", keeps=TRUE)
def variance_after_step_formula():  # noqa: F811
    return (1 - (1 - alpha_t) / v_t) ** 2 * u + s2


@mutant("7.4", "the data's variance", says="it has u", keeps=TRUE)
def variance_after_step_formula():  # noqa: F811
    return factor**2 * v_t + s2


@mutant("7.6", "error of the data", says="the loss is about the noise")
def loss_floor_formula():
    return c * (1 - abar) / total


@mutant("7.6", "explained part", says="the floor is what it leaves")
def loss_floor_formula():  # noqa: F811
    return (1 - abar) / total


@mutant("7.6", "unit variance", says="c enters")
def loss_floor_formula():  # noqa: F811
    return abar


@mutant("7.6", "zero", says="A perfect guess of the noise is impossible")
def loss_floor_formula():  # noqa: F811
    return sympy.Integer(0)


@mutant("7.6", "signal to noise", says="the ratio of signal to noise")
def loss_floor_formula():  # noqa: F811
    return abar * c / (1 - abar)


@mutant("7.6", "c squared", says="not squared")
def loss_floor_formula():  # noqa: F811
    return abar * c**2 / (abar * c**2 + 1 - abar)


@mutant("7.6", "covariance not squared", says="it enters squared")
def loss_floor_formula():  # noqa: F811
    return 1 - sqrt(1 - abar) / total


@mutant("7.9", "the right variance", says="the best guess varies less than x_0 does", keeps=REST)
def renoised_variance_formula():
    return before


@mutant("7.9", "no fresh noise", says="The fresh noise, of variance 1 - abar_prev, is missing", keeps=REST)
def renoised_variance_formula():  # noqa: F811
    return abar_prev * abar * c**2 / total


@mutant("7.9", "guess not shrunk", says="its variance gets the factor abar_prev", keeps=REST)
def renoised_variance_formula():  # noqa: F811
    return abar * c**2 / total + 1 - abar_prev


@mutant("7.9", "variance of x_t forgotten", says="The variance of x_t is missing", keeps=REST)
def renoised_variance_formula():  # noqa: F811
    return abar_prev * abar * c**2 / total**2 + 1 - abar_prev


@mutant("7.9", "error for guess", says="The guess is taken for its error", keeps=REST)
def renoised_variance_formula():  # noqa: F811
    return abar_prev * c * (1 - abar) / total + 1 - abar_prev


@mutant("7.9", "right at rest", says="a step does not leave it as it is", keeps=STEP)
def renoise_rest_formula():
    return total


@mutant("7.9", "factor not squared at rest", says="(The factor of x_t, not squared, leads here too.)", keeps=STEP)
def renoise_rest_formula():  # noqa: F811
    return (1 - abar) / (1 - abar * c / total)


@mutant("7.9", "one step at rest", says="ask which variance the step does not change", keeps=STEP)
def renoise_rest_formula():  # noqa: F811
    return abar**2 * c**2 / total + 1 - abar


@mutant("7.9", "noise missing at rest", says="is missing above", keeps=STEP)
def renoise_rest_formula():  # noqa: F811
    return 1 / (1 - (abar * c / total) ** 2)
