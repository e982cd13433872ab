"""Wrong answers to chapter 4's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import log, sqrt

a, v, alpha_next, beta_t = sympy.symbols("a v alpha_next beta_t", positive=True)
abar_1, abar_T, v_prev, alpha_t = sympy.symbols("abar_1 abar_T v_prev alpha_t", positive=True)
EXCESS = a * sqrt(alpha_next) * beta_t / v
RATIO = v_prev / (alpha_t * v_prev + 1 - alpha_t)


@mutant("4.2", "factor 2 lost", says="A factor 2 is lost")
def printed_excess_formula():
    return EXCESS / 2


@mutant("4.2", "factor 2 too much", says="A factor 2 is too much")
def printed_excess_formula():  # noqa: F811
    return 2 * EXCESS


@mutant("4.2", "sign", says="the printed term is the larger one")
def printed_excess_formula():  # noqa: F811
    return -EXCESS


@mutant("4.2", "no root", says="the root is missing")
def printed_excess_formula():  # noqa: F811
    return a * alpha_next * beta_t / v


@mutant("4.2", "no slope", says="The slope a is missing")
def printed_excess_formula():  # noqa: F811
    return sqrt(alpha_next) * beta_t / v


@mutant("4.2", "standard deviation of the step", says="beta_t, without a root")
def printed_excess_formula():  # noqa: F811
    return a * sqrt(alpha_next * beta_t) / v


@mutant("4.2", "v squared", says="it is not squared")
def printed_excess_formula():  # noqa: F811
    return EXCESS / v


@mutant("4.2", "squares kept", says="The squares of a x_{t+1} are the same")
def printed_excess_formula():  # noqa: F811
    return a**2 * alpha_next * beta_t / v


@mutant("4.2", "the other share", says="which both forms have")
def printed_excess_formula():  # noqa: F811
    return a * sqrt(alpha_next) * (1 - beta_t) / v


@mutant("4.2", "no variance of the model", says="The variance v of the reverse step is missing")
def printed_excess_formula():  # noqa: F811
    return a * sqrt(alpha_next) * beta_t


@mutant("4.2", "no link", says="The link from x_t to x_{t+1} is missing")
def printed_excess_formula():  # noqa: F811
    return a * beta_t / v


@mutant("4.2", "right for v = beta_t", says="It is right for v = beta_t, but not in general")
def printed_excess_formula():  # noqa: F811
    return a * sqrt(alpha_next)


@mutant("4.4", "sign", says="The sign is wrong")
def telescoped_formula():
    return log((1 - abar_1) / (1 - abar_T)) / 2


@mutant("4.4", "no half", says="The factor 1/2 is missing")
def telescoped_formula():  # noqa: F811
    return log((1 - abar_T) / (1 - abar_1))


@mutant("4.4", "abar for 1 - abar", says="not alpha_bar_t")
def telescoped_formula():  # noqa: F811
    return log(abar_T / abar_1) / 2


@mutant("4.4", "last end only", says="Only the last density is left")
def telescoped_formula():  # noqa: F811
    return log(1 - abar_T) / 2


@mutant("4.4", "first end only", says="Only the first density is left")
def telescoped_formula():  # noqa: F811
    return -log(1 - abar_1) / 2


@mutant("4.4", "no logarithm", says="The logarithm is missing")
def telescoped_formula():  # noqa: F811
    return (1 - abar_T) / (1 - abar_1)


@mutant("4.4", "constant kept", says="the two cancel")
def telescoped_formula():  # noqa: F811
    return log((1 - abar_T) / (1 - abar_1)) / 2 + sympy.Rational(1, 2)


@mutant("4.7", "exchanged", says="The arguments are exchanged")
def fixed_variance_loss_formula():
    return (1 / RATIO - 1 + log(RATIO)) / 2


@mutant("4.7", "no half", says="The factor 1/2 is missing")
def fixed_variance_loss_formula():  # noqa: F811
    return RATIO - 1 - log(RATIO)


@mutant("4.7", "sign of the logarithm", says="The sign of the logarithm is wrong")
def fixed_variance_loss_formula():  # noqa: F811
    return (RATIO - 1 + log(RATIO)) / 2


@mutant("4.7", "no constant", says="The constant -1 is missing")
def fixed_variance_loss_formula():  # noqa: F811
    return (RATIO - log(RATIO)) / 2


@mutant("4.7", "logarithm of the deviation", says="has a factor 1/2 of its own")
def fixed_variance_loss_formula():  # noqa: F811
    return (RATIO - 1) / 2 - log(RATIO)


@mutant("4.7", "no logarithm", says="The logarithm is missing")
def fixed_variance_loss_formula():  # noqa: F811
    return (RATIO - 1) / 2


@mutant("4.7", "x_t ignored", says="as if x_t told nothing about it")
def fixed_variance_loss_formula():  # noqa: F811
    ratio = v_prev / (1 - alpha_t)
    return (ratio - 1 - log(ratio)) / 2


@mutant("4.7", "unit variance", says="here it is v_prev")
def fixed_variance_loss_formula():  # noqa: F811
    return sympy.Integer(0)


@mutant("4.7", "alpha_t missing", says="alpha_t is missing in it")
def fixed_variance_loss_formula():  # noqa: F811
    ratio = v_prev / (v_prev + 1 - alpha_t)
    return (ratio - 1 - log(ratio)) / 2


@mutant("4.7", "root in the variance", says="this has sqrt(alpha_t)")
def fixed_variance_loss_formula():  # noqa: F811
    ratio = v_prev / (sqrt(alpha_t) * v_prev + 1 - alpha_t)
    return (ratio - 1 - log(ratio)) / 2
