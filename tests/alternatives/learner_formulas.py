"""Correct answers to exercise 9.2 that are written otherwise than the reference."""

from __future__ import annotations

import sympy
from answers import alternative

D, J, N, R = sympy.symbols("d j n r", positive=True)


@alternative("9.2", "powers over their sum")
def average_weight_formula():
    return D**J * (D - 1) / (D**N - 1)


@alternative("9.2", "with an exponential")
def average_weight_formula():  # noqa: F811
    return sympy.exp(J * sympy.log(D)) / sum([1 / (1 - D), -(D**N) / (1 - D)])


@alternative("9.2", "sum over the lags")
def averaged_variance_formula():
    return (1 - D) / (1 + D) * (1 + 2 * D * R / (1 - D * R))


@alternative("9.2", "expanded")
def averaged_variance_formula():  # noqa: F811
    return (1 + D * R - D - D**2 * R) / (1 - D * R + D - D**2 * R)
