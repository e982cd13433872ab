"""Check of chapter 9's exercise on the moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64, compare_precision, compare_values

SHAPES = {"weight": (2, 3), "bias": (3,)}


def weighted(values: list[Tensor], decay: float) -> Tensor:
    """The average as one sum: of the first value and of all models, each with the weight that is left of it."""
    count = len(values) - 1
    weights = [decay**count] + [(1 - decay) * decay ** (count - k) for k in range(1, count + 1)]
    return torch.einsum("k,k...->...", torch.tensor(weights, dtype=F64), torch.stack([value.double() for value in values]))


class EmaUpdate(Check):
    """Exercise 9.3. Oracle: the weights of all iterates at once, and fractions for the decay."""

    number = "9.3"
    parts = {"the average": 2, "buffers": 1, "in place": 2, "precision": 1, "the decay": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, count: int, decay: float, kind: torch.dtype = F64, gradients: bool = False) -> Case:
            nets = [{name: draw.normal(*shape).to(kind) for name, shape in SHAPES.items()} for _ in range(count + 1)]
            buffers = [torch.tensor(draw.integer(10 * k, 10 * k + 9)) for k in range(count + 1)]
            arguments = {"ema": nets[0], "models": nets[1:], "buffers": buffers, "decay": decay, "gradients": gradients}
            return Case(part, "ema_updates", arguments, f"{count} update{'s' * (count > 1)} with decay = {decay:.4g}")

        yield case("the average", 1, draw.number(0.6, 0.9))
        yield case("the average", 3, draw.number(0.6, 0.9))
        yield case("buffers", 1, draw.number(0.6, 0.9))
        yield case("buffers", 2, draw.number(0.6, 0.9))
        for gradients in (False, True):
            yield case("in place", 2, draw.number(0.6, 0.9), gradients=gradients)
        for kind in (F64, torch.float32):
            yield case("precision", 2, 0.999, kind)
        for decay, steps in ((0.999, [1, 2, draw.integer(3, 90), draw.integer(91, 4000), 100_000]),
                             (0.99, [1, draw.integer(2, 400), draw.integer(1000, 9000)]), (0.15, [1, 2])):
            yield Case("the decay", "ema_decay", {"steps": steps, "decay": decay}, f"decay = {decay}, steps {steps}")

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "the decay":
            return self._judge_decay(case, result)
        models, decay = [case.arguments["ema"], *case.arguments["models"]], case.arguments["decay"]
        expected = {name: weighted([model[name] for model in models], decay) for name in SHAPES}
        if case.part == "buffers":
            last, first = case.arguments["buffers"][-1], case.arguments["buffers"][0]
            return compare(result["buffer"], last, what="the buffer", known={
                "The buffer is left as it was; it should be the model's.": first})
        for name in SHAPES:
            problem = self._judge_parameter(case, result, name, expected[name], models, decay)
            if problem is not None:
                return problem
        return self._judge_place(case, result) if case.part == "in place" else None

    @staticmethod
    def _judge_parameter(case: Case, result: dict, name: str, expected: Tensor, models: list, decay: float) -> str | None:
        what, got = f"the average of {name}", result["after"].get(name)
        if case.part == "precision":
            return compare_precision(got, expected, what, case.arguments["ema"][name], name)
        values = [model[name].double() for model in models]
        known = {
            "The average is as it was: is it written into ema?": values[0],
            "This is the model, not an average.": values[-1],
            "Decay and 1 - decay are exchanged: the average should change little.": weighted(values, 1 - decay),
            "The new weights come in with the factor 1; it should be 1 - decay.": sum(
                decay ** (len(values) - 1 - k) * value for k, value in enumerate(values)),
            "The old average is not multiplied by decay.": values[0] + (1 - decay) * sum(values[1:]),
            "This is the plain mean of ema and model.": weighted(values, 0.5),
        }
        return compare_values(got, expected, what, known)

    @staticmethod
    def _judge_place(case: Case, result: dict) -> str | None:
        if any(not torch.equal(result["model"][name], value) for name, value in case.arguments["models"][-1].items()):
            return "the model has changed; only ema should"
        if not result["same objects"]:
            return "the parameters of ema are new objects; write the new values into the old ones, or an optimizer or a file loses them"
        if result["graph"]:
            return "a gradient could flow through the update: compute it under torch.no_grad(), and leave requires_grad as it was"
        if result["moved with the model"]:
            return "ema shares memory with the model: when the model is trained on, the average changes with it"
        return None

    @staticmethod
    def _judge_decay(case: Case, result: object) -> str | None:
        steps, decay = case.arguments["steps"], case.arguments["decay"]

        def table(rule) -> Tensor:
            return torch.tensor([float(rule(n)) for n in steps], dtype=F64)

        if not isinstance(result, list) or not all(isinstance(value, float) for value in result):
            return compare(result[0] if isinstance(result, list) else result, decay, what="the decay of a step") or (
                "the decay of a step should be a float")
        early = [Fraction(1 + n, 10 + n) for n in steps]
        known = {
            "This is the larger of the two; the smaller one is asked for.": table(lambda n: max(decay, Fraction(1 + n, 10 + n))),
            "This is decay in every step; in the first ones it should be less.": table(lambda n: decay),
            "This never stops growing; decay is the limit.": table(lambda n: Fraction(1 + n, 10 + n)),
            "The steps are counted from 0 here; the first is 1.": table(lambda n: min(decay, n / (9 + n))),
            "This is 1 - decay, the weight of the new iterate.": table(lambda n: 1 - min(decay, (1 + n) / (10 + n))),
            "This multiplies the two; the smaller one is asked for.": table(lambda n: decay * (1 + n) / (10 + n)),
            "The fraction has n above; it should have 1 + n.": table(lambda n: min(decay, n / (10 + n))),
        }
        return compare(torch.tensor(result, dtype=F64), [min(decay, float(value)) for value in early], what="the decays", rtol=1e-10,
                       atol=0, known=known)
