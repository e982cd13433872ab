"""Checks of the formulas that chapter 6 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

VELOCITY = {"abar": (0.1, 0.9), "x_t": (-2.0, 2.0), "v": (-2.0, 2.0)}
RATIOS = {"snr": (0.1, 2.0), "snr_prev": (2.5, 9.0)}


@cache
def from_velocity() -> tuple[sympy.Expr, sympy.Expr]:
    """x_0 and eps from the two equations that define x_t and v, which SymPy solves."""
    abar, x_t, v = (symbol(name, VELOCITY) for name in ("abar", "x_t", "v"))
    x_0, eps = sympy.symbols("x_0 eps", real=True)
    equations = [sqrt(abar) * x_0 + sqrt(1 - abar) * eps - x_t, sqrt(abar) * eps - sqrt(1 - abar) * x_0 - v]
    found = sympy.solve(equations, [x_0, eps], dict=True)[0]
    return sympy.simplify(found[x_0]), sympy.simplify(found[eps])


@cache
def weights() -> dict[str, sympy.Expr]:
    """The weights of the errors of x_0 and eps, from precisions: x_{t-1} is seen through x_t and through x_0.

    In units in which x_{t-1} = x_0 + noise of variance 1/snr_prev, x_t adds noise of variance 1/snr - 1/snr_prev to it. The
    posterior of x_{t-1} has the sum of the two precisions, and its mean weighs x_0 with the share of the first. Both the squared
    mean and the variance scale alike when the units change back.
    """
    snr, snr_prev = symbol("snr", RATIOS), symbol("snr_prev", RATIOS)
    from_x0, from_x_t = snr_prev, 1 / (1 / snr - 1 / snr_prev)
    share, variance = from_x0 / (from_x0 + from_x_t), 1 / (from_x0 + from_x_t)
    x0 = sympy.simplify(share**2 / (2 * variance))
    return {"x0": x0, "eps": sympy.simplify(x0 / snr)}


class Velocity(Check):
    """Exercise 6.2. Oracle: SymPy solves the two equations that define x_t and v."""

    number = "6.2"
    parts = {"x_0": 1, "eps": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("x_0", "x0_from_v_formula", {}, "x_0", seed)
        yield Case("eps", "eps_from_v_formula", {}, "eps", seed)

    def judge(self, case: Case, result: object) -> str | None:
        abar, x_t, v = (symbol(name, VELOCITY) for name in ("abar", "x_t", "v"))
        x_0, eps = from_velocity()
        a, b = sqrt(abar), sqrt(1 - abar)
        shared = {
            "The coefficients are square roots: they are the cosine and the sine of one angle.":
                abar * x_t - (1 - abar) * v if case.part == "x_0" else (1 - abar) * x_t + abar * v,
        }
        if case.part == "x_0":
            known = shared | {
                "This is eps; x_0 is asked for.": eps,
                "The sign of v's term is wrong: put x_0 and eps back into v to see it.": a * x_t + b * v,
                "The roles are swapped: sqrt(abar) belongs to x_t here.": b * x_t - a * v,
                "This solves v = sqrt(abar) eps - sqrt(1 - abar) x_0 as if x_t were eps.": (a * x_t - v) / b,
                "This is x_0 from a prediction of eps; v is not eps.": (x_t - b * v) / a,
            }
        else:
            known = shared | {
                "This is x_0; eps is asked for.": x_0,
                "The sign of v's term is wrong: put x_0 and eps back into v to see it.": b * x_t - a * v,
                "The roles are swapped: sqrt(1 - abar) belongs to x_t here.": a * x_t + b * v,
                "This solves v = sqrt(abar) eps - sqrt(1 - abar) x_0 as if x_t were x_0.": (v + b * x_t) / a,
            }
        expected = x_0 if case.part == "x_0" else eps
        special = {"at abar = 1/2": {"abar": sympy.Rational(1, 2)}}
        return compare_expression(result, expected, VELOCITY, Draw(case.secret["seed"]), known=known, special=special)


class Weights(Check):
    """Exercise 6.4. Oracle: precisions, in units in which x_{t-1} is x_0 plus noise."""

    number = "6.4"
    parts = {"the error of x_0": 2, "the error of eps": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the error of x_0", "x0_weight_formula", {}, "the error of x_0", seed)
        yield Case("the error of eps", "eps_weight_formula", {}, "the error of eps", seed)

    def judge(self, case: Case, result: object) -> str | None:
        snr, snr_prev = symbol("snr", RATIOS), symbol("snr_prev", RATIOS)
        x0, eps = weights()["x0"], weights()["eps"]
        expected, other = (x0, eps) if case.part == "the error of x_0" else (eps, x0)
        known = {
            "The factor 1/2 of the divergence is missing.": 2 * expected,
            "The sign is wrong: the ratio falls with time, so SNR(t-1) is the larger one.": -expected,
            "The times are swapped: SNR(t-1) is the larger one.":
                expected.subs({snr: snr_prev, snr_prev: snr}, simultaneous=True),
            "A divergence between laws of the same variance has the factor 1/2 once, not twice.": expected / 2,
        }
        if case.part == "the error of x_0":
            known |= {
                "This is the weight of the error of eps; that of x_0 is asked for.": other,
                "The mean's coefficient enters squared.": 1 - snr / snr_prev,
                "This is the squared coefficient; it is still to be divided by twice the variance.": (1 - snr / snr_prev) ** 2,
                "This is SNR(t-1) / 2, the weight if the step started from pure noise (SNR(t) = 0).": snr_prev / 2,
            }
        else:
            known |= {
                "This is the weight of the error of x_0; that of eps is asked for.": other,
                "An error of eps is an error of x_0 times 1 / sqrt(SNR(t)); the weight is divided by SNR(t), not multiplied.":
                    x0 * snr,
                "An error of eps is an error of x_0 times 1 / sqrt(SNR(t)), and it enters squared.": x0 / sqrt(snr),
                "The error is converted with the ratio at t: eps belongs to x_t, not to x_{t-1}.": x0 / snr_prev,
            }
        return compare_expression(result, expected, RATIOS, Draw(case.secret["seed"]), known=known)


CHECKS = [Velocity(), Weights()]
