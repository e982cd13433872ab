"""Correct answers to exercise 13.11 that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

s, r, d = sympy.symbols("s r d", positive=True)


@alternative("13.11", "two roots")
def exact_factor_formula():
    return sympy.sqrt(d**2 + r**2) / sympy.sqrt(d**2 + s**2)


@alternative("13.11", "the guess and the noise")
def euler_factor_formula():
    guess = d**2 / (d**2 + s**2)
    return guess + r * (1 - guess) / s


@alternative("13.11", "one fraction")
def euler_factor_formula():  # noqa: F811
    return (d**2 + r * s) / (d**2 + s**2)


@alternative("13.11", "expanded")
def heun_factor_formula():
    ahead = (d**2 + r * s) / (d**2 + s**2)
    return sympy.expand(1 + (r - s) * s / (2 * (d**2 + s**2)) + (r - s) * r * ahead / (2 * (d**2 + r**2)))


@alternative("13.11", "mean of two steps")
def heun_factor_formula():  # noqa: F811
    ahead = (d**2 + r * s) / (d**2 + s**2)
    back = 1 + (r - s) * (1 - d**2 / (d**2 + r**2)) / r * ahead
    return sympy.together((ahead + back) / 2)
