"""Check of chapter 5's exercise on the posterior of the random walk."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .forward_inputs import along, distinct_times, misplaced
from .posterior_oracles import bayes_on_a_grid, compare_exactly, judge_float32, judge_gradients


def unit_walk(t: Tensor, x0: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of x_{t-1} given x_t and x_0: a prior of t - 1 unit steps from x_0, seen through one more."""
    one = torch.ones((), dtype=torch.float64)
    return bayes_on_a_grid(x0.double(), (t - 1).double(), one, x_t.double(), one)


class RandomWalk(Check):
    """Exercise 5.7. Oracle: prior times likelihood on a grid."""

    number = "5.7"
    parts = {"mean: one time for all": 1, "mean: a time for each row": 1, "mean: float32, gradients": 1, "variance": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, shape, t, kind, call in [
            ("mean: one time for all", (2, 3), draw.integer(3, 20), torch.float64, "posterior_mean_ve"),
            ("mean: one time for all", (4,), torch.tensor(draw.integer(3, 20)), torch.float64, "posterior_mean_ve"),
            ("mean: one time for all", (2, 2), 1, torch.float64, "posterior_mean_ve"),
            ("mean: one time for all", (2, 3), draw.integer(1500, 3000), torch.float64, "posterior_mean_ve"),
            ("mean: a time for each row", (3, 3), distinct_times(draw, 3, 20) + 1, torch.float64, "posterior_mean_ve"),
            ("mean: a time for each row", (4, 2, 3), distinct_times(draw, 4, 20), torch.float64, "posterior_mean_ve"),
            ("mean: float32, gradients", (3, 2), distinct_times(draw, 3, 20), torch.float32, "posterior_mean_ve"),
            ("mean: float32, gradients", (3, 2), distinct_times(draw, 3, 20) + 1, torch.float64, "gradients_of_mean_ve"),
        ]:
            x0 = draw.normal(*shape)
            times = torch.as_tensor(t).expand(len(x0)).tolist()
            x_t = x0 + along([time**0.5 for time in times], x0) * draw.normal(*shape)
            shown = t if isinstance(t, int) else t.tolist()
            yield Case(part, call, {"x0": x0.to(kind), "x_t": x_t.to(kind), "t": t}, f"x0 of shape {shape}, t = {shown}")
        for t in (draw.integer(3, 30), torch.tensor(draw.integer(3, 30)), distinct_times(draw, 5, 30) + 1, 1):
            yield Case("variance", "posterior_variance_ve", {"t": t}, f"t = {t if isinstance(t, int) else t.tolist()}")

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "variance":
            return self._judge_variance(result, torch.as_tensor(case.arguments["t"]))
        x0, x_t = (case.arguments[name].double() for name in ("x0", "x_t"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x0))
        share = self._share_of_x0(t, x0)
        if case.call == "gradients_of_mean_ve":
            return judge_gradients(result, share.expand_as(x0), (1 - share).expand_as(x0), ("x0", "x_t"))
        expected = x_t + share * (x0 - x_t)
        later, first = self._share_of_x0(t + 1, x0), self._share_of_x0(t[:1].expand(len(t)), x0)
        earlier = self._share_of_x0((t - 1).clamp(min=1), x0)
        times = t.double().reshape(share.shape)
        known = {
            "The weights are swapped: x_t, one step away, has the larger one.": x0 + share * (x_t - x0),
            "Off by one: one step of t leads from x_t to x_{t-1}; this shares by t + 1.": x_t + later * (x0 - x_t),
            "Off by one: this shares by t - 1.": x_t + earlier * (x0 - x_t),
            "The weight of x_0 is 1/sqrt(t); it should be 1/t.": x_t + times.rsqrt() * (x0 - x_t),
            "This is halfway between x_0 and x_t; x_{t-1} is one of t equal steps away from x_t.": (x0 + x_t) / 2,
            "This is x_t: knowing x_0 pulls the mean towards it.": x_t,
            "The weight of x_0 is not 1/t; it is as if x_0 were 0.": (1 - share) * x_t,
            "The weights should sum to 1: the walk shrinks nothing.": x_t + share * x0,
            "The step goes away from x_0.": x_t - share * (x0 - x_t),
            "All rows have the time of the first row.": x_t + first * (x0 - x_t),
        }
        for mistake, axis in misplaced(x0).items():
            known[mistake] = x_t + along(share.flatten().tolist(), x0, axis) * (x0 - x_t)
        judged = judge_float32 if case.part == "mean: float32, gradients" else compare_exactly
        return judged(result, expected, "the mean", known)

    @staticmethod
    def _share_of_x0(t: Tensor, x0: Tensor) -> Tensor:
        """What multiplies x_0 in the mean, by Bayes on a grid; a number a row."""
        one = torch.ones(len(t), dtype=torch.float64)
        return along(unit_walk(t, one, 0 * one)[0].tolist(), x0)

    @staticmethod
    def _judge_variance(result: object, t: Tensor) -> str | None:
        zero, times = torch.zeros(t.shape, dtype=torch.float64), t.double()
        expected = unit_walk(t, zero, zero)[1]
        if isinstance(result, (int, float)) and not isinstance(result, bool):
            return "the variance should be a float64 tensor of the shape of t, () for an int; got a Python number"
        return compare_exactly(result, expected, "the variance", {
            "This is 1, the variance of the step forwards; knowing x_0 too makes it smaller.": torch.ones_like(times),
            "This is 1/t, the weight of x_0 in the mean.": 1 / times,
            "This is the standard deviation; the variance is asked for.": expected.sqrt(),
            "This is t - 1, the variance of x_{t-1} given x_0 alone; x_t says more.": times - 1,
            "This is t, the variance of x_t given x_0.": times,
            "This is the precision; the variance is 1 over it.": 1 / expected,
            "Off by one: this is the variance for t + 1.": unit_walk(t + 1, zero, zero)[1],
            "Off by one: this is the variance for t - 1.": 1 - 1 / (times - 1),
            "This is the square of the variance.": expected**2,
            "The weight enters once, not twice: this is the weight times the variance of x_{t-1} given x_0, squared.":
                (expected * (times - 1)) ** 2,
        })
