"""Wrong answers to chapter 2's derivations."""

from __future__ import annotations

import sympy
from answers import mutant

beta, v_0, t = sympy.symbols("beta v_0 t", positive=True)
_ONE, _OTHER = "the coefficient", "the variance after t steps"


@mutant("2.5", "no square root", says="The square root is missing: the variance of a x", keeps=(_OTHER,))
def preserving_coefficient_formula():
    return 1 - beta


@mutant("2.5", "coefficients that sum to 1", says="the sum of their squares that must be 1", keeps=(_OTHER,))
def preserving_coefficient_formula():  # noqa: F811
    return 1 - sympy.sqrt(beta)


@mutant("2.5", "beta taken for the noise's coefficient", says="its variance is beta, not beta**2", keeps=(_OTHER,))
def preserving_coefficient_formula():  # noqa: F811
    return sympy.sqrt(1 - beta**2)


@mutant("2.5", "weight 1", says="With a = 1 every step adds beta", keeps=(_OTHER,))
def preserving_coefficient_formula():  # noqa: F811
    return 1


@mutant("2.5", "factor (1 - beta) squared", says="a**2 = 1 - beta is the factor of the variance", keeps=(_ONE,))
def variance_after_formula():
    return 1 + (v_0 - 1) * (1 - beta) ** (2 * t)


@mutant("2.5", "factor sqrt(1 - beta)", says="by a**2, not by a", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return 1 + (v_0 - 1) * (1 - beta) ** (t / 2)


@mutant("2.5", "noise forgotten", says="The noise of the steps is missing", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return v_0 * (1 - beta) ** t


@mutant("2.5", "noise of the last step only", says="Only the last step's noise is counted", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return v_0 * (1 - beta) ** t + beta


@mutant("2.5", "noises added without shrinking", says="do not simply add up to t*beta", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return v_0 * (1 - beta) ** t + t * beta


@mutant("2.5", "one step too few", says="count from x_0", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return 1 + (v_0 - 1) * (1 - beta) ** (t - 1)


@mutant("2.5", "one step only", says="It is right at t = 1 only", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return (1 - beta) * v_0 + beta


@mutant("2.5", "started at the fixed point", says="It is right for v_0 = 1 only", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return sympy.Integer(1)
