"""Check of chapter 3's exercise on the cosine schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .digits import compare_digits
from .schedule_tables import DOUBLE, compare_table, not_yet_noise


@cache
def steps_along(start: float, end: float, T: int, power: int = 2) -> Tensor:
    """The table of 1 - f(t)/f(t-1) for T equal steps of the angle, f being a power of its cosine.

    The logarithm of a cosine falls at the rate of the tangent. The rate is integrated over each step (Gauss-Legendre):
    that is the logarithm of what the step keeps. A step that reaches a quarter turn keeps nothing.
    """
    nodes, weights = np.polynomial.legendre.leggauss(16)
    angles, step = np.linspace(start, end, T + 1, retstep=True)
    falls = step / 2 * power * np.tan(angles[:-1, None] + step / 2 * (1 + nodes)) @ weights
    falls[angles[1:] > math.pi / 2 - 1e-9] = math.inf
    return torch.from_numpy(np.append(0.0, -np.expm1(-falls)))


def cosine_table(T: int, s: float, max_beta: float, power: int = 2) -> Tensor:
    """The betas of the cosine schedule; the curve ends at a quarter turn."""
    return steps_along(s / (1 + s) * math.pi / 2, math.pi / 2, T, power).clamp(max=max_beta)


def with_last_of(result: object, table: Tensor) -> Tensor:
    """The table with the result's last entry, where that entry is rounding only: a division by cos(pi/2)."""
    same = isinstance(result, Tensor) and result.shape == table.shape
    return torch.cat([table[:-1], result[-1:].double()]) if same else table


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
            return compare_digits(result, expected, what="the table", why=DOUBLE, rtol=1e-9, atol=1e-13)
        known = self._known_curves(T, s, clip, result) | self._known_steps(T, s, clip, result)
        if case.part == "T = 1000":  # a table in single precision has lost the digits of its first steps
            return compare(result, expected, what="the table", rtol=3e-4, atol=1e-6, known=known)
        return compare_table(result, expected, "the table", known)

    @staticmethod
    def _known_curves(T: int, s: float, clip: float, result: object) -> dict[str, Tensor]:
        """Tables of curves that are not f."""
        quarter, first, one = math.pi / 2, s / (1 + s), 1 / T / (1 + s)
        late = steps_along((first + one) * quarter, (1 + one) * quarter, T)
        return {
            "f(t) is the square of the cosine; here the square is missing.": cosine_table(T, s, clip, power=1),
            "The offset s is not used.": cosine_table(T, 0.0, clip),
            "The default s = 0.008 is used in place of the argument s.": cosine_table(T, 0.008, clip),
            "The default max_beta = 0.999 is used in place of the argument max_beta.": cosine_table(T, s, 0.999),
            "The angle ends at 1 here, not at a quarter turn: a factor pi/2 is missing.":
                steps_along(first, 1.0, T).clamp(max=clip),
            "The angle runs past a quarter turn here: t/T + s is to be divided by 1 + s.":
                with_last_of(result, steps_along(s * quarter, (1 + s) * quarter, T).clamp(max=clip)),
            "This has t / (T + s) in the place of t/T + s: the offset is added to t/T.":
                steps_along(0.0, T / (T + s) / (1 + s) * quarter, T).clamp(max=clip),
            "This has (t + s) / T in the place of t/T + s: the offset is added to t/T.":
                steps_along(s / T / (1 + s) * quarter, (T + s) / T / (1 + s) * quarter, T).clamp(max=clip),
            "Early by one step: this compares f(t+1) with f(t).": with_last_of(result, late.clamp(max=clip)),
        }

    @staticmethod
    def _known_steps(T: int, s: float, clip: float, result: object) -> dict[str, Tensor]:
        """Tables that are made of the right curve, but are not its betas; and bounds that are missing or misplaced."""
        expected, free = cosine_table(T, s, clip), cosine_table(T, s, 1.0)
        left = not_yet_noise(free)

        def betas_of(curve: Tensor) -> Tensor:
            return torch.cat([free[:1], 1 - curve[1:] / curve[:-1]])

        on_curve = "The bound belongs to beta_t; here it is applied to alpha_bar_t, before the steps are taken."
        return {
            "No beta may exceed max_beta: clip them.": free,
            on_curve: betas_of(left.clamp(max=clip)),
            f"{on_curve} (As 1 - max_beta, from below.)": betas_of(left.clamp(min=1 - clip)),
            "The bound belongs to beta_t; here it is applied to f(t)/f(t-1).":
                torch.cat([free[:1], 1 - (1 - free[1:]).clamp(max=clip)]),
            "The ratio is upside down: this is 1 - f(t-1)/f(t).":
                with_last_of(result, torch.cat([free[:1], 1 - 1 / (1 - free[1:])])),
            "This is alpha_bar_t; beta_t = 1 - alpha_bar_t / alpha_bar_{t-1} is asked for.": left,
            "This is alpha_t = f(t)/f(t-1); beta_t is 1 minus it.": 1 - expected,
            "Late by one step: beta_t compares f(t) with f(t-1).": torch.cat([expected[:1], expected[:-1]]),
            "This is 1 - f(t)/f(0), the variance 1 - alpha_bar_t; beta_t compares f(t) with f(t-1).":
                (1 - left).clamp(max=clip),
        }
