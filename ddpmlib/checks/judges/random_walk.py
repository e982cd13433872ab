"""Check of chapter 3's exercise on the random walk."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .digits import compare_kept
from .forward_inputs import along, at_quantile, distinct_times, misplaced

DIGITS = "dtype and digits of x0"
SURDS = torch.tensor([t for t in range(2, 30) if math.isqrt(t) ** 2 != t])  # their roots have digits to lose


class QSampleVE(Check):
    """Exercise 3.7. Oracle: the exact law of a walk by coin flips, and x_t at the quantile of the noise."""

    number = "3.7"
    parts = {"one time for all": 1, "a time for each row": 1, DIGITS: 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def surds(count: int) -> Tensor:
            return SURDS[distinct_times(draw, count, len(SURDS)) - 1]

        for part, shape, t, kind in [
            ("one time for all", (2, 3), draw.integer(3, 20), torch.float64),
            ("one time for all", (4,), 0, torch.float64),
            ("a time for each row", (3, 3), distinct_times(draw, 3, 30) + 1, torch.float64),
            ("a time for each row", (3, 3, 3), distinct_times(draw, 3, 30) + 1, torch.float64),
            ("a time for each row", (4, 2, 3), distinct_times(draw, 4, 30) - 1, torch.float64),
            (DIGITS, (3, 3), surds(3), torch.float32),
            (DIGITS, (3, 3), surds(3), torch.float64),
            (DIGITS, (2, 3), int(surds(1)), torch.float64),
        ]:
            shown = t if isinstance(t, int) else t.tolist()
            arguments = {"x0": draw.normal(*shape).to(kind), "t": t, "noise": draw.normal(*shape).to(kind)}
            says = f"{str(kind).removeprefix('torch.')} x0 of shape {shape}, t = {shown}"
            yield Case(part, "q_sample_ve", arguments, says)

    def judge(self, case: Case, result: object) -> str | None:
        x0, noise = case.arguments["x0"].double(), case.arguments["noise"].double()
        times = torch.as_tensor(case.arguments["t"]).expand(len(x0)).tolist()
        spreads = [self._walk(t) for t in times]
        after = along(spreads, x0)
        expected = at_quantile(noise, x0, after)
        if case.part == DIGITS:
            return compare_kept(result, expected, case.arguments["x0"], what="x_t", of="x0")
        known = {
            "x_0 + t eps has variance t^2; the random walk's variance after t steps is t.": x0 + after**2 * noise,
            "This is one step of the walk, with variance 1; after t steps the variance is t.": x0 + noise,
            "The random walk does not shrink x_0: its coefficient is 1.": expected / (1 + after**2).sqrt(),
            "sqrt(t) belongs to the noise, not to x_0.": after * x0 + noise,
            "Off by one in t: the variance after t steps is t, so that x_0 has none.":
                at_quantile(noise, x0, along([self._walk(t + 1) for t in times], x0)),
            "Off by one in t: step 1 already adds noise.":
                at_quantile(noise, x0, along([self._walk(max(t - 1, 0)) for t in times], x0)),
        }
        known |= {says: at_quantile(noise, x0, along(spreads, x0, axis)) for says, axis in misplaced(x0).items()}
        return compare(result, expected, what="x_t", known=known)

    @staticmethod
    def _walk(t: int) -> float:
        """The standard deviation of a walk of t steps, each up or down by 1 as a coin falls.

        Such steps have mean 0 and variance 1, like the Gaussian ones, and the law of the place is exact: convolutions.
        """
        law = np.ones(1)
        for _ in range(t):
            law = np.convolve(law, [0.5, 0.0, 0.5])
        return math.sqrt(law @ np.arange(-t, t + 1) ** 2)
