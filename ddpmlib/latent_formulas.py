# Stub: write your code where NotImplementedError is raised.
"""The formulas of chapter 12 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def encoder_variance_formula() -> sympy.Expr:
    r"""Exercise 12.9. Return the variance of the best encoder q(z | x) = N(a x, s2) of a number x ~ N(0, lam), where it uses its latent.

    The loss is E[(x - d z)^2] + kappa KL(q(z | x) || N(0, 1)), smallest over a, s2 and d. Use the symbols ``lam`` for the data's variance and
    ``kappa`` for the weight (both positive; kappa < 2 lam).

    Source: chapter 12, "What the weight does".
    """
    lam, kappa = sympy.symbols("lam kappa", positive=True)
    raise NotImplementedError("Exercise 12.9: write encoder_variance_formula in ddpmlib/latent_formulas.py")


def rate_formula() -> sympy.Expr:
    r"""Exercise 12.9. Return the mean of KL(q(z | x) || N(0, 1)) in nats at that encoder.

    Use the symbols ``lam`` for the data's variance and ``kappa`` for the weight (both positive; kappa < 2 lam).

    Source: chapter 12, "What the weight does".
    """
    lam, kappa = sympy.symbols("lam kappa", positive=True)
    raise NotImplementedError("Exercise 12.9: write rate_formula in ddpmlib/latent_formulas.py")


def effective_alpha_bar_formula() -> sympy.Expr:
    r"""Exercise 12.9. Return the alpha_bar at which data of standard deviation 1 are as noisy as latents of standard deviation s at ``abar``.

    As noisy: with the same ratio of the variances of signal and noise. Use the symbols ``abar`` for alpha_bar_t (between 0 and 1) and ``s``
    (positive).

    Source: chapter 12, "The scale of the latents".
    """
    abar, s = sympy.symbols("abar s", positive=True)
    raise NotImplementedError("Exercise 12.9: write effective_alpha_bar_formula in ddpmlib/latent_formulas.py")
