"""Wrong answers to chapter 10's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import sqrt

abar_t, abar_s, s2 = sympy.symbols("abar_t abar_s s2", positive=True)
X_T, X_0, OWN, CHAIN = ("the weight of x_t",), ("the weight of x_0",), ("what x_t has of its own",), ("the chain's variance",)
a = sqrt((1 - abar_s - s2) / (1 - abar_t))
chain = sqrt(abar_t / abar_s) * (1 - abar_s) / (1 - abar_t)


@mutant("10.1", "squared", says="This is a^2", keeps=X_0)
def weight_of_x_t_formula():
    return a**2


@mutant("10.1", "s2 added", says="here s2 is added", keeps=X_0)
def weight_of_x_t_formula():  # noqa: F811
    return sqrt((1 - abar_s + s2) / (1 - abar_t))


@mutant("10.1", "without s2", says="s2 is missing", keeps=X_0)
def weight_of_x_t_formula():  # noqa: F811
    return sqrt((1 - abar_s) / (1 - abar_t))


@mutant("10.1", "weight of eps", says="This is the weight of the noise eps", keeps=X_0)
def weight_of_x_t_formula():  # noqa: F811
    return sqrt(1 - abar_s - s2)


@mutant("10.1", "the chain's posterior", says="right for one value of s2 only", keeps=X_0)
def weight_of_x_t_formula():  # noqa: F811
    return chain


@mutant("10.1", "no root of abar_t", says="the root is missing", keeps=X_T)
def weight_of_x_0_formula():
    return sqrt(abar_s) - a * abar_t


@mutant("10.1", "nothing subtracted", says="is to be subtracted", keeps=X_T)
def weight_of_x_0_formula():  # noqa: F811
    return sqrt(abar_s)


@mutant("10.1", "weights that sum to 1", says="The weights need not sum to 1", keeps=X_T)
def weight_of_x_0_formula():  # noqa: F811
    return 1 - a


@mutant("10.1", "added", says="and that is to be subtracted", keeps=X_T)
def weight_of_x_0_formula():  # noqa: F811
    return sqrt(abar_s) + a * sqrt(abar_t)


@mutant("10.2", "the step's variance", says="the other direction is asked for", keeps=CHAIN)
def implied_variance_formula():
    return s2


@mutant("10.2", "without x_s", says="x_s tells something of it", keeps=CHAIN)
def implied_variance_formula():  # noqa: F811
    return 1 - abar_t


@mutant("10.2", "the chain's noise", says="right for one value of s2 only", keeps=CHAIN)
def implied_variance_formula():  # noqa: F811
    return 1 - abar_t / abar_s


@mutant("10.2", "exchanged", says="Var(x_t) belongs above", keeps=CHAIN)
def implied_variance_formula():  # noqa: F811
    return (1 - abar_s) * s2 / (1 - abar_t)


@mutant("10.2", "deviation", says="This is the standard deviation", keeps=OWN)
def markov_variance_formula():
    return sqrt((1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s))


@mutant("10.2", "upside down", says="The fraction is upside down", keeps=OWN)
def markov_variance_formula():  # noqa: F811
    return (1 - abar_t) / (1 - abar_s) * (1 - abar_t / abar_s)


@mutant("10.2", "the chain's own noise", says="sigma^2 belongs to the step back", keeps=OWN)
def markov_variance_formula():  # noqa: F811
    return 1 - abar_t / abar_s


@mutant("10.2", "difference", says="the chain's noise is 1 - abar_t / abar_s", keeps=OWN)
def markov_variance_formula():  # noqa: F811
    return (1 - abar_s) / (1 - abar_t) * (abar_s - abar_t)


@mutant("10.2", "independent", says="the largest sigma^2 that there is", keeps=OWN)
def markov_variance_formula():  # noqa: F811
    return 1 - abar_s
