"""Wrong answers to chapter 14's derivations."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import log, sqrt

h, d, a, b, c, g = sympy.symbols("h d a b c g", positive=True)
VALUE, FIRST, SECOND = ("the value",), ("saturating",), ("non-saturating",)
TOGETHER, IN_TURN = ("simultaneous",), ("alternating",)


@mutant("14.6", "the divergence", says="This is the divergence of Jensen and Shannon", keeps=FIRST + SECOND)
def shifted_value_formula():
    return h * log(2)


@mutant("14.6", "without log 4", says="log 4 is still to be subtracted", keeps=FIRST + SECOND)
def shifted_value_formula():  # noqa: F811
    return 2 * h * log(2)


@mutant("14.6", "overlap h", says="the overlap has the length 1 - h", keeps=FIRST + SECOND)
def shifted_value_formula():  # noqa: F811
    return -2 * h * log(2)


@mutant("14.6", "one mean", says="Each of the two means contributes", keeps=FIRST + SECOND)
def shifted_value_formula():  # noqa: F811
    return -(1 - h) * log(2)


@mutant("14.6", "derivative in D", says="This is the derivative in D", keeps=VALUE + SECOND)
def saturating_slope_formula():
    return -1 / (1 - d)


@mutant("14.6", "the other loss", says="This is the slope of the other loss", keeps=VALUE + SECOND)
def saturating_slope_formula():  # noqa: F811
    return d - 1


@mutant("14.6", "the wrong sign", says="wrong sign", keeps=VALUE + FIRST)
def non_saturating_slope_formula():
    return 1 - d


@mutant("14.7", "the modulus", says="This is the modulus", keeps=IN_TURN)
def simultaneous_growth_formula():
    return sqrt(1 - b * g + a * b * c**2)


@mutant("14.7", "no damping", says="This is without the damping", keeps=IN_TURN)
def simultaneous_growth_formula():  # noqa: F811
    return 1 + a * b * c**2


@mutant("14.7", "damping drives", says="The damping has the wrong sign", keeps=IN_TURN)
def simultaneous_growth_formula():  # noqa: F811
    return 1 + b * g + a * b * c**2


@mutant("14.7", "a saddle of one player", says="x descends and y climbs", keeps=IN_TURN)
def simultaneous_growth_formula():  # noqa: F811
    return 1 - b * g - a * b * c**2


@mutant("14.7", "the trace", says="it is 2 cos(theta)", keeps=TOGETHER)
def alternating_cosine_formula():
    return 2 - a * b * c**2


@mutant("14.7", "with the other sign", says="y sees the new x", keeps=TOGETHER)
def alternating_cosine_formula():  # noqa: F811
    return 1 + a * b * c**2 / 2


@mutant("14.7", "of simultaneous steps", says="This is for simultaneous steps", keeps=TOGETHER)
def alternating_cosine_formula():  # noqa: F811
    return 1 / sqrt(1 + a * b * c**2)
