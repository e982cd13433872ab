"""Checks of the formulas that chapter 11 asks for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw
from .ddpm_formulas import gaussian

NOISE = {"eps": (-2.0, 2.0), "g": (-2.0, 2.0), "s": (-3.0, 3.0), "abar": (0.1, 0.9)}
DATUM = {"g": (-2.0, 2.0), "s": (-3.0, 3.0), "abar": (0.1, 0.9)}
MEAN = {"g": (-2.0, 2.0), "s": (-3.0, 3.0), "alpha_t": (0.3, 0.9), "abar": (0.1, 0.25)}
TILTED = {"m": (-2.0, 2.0), "v": (0.2, 0.8), "u": (1.0, 2.0), "gamma": (1.2, 4.0)}
GUIDED = {"v": (0.2, 0.8), "u": (1.0, 2.0), "gamma": (1.2, 4.0), "abar": (0.1, 0.9)}


@cache
def tilted(m: sympy.Expr, v: sympy.Expr, u: sympy.Expr, gamma: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """Mean and variance of N(m, v)^gamma N(0, u)^(1 - gamma), normalised."""
    x = sympy.Symbol("x", real=True)
    return gaussian(gamma * (x - m) ** 2 / v + (1 - gamma) * x**2 / u, x)


@cache
def solved(equation: sympy.Expr, unknown: sympy.Symbol) -> sympy.Expr:
    """The one solution of a linear equation."""
    (solution,) = sympy.solve(equation, unknown)
    return solution


class ShiftedScore(Check):
    """Exercise 11.1. Oracle: solve for the noise whose score is shifted, and follow it through x_t and through the posterior's mean."""

    number = "11.1"
    parts = {"the noise": 2, "the datum": 1, "the mean": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the noise", "guided_eps_formula", {}, "the guided noise", seed)
        yield Case("the datum", "x0_shift_formula", {}, "the shift of the datum", seed)
        yield Case("the mean", "mean_shift_formula", {}, "the shift of the mean", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw, unknown = Draw(case.secret["seed"]), sympy.Symbol("unknown", real=True)
        if case.part == "the noise":
            eps, g, s, abar = (symbol(name, NOISE) for name in NOISE)
            spread = sqrt(1 - abar)
            expected = solved(-unknown / spread + eps / spread - s * g, unknown)
            known = {
                "The sign: noise points away from where the density is high, so it is minus a multiple of the score.": eps + spread * s * g,
                "The score is the noise divided by the root sqrt(1 - abar), not by 1 - abar.": eps - (1 - abar) * s * g,
                "The factor is a root of 1 - abar; abar belongs to the datum.": eps - sqrt(abar) * s * g,
                "A gradient is no noise yet: it has to be multiplied by the standard deviation of the noise.": eps - s * g,
                "The standard deviation multiplies here; score = -eps over it.": eps - s * g / spread,
                "The scale s is missing.": eps - spread * g,
                "This is what is added; the whole noise is asked for.": -spread * s * g,
                "This is the score; the noise that belongs to it is asked for.": -eps / spread + s * g,
                "This mixes the two with the weights 1 - s and s; the gradient is added.": (1 - s) * eps - spread * s * g,
            }
            return compare_expression(result, expected, NOISE, draw, known=known, special={"for s = 1": {"s": 1}})
        if case.part == "the datum":
            g, s, abar = (symbol(name, DATUM) for name in DATUM)
            shift = -sqrt(1 - abar) * s * g
            expected = solved(sqrt(abar) * unknown + sqrt(1 - abar) * shift, unknown)  # x_t does not move
            known = {
                "The datum moves the way of the gradient: less noise of that sign is taken away.": -expected,
                "The noise changes by a root and enters with a root: together 1 - abar.": sqrt(1 - abar) / sqrt(abar) * s * g,
                "The division by sqrt(abar) is missing: x_t holds sqrt(abar) x_0.": (1 - abar) * s * g,
                "x_t holds sqrt(abar) x_0, with a root.": (1 - abar) / abar * s * g,
                "This is what is added to the noise.": shift,
                "The scale s is missing.": expected / s,
            }
            return compare_expression(result, expected, DATUM, draw, known=known, special={"for s = 1": {"s": 1}})
        g, s, alpha, abar = (symbol(name, MEAN) for name in MEAN)
        before = abar / alpha
        weight = sqrt(before) * (1 - alpha) / (1 - abar)  # of x_0 in the posterior's mean
        expected = weight * (1 - abar) / sqrt(abar) * s * g
        known = {
            "The mean moves the way of the gradient.": -expected,
            "The step divides by sqrt(alpha_t).": (1 - alpha) * s * g,
            "The step divides by sqrt(alpha_t), with a root.": (1 - alpha) / alpha * s * g,
            "The change of the noise has a root sqrt(1 - abar) that cancels the one in the step.":
                (1 - alpha) / sqrt(alpha) / sqrt(1 - abar) * s * g,
            "beta_t enters the mean as it is, without a root.": sqrt(1 - alpha) / sqrt(alpha) * s * g,
            "This is the shift with the small variance beta-tilde_t in the place of what the step has.":
                (1 - alpha) * (1 - before) / (1 - abar) * s * g,
            "This is the shift of the datum; in the mean of x_{t-1} the datum has a weight.": (1 - abar) / sqrt(abar) * s * g,
            "The scale s is missing.": expected / s,
        }
        return compare_expression(result, expected, MEAN, draw, known=known, special={"for s = 1": {"s": 1}})


class Tilted(Check):
    """Exercise 11.9. Oracle: minimum and curvature of the weighted sum of two quadratic forms."""

    number = "11.9"
    parts = {"the tilted variance": 1, "the tilted mean": 1, "the guided variance at time t": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the tilted variance", "tilted_variance_formula", {}, "the variance of the tilted law", seed)
        yield Case("the tilted mean", "tilted_mean_formula", {}, "the mean of the tilted law", seed)
        yield Case("the guided variance at time t", "guided_variance_formula", {}, "the variance at time t", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        m, v, u, gamma = (symbol(name, TILTED) for name in TILTED)
        mean, variance = tilted(m, v, u, gamma)
        plain = {"for gamma = 1": {"gamma": 1}}
        if case.part == "the tilted variance":
            symbols = {name: TILTED[name] for name in ("v", "u", "gamma")}
            known = {
                "This is the precision; the variance is its reciprocal.": 1 / variance,
                "Precisions are weighted, not variances.": gamma * v + (1 - gamma) * u,
                "The exponents are multiplied with the precisions; here they multiply the variances below.":
                    1 / (1 / (gamma * v) + 1 / ((1 - gamma) * u)),
                "This is v^gamma u^(1 - gamma): the powers belong to the densities, not to the variances.": v**gamma * u ** (1 - gamma),
                "The exponent of p(x) is 1 - gamma, with this sign.": 1 / (gamma / v + (gamma - 1) / u),
                "The factor p(x)^(1 - gamma) is missing.": v / gamma,
                "This tilts with p(x | y)^gamma p(x), whose exponents do not sum to 1.": 1 / (gamma / v + 1 / u),
                "The exponents are exchanged.": 1 / ((1 - gamma) / v + gamma / u),
                "The exponent of p(x | y) is gamma; here it is 1 + gamma, as with Ho and Salimans' w.": 1 / ((1 + gamma) / v - gamma / u),
                "This is the standard deviation; the variance is asked for.": sqrt(variance),
                "A precision is one over the variance; here it is one over the standard deviation.":
                    1 / (gamma / sqrt(v) + (1 - gamma) / sqrt(u)) ** 2,
                "This is the variance of a weighted sum of two independent numbers; here densities are multiplied.":
                    gamma**2 * v + (1 - gamma) ** 2 * u,
            }
            return compare_expression(result, variance, symbols, draw, known=known, special=plain)
        if case.part == "the tilted mean":
            known = {
                "Means are weighted by precisions, not by the exponents alone.": gamma * m,
                "The precision-weighted sum is to be divided by the precision (multiplied by the variance).": gamma * m / v,
                "This is the mean of p(x | y) itself.": m,
                "The exponents are exchanged.": (1 - gamma) * m / u * variance,
                "The exponent gamma of the class's precision is missing in the numerator.": m / v * variance,
                "The exponent of p(x) is 1 - gamma, with this sign.": gamma * m / v / (gamma / v + (gamma - 1) / u),
                "m is divided by the variance v, not multiplied.": gamma * m * v * variance,
                "The exponent of p(x | y) is gamma; here it is 1 + gamma, as with Ho and Salimans' w.":
                    (1 + gamma) * m / v / ((1 + gamma) / v - gamma / u),
            }
            return compare_expression(result, mean, TILTED, draw, known=known, special=plain)
        v, u, gamma, abar = (symbol(name, GUIDED) for name in GUIDED)
        narrow, wide = abar * v + 1 - abar, abar * u + 1 - abar
        zero = sympy.Integer(0)
        expected, early = tilted(zero, narrow, wide, gamma)[1], tilted(zero, v, u, gamma)[1]
        known = {
            "This is the tilted law of x_0 with noise added; asked for is the tilt of the two laws that have the noise already.":
                abar * early + 1 - abar,
            "This is the tilted law at time 0; at time t both laws have noise.": early,
            "This is the precision; the variance is its reciprocal.": 1 / expected,
            "Precisions are weighted, not variances.": gamma * narrow + (1 - gamma) * wide,
            "The variance of x_t has abar times that of x_0, not its root.":
                1 / (gamma / (sqrt(abar) * v + 1 - abar) + (1 - gamma) / (sqrt(abar) * u + 1 - abar)),
            "The variance of the noise is 1 - abar, without a root.":
                1 / (gamma / (abar * v + sqrt(1 - abar)) + (1 - gamma) / (abar * u + sqrt(1 - abar))),
            "The noise of x_t is missing: its variance 1 - abar is added.": abar * early,
            "x_t holds sqrt(abar) x_0, so the variances v and u shrink before the noise is added.":
                1 / (gamma / (v + 1 - abar) + (1 - gamma) / (u + 1 - abar)),
            "This is the variance of x_t / sqrt(abar); that of x_t is asked for.": expected / abar,
            "Only the class's law has noise here.": 1 / (gamma / narrow + (1 - gamma) / u),
            "The exponents are exchanged.": 1 / ((1 - gamma) / narrow + gamma / wide),
            "The exponent of p(x_t) is 1 - gamma, with this sign.": 1 / (gamma / narrow + (gamma - 1) / wide),
            "This is the standard deviation; the variance is asked for.": sqrt(expected),
            "The factor p(x_t)^(1 - gamma) is missing.": narrow / gamma,
        }
        return compare_expression(result, expected, GUIDED, draw, known=known, special=plain | {"at u = 1": {"u": 1}})


CHECKS = [ShiftedScore(), Tilted()]
