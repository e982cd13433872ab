"""The formulas of chapter 6 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def x0_from_v_formula() -> sympy.Expr:
    r"""Exercise 6.2. Return x_0 in terms of x_t and v, for v = sqrt(abar) eps - sqrt(1 - abar) x_0.

    Use the symbols ``x_t``, ``v`` and ``abar`` for alpha_bar_t (between 0 and 1).

    Source: chapter 6, "Five things to predict".
    """
    abar = sympy.Symbol("abar", positive=True)
    x_t, v = sympy.symbols("x_t v", real=True)
    ### BEGIN SOLUTION
    return sympy.sqrt(abar) * x_t - sympy.sqrt(1 - abar) * v
    ### END SOLUTION


def eps_from_v_formula() -> sympy.Expr:
    r"""Exercise 6.2. Return the noise eps in terms of x_t and v, for v = sqrt(abar) eps - sqrt(1 - abar) x_0.

    Use the symbols ``x_t``, ``v`` and ``abar`` for alpha_bar_t (between 0 and 1).

    Source: chapter 6, "Five things to predict".
    """
    abar = sympy.Symbol("abar", positive=True)
    x_t, v = sympy.symbols("x_t v", real=True)
    ### BEGIN SOLUTION
    return sympy.sqrt(1 - abar) * x_t + sympy.sqrt(abar) * v
    ### END SOLUTION


def x0_weight_formula() -> sympy.Expr:
    r"""Exercise 6.4. Return the factor before ||x_0 - x0hat||^2 in L_{t-1}, for the reverse variance beta-tilde_t.

    Use the symbols ``snr`` for SNR(t) and ``snr_prev`` for SNR(t-1), and no others.

    Source: chapter 6, "The exact weights".
    """
    snr, snr_prev = sympy.symbols("snr snr_prev", positive=True)
    ### BEGIN SOLUTION
    return (snr_prev - snr) / 2
    ### END SOLUTION


def eps_weight_formula() -> sympy.Expr:
    r"""Exercise 6.4. Return the factor before ||eps - epshat||^2 in L_{t-1}, for the reverse variance beta-tilde_t.

    Use the symbols ``snr`` for SNR(t) and ``snr_prev`` for SNR(t-1), and no others.

    Source: chapter 6, "The exact weights".
    """
    snr, snr_prev = sympy.symbols("snr snr_prev", positive=True)
    ### BEGIN SOLUTION
    return (snr_prev / snr - 1) / 2
    ### END SOLUTION
