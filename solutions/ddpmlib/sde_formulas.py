"""The formulas of chapter 13's first half that you derive, as SymPy expressions: Langevin's error, and the marginal of the VP process."""

from __future__ import annotations

import sympy


def langevin_variance_formula() -> sympy.Expr:
    r"""Exercise 13.3. Return the variance that the walk x + h s(x) + sqrt(2 h) z keeps, if s is the score of N(0, d^2).

    Use the symbols ``h`` for the step and ``d`` (both positive, h < 2 d^2, so that the walk settles).

    Source: chapter 13, "Langevin dynamics".
    """
    h, d = sympy.symbols("h d", positive=True)
    ### BEGIN SOLUTION
    return 2 * h / (1 - (1 - h / d**2) ** 2)
    ### END SOLUTION


def vp_mean_formula() -> sympy.Expr:
    r"""Exercise 13.3. Return the factor a(t) of the VP process: the mean of x(t) given x(0) is a(t) x(0).

    The rate is beta(t) = b0 + (b1 - b0) t. Use the symbols ``b0``, ``b1`` and ``t`` (all positive, t at most 1).

    Source: Song et al. (2021), appendix C; chapter 13, "Two limits".
    """
    b0, b1, t = sympy.symbols("b0 b1 t", positive=True)
    ### BEGIN SOLUTION
    return sympy.exp(-b0 * t / 2 - (b1 - b0) * t**2 / 4)
    ### END SOLUTION


def vp_variance_formula() -> sympy.Expr:
    r"""Exercise 13.3. Return the variance of x(t) given x(0) in the VP process with beta(t) = b0 + (b1 - b0) t.

    Use the symbols ``b0``, ``b1`` and ``t`` (all positive, t at most 1).

    Source: Song et al. (2021), appendix C; chapter 13, "Two limits".
    """
    b0, b1, t = sympy.symbols("b0 b1 t", positive=True)
    ### BEGIN SOLUTION
    return 1 - sympy.exp(-b0 * t - (b1 - b0) * t**2 / 2)
    ### END SOLUTION
