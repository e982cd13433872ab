"""Wrong answers to the formulas that chapter 6 asks for."""

from __future__ import annotations

import sympy
from answers import mutant
from sympy import Rational, sqrt

ABAR = sympy.Symbol("abar", positive=True)
X_T, V = sympy.symbols("x_t v", real=True)
SNR, PREV = sympy.symbols("snr snr_prev", positive=True)


@mutant("6.2", "sign", says="The sign of v's term is wrong", keeps=("eps",))
def x0_from_v_formula():
    return sqrt(ABAR) * X_T + sqrt(1 - ABAR) * V


@mutant("6.2", "the noise", says="This is eps; x_0 is asked for", keeps=("eps",))
def x0_from_v_formula():  # noqa: F811
    return sqrt(1 - ABAR) * X_T + sqrt(ABAR) * V


@mutant("6.2", "no roots", says="The coefficients are square roots", keeps=("eps",))
def x0_from_v_formula():  # noqa: F811
    return ABAR * X_T - (1 - ABAR) * V


@mutant("6.2", "swapped coefficients", says="sqrt(abar) belongs to x_t here", keeps=("eps",))
def x0_from_v_formula():  # noqa: F811
    return sqrt(1 - ABAR) * X_T - sqrt(ABAR) * V


@mutant("6.2", "v for eps", says="v is not eps", keeps=("eps",))
def x0_from_v_formula():  # noqa: F811
    return (X_T - sqrt(1 - ABAR) * V) / sqrt(ABAR)


@mutant("6.2", "x_t for eps", says="as if x_t were eps", keeps=("eps",))
def x0_from_v_formula():  # noqa: F811
    return (sqrt(ABAR) * X_T - V) / sqrt(1 - ABAR)


@mutant("6.2", "sign in the noise", says="The sign of v's term is wrong", keeps=("x_0",))
def eps_from_v_formula():
    return sqrt(1 - ABAR) * X_T - sqrt(ABAR) * V


@mutant("6.2", "the datum", says="This is x_0; eps is asked for", keeps=("x_0",))
def eps_from_v_formula():  # noqa: F811
    return sqrt(ABAR) * X_T - sqrt(1 - ABAR) * V


@mutant("6.2", "swapped coefficients of the noise", says="sqrt(1 - abar) belongs to x_t here", keeps=("x_0",))
def eps_from_v_formula():  # noqa: F811
    return sqrt(ABAR) * X_T + sqrt(1 - ABAR) * V


@mutant("6.2", "x_t for x_0", says="as if x_t were x_0", keeps=("x_0",))
def eps_from_v_formula():  # noqa: F811
    return (V + sqrt(1 - ABAR) * X_T) / sqrt(ABAR)


@mutant("6.4", "no half", says="The factor 1/2 of the divergence is missing", keeps=("the error of eps",))
def x0_weight_formula():
    return PREV - SNR


@mutant("6.4", "sign", says="SNR(t-1) is the larger one", keeps=("the error of eps",))
def x0_weight_formula():  # noqa: F811
    return (SNR - PREV) / 2


@mutant("6.4", "a quarter", says="the factor 1/2 once, not twice", keeps=("the error of eps",))
def x0_weight_formula():  # noqa: F811
    return (PREV - SNR) / 4


@mutant("6.4", "weight of the noise", says="This is the weight of the error of eps", keeps=("the error of eps",))
def x0_weight_formula():  # noqa: F811
    return (PREV / SNR - 1) / 2


@mutant("6.4", "coefficient not squared", says="The mean's coefficient enters squared", keeps=("the error of eps",))
def x0_weight_formula():  # noqa: F811
    return 1 - SNR / PREV


@mutant("6.4", "variance left out", says="still to be divided by twice the variance", keeps=("the error of eps",))
def x0_weight_formula():  # noqa: F811
    return (1 - SNR / PREV) ** 2


@mutant("6.4", "pure noise", says="if the step started from pure noise", keeps=("the error of eps",))
def x0_weight_formula():  # noqa: F811
    return PREV / 2


@mutant("6.4", "weight of the datum", says="This is the weight of the error of x_0", keeps=("the error of x_0",))
def eps_weight_formula():
    return (PREV - SNR) / 2


@mutant("6.4", "times the ratio", says="the weight is divided by SNR(t), not multiplied", keeps=("the error of x_0",))
def eps_weight_formula():  # noqa: F811
    return (PREV - SNR) * SNR / 2


@mutant("6.4", "root of the ratio", says="and it enters squared", keeps=("the error of x_0",))
def eps_weight_formula():  # noqa: F811
    return (PREV - SNR) / (2 * sqrt(SNR))


@mutant("6.4", "ratio of the earlier time", says="eps belongs to x_t, not to x_{t-1}", keeps=("the error of x_0",))
def eps_weight_formula():  # noqa: F811
    return Rational(1, 2) * (1 - SNR / PREV)
