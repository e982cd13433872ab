"""Checks of the formulas that chapter 1 asks for."""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

POSTERIOR_SYMBOLS = {"x": (-2.0, 2.0), "w": (0.3, 2.0), "b": (-1.0, 1.0), "sigma": (0.3, 2.0)}


class PosteriorMean(Check):
    """Exercise 1.3. Oracle: the stationary point of log p(x, z) in z (a Gaussian's mean is its mode)."""

    number = "1.3"
    parts = {"E[z | x]": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield Case("E[z | x]", "posterior_mean_formula", {}, secret={"seed": draw.integer(0, 2**31)})

    def judge(self, case: Case, result: object) -> str | None:
        x, w, b, sigma = (symbol(name, POSTERIOR_SYMBOLS) for name in POSTERIOR_SYMBOLS)
        z = sympy.Symbol("z", real=True)
        log_joint = -(z**2) / 2 - (x - w * z - b) ** 2 / (2 * sigma**2)
        (expected,) = sympy.solve(sympy.diff(log_joint, z), z)
        return compare_expression(
            result,
            expected,
            POSTERIOR_SYMBOLS,
            Draw(case.secret["seed"]),
            known={
                "sigma is a standard deviation: the variance of x given z is sigma**2.": expected.subs(sigma, sympy.sqrt(sigma)),
                "The offset b is missing: the model is x = w z + b + noise.": expected.subs(b, 0),
                "This inverts the decoder, (x - b)/w, and forgets the prior on z.": (x - b) / w,
            },
            special={"without noise (sigma = 0)": {"sigma": 0}},
        )


CHECKS = [PosteriorMean()]
