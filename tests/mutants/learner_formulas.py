"""Wrong answers to exercise 9.2."""

from __future__ import annotations

import sympy
from answers import mutant

D, J, N, R = sympy.symbols("d j n r", positive=True)
WEIGHTS, VARIANCE = ("the weights",), ("the variance",)


@mutant("9.2", "not divided by the sum", says="These weights do not add to 1 yet", keeps=VARIANCE)
def average_weight_formula():
    return (1 - D) * D**J


@mutant("9.2", "oldest first", says="here it is the oldest", keeps=VARIANCE)
def average_weight_formula():  # noqa: F811
    return (1 - D) * D ** (N - 1 - J) / (1 - D**N)


@mutant("9.2", "one power less", says="The newest iterate is that of j = 0", keeps=VARIANCE)
def average_weight_formula():  # noqa: F811
    return (1 - D) * D ** (J - 1) / (1 - D**N)


@mutant("9.2", "one power more", says="This counts one step too many", keeps=VARIANCE)
def average_weight_formula():  # noqa: F811
    return (1 - D) * D ** (J + 1) / (1 - D**N)


@mutant("9.2", "sum of one more", says="that of n iterates, not n + 1", keeps=VARIANCE)
def average_weight_formula():  # noqa: F811
    return (1 - D) * D**J / (1 - D ** (N + 1))


@mutant("9.2", "independent", says="This is right for independent iterates", keeps=WEIGHTS)
def averaged_variance_formula():
    return (1 - D) / (1 + D)


@mutant("9.2", "pairs once", says="Every pair of different iterates counts twice", keeps=WEIGHTS)
def averaged_variance_formula():  # noqa: F811
    return (1 - D) / (1 + D) * (1 + D * R / (1 - D * R))


@mutant("9.2", "standard deviation", says="This is the standard deviation", keeps=WEIGHTS)
def averaged_variance_formula():  # noqa: F811
    return sympy.sqrt((1 - D) * (1 + D * R) / ((1 + D) * (1 - D * R)))


@mutant("9.2", "inverse", says="its inverse is asked for", keeps=WEIGHTS)
def averaged_variance_formula():  # noqa: F811
    return (1 + D) * (1 - D * R) / ((1 - D) * (1 + D * R))


@mutant("9.2", "signs", says="Signs are exchanged", keeps=WEIGHTS)
def averaged_variance_formula():  # noqa: F811
    return (1 - D) * (1 - D * R) / ((1 + D) * (1 + D * R))


@mutant("9.2", "covariance", says="This is the covariance of the average with the newest iterate", keeps=WEIGHTS)
def averaged_variance_formula():  # noqa: F811
    return (1 - D) / (1 - D * R)


@mutant("9.2", "like a plain mean", says="Iterates that are m steps apart", keeps=WEIGHTS)
def averaged_variance_formula():  # noqa: F811
    return (1 - D) * (1 + R) / ((1 + D) * (1 - R))
