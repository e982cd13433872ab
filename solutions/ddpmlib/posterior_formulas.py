"""The formulas of chapter 5 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def posterior_precision_formula() -> sympy.Expr:
    r"""Exercise 5.1. Return the precision (1 over the variance) of each component of x_{t-1}, given x_t and x_0.

    Use the symbols ``alpha_t`` for alpha_t and ``abar_prev`` for alpha_bar_{t-1}; both lie between 0 and 1.

    Source: chapter 5, "Bayes' rule with three Gaussians".
    """
    alpha_t, abar_prev = sympy.symbols("alpha_t abar_prev", positive=True)
    ### BEGIN SOLUTION
    return 1 / (1 - abar_prev) + alpha_t / (1 - alpha_t)
    ### END SOLUTION


def posterior_variance_formula() -> sympy.Expr:
    r"""Exercise 5.1. Return the variance of each component of x_{t-1}, given x_t and x_0.

    Use the symbols ``alpha_t`` for alpha_t and ``abar_prev`` for alpha_bar_{t-1}; both lie between 0 and 1.

    Source: chapter 5, "Bayes' rule with three Gaussians".
    """
    alpha_t, abar_prev = sympy.symbols("alpha_t abar_prev", positive=True)
    ### BEGIN SOLUTION
    return (1 - alpha_t) * (1 - abar_prev) / (1 - alpha_t * abar_prev)
    ### END SOLUTION


def weight_of_x_t_formula() -> sympy.Expr:
    r"""Exercise 5.2. Return the number that multiplies x_t in the mean of x_{t-1}, given x_t and x_0.

    Use the symbols ``alpha_t`` for alpha_t and ``abar_prev`` for alpha_bar_{t-1}; both lie between 0 and 1.

    Source: chapter 5, "Bayes' rule with three Gaussians".
    """
    alpha_t, abar_prev = sympy.symbols("alpha_t abar_prev", positive=True)
    ### BEGIN SOLUTION
    return sympy.sqrt(alpha_t) * (1 - abar_prev) / (1 - alpha_t * abar_prev)
    ### END SOLUTION


def weight_of_x_0_formula() -> sympy.Expr:
    r"""Exercise 5.2. Return the number that multiplies x_0 in the mean of x_{t-1}, given x_t and x_0.

    Use the symbols ``alpha_t`` for alpha_t and ``abar_prev`` for alpha_bar_{t-1}; both lie between 0 and 1.

    Source: chapter 5, "Bayes' rule with three Gaussians".
    """
    alpha_t, abar_prev = sympy.symbols("alpha_t abar_prev", positive=True)
    ### BEGIN SOLUTION
    return sympy.sqrt(abar_prev) * (1 - alpha_t) / (1 - alpha_t * abar_prev)
    ### END SOLUTION
