"""Checks of chapter 3's exercises on schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare

DOUBLE = "values are right to single precision only; make the table in float64 (dtype=torch.float64) from the start"


def compare_table(result: object, expected: Tensor, what: str, known: dict[str, Tensor]) -> str | None:
    """Compare with the digits that float32 has, relative to each entry; a table without its entry 0 is named."""
    lacking = {"The entry for time 0 is missing: index t must be time t, so the table has T + 1 entries.": expected[1:]}
    return compare(result, expected, what=what, rtol=1e-5, atol=1e-12, known=lacking | known)


def compare_double(result: object, expected: Tensor, what: str) -> str | None:
    """Compare with nearly all digits of float64."""
    problem = compare(result, expected, what=what, rtol=1e-9, atol=1e-13)
    if problem is not None and compare(result, expected, rtol=1e-3, atol=1e-6) is None:
        return f"{problem}\nThe {DOUBLE}."
    return problem


@cache
def evenly_spaced(T: int, first: float, last: float) -> Tensor:
    """The table (0, beta_1, ..., beta_T) with the given ends, in which each beta between is the mean of its neighbours.

    These are T linear equations, and they are solved as such.
    """
    equations, right = torch.eye(T, dtype=torch.float64), torch.zeros(T, dtype=torch.float64)
    inner = torch.arange(1, T - 1)
    equations[inner, inner - 1] = equations[inner, inner + 1] = -0.5
    right[0], right[-1] = first, last
    return torch.cat([torch.zeros(1, dtype=torch.float64), torch.linalg.solve(equations, right)])


def not_yet_noise(betas: Tensor) -> Tensor:
    """What the noise leaves of a variance of 1, after each step.

    The noise's variance is followed through the chain from x_0, where it is 0: a step shrinks what it finds, and blurs.
    """
    noise, found = 0.0, []
    for beta in betas.tolist():
        noise = noise - beta * noise + beta
        found.append(1.0 - noise)
    return torch.tensor(found, dtype=torch.float64)


@cache
def published_alpha_bars() -> tuple[Tensor, Tensor]:
    """The linear schedule of Ho et al. (2020), T = 1000: its betas, and what is not yet noise."""
    betas = evenly_spaced(1000, 1e-4, 0.02)
    return betas, not_yet_noise(betas)


class LinearSchedule(Check):
    """Exercise 3.2. Oracles: linear equations between neighbours, and the noise's variance followed step by step."""

    number = "3.2"
    parts = {"linear_betas: values": 2, "alpha_bars: values": 2, "float64": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for T in (draw.integer(4, 6), draw.integer(20, 40)):
            start, end = draw.number(0.005, 0.02), draw.number(0.1, 0.3)
            yield Case("linear_betas: values", "linear_betas", {"T": T, "beta_start": start, "beta_end": end},
                       f"T = {T}, beta_start = {start:.4g}, beta_end = {end:.4g}")
        yield Case("linear_betas: values", "linear_betas", {"T": 100}, "T = 100")
        for T in (draw.integer(4, 6), draw.integer(10, 20)):
            betas = torch.cat([torch.zeros(1, dtype=torch.float64), draw.uniform(0.05, 0.5, T)])
            yield Case("alpha_bars: values", "alpha_bars", {"betas": betas}, f"T = {T}, random betas")
        yield Case("float64", "linear_betas", {"T": 1000}, "linear_betas(1000)")
        yield Case("float64", "alpha_bars", {"betas": published_alpha_bars()[0]}, "alpha_bars(linear betas, T = 1000)")

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "linear_betas":
            return self._judge_betas(case, result)
        betas = case.arguments["betas"]
        if case.part == "float64":
            return compare_double(result, published_alpha_bars()[1], "alpha_bars")
        expected = not_yet_noise(betas)
        return compare_table(result, expected, "alpha_bars", {
            "This is the product of the betas; alpha_bar is the product of 1 - beta.": betas.cumprod(0),
            "This multiplies beta_1, ..., beta_t and keeps time 0 at 1; the factors are 1 - beta_s.":
                torch.cat([torch.ones(1), betas[1:].cumprod(0)]),
            "This is alpha_t = 1 - beta_t itself; alpha_bar_t is the product of all of them up to t.": 1 - betas,
            "The product runs from the wrong end: alpha_bar_t multiplies the steps 1, ..., t, not t, ..., T.":
                not_yet_noise(betas.flip(0)).flip(0),
            "The product is late by one step: alpha_bar_t includes the factor 1 - beta_t.":
                torch.cat([torch.ones(1), expected[:-1]]),
            "This is 1 minus the sum of the betas; the factors multiply.": 1 - betas.cumsum(0),
            "exp(-sum of the betas) is an approximation for small betas; the product of 1 - beta is asked for.":
                torch.exp(-betas.cumsum(0)),
            "This is sqrt(alpha_bar_t), the coefficient of the mean; alpha_bar_t itself is asked for.": expected.sqrt(),
            "This is 1 - alpha_bar_t, the variance of the noise.": 1 - expected,
        })

    def _judge_betas(self, case: Case, result: object) -> str | None:
        T = case.arguments["T"]
        start, end = case.arguments.get("beta_start", 1e-4), case.arguments.get("beta_end", 0.02)
        expected = evenly_spaced(T, start, end)
        if case.part == "float64":
            return compare_double(result, expected, "the table")
        too_many = evenly_spaced(T + 1, start, end)[1:]
        zero_first = torch.cat([expected[:1], too_many[1:]])
        from_zero = evenly_spaced(T + 1, 0.0, end)[1:]
        roots = evenly_spaced(T, start**0.5, end**0.5) ** 2
        return compare_table(result, expected, "the table", {
            "beta_start belongs to time 1, not to time 0: the entry 0 is 0, and beta_1 = beta_start.": too_many,
            "Off by one step: there are T - 1 equal gaps between beta_1 = beta_start and beta_T = beta_end.":
                zero_first,
            "This rises from 0 at time 0; beta_1 must be beta_start.": from_zero,
            "This is linear in sqrt(beta) (latent diffusion's 'scaled linear'); beta itself is to be equally spaced.":
                roots,
            "The schedule runs backwards: beta_1 = beta_start, beta_T = beta_end.":
                torch.cat([expected[:1], expected[1:].flip(0)]),
            "These betas are scaled by 1000/T; this function takes the end points as they are given.":
                expected * 1000 / T,
            "These are the alphas, 1 - beta.": 1 - expected,
        })


@cache
def cosine_table(T: int, s: float, max_beta: float, power: int = 2) -> Tensor:
    """The betas of the cosine schedule, from the rate at which the curve falls; ``power=1`` forgets the square.

    The logarithm of a cosine falls at the rate of the tangent. The rate is integrated over each step (Gauss-Legendre):
    that is the logarithm of what the step keeps. The curve ends at a quarter turn in 0, so the last step keeps nothing.
    """
    nodes, weights = np.polynomial.legendre.leggauss(16)
    angles, step = np.linspace(s / (1 + s) * math.pi / 2, math.pi / 2, T + 1, retstep=True)
    rates = power * np.tan(angles[:-1, None] + step / 2 * (1 + nodes))
    falls = step / 2 * rates @ weights
    falls[-1] = math.inf
    return torch.from_numpy(np.append(0.0, np.minimum(-np.expm1(-falls), max_beta)))


class CosineSchedule(Check):
    """Exercise 3.3. Oracle: the curve's rate of fall, integrated over each step by quadrature."""

    number = "3.3"
    parts = {"values": 2, "largest beta": 1, "T = 1000": 1, "float64": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for T in (draw.integer(5, 8), draw.integer(15, 25)):
            arguments = {"T": T, "s": round(draw.number(0.02, 0.1), 3)}
            yield Case("values", "cosine_betas", arguments, f"T = {T}, s = {arguments['s']}")
        arguments = {"T": draw.integer(8, 12), "s": 0.008, "max_beta": round(draw.number(0.3, 0.6), 2)}
        says = f"T = {arguments['T']}, max_beta = {arguments['max_beta']}"
        yield Case("largest beta", "cosine_betas", arguments, says)
        yield Case("T = 1000", "cosine_betas", {"T": 1000}, "T = 1000")
        yield Case("float64", "cosine_betas", {"T": 1000}, "T = 1000")

    def judge(self, case: Case, result: object) -> str | None:
        T, s = case.arguments["T"], case.arguments.get("s", 0.008)
        clip = case.arguments.get("max_beta", 0.999)
        expected = cosine_table(T, s, clip)
        if case.part == "float64":
            return compare_double(result, expected, "the table")
        free = cosine_table(T, s, 1.0)
        known = {
            "No beta may exceed max_beta: clip them.": free,
            "f(t) is the square of the cosine; here the square is missing.": cosine_table(T, s, clip, power=1),
            "The offset s is not used.": cosine_table(T, 0.0, clip),
            "The default s = 0.008 is used in place of the argument s.": cosine_table(T, 0.008, clip),
            "The default max_beta = 0.999 is used in place of the argument max_beta.": cosine_table(T, s, 0.999),
            "This is alpha_bar_t; beta_t = 1 - alpha_bar_t / alpha_bar_{t-1} is asked for.": not_yet_noise(free),
            "This is alpha_t = f(t)/f(t-1); beta_t is 1 minus it.": 1 - expected,
            "Late by one step: beta_t compares f(t) with f(t-1).": torch.cat([expected[:1], expected[:-1]]),
            "This is 1 - f(t)/f(0), the variance 1 - alpha_bar_t; beta_t compares f(t) with f(t-1).":
                (1 - not_yet_noise(free)).clamp(max=clip),
        }
        return compare_table(result, expected, "the table", known)


def gained_precision(alpha_bar: Tensor) -> Tensor:
    """What x_t adds to the precision of x_0 ~ N(0, 1), by conditioning their joint Gaussian.

    Both have variance 1, and their covariance is sqrt(alpha_bar). Knowing x_0 times c with noise of variance 1 adds c^2
    to the precision: so this is the signal-to-noise ratio. At alpha_bar = 1 nothing is left to guess.
    """
    one, shared = torch.ones_like(alpha_bar), alpha_bar.sqrt()
    joint = torch.stack([one, shared, shared, one], dim=-1).unflatten(-1, (2, 2))
    gained = torch.full_like(alpha_bar, math.inf)
    guessed = alpha_bar != 1
    gained[guessed] = torch.linalg.inv(joint[guessed])[:, 0, 0] - 1
    return gained


class SignalToNoise(Check):
    """Exercise 3.4. Oracle: the precision that x_t adds to x_0, from the inverse of their joint covariance matrix."""

    number = "3.4"
    parts = {"values": 2, "time 0 and full noise": 1, "the first steps": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for shape in [(7,), (3, 4)]:
            yield Case("values", "signal_to_noise", {"alpha_bar": draw.uniform(0.05, 0.95, *shape)}, f"shape {shape}")
        ends = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
        yield Case("time 0 and full noise", "signal_to_noise", {"alpha_bar": ends}, "alpha_bar = 1, 0.5, 0")
        near = 1 - draw.uniform(3e-5, 3e-4, 5)
        yield Case("the first steps", "signal_to_noise", {"alpha_bar": near}, "alpha_bar within 3e-4 of 1")

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments["alpha_bar"]
        expected = gained_precision(given)
        tight = case.part == "the first steps"
        problem = compare(result, expected, what="the ratio", rtol=1e-5, atol=0 if tight else 1e-6, known={
            "This is a ratio of standard deviations; the signal-to-noise ratio is one of variances.": expected.sqrt(),
            "This is noise over signal, upside down.": 1 / expected,
            "This is the logarithm of the ratio; the ratio itself is asked for.": expected.log(),
            "This is the ratio in decibels; the ratio itself is asked for.": 10 * expected.log10(),
            "alpha_bar is already a variance: do not square it.": expected**2,
            "This is the mean's coefficient over the noise's variance: the signal's variance is alpha_bar.":
                (expected * (1 + expected)).sqrt(),
            "This is 1 / (1 - alpha_bar), the signal plus the noise over the noise.": 1 + expected,
        })
        if problem is None:
            return None
        if case.part == "time 0 and full noise" and isinstance(result, Tensor) and result.shape == expected.shape:
            if torch.isfinite(result).all():
                return f"{problem}\nAt alpha_bar = 1 there is no noise: the ratio is inf. Do not clamp or pad it."
        if tight and compare(result, expected, rtol=1e-2, atol=0) is None:
            return (f"{problem}\nNear alpha_bar = 1 the digits of 1 - alpha_bar are lost: compute in float64, and "
                    "add no small number to the denominator.")
        return problem


CHECKS = [LinearSchedule(), CosineSchedule(), SignalToNoise()]
