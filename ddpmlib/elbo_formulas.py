# Stub: write your code where NotImplementedError is raised.
"""The formulas of chapter 1 that you derive, as SymPy expressions.

The model is scalar: z ~ N(0, 1) and x | z ~ N(w z + b, sigma^2). ``sigma`` and ``s`` are standard deviations.
Use ``+ - * / **``, ``sympy.sqrt``, ``sympy.exp`` and ``sympy.log``.
"""

from __future__ import annotations

import sympy


def posterior_mean_formula() -> sympy.Expr:
    r"""Exercise 1.3. Return E[z | x] for z ~ N(0, 1) and x | z ~ N(w z + b, sigma^2).

    Use the symbols ``x``, ``w``, ``b``, ``sigma``.

    Source: chapter 1, "A model in which everything is exact".
    """
    x, w, b, sigma = sympy.symbols("x w b sigma")
    raise NotImplementedError("Exercise 1.3: write posterior_mean_formula in ddpmlib/elbo_formulas.py")


def posterior_variance_formula() -> sympy.Expr:
    r"""Exercise 1.3. Return Var[z | x] for the same model.

    Use the symbols ``w`` and ``sigma``.

    Source: chapter 1, "A model in which everything is exact".
    """
    w, sigma = sympy.symbols("w sigma")
    raise NotImplementedError("Exercise 1.3: write posterior_variance_formula in ddpmlib/elbo_formulas.py")


def elbo_gap_formula() -> sympy.Expr:
    r"""Exercise 1.6. Return log p(x) - ELBO, in nats, of the encoder q(z | x) = N(m, s^2) for the same model.

    Use the symbols ``x``, ``w``, ``b``, ``sigma``, ``m``, ``s``.

    Source: chapter 1, "The gap".
    """
    x, w, b, sigma, m, s = sympy.symbols("x w b sigma m s")
    raise NotImplementedError("Exercise 1.6: write elbo_gap_formula in ddpmlib/elbo_formulas.py")
