"""Wrong answers to exercise 13.11: what a step makes of Gaussian data."""

from __future__ import annotations

import sympy
from answers import mutant

s, r, d = sympy.symbols("s r d", positive=True)
A, B = s / (d**2 + s**2), r / (d**2 + r**2)
FLOW, EULER, HEUN = "the flow", "Euler's step", "Heun's step"


@mutant("13.11", "ratio of variances", says="This is the ratio of the variances", keeps=(EULER, HEUN))
def exact_factor_formula():
    return (d**2 + r**2) / (d**2 + s**2)


@mutant("13.11", "upside down", says="The fraction is upside down", keeps=(EULER, HEUN))
def exact_factor_formula():  # noqa: F811
    return sympy.sqrt((d**2 + s**2) / (d**2 + r**2))


@mutant("13.11", "noise alone", says="The data's own variance is missing", keeps=(EULER, HEUN))
def exact_factor_formula():  # noqa: F811
    return r / s


@mutant("13.11", "upwards", says="The step goes down, from s to r", keeps=(FLOW, HEUN))
def euler_factor_formula():
    return 1 + (s - r) * A


@mutant("13.11", "the datum's guess", says="This is the guess D of the datum", keeps=(FLOW, HEUN))
def euler_factor_formula():  # noqa: F811
    return d**2 / (d**2 + s**2)


@mutant("13.11", "not divided by s", says="x - D is not divided by s", keeps=(FLOW, HEUN))
def euler_factor_formula():  # noqa: F811
    return 1 + (r - s) * s**2 / (d**2 + s**2)


@mutant("13.11", "slope at the end", says="The slope is found at r", keeps=(FLOW, HEUN))
def euler_factor_formula():  # noqa: F811
    return 1 + (r - s) * B


@mutant("13.11", "both slopes at x", says="Both slopes are found at x", keeps=(FLOW, EULER))
def heun_factor_formula():
    return 1 + (r - s) * (A + B) / 2


@mutant("13.11", "sum of slopes", says="The slopes are summed", keeps=(FLOW, EULER))
def heun_factor_formula():  # noqa: F811
    return 1 + (r - s) * (A + B * (1 + (r - s) * A))


@mutant("13.11", "still the old level", says="The second slope is found with the level s", keeps=(FLOW, EULER))
def heun_factor_formula():  # noqa: F811
    return 1 + (r - s) * (A + A * (1 + (r - s) * A)) / 2


@mutant("13.11", "the exact factor", says="This is the exact factor", keeps=(FLOW, EULER))
def heun_factor_formula():  # noqa: F811
    return sympy.sqrt((d**2 + r**2) / (d**2 + s**2))
