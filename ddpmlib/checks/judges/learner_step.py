"""Check of chapter 9's exercise on one step of learning. The loss is a quadratic, so all steps can be followed by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import compare_values

Tensors = dict[str, Tensor]
SHAPES = {"a": (3,), "b": (2, 2), "idle": (2,)}  # "idle" has no part in the loss
FLOATS = ("return two floats, the loss and the norm of the gradient: .item() makes a float of a tensor with one element, and lets go of "
          "the graph")


def flat(tensors: Tensors) -> Tensor:
    return torch.cat([tensors[name].double().flatten() for name in tensors])


def length(tensors: Tensors) -> float:
    """The norm of all tensors together, by adding squares."""
    return math.sqrt(sum(value**2 for tensor in tensors.values() for value in tensor.flatten().tolist()))


def by_length(gradient: Tensors, limit: float | None) -> Tensors:
    scale = 1.0 if limit is None else min(1.0, limit / length(gradient))
    return {name: scale * value for name, value in gradient.items()}


class Descent:
    """Gradient descent with momentum on the quadratic, followed by hand; ``treat`` is what is done to each gradient."""

    def __init__(self, arguments: dict, treat: Callable[[Tensors, float | None], Tensors] = by_length, keep: bool = False):
        self.arguments, self.treat, self.keep = arguments, treat, keep

    def walk(self) -> list[tuple[float, Tensors, Tensors]]:
        """For each step: the loss before it, the gradient, and the parameters after it."""
        net, rate, momentum = (self.arguments[name] for name in ("net", "rate", "momentum"))
        values = {name: value.clone() for name, value in net["start"].items()}
        carried: Tensors = {name: torch.zeros_like(values[name]) for name in net["targets"]}
        velocity: Tensors = {}
        if self.keep:
            carried |= {name: value for name, value in self.arguments["left_over"].items() if name in carried}
        found = []
        for _ in range(self.arguments["count"]):
            apart = {name: values[name] - target for name, target in net["targets"].items()}
            loss = sum((net["weights"][name] * apart[name] ** 2).sum().item() / 2 for name in apart)
            gradient = {name: net["weights"][name] * apart[name] + (carried[name] if self.keep else 0.0) for name in apart}
            used = self.treat(gradient, self.arguments["max_norm"])
            for name, value in used.items():
                velocity[name] = value + momentum * velocity.get(name, torch.zeros_like(value))
                values[name] = values[name] - rate * velocity[name]
            carried = used
            found.append((loss, gradient, {name: value.clone() for name, value in values.items()}))
        return found


class TrainingStep(Check):
    """Exercise 9.1. Oracle: gradient descent on a quadratic, by hand."""

    number = "9.1"
    parts = {"one step": 2, "steps in a row": 2, "clipping": 3, "refusal": 3}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def net(size: float = 1.0) -> dict[str, Tensors]:
            start = {name: size * draw.normal(*shape) for name, shape in SHAPES.items()}
            return {"start": start, "weights": {name: draw.uniform(0.5, 1.5, *SHAPES[name]) for name in ("a", "b")},
                    "targets": {name: start[name] + size * (draw.normal(*SHAPES[name]).sign() + 0.3 * draw.normal(*SHAPES[name]))
                                for name in ("a", "b")}}

        def steps(part: str, says: str, *, momentum: float = 0.0, share: float | None = None, left_over: bool = False,
                  count: int = 1) -> Case:
            made = net()
            gradient = {name: made["weights"][name] * (made["start"][name] - target) for name, target in made["targets"].items()}
            left = {name: draw.normal(*SHAPES[name]) for name in ("a", "b")} if left_over else {}
            arguments = {"net": made, "rate": draw.number(0.1, 0.3), "momentum": momentum,
                         "max_norm": None if share is None else share * length(gradient), "left_over": left, "count": count}
            limit = "" if share is None else f", max_norm = {arguments['max_norm']:.4g}"
            return Case(part, "training_steps", arguments, says + limit)

        yield steps("one step", "a quadratic loss, one step of SGD")
        yield steps("one step", "a quadratic loss, one step of SGD")
        yield steps("steps in a row", "three steps of SGD", count=3)
        yield steps("steps in a row", "two steps of SGD with momentum", momentum=0.8, count=2)
        yield steps("steps in a row", "a step after one that left gradients in the parameters", left_over=True)
        yield steps("clipping", "a gradient longer than max_norm", share=draw.number(0.2, 0.4))
        yield steps("clipping", "a gradient shorter than max_norm", share=draw.number(1.5, 3.0))
        yield steps("clipping", "two steps with momentum, both gradients longer than max_norm", share=0.1, momentum=0.5, count=2)
        for spoil, what in (("nan", "the loss is NaN"), ("inf", "the loss is infinite"), ("gradient", "the loss is finite, its gradient NaN")):
            for max_norm in (None, 1.0):
                arguments = {"net": net(), "rate": 0.1, "momentum": 0.5, "max_norm": max_norm, "spoil": spoil}
                yield Case("refusal", "refused_step", arguments, f"{what}, max_norm = {max_norm}")

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "refusal":
            return self._judge_refusal(result)
        right = Descent(case.arguments).walk()
        for index, ((loss, gradient, after), returned, values) in enumerate(zip(right, result["returned"], result["after"])):
            step = f" of step {index + 1}" if len(right) > 1 else ""
            problem = self._judge_values(case, index, after, values, step)
            if problem is None:
                problem = self._judge_returned(case, loss, gradient, returned, step)
            if problem is not None:
                return problem
        return None

    @staticmethod
    def _judge_refusal(result: dict) -> str | None:
        moved = any(not torch.equal(result["before"][name], result["after"][name]) for name in result["before"])
        if moved:
            return ("the parameters have changed, although loss or gradient is no number: look at it before the optimizer's step, and raise "
                    "FloatingPointError" + ("" if result["raised"] else " (nothing was raised)"))
        if not result["raised"]:
            return "nothing was raised: a loss or a gradient that is no number must be refused with FloatingPointError"
        if result["raised"] != "FloatingPointError":
            return f"FloatingPointError should be raised, got {result['raised']}"
        if len(result["state before"]) != len(result["state after"]) or any(
                not torch.equal(a, b) for a, b in zip(result["state before"], result["state after"])):
            return "the parameters are as they were, but the optimizer's state has changed: raise before optimizer.step() is called"
        return None

    @staticmethod
    def _judge_values(case: Case, index: int, after: Tensors, values: Tensors, step: str) -> str | None:
        if not torch.equal(values["idle"], case.arguments["net"]["start"]["idle"]):
            return "a parameter that has no part in the loss has changed"

        def reached(treat: Callable = by_length, keep: bool = False) -> Tensor:
            return flat(Descent(case.arguments, treat, keep).walk()[index][2])

        limit, start = case.arguments["max_norm"], case.arguments["net"]["start"]
        known = {"The parameters are as they were: is the optimizer's step taken?": flat(start)}
        if case.part == "steps in a row":
            known["Gradients that were there before are added to the new ones: set them to zero or None first."] = reached(keep=True)
        if limit is not None:
            known |= {
                "The gradient is not clipped, or only after the step.": reached(lambda gradient, _: gradient),
                "Each parameter's gradient is clipped on its own; the norm is that of all together.": reached(
                    lambda gradient, limit: {name: by_length({name: value}, limit)[name] for name, value in gradient.items()}),
                "Every element is clipped on its own, which changes the gradient's direction.": reached(
                    lambda gradient, limit: {name: value.clamp(-limit, limit) for name, value in gradient.items()}),
                "A gradient that is shorter than max_norm is stretched to it; it should be left as it is.": reached(
                    lambda gradient, limit: {name: value * limit / length(gradient) for name, value in gradient.items()}),
                "The gradient is divided by its norm; it should be scaled to the norm max_norm.": reached(
                    lambda gradient, limit: {name: value / max(1.0, length(gradient)) for name, value in gradient.items()}),
                "The gradient is scaled by max_norm, not to it.": reached(
                    lambda gradient, limit: {name: value * (limit if length(gradient) > limit else 1) for name, value in gradient.items()}),
                "The norm is compared and divided as a square; it has a root.": reached(
                    lambda gradient, limit: {name: value * min(1.0, limit / length(gradient) ** 2) for name, value in gradient.items()}),
            }
        return compare_values(flat({name: values[name] for name in start}), flat({name: after[name] for name in start}),
                              f"the vector of all parameters after the step{step}", known)

    @staticmethod
    def _judge_returned(case: Case, loss: float, gradient: Tensors, returned: object, step: str) -> str | None:
        if not isinstance(returned, list):
            return f"{FLOATS}; got {returned}"
        norm, limit = length(gradient), case.arguments["max_norm"]
        lengths = torch.tensor([length({name: value}) for name, value in gradient.items()])
        problem = compare(returned[0], loss, what=f"the loss{step}", known={
            "Loss and norm are exchanged.": norm})
        known = {
            "This is the square of the norm.": norm**2,
            "The norms of the parameters' gradients are added; it is their squares that add.": lengths.sum(),
            "This is the longest of the parameters' gradients; the norm is that of all together.": lengths.max(),
            "This is the norm of the last parameter's gradient alone.": lengths[-1],
            "This is the norm of the first parameter's gradient alone.": lengths[0],
            "This is the sum of the absolute values.": flat(gradient).abs().sum(),
            "This is the norm of the mean square: a mean is taken where a sum is due.": norm / math.sqrt(len(flat(gradient))),
        }
        if limit is not None and limit < norm:
            known = {"This is the norm after clipping; the one before it is asked for.": limit} | known
        return problem or compare(returned[1], norm, what=f"the norm of the gradient{step}", known=known)
