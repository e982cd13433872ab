"""The formulas of chapter 2 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def settled_variance_formula() -> sympy.Expr:
    r"""Exercise 2.5. Return the variance that a step x_t = a x_{t-1} + sqrt(beta) eps leaves as it is.

    Here eps is standard normal and independent of x_{t-1}, 0 < a < 1 and beta > 0. Use the symbols ``a`` and ``beta``.

    Source: after Ho et al. (2020), equation (2); chapter 2, section "Why the square root of 1 - beta".
    """
    a, beta = sympy.symbols("a beta", positive=True)
    ### BEGIN SOLUTION
    return beta / (1 - a**2)
    ### END SOLUTION


def variance_after_formula() -> sympy.Expr:
    r"""Exercise 2.5. Return Var(x_t) after t steps with the same a and beta, from Var(x_0) = v_0.

    The noises of different steps are independent. Use the symbols ``v_0``, ``a``, ``beta`` and ``t``; the answer
    is in closed form (no sum).

    Source: after Ho et al. (2020), equation (4), beta constant; chapter 2, section "Why the square root of 1 - beta".
    """
    v_0, a, beta, t = sympy.symbols("v_0 a beta t", positive=True)
    ### BEGIN SOLUTION
    settled = beta / (1 - a**2)
    return settled + (v_0 - settled) * a ** (2 * t)
    ### END SOLUTION
