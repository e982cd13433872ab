"""Checks of chapter 3's exercises on schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .cosine import CosineSchedule
from .digits import compare_digits
from .schedule_tables import DOUBLE, compare_table, not_yet_noise


@cache
def evenly_spaced(T: int, first: float, last: float) -> Tensor:
    """The table (0, beta_1, ..., beta_T) with the given ends, in which each beta between is the mean of its neighbours.

    These are T linear equations, and they are solved as such. A single step has the first end.
    """
    equations, right = torch.eye(T, dtype=torch.float64), torch.zeros(T, dtype=torch.float64)
    inner = torch.arange(1, max(T - 1, 1))
    equations[inner, inner - 1] = equations[inner, inner + 1] = -0.5
    right[-1], right[0] = last, first  # in this order: for T = 1 the two are one
    return torch.cat([torch.zeros(1, dtype=torch.float64), torch.linalg.solve(equations, right)])


@cache
def published_alpha_bars() -> tuple[Tensor, Tensor]:
    """The linear schedule of Ho et al. (2020), T = 1000: its betas, and what is not yet noise."""
    betas = evenly_spaced(1000, 1e-4, 0.02)
    return betas, not_yet_noise(betas)


class LinearSchedule(Check):
    """Exercise 3.2. Oracles: linear equations between neighbours, and the noise's variance followed step by step."""

    number = "3.2"
    parts = {"linear_betas: values": 2, "alpha_bars: values": 2, "one step": 1, "float64": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for T in (draw.integer(4, 6), draw.integer(20, 40)):
            start, end = draw.number(0.005, 0.02), draw.number(0.1, 0.3)
            yield Case("linear_betas: values", "linear_betas", {"T": T, "beta_start": start, "beta_end": end},
                       f"T = {T}, beta_start = {start:.4g}, beta_end = {end:.4g}")
        yield Case("linear_betas: values", "linear_betas", {"T": 100}, "T = 100")
        for T in (draw.integer(4, 6), draw.integer(10, 20)):
            betas = torch.cat([torch.zeros(1, dtype=torch.float64), draw.uniform(0.05, 0.5, T)])
            yield Case("alpha_bars: values", "alpha_bars", {"betas": betas}, f"T = {T}, random betas")
        ends = {"beta_start": draw.number(0.005, 0.02), "beta_end": draw.number(0.1, 0.3)}
        yield Case("one step", "linear_betas", {"T": 1, **ends}, f"T = 1, beta_start = {ends['beta_start']:.4g}")
        yield Case("float64", "linear_betas", {"T": 1000}, "linear_betas(1000)")
        yield Case("float64", "alpha_bars", {"betas": published_alpha_bars()[0]}, "alpha_bars(linear betas, T = 1000)")
        single = torch.cat([torch.zeros(1), draw.uniform(0.05, 0.5, 12).float()])
        yield Case("float64", "alpha_bars", {"betas": single}, "alpha_bars(float32 betas)")

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "linear_betas":
            return self._judge_betas(case, result)
        betas = case.arguments["betas"]
        if case.part == "float64":
            why = DOUBLE if betas.dtype == torch.float64 else (
                "The betas are float32 here, but each is an exact number; what is computed from them should be "
                "float64.")
            expected = not_yet_noise(betas) if len(betas) < 1000 else published_alpha_bars()[1]
            return compare_digits(result, expected, what="alpha_bars", why=why, rtol=1e-9, atol=1e-13)
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
            "One entry too many: betas[0] = 0 already makes the first factor 1.":
                torch.cat([torch.ones(1), expected]),
        })

    def _judge_betas(self, case: Case, result: object) -> str | None:
        T = case.arguments["T"]
        start, end = case.arguments.get("beta_start", 1e-4), case.arguments.get("beta_end", 0.02)
        expected = evenly_spaced(T, start, end)
        if case.part == "float64":
            return compare_digits(result, expected, what="the table", why=DOUBLE, rtol=1e-9, atol=1e-13)
        if T == 1:
            return compare_table(result, expected, "the table", {
                "Of a single step, beta_1 = beta_start.": torch.tensor([0.0, end], dtype=torch.float64)})
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
        tolerance = {"rtol": 1e-5, "atol": 0 if tight else 1e-6}
        problem = compare(result, expected, what="the ratio", **tolerance)
        named = compare(result, expected, what="the ratio", **tolerance, known={
            "This is a ratio of standard deviations; the signal-to-noise ratio is one of variances.": expected.sqrt(),
            "This is noise over signal, upside down.": 1 / expected,
            "This is the logarithm of the ratio; the ratio itself is asked for.": expected.log(),
            "This is the ratio in decibels; the ratio itself is asked for.": 10 * expected.log10(),
            "alpha_bar is already a variance: do not square it.": expected**2,
            "This is the mean's coefficient over the noise's variance: the signal's variance is alpha_bar.":
                (expected * (1 + expected)).sqrt(),
            "alpha_bar is already a variance: the numerator is squared here.": expected**2 / (1 + expected),
            "This is 1 / (1 - alpha_bar), the signal plus the noise over the noise.": 1 + expected,
        })
        if problem is None or named != problem:
            return named
        if case.part == "time 0 and full noise" and isinstance(result, Tensor) and result.shape == expected.shape:
            if torch.isfinite(result).all():
                return f"{problem}\nAt alpha_bar = 1 there is no noise: the ratio is inf. Do not clamp or pad it."
        if tight and compare(result, expected, rtol=1e-2, atol=0) is None:
            return (f"{problem}\nIf all else is right, the digits of 1 - alpha_bar are lost here, near alpha_bar = 1: "
                    "through rounding to float32, or through a number added to the denominator.")
        return problem


CHECKS = [LinearSchedule(), CosineSchedule(), SignalToNoise()]
