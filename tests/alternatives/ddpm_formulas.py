"""Correct answers to chapter 7's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

alpha_t, abar, abar_prev, c = sympy.symbols("alpha_t abar abar_prev c", positive=True)
v_t, u, s2 = sympy.symbols("v_t u s2", positive=True)


@alternative("7.4", "difference of two conditional variances")
def shortfall_formula():
    def conditional(spread):
        before = 1 - abar_prev + abar_prev * spread
        return 1 / (1 / before + alpha_t / (1 - alpha_t))

    return conditional(c) - conditional(0)


@alternative("7.4", "one fraction")
def shortfall_formula():  # noqa: F811
    now = 1 + alpha_t * abar_prev * (c - 1)
    return (1 - alpha_t) ** 2 * abar_prev * c / ((1 - alpha_t * abar_prev) * now)


@alternative("7.4", "through the variance at t - 1")
def variance_after_step_formula():
    before = (v_t - 1 + alpha_t) / alpha_t
    return alpha_t * before**2 / v_t**2 * u + s2


@alternative("7.4", "multiplied out")
def variance_after_step_formula():  # noqa: F811
    return (v_t**2 - 2 * v_t * (1 - alpha_t) + (1 - alpha_t) ** 2) * u / (alpha_t * v_t**2) + s2


@alternative("7.6", "what x_t explains is subtracted")
def loss_floor_formula():
    return 1 - (1 - abar) / (1 + abar * (c - 1))


@alternative("7.6", "from the signal-to-noise ratio")
def loss_floor_formula():  # noqa: F811
    snr = c * abar / (1 - abar)
    return snr / (1 + snr)


@alternative("7.9", "what the posterior leaves is missing")
def renoised_variance_formula():
    return abar_prev * (c - 1 / (1 / c + abar / (1 - abar))) + 1 - abar_prev


@alternative("7.9", "factor times x_t")
def renoised_variance_formula():  # noqa: F811
    v = 1 + abar * (c - 1)
    return (sympy.sqrt(abar_prev) * sympy.sqrt(abar) * c / v) ** 2 * v + 1 - abar_prev


@alternative("7.9", "simplified")
def renoise_rest_formula():
    v = 1 + abar * (c - 1)
    return v**2 / (v + abar * c)
