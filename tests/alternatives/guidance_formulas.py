"""Correct answers to chapter 11's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

eps, g, s, m = sympy.symbols("eps g s m", real=True)
abar, alpha_t, v, u, gamma = sympy.symbols("abar alpha_t v u gamma", positive=True)


@alternative("11.1", "through the score")
def guided_eps_formula():
    deviation = sympy.sqrt(1 - abar)
    return -deviation * (-eps / deviation + s * g)


@alternative("11.1", "Tweedie's formula")
def x0_shift_formula():
    return s * g * (1 / sympy.sqrt(abar) - sympy.sqrt(abar))


@alternative("11.1", "through the datum and its weight")
def mean_shift_formula():
    weight = sympy.sqrt(abar / alpha_t) * (1 - alpha_t) / (1 - abar)
    return weight * (1 - abar) / sympy.sqrt(abar) * s * g


@alternative("11.9", "one fraction")
def tilted_variance_formula():
    return u * v / (gamma * u + (1 - gamma) * v)


@alternative("11.9", "mean as one fraction")
def tilted_mean_formula():
    return gamma * m * u / (gamma * (u - v) + v)


@alternative("11.9", "from the gap to the other order")
def guided_variance_formula():
    d = gamma * u + (1 - gamma) * v
    later = abar * d + 1 - abar
    return abar * u * v / d + 1 - abar - abar * (1 - abar) * gamma * (gamma - 1) * (u - v) ** 2 / (d * later)


@alternative("11.1", "new datum minus old datum, where x_t and eps cancel")
def x0_shift_formula():  # noqa: F811
    x_t, deviation = sympy.Symbol("x_t"), sympy.sqrt(1 - abar)
    return (x_t - deviation * (eps - deviation * s * g)) / sympy.sqrt(abar) - (x_t - deviation * eps) / sympy.sqrt(abar)
