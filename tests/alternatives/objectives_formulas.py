"""Correct formulas of chapter 6, written in other ways than the reference."""

from __future__ import annotations

import sympy
from answers import alternative
from sympy import exp, log, sqrt

ABAR = sympy.Symbol("abar", positive=True)
X_T, V = sympy.symbols("x_t v", real=True)
SNR, PREV = sympy.symbols("snr snr_prev", positive=True)


@alternative("6.2", "over a common root")
def x0_from_v_formula():
    return sqrt(ABAR) * (X_T - sqrt((1 - ABAR) / ABAR) * V)


@alternative("6.2", "by way of the noise")
def x0_from_v_formula():  # noqa: F811
    eps = sqrt(1 - ABAR) * X_T + sqrt(ABAR) * V
    return (X_T - sqrt(1 - ABAR) * eps) / sqrt(ABAR)


@alternative("6.2", "by way of the datum")
def eps_from_v_formula():
    x_0 = sqrt(ABAR) * X_T - sqrt(1 - ABAR) * V
    return (V + sqrt(1 - ABAR) * x_0) / sqrt(ABAR)


@alternative("6.4", "from the two alpha bars")
def x0_weight_formula():
    left, before = SNR / (1 + SNR), PREV / (1 + PREV)
    beta = 1 - left / before
    return before * beta / (2 * (1 - before) * (1 - left))


@alternative("6.4", "a factor taken out")
def x0_weight_formula():  # noqa: F811
    return PREV * (1 - SNR / PREV) / 2


@alternative("6.4", "in logarithms")
def eps_weight_formula():
    return (exp(log(PREV) - log(SNR)) - 1) / 2


@alternative("6.4", "over the ratio")
def eps_weight_formula():  # noqa: F811
    return (PREV - SNR) / (2 * SNR)
