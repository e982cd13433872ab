"""Checks of the formulas that chapter 14 asks for. Oracles: integrals of two boxes, derivatives of the losses, and 2 x 2 matrices."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import Rational, log, sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

SHIFT = {"h": (0.05, 0.95)}
SHARE = {"d": (0.05, 0.95)}
GAME = {"a": (0.2, 0.6), "b": (0.2, 0.6), "c": (1.2, 1.8), "g": (0.05, 0.3)}
UNDAMPED = {name: GAME[name] for name in "abc"}


@cache
def value_of_boxes() -> sympy.Expr:
    """p log D + q log(1 - D) over three pieces of the line, each with constant densities."""
    h = symbol("h", SHIFT)
    pieces = [(h, 1, 0), (1 - h, 1, 1), (h, 0, 1)]  # length, p, q
    total = sympy.Integer(0)
    for length, p, q in pieces:
        best = Rational(p, p + q)
        total += length * sum(weight * log(chance) for weight, chance in ((p, best), (q, 1 - best)) if weight)
    return sympy.expand(total)


@cache
def slope(kind: str) -> sympy.Expr:
    """The derivative of a loss in the logit, at the logit that belongs to d."""
    a, d = sympy.Symbol("a", real=True), symbol("d", SHARE)
    chance = 1 / (1 + sympy.exp(-a))
    loss = log(1 - chance) if kind == "saturating" else -log(chance)
    return sympy.simplify(sympy.diff(loss, a).subs(a, log(d / (1 - d))))


@cache
def simultaneous() -> sympy.Matrix:
    """Both steps from the same point, as a matrix."""
    a, b, c, g = (symbol(name, GAME) for name in GAME)
    return sympy.Matrix([[1, -a * c], [b * c, 1 - b * g]])


@cache
def alternating() -> sympy.Matrix:
    """One step after the other: a product of two matrices."""
    a, b, c = (symbol(name, UNDAMPED) for name in UNDAMPED)
    return sympy.Matrix([[1, 0], [b * c, 1]]) * sympy.Matrix([[1, -a * c], [0, 1]])


class ValueAndSlopes(Check):
    """Exercise 14.6. Oracles: the integral piece by piece, and SymPy's derivative of the losses."""

    number = "14.6"
    parts = {"the value": 2, "saturating": 1, "non-saturating": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the value", "shifted_value_formula", {}, "the value for two shifted boxes", seed)
        yield Case("saturating", "saturating_slope_formula", {}, "the slope of the saturating loss", seed)
        yield Case("non-saturating", "non_saturating_slope_formula", {}, "the slope of the non-saturating loss", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        if case.part == "the value":
            h = symbol("h", SHIFT)
            expected = value_of_boxes()
            return compare_expression(result, expected, SHIFT, draw, known={
                "This is the divergence of Jensen and Shannon; the value is twice it less log 4.": h * log(2),
                "This is twice the divergence; log 4 is still to be subtracted.": 2 * h * log(2),
                "The divergence enters twice.": h * log(2) - log(4),
                "Where both laws are, D is 1/2; the overlap has the length 1 - h, not h.": -2 * h * log(2),
                "Each of the two means contributes: of data and of samples.": -(1 - h) * log(2),
                "The sign: the logarithm of a probability is negative.": 2 * (1 - h) * log(2),
                "This is the value at h = 0; the overlap shrinks with h.": -log(4),
                "This is in bits; nats are asked for.": -2 * (1 - h),
            })
        d = symbol("d", SHARE)
        expected = slope(case.part)
        known = {
            "This is the derivative in D; the logit's is asked for, and dD/da = d (1 - d).":
                -1 / (1 - d) if case.part == "saturating" else -1 / d,
            "This is the slope of the other loss.": slope("non-saturating" if case.part == "saturating" else "saturating"),
            "This is dD/da; the loss is a logarithm of D.": d * (1 - d),
        }
        return compare_expression(result, expected, SHARE, draw, known=known, special={"at d = 1/2": {"d": Rational(1, 2)}})


class Steps(Check):
    """Exercise 14.7. Oracles: determinant and trace of the matrices of one round."""

    number = "14.7"
    parts = {"simultaneous": 2, "alternating": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("simultaneous", "simultaneous_growth_formula", {}, "the squared modulus of simultaneous steps", seed)
        yield Case("alternating", "alternating_cosine_formula", {}, "the cosine of alternating steps", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        a, b, c, g = (symbol(name, GAME) for name in GAME)
        if case.part == "simultaneous":
            expected = simultaneous().det()  # of a complex pair, the product is the squared modulus
            return compare_expression(result, expected, GAME, draw, known={
                "This is the modulus; its square is asked for.": sqrt(expected),
                "This is without the damping g.": 1 + a * b * c**2,
                "The damping has the wrong sign: y climbs -g y^2 / 2, which pulls it to 0.": 1 + b * g + a * b * c**2,
                "The sign of the product of the two couplings: x descends and y climbs.": 1 - b * g - a * b * c**2,
                "This is the growth of alternating steps.": 1 - b * g,
                "c enters in both steps, so squared.": 1 - b * g + a * b * c,
                "The damping acts in the step of y, of size b, once.": 1 - a * g + a * b * c**2,
                "The derivative of g y^2 / 2 is g y.": 1 - b * g / 2 + a * b * c**2,
                "This is the trace; the product of the eigenvalues is the determinant.": 2 - b * g,
                "The damping does not multiply the coupling: x has not moved yet when y steps.":
                    (1 - b * g) * (1 + a * b * c**2),
            })
        expected = alternating().trace() / 2
        return compare_expression(result, expected, UNDAMPED, draw, known={
            "This is the trace; the two eigenvalues share it: it is 2 cos(theta).": alternating().trace(),
            "The sign: y sees the new x, which has moved against it.": 1 + a * b * c**2 / 2,
            "Half of the trace: the factor 1/2 of the product is missing.": 1 - a * b * c**2,
            "This is for simultaneous steps, whose eigenvalues are not on the unit circle.": 1 / sqrt(1 + a * b * c**2),
            "c enters in both steps, so squared.": 1 - a * b * c / 2,
            "This is the cosine of small steps only, to second order in theta; it holds for larger ones in another form.":
                sympy.cos(sqrt(a * b) * c),
            "This is sin(theta).": sqrt(1 - expected**2),
        })


CHECKS = [ValueAndSlopes(), Steps()]
