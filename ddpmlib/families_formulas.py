# Stub: write your code where NotImplementedError is raised.
"""The formulas of chapter 14 that you derive, as SymPy expressions: the value of a game, its slopes, and steps that circle."""

from __future__ import annotations

import sympy


def shifted_value_formula() -> sympy.Expr:
    r"""Exercise 14.6. Return the value of the game at the best discriminator, for data on [0, 1] and samples on [h, 1 + h].

    Both laws are uniform. Use the symbol ``h`` for the shift, 0 < h < 1. In nats.

    Source: chapter 14, "The best discriminator".
    """
    h = sympy.Symbol("h", positive=True)
    raise NotImplementedError("Exercise 14.6: write shifted_value_formula in ddpmlib/families_formulas.py")


def saturating_slope_formula() -> sympy.Expr:
    r"""Exercise 14.6. Return the derivative of the saturating loss of one sample with respect to the discriminator's logit.

    Use the symbol ``d`` for D(G(z)), the discriminator's probability, 0 < d < 1.

    Source: chapter 14, "A loss that does not fall asleep".
    """
    d = sympy.Symbol("d", positive=True)
    raise NotImplementedError("Exercise 14.6: write saturating_slope_formula in ddpmlib/families_formulas.py")


def non_saturating_slope_formula() -> sympy.Expr:
    r"""Exercise 14.6. Return the derivative of the non-saturating loss of one sample with respect to the discriminator's logit.

    Use the symbol ``d`` for D(G(z)), the discriminator's probability, 0 < d < 1.

    Source: Goodfellow et al. (2014), section 3; chapter 14, "A loss that does not fall asleep".
    """
    d = sympy.Symbol("d", positive=True)
    raise NotImplementedError("Exercise 14.6: write non_saturating_slope_formula in ddpmlib/families_formulas.py")


def simultaneous_growth_formula() -> sympy.Expr:
    r"""Exercise 14.7. Return |lambda|^2 of the two complex eigenvalues of simultaneous steps on V(x, y) = c x y - g y^2 / 2.

    x takes a step of size a down the gradient of V, y a step of size b up its own, both from the same point. Use the symbols ``a``,
    ``b``, ``c`` and ``g``, so small that the eigenvalues are not real.

    Source: chapter 14, "Steps that circle".
    """
    a, b, c, g = sympy.symbols("a b c g", positive=True)
    raise NotImplementedError("Exercise 14.7: write simultaneous_growth_formula in ddpmlib/families_formulas.py")


def alternating_cosine_formula() -> sympy.Expr:
    r"""Exercise 14.7. Return cos(theta) of the eigenvalues exp(+- i theta) of alternating steps on V(x, y) = c x y.

    First x takes a step of size a down the gradient of V, then y a step of size b up its own, at the new x. Use the symbols ``a``,
    ``b`` and ``c``, with a b c^2 < 4.

    Source: chapter 14, "Steps that circle".
    """
    a, b, c = sympy.symbols("a b c", positive=True)
    raise NotImplementedError("Exercise 14.7: write alternating_cosine_formula in ddpmlib/families_formulas.py")
