"""The formulas of chapter 10 that you derive, as SymPy expressions: two noisy versions of one datum, at the times s < t."""

from __future__ import annotations

import sympy


def weight_of_x_t_formula() -> sympy.Expr:
    r"""Exercise 10.1. Return the weight a of x_t in the mean a x_t + b x_0 of q_sigma(x_s | x_t, x_0), the one that is not negative.

    Use the symbols ``abar_t`` for alpha_bar_t, ``abar_s`` for alpha_bar_s (both between 0 and 1, and abar_t < abar_s) and ``s2`` for
    sigma^2, which is less than 1 - abar_s.

    Source: Song, Meng and Ermon (2021), equation 7; chapter 10, "Two equations".
    """
    abar_t, abar_s, s2 = sympy.symbols("abar_t abar_s s2", positive=True)
    ### BEGIN SOLUTION
    return sympy.sqrt((1 - abar_s - s2) / (1 - abar_t))
    ### END SOLUTION


def weight_of_x_0_formula() -> sympy.Expr:
    r"""Exercise 10.1. Return the weight b of x_0 in the mean a x_t + b x_0 of q_sigma(x_s | x_t, x_0).

    Use the symbols ``abar_t``, ``abar_s`` and ``s2``, as in ``weight_of_x_t_formula``.

    Source: Song, Meng and Ermon (2021), equation 7; chapter 10, "Two equations".
    """
    abar_t, abar_s, s2 = sympy.symbols("abar_t abar_s s2", positive=True)
    ### BEGIN SOLUTION
    return sympy.sqrt(abar_s) - sympy.sqrt(abar_t) * sympy.sqrt((1 - abar_s - s2) / (1 - abar_t))
    ### END SOLUTION


def implied_variance_formula() -> sympy.Expr:
    r"""Exercise 10.2. Return the variance of q_sigma(x_t | x_s, x_0): what x_t has of its own, if x_s and x_0 are known.

    Use the symbols ``abar_t``, ``abar_s`` (0 < abar_t < abar_s < 1) and ``s2`` for sigma^2, less than 1 - abar_s.

    Source: chapter 10, "The forward process that it implies".
    """
    abar_t, abar_s, s2 = sympy.symbols("abar_t abar_s s2", positive=True)
    ### BEGIN SOLUTION
    return (1 - abar_t) * s2 / (1 - abar_s)
    ### END SOLUTION


def markov_variance_formula() -> sympy.Expr:
    r"""Exercise 10.2. Return the sigma^2 for which x_s and x_t have, given x_0, the covariance that the forward chain gives them.

    Use the symbols ``abar_t`` and ``abar_s`` (0 < abar_t < abar_s < 1).

    Source: Song, Meng and Ermon (2021), section 4.1; chapter 10, "The forward process that it implies".
    """
    abar_t, abar_s = sympy.symbols("abar_t abar_s", positive=True)
    ### BEGIN SOLUTION
    return (1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s)
    ### END SOLUTION
