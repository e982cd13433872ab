"""The formulas of chapter 1 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def posterior_mean_formula() -> sympy.Expr:
    r"""Exercise 1.3. Return E[z | x] for z ~ N(0, 1) and x | z ~ N(w z + b, sigma^2), with all numbers scalar.

    Use the symbols ``x``, ``w``, ``b``, ``sigma``.
    """
    x, w, b, sigma = sympy.symbols("x w b sigma")
    ### BEGIN SOLUTION
    return w * (x - b) / (w**2 + sigma**2)
    ### END SOLUTION
