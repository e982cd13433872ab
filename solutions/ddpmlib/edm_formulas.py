"""The formulas of chapter 13's second half that you derive, as SymPy expressions: one step of a sampler on Gaussian data."""

from __future__ import annotations

import sympy


def exact_factor_formula() -> sympy.Expr:
    r"""Exercise 13.11. Return the factor by which the exact flow from the level s down to r multiplies x, for data N(0, d^2).

    Use the symbols ``s``, ``r`` and ``d`` (all positive, r < s).

    Source: chapter 13, "The error of one step".
    """
    s, r, d = sympy.symbols("s r d", positive=True)
    ### BEGIN SOLUTION
    return sympy.sqrt((d**2 + r**2) / (d**2 + s**2))
    ### END SOLUTION


def euler_factor_formula() -> sympy.Expr:
    r"""Exercise 13.11. Return the factor by which one Euler step from the level s down to r multiplies x, for data N(0, d^2).

    Use the symbols ``s``, ``r`` and ``d`` (all positive, r < s).

    Source: chapter 13, "The error of one step".
    """
    s, r, d = sympy.symbols("s r d", positive=True)
    ### BEGIN SOLUTION
    return 1 + (r - s) * s / (d**2 + s**2)
    ### END SOLUTION


def heun_factor_formula() -> sympy.Expr:
    r"""Exercise 13.11. Return the factor by which one step of Heun's method from s down to r multiplies x, for data N(0, d^2).

    Use the symbols ``s``, ``r`` and ``d`` (all positive, r < s).

    Source: chapter 13, "The error of one step".
    """
    s, r, d = sympy.symbols("s r d", positive=True)
    ### BEGIN SOLUTION
    before, after = s / (d**2 + s**2), r / (d**2 + r**2)
    return 1 + (r - s) / 2 * (before + after * (1 + (r - s) * before))
    ### END SOLUTION
