"""Wrong answers to chapter 2's derivations."""

from __future__ import annotations

import sympy
from answers import mutant

a, beta, v_0, t = sympy.symbols("a beta v_0 t", positive=True)
_ONE, _OTHER = "the settled variance", "the variance after t steps"
_SETTLED = beta / (1 - a**2)


@mutant("2.5", "factor not squared", says="A factor comes out of a variance squared", keeps=(_OTHER,))
def settled_variance_formula():
    return beta / (1 - a)


@mutant("2.5", "beta squared", says="its variance is beta, not beta**2", keeps=(_OTHER,))
def settled_variance_formula():  # noqa: F811
    return beta**2 / (1 - a**2)


@mutant("2.5", "root of beta", says="its variance is beta, not sqrt(beta)", keeps=(_OTHER,))
def settled_variance_formula():  # noqa: F811
    return sympy.sqrt(beta) / (1 - a**2)


@mutant("2.5", "standard deviation", says="This is the standard deviation", keeps=(_OTHER,))
def settled_variance_formula():  # noqa: F811
    return sympy.sqrt(_SETTLED)


@mutant("2.5", "the factor of the printed step", says="This is the a for which the variance 1", keeps=(_OTHER,))
def settled_variance_formula():  # noqa: F811
    return sympy.sqrt(1 - beta)


@mutant("2.5", "the beta that fits", says="This is the beta for which the variance 1", keeps=(_OTHER,))
def settled_variance_formula():  # noqa: F811
    return 1 - a**2


@mutant("2.5", "variance 1", says="It is right where a**2 + beta = 1", keeps=(_OTHER,))
def settled_variance_formula():  # noqa: F811
    return sympy.Integer(1)


@mutant("2.5", "one step's noise", says="This is the noise of one step alone", keeps=(_OTHER,))
def settled_variance_formula():  # noqa: F811
    return beta


@mutant("2.5", "factor a for each step", says="by the square of a, not by a", keeps=(_ONE,))
def variance_after_formula():
    return _SETTLED + (v_0 - _SETTLED) * a**t


@mutant("2.5", "factor a throughout", says="A factor comes out of a variance squared", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return beta / (1 - a) + (v_0 - beta / (1 - a)) * a**t


@mutant("2.5", "noise forgotten", says="The noise of the steps is missing", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return v_0 * a ** (2 * t)


@mutant("2.5", "noise of the last step only", says="Only the last step's noise is counted", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return v_0 * a ** (2 * t) + beta


@mutant("2.5", "noises added without shrinking", says="do not simply add up to t*beta", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return v_0 * a ** (2 * t) + t * beta


@mutant("2.5", "one step too few", says="count from x_0", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return _SETTLED + (v_0 - _SETTLED) * a ** (2 * t - 2)


@mutant("2.5", "one step only", says="It is right at t = 1", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return a**2 * v_0 + beta


@mutant("2.5", "the printed step", says="It is right where a**2 + beta = 1", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return 1 + (v_0 - 1) * (1 - beta) ** t


@mutant("2.5", "given x_0", says="This is Var(x_t | x_0)", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return _SETTLED * (1 - a ** (2 * t))


@mutant("2.5", "short steps", says="here t steps are counted exactly", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return _SETTLED + (v_0 - _SETTLED) * sympy.exp(-(1 - a**2) * t)


@mutant("2.5", "settled already", says="the chain only nears it", keeps=(_ONE,))
def variance_after_formula():  # noqa: F811
    return _SETTLED
