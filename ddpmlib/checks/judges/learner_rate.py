"""Check of chapter 9's exercise on the learning rate."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable

import torch

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64


class LearningRate(Check):
    """Exercise 9.4. Oracle: a point on the unit circle that walks half of it in equal steps."""

    number = "9.4"
    parts = {"the rise": 1, "the fall": 2, "the ends": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, chosen: list[int], steps: int, warmup: int) -> Case:
            arguments = {"chosen": chosen, "steps": steps, "peak": draw.number(0.001, 0.5), "warmup": warmup}
            return Case(part, "learning_rates", arguments, f"steps {chosen} of {steps}, warmup = {warmup}")

        warmup, steps = draw.integer(4, 9), draw.integer(20, 40)
        yield case("the rise", list(range(1, warmup + 1)), steps, warmup)
        yield case("the rise", [1, 50, 99], 1000, 100)
        yield case("the fall", list(range(warmup + 1, steps, 3)), steps, warmup)
        yield case("the fall", [101, draw.integer(200, 500), draw.integer(501, 999)], 1000, 100)
        yield case("the ends", [1, 2, 12], 12, 0)
        yield case("the ends", [warmup, steps], steps, warmup)
        yield case("the ends", [1, 4, 5], 5, 5)
        yield case("the ends", [1], 1, 0)

    def judge(self, case: Case, result: object) -> str | None:
        chosen, steps, peak, warmup = (case.arguments[name] for name in ("chosen", "steps", "peak", "warmup"))

        def fall(n: int, gap: int) -> float:
            """The height of a point that has gone n - warmup of ``gap`` equal steps along the upper half circle."""
            turn = cmath.exp(1j * math.pi / gap) if gap > 0 else -1.0
            return peak * ((turn ** (n - warmup)).real + 1) / 2

        def table(rise, down):
            return torch.tensor([rise(n) if n <= warmup else down(n) for n in chosen], dtype=F64)

        def rises(n):
            return peak / warmup * n

        def falls(n):
            return fall(n, steps - warmup + 1)

        expected = table(rises, falls)
        if not isinstance(result, list) or not all(isinstance(value, float) for value in result):
            return compare(result[0] if isinstance(result, list) else result, expected[0], what="the learning rate") or (
                "the learning rate should be a float")
        last = max(steps - warmup, 1)
        known = {
            "The rise starts at 0, so the first step does nothing: count its steps from 1.": table(lambda n: peak * (n - 1) / warmup, falls),
            "The rise arrives one step late.": table(lambda n: peak * n / (warmup + 1), falls),
            "There is no rise.": table(lambda n: peak, falls),
            "Warm-up and fall are multiplied; the fall begins after the warm-up.": torch.tensor(
                [peak * min(1.0, n / max(warmup, 1)) * (1 + math.cos(math.pi * n / (steps + 1))) / 2 for n in chosen], dtype=F64),
            "The fall arrives at 0 in the last step, which then does nothing; it should arrive one step later.": table(
                rises, lambda n: fall(n, last)),
            "The fall counts from step 0; it begins where the warm-up ends.": table(
                rises, lambda n: peak * (1 + math.cos(math.pi * n / (steps + 1))) / 2),
            "The fall takes the length of the whole run; the warm-up is a part of that.": table(rises, lambda n: fall(n, steps + 1)),
            "This is a straight fall; it should be half a cosine.": table(rises, lambda n: peak * (1 - (n - warmup) / (steps + 1 - warmup))),
            "The fall ends below 0: the cosine runs from 1 to -1, so add 1 and halve.": table(rises, lambda n: 2 * falls(n) - peak),
            "The cosine is not halved: the fall begins at twice the peak.": table(rises, lambda n: 2 * falls(n)),
            "This is a quarter of a cosine's period; it should be half of one.": table(
                rises, lambda n: peak * math.cos(math.pi * (n - warmup) / (steps + 1 - warmup) / 2)),
            "The learning rate stays at its peak; after the warm-up it falls.": table(rises, lambda n: peak),
        }
        return compare(torch.tensor(result, dtype=F64), expected, what="the learning rates", rtol=1e-9, atol=1e-14, known=known)
