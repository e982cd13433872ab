# Stub: write your code where NotImplementedError is raised.
"""The formulas of chapter 2 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def preserving_coefficient_formula() -> sympy.Expr:
    r"""Exercise 2.5. Return the a > 0 for which x_t = a x_{t-1} + sqrt(beta) eps keeps the variance 1.

    Here Var(x_{t-1}) = 1, eps is standard normal and independent of x_{t-1}, and 0 < beta < 1. Use the symbol ``beta``.

    Source: Ho et al. (2020), equation (2); chapter 2, section "Why the square root of 1 - beta".
    """
    beta = sympy.Symbol("beta", positive=True)
    raise NotImplementedError("Exercise 2.5: write preserving_coefficient_formula in ddpmlib/hierarchy_formulas.py")


def variance_after_formula() -> sympy.Expr:
    r"""Exercise 2.5. Return Var(x_t) after t steps with this coefficient and the same beta, from Var(x_0) = v_0.

    The noises of different steps are independent. Use the symbols ``v_0``, ``beta`` and ``t``; the answer
    is in closed form (no sum).

    Source: from Ho et al. (2020), equation (4), beta constant; chapter 2, section "Why the square root of 1 - beta".
    """
    v_0, beta, t = sympy.symbols("v_0 beta t", positive=True)
    raise NotImplementedError("Exercise 2.5: write variance_after_formula in ddpmlib/hierarchy_formulas.py")
