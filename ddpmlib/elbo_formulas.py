# Stub: write your code where NotImplementedError is raised. In the course repository it is made by "python -m grading sync"; edit solutions/ddpmlib/elbo_formulas.py there.
"""The formulas of chapter 1 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def posterior_mean_formula() -> sympy.Expr:
    r"""Exercise 1.3. Return E[z | x] for z ~ N(0, 1) and x | z ~ N(w z + b, sigma^2), with all numbers scalar.

    Use the symbols ``x``, ``w``, ``b``, ``sigma``.
    """
    x, w, b, sigma = sympy.symbols("x w b sigma")
    raise NotImplementedError("Exercise 1.3: write posterior_mean_formula in ddpmlib/elbo_formulas.py")
