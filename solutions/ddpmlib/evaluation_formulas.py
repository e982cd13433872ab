"""The formulas of chapter 9 on distances between Gaussians that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def frechet_line_formula() -> sympy.Expr:
    r"""Exercise 9.6. Return the squared Fréchet distance of N(m1, s1^2) and N(m2, s2^2), on the line.

    Use the symbols ``m1`` and ``m2`` (real), and ``s1`` and ``s2`` for the *standard deviations* (positive).

    Source: chapter 9, "The distance of two Gaussians".
    """
    m1, m2 = sympy.symbols("m1 m2", real=True)
    s1, s2 = sympy.symbols("s1 s2", positive=True)
    ### BEGIN SOLUTION
    return (m1 - m2) ** 2 + (s1 - s2) ** 2
    ### END SOLUTION


def frechet_correlated_formula() -> sympy.Expr:
    r"""Exercise 9.6. Return the squared Fréchet distance of two Gaussians in the plane that differ in their correlation only.

    Both have mean 0 and all variances 1; one has the correlation r, the other the correlation q. Use the symbols ``r`` and
    ``q`` (here between 0 and 1).

    Source: chapter 9, "The distance of two Gaussians".
    """
    r, q = sympy.symbols("r q", positive=True)
    ### BEGIN SOLUTION
    return 4 - 2 * sympy.sqrt((1 + r) * (1 + q)) - 2 * sympy.sqrt((1 - r) * (1 - q))
    ### END SOLUTION
