"""Wrong answers to chapter 5's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import sqrt

alpha_t, abar_prev = sympy.symbols("alpha_t abar_prev", positive=True)
prior, step, now = 1 - abar_prev, 1 - alpha_t, 1 - alpha_t * abar_prev
PRECISION, VARIANCE, OF_X_T, OF_X_0 = ("precision",), ("variance",), ("weight of x_t",), ("weight of x_0",)

WRONG_PRECISIONS = [
    ("variance", "This is the variance", prior * step / now),
    ("coefficient forgotten", "not around x_{t-1}", 1 / prior + 1 / step),
    ("coefficient not squared", "stands inside a square", 1 / prior + sqrt(alpha_t) / step),
    ("coefficient below", "The coefficient enters the other way", 1 / prior + 1 / (alpha_t * step)),
    ("prior alone", "what x_t says is missing", 1 / prior),
    ("step alone", "This is what x_t says alone", alpha_t / step),
    ("variances added", "This adds variances", prior + step / alpha_t),
    ("one over the sum of the variances", "1 over the sum of the variances", 1 / (prior + step / alpha_t)),
    ("signal for noise", "this takes abar_prev", 1 / abar_prev + alpha_t / step),
    ("standard deviations", "Standard deviations stand below", 1 / sqrt(prior) + alpha_t / sqrt(step)),
    ("half", "The factor 1/2 belongs to the exponent", (1 / prior + alpha_t / step) / 2),
    ("right without any signal", "if nothing is left of the data", 1 / step + abar_prev),
]
WRONG_VARIANCES = [
    ("precision", "This is the precision", now / (prior * step)),
    ("standard deviation", "This is the standard deviation", sqrt(prior * step / now)),
    ("variance of the step", "the variance of the step forwards", step),
    ("prior alone", "the variance of x_{t-1} given x_0 alone", prior),
    ("a root too many", "there is no root of abar_prev", step * (1 - sqrt(abar_prev)) / now),
    ("signal for noise", "this takes abar_prev", 1 / (1 / abar_prev + alpha_t / step)),
    ("upside down", "The fraction is upside down", step * now / prior),
    ("sum inverted term by term", "precisions add", prior + step / alpha_t),
    ("factor forgotten", "The factor 1 - abar_prev is missing", step / now),
    ("coefficient forgotten", "not around x_{t-1}", prior * step / (prior + step)),
]
WRONG_OF_X_T = [
    ("weight of x_0", "This is the weight of x_0", sqrt(abar_prev) * step / now),
    ("no root", "This has alpha_t", alpha_t * prior / now),
    ("no factor", "The factor sqrt(alpha_t) is missing", prior / now),
    ("one minus the other", "1 minus the weight of x_0", 1 - sqrt(abar_prev) * step / now),
    ("not divided by the precision", "still to be divided by the precision", sqrt(alpha_t) / step),
    ("off by one", "Off by one", sqrt(alpha_t)),
    ("root in the variance", "There is no root in the variance", sqrt(alpha_t) * (1 - sqrt(abar_prev)) / now),
]
WRONG_OF_X_0 = [
    ("weight of x_t", "This is the weight of x_t", sqrt(alpha_t) * prior / now),
    ("no root", "the square root is missing", abar_prev * step / now),
    ("no factor", "the factor sqrt(abar_prev) is missing", step / now),
    ("root of abar_t", "The square root is that of abar_t", sqrt(alpha_t * abar_prev) * step / now),
    ("one minus the other", "1 minus the weight of x_t", 1 - sqrt(alpha_t) * prior / now),
    ("not divided by the precision", "still to be divided by the precision", sqrt(abar_prev) / prior),
    ("root of beta", "Above stands the root of beta_t", sqrt(abar_prev * step) / now),
    ("below the time before", "Below stands 1 - abar_{t-1}", sqrt(abar_prev) * step / prior),
]


def _mark(number, name, keeps, answers):
    for title, says, wrong in answers:
        def formula(wrong=wrong):
            return wrong

        formula.__name__ = name
        mutant(number, title, says=says, keeps=keeps)(formula)


_mark("5.1", "posterior_precision_formula", VARIANCE, WRONG_PRECISIONS)
_mark("5.1", "posterior_variance_formula", PRECISION, WRONG_VARIANCES)
_mark("5.2", "weight_of_x_t_formula", OF_X_0, WRONG_OF_X_T)
_mark("5.2", "weight_of_x_0_formula", OF_X_T, WRONG_OF_X_0)
