"""The formulas of chapter 9 on moving averages that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def average_weight_formula() -> sympy.Expr:
    r"""Exercise 9.2. Return the weight that the moving average gives to the iterate of j steps ago.

    The average has been updated n times, a_k = d a_{k-1} + (1 - d) theta_k, from a_0 = 0, and was then divided by the sum of
    its weights, so that they add to 1. Use the symbols ``d`` for the decay (between 0 and 1), and ``j`` and ``n`` (0 <= j < n).

    Source: chapter 9, "The average of the weights".
    """
    d, j, n = sympy.symbols("d j n", positive=True)
    ### BEGIN SOLUTION
    return (1 - d) * d**j / (1 - d**n)
    ### END SOLUTION


def averaged_variance_formula() -> sympy.Expr:
    r"""Exercise 9.2. Return Var(a) / Var(theta), in the long run, for an average a_k = d a_{k-1} + (1 - d) theta_k.

    The iterates have mean 0 and one variance, and those that are m steps apart have the correlation r^m. Use the symbols
    ``d`` and ``r`` (both between 0 and 1).

    Source: chapter 9, "The average of the weights".
    """
    d, r = sympy.symbols("d r", positive=True)
    ### BEGIN SOLUTION
    return (1 - d) * (1 + d * r) / ((1 + d) * (1 - d * r))
    ### END SOLUTION
