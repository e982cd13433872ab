"""Wrong answers to exercise 13.3."""

from __future__ import annotations

import sympy
from answers import mutant

h, d = sympy.symbols("h d", positive=True)
b0, b1, t = sympy.symbols("b0 b1 t", positive=True)
LANGEVIN, MEAN, VARIANCE = ("Langevin's variance",), ("the mean of VP",), ("the variance of VP",)
total = b0 * t + (b1 - b0) * t**2 / 2


@mutant("13.3", "the exact variance", says="This is the variance of the exact dynamics", keeps=(*MEAN, *VARIANCE))
def langevin_variance_formula():
    return d**2


@mutant("13.3", "noise of variance h", says="here it is h", keeps=(*MEAN, *VARIANCE))
def langevin_variance_formula():  # noqa: F811
    return h / (1 - (1 - h / d**2) ** 2)


@mutant("13.3", "first order", says="first order in h only", keeps=(*MEAN, *VARIANCE))
def langevin_variance_formula():  # noqa: F811
    return d**2 + h / 2


@mutant("13.3", "factor not squared", says="The factor of x is squared in a variance", keeps=(*MEAN, *VARIANCE))
def langevin_variance_formula():  # noqa: F811
    return 2 * h / (1 - (1 - h / d**2))


@mutant("13.3", "score of the wrong scale", says="here the square is missing", keeps=(*MEAN, *VARIANCE))
def langevin_variance_formula():  # noqa: F811
    return 2 * h / (1 - (1 - h / d) ** 2)


@mutant("13.3", "squared", says="this is a(t)^2", keeps=(*LANGEVIN, *VARIANCE))
def vp_mean_formula():
    return sympy.exp(-total)


@mutant("13.3", "growing", says="This grows; the datum shrinks", keeps=(*LANGEVIN, *VARIANCE))
def vp_mean_formula():  # noqa: F811
    return sympy.exp(total / 2)


@mutant("13.3", "not integrated", says="The rate is not integrated", keeps=(*LANGEVIN, *VARIANCE))
def vp_mean_formula():  # noqa: F811
    return sympy.exp(-t * (b0 + (b1 - b0) * t) / 2)


@mutant("13.3", "constant rate", says="It is right for a constant rate", keeps=(*LANGEVIN, *VARIANCE))
def vp_mean_formula():  # noqa: F811
    return sympy.exp(-b0 * t / 2)


@mutant("13.3", "one less the mean", says="variance and a(t)^2 sum to 1", keeps=(*LANGEVIN, *MEAN))
def vp_variance_formula():
    return 1 - sympy.exp(-total / 2)


@mutant("13.3", "the deviation", says="This is the standard deviation", keeps=(*LANGEVIN, *MEAN))
def vp_variance_formula():  # noqa: F811
    return sympy.sqrt(1 - sympy.exp(-total))


@mutant("13.3", "what is left", says="what is left of the data's variance", keeps=(*LANGEVIN, *MEAN))
def vp_variance_formula():  # noqa: F811
    return sympy.exp(-total)


@mutant("13.3", "no shrinking", says="without the shrinking", keeps=(*LANGEVIN, *MEAN))
def vp_variance_formula():  # noqa: F811
    return total
