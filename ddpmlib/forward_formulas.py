# Stub: write your code where NotImplementedError is raised.
"""The formulas of chapter 3 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def two_step_coefficient_formula() -> sympy.Expr:
    r"""Exercise 3.5. Return the number a in x_t = a x_{t-2} + (noise), for two steps of the forward process.

    Use the symbols ``alpha_t`` for alpha_t and ``alpha_prev`` for alpha_{t-1}; both lie between 0 and 1.

    Source: chapter 3, "Merging two steps".
    """
    alpha_t, alpha_prev = sympy.symbols("alpha_t alpha_prev", positive=True)
    raise NotImplementedError("Exercise 3.5: write two_step_coefficient_formula in ddpmlib/forward_formulas.py")


def two_step_variance_formula() -> sympy.Expr:
    r"""Exercise 3.5. Return the variance of each component of x_t given x_{t-2}.

    Use the symbols ``alpha_t`` for alpha_t and ``alpha_prev`` for alpha_{t-1}; both lie between 0 and 1.

    Source: chapter 3, "Merging two steps".
    """
    alpha_t, alpha_prev = sympy.symbols("alpha_t alpha_prev", positive=True)
    raise NotImplementedError("Exercise 3.5: write two_step_variance_formula in ddpmlib/forward_formulas.py")


def prior_kl_formula() -> sympy.Expr:
    r"""Exercise 3.8. Return KL( q(x_T | x_0) || N(0, 1) ) in nats, for one dimension.

    Use the symbols ``abar`` for alpha_bar_T (between 0 and 1) and ``x_0`` for the datum's component.

    Source: chapter 3, "How far is the end from the prior?".
    """
    abar = sympy.Symbol("abar", positive=True)
    x_0 = sympy.Symbol("x_0", real=True)
    raise NotImplementedError("Exercise 3.8: write prior_kl_formula in ddpmlib/forward_formulas.py")
