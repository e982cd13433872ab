"""Checks of the formulas that chapter 7 asks for. All laws are Gaussian: a log density is a quadratic form."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import sympy
from sympy import sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

VARIANCE = {"alpha_t": (0.3, 0.9), "abar_prev": (0.2, 0.9), "c": (0.2, 3.0)}
STEP = {"alpha_t": (0.3, 0.9), "v_t": (0.8, 3.0), "u": (0.2, 3.0), "s2": (0.1, 0.8)}
FLOOR = {"abar": (0.1, 0.9), "c": (0.2, 3.0)}
RENOISED = {"abar": (0.1, 0.8), "abar_prev": (0.2, 0.9), "c": (0.2, 3.0)}


def gaussian(form: sympy.Expr, variable: sympy.Symbol) -> tuple[sympy.Expr, sympy.Expr]:
    """Mean and variance of the law whose density is exp(-form / 2), up to a constant."""
    (mean,) = sympy.solve(sympy.diff(form, variable), variable)
    return sympy.simplify(mean), sympy.simplify(2 / sympy.diff(form, variable, 2))


@cache
def reverse_law(data_variance: sympy.Expr, alpha: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """The factor of x_t in the mean of x_{t-1} given x_t, and the variance, if x_{t-1} has this variance."""
    x, before = sympy.symbols("x before", real=True)
    mean, variance = gaussian(before**2 / data_variance + (x - sqrt(alpha) * before) ** 2 / (1 - alpha), before)
    return sympy.simplify(mean / x), variance


@cache
def noise_given(abar: sympy.Expr, c: sympy.Expr) -> sympy.Expr:
    """The variance of eps given x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps."""
    x, eps = sympy.symbols("x eps", real=True)
    return gaussian(eps**2 + (x - sqrt(1 - abar) * eps) ** 2 / (abar * c), eps)[1]


@cache
def denoiser(abar: sympy.Expr, c: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """The factor of x_t in E[x_0 | x_t], and the variance of x_0 given x_t."""
    x, start = sympy.symbols("x start", real=True)
    mean, variance = gaussian(start**2 / c + (x - sqrt(abar) * start) ** 2 / (1 - abar), start)
    return sympy.simplify(mean / x), variance


class StepVariance(Check):
    """Exercise 7.4. Oracle: minimum and curvature of log q(x_{t-1}) + log q(x_t | x_{t-1}), for the data and for a point."""

    number = "7.4"
    parts = {"what the small choice lacks": 2, "the sampler's variance": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("what the small choice lacks", "shortfall_formula", {}, "the lack of the small choice", seed)
        yield Case("the sampler's variance", "variance_after_step_formula", {}, "the variance after a step", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        if case.part == "what the small choice lacks":
            alpha, before, c = (symbol(name, VARIANCE) for name in VARIANCE)
            full, small = (reverse_law(before * spread + 1 - before, alpha)[1] for spread in (c, sympy.Integer(0)))
            expected, left = full - small, denoiser(alpha * before, c)[1]
            weight = sqrt(before) * (1 - alpha) / (1 - alpha * before)
            known = {
                "This is the whole variance of x_{t-1} given x_t; beta-tilde_t is to be subtracted.": full,
                "This is what the large choice has too much; the small one's lack is asked for.": 1 - alpha - full,
                "This is the difference of the two choices, the lack for data of variance 1; c enters.": 1 - alpha - small,
                "This is Var(x_0 | x_t); in the mean of x_{t-1} the datum has a weight, which enters squared.": left,
                "The weight of x_0 in the posterior's mean enters squared.": weight * left,
                "The datum's variance is c before x_t is seen; given x_t it is smaller.": weight**2 * c,
                "Standard deviations are subtracted; variances are asked for.": sqrt(full) - sqrt(small),
                "This is beta-tilde_t itself.": small,
                "The weight of x_0 has the root of abar_prev, so its square has abar_prev.": weight**2 / before * left,
            }
            special = {"for data of variance 1 (c = 1)": {"c": 1}}
            return compare_expression(result, expected, VARIANCE, draw, known=known, special=special)
        alpha, v, u, s2 = (symbol(name, STEP) for name in STEP)
        factor = reverse_law((v - (1 - alpha)) / alpha, alpha)[0]
        expected = factor**2 * u + s2
        bracket = 1 - (1 - alpha) / v
        known = {
            "A factor in front of x_t enters the variance squared.": factor * u + s2,
            "s2 is sigma_t^2 already, the variance of what is added.": factor**2 * u + s2**2,
            "The variance of the added noise is missing.": factor**2 * u,
            "The noise stands outside the bracket; it is not divided by sqrt(alpha_t).": factor**2 * u + s2 / alpha,
            "The division by sqrt(alpha_t) is missing.": bracket**2 * u + s2,
            "1/sqrt(alpha_t) enters the variance squared, as 1/alpha_t.": bracket**2 * u / sqrt(alpha) + s2,
            "The bracket enters squared.": bracket * u / alpha + s2,
            "The model was made for the data, whose variance at time t is v_t; here u stands in its place.":
                (1 - (1 - alpha) / u) ** 2 * u / alpha + s2,
            "This is the sampler's variance if its x_t has the variance of the data; it has u.": factor**2 * v + s2,
            "This is the standard deviation; the variance is asked for.": sqrt(expected),
            "A factor and a noise: the variances add, not the standard deviations.": (factor * sqrt(u) + sqrt(s2)) ** 2,
        }
        special = {"if the sampler has the variance of the data (u = v_t)": {"u": v}, "at v_t = 1": {"v_t": 1}}
        return compare_expression(result, expected, STEP, draw, known=known, special=special)


class LossFloor(Check):
    """Exercise 7.6. Oracle: the curvature of log p(eps) + log p(x_t | eps)."""

    number = "7.6"
    parts = {"floor": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("floor", "loss_floor_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        abar, c = (symbol(name, FLOOR) for name in FLOOR)
        expected, (gain, of_x0) = noise_given(abar, c), denoiser(abar, c)
        total = abar * c + 1 - abar
        known = {
            "This is the variance of x_0 given x_t; the loss is about the noise.": of_x0,
            "This is the variance of the best guess, what x_t explains of the noise; the floor is what it leaves.": 1 - expected,
            "This is the standard deviation; the mean of the square is asked for.": sqrt(expected),
            "This is the floor for data of variance 1; c enters.": abar,
            "This is the ratio of signal to noise.": abar * c / (1 - abar),
            "This is the ratio of noise to signal.": (1 - abar) / (abar * c),
            "This is the variance of x_t.": total,
            "c is a variance and enters as it is, not squared.": abar * c**2 / (abar * c**2 + 1 - abar),
            "The signal's variance is abar c; here it is sqrt(abar) c.": sqrt(abar) * c / (sqrt(abar) * c + 1 - abar),
            "A perfect guess of the noise is impossible: x_t does not determine it.": sympy.Integer(0),
            "This is the factor of x_t in E[x_0 | x_t].": gain,
            "The covariance of eps and x_t is sqrt(1 - abar); it enters squared.": 1 - sqrt(1 - abar) / total,
        }
        return compare_expression(result, expected, FLOOR, Draw(case.secret["seed"]), known=known, special={"at c = 1": {"c": 1}})


class Renoised(Check):
    """Exercise 7.9. Oracle: the variance of E[x_0 | x_t] as what the posterior leaves of c, and the fixed point of a line."""

    number = "7.9"
    parts = {"one step": 2, "at rest": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("one step", "renoised_variance_formula", {}, "the variance after one step", seed)
        yield Case("at rest", "renoise_rest_formula", {}, "the variance at rest", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        abar, before, c = (symbol(name, RENOISED) for name in RENOISED)
        gain, left = denoiser(abar, c)
        guessed = c - left
        if case.part == "one step":
            right = before * c + 1 - before
            expected = before * guessed + 1 - before
            known = {
                "This is the variance that x_{t-1} should have; the best guess varies less than x_0 does.": right,
                "The fresh noise, of variance 1 - abar_prev, is missing.": before * guessed,
                "The guess is multiplied by sqrt(abar_prev); its variance gets the factor abar_prev.": guessed + 1 - before,
                "The factor of x_t in the guess enters squared.": before * gain * (abar * c + 1 - abar) + 1 - before,
                "The variance of x_t is missing: the guess is a factor times x_t.": before * gain**2 + 1 - before,
                "x_t has the variance of the data at time t, not 1 - abar.": before * gain**2 * (1 - abar) + 1 - before,
                "The guess is taken for its error: this has the variance of x_0 given x_t.": before * left + 1 - before,
                "The noise is that of time t - 1, with variance 1 - abar_prev.": before * guessed + 1 - abar,
                "The guess is multiplied by sqrt(abar_prev), not by sqrt(abar).": abar * guessed + 1 - before,
                "sqrt(abar_prev) enters squared.": sqrt(before) * guessed + 1 - before,
                "This is the standard deviation; the variance is asked for.": sqrt(expected),
                "This is the shortfall; the variance itself is asked for.": before * left,
            }
            return compare_expression(result, expected, RENOISED, draw, known=known, special={"at c = 1": {"c": 1}})
        symbols = {name: RENOISED[name] for name in ("abar", "c")}
        slope = abar * gain**2
        expected = (1 - abar) / (1 - slope)
        right = abar * c + 1 - abar
        known = {
            "This is the variance of the data at that time; a step does not leave it as it is. (The factor of x_t, not squared, "
            "leads here too.)": right,
            "This is the variance after one step from the right law; ask which variance the step does not change.":
                abar * guessed + 1 - abar,
            "The variance of the fresh noise, 1 - abar, is missing above.": 1 / (1 - slope),
            "The guess is multiplied by sqrt(abar), which is missing here.": (1 - abar) / (1 - gain**2),
            "Below belongs 1 minus the squared factor, not plus.": (1 - abar) / (1 + slope),
            "This is the standard deviation; the variance is asked for.": sqrt(expected),
            "The variance is multiplied by the squared factor and gets the noise's added; here the noise's is left alone.": 1 - abar,
        }
        return compare_expression(result, expected, symbols, draw, known=known, special={"at c = 1": {"c": 1}})


CHECKS = [StepVariance(), LossFloor(), Renoised()]
