"""The check of Heun's method through the noise levels."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, ROUNDED, compare_precision, compare_values
from .ddpm_samplers import judge_graph
from .edm_oracles import AHEAD, EULER, HEUN, MIDPOINT, rk_walk, two_points
from .edm_training import differing


class HeunSample(Check):
    """Exercise 13.10. Oracle: the Runge-Kutta method of Heun's table, for data that are two points."""

    number = "13.10"
    parts = {"one step": 2, "the walk": 2, "to level 0": 2, "calls": 1, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def levels(count: int, zero: bool) -> Tensor:
            found = [draw.number(1.5, 2.5)]
            for _ in range(count):
                found.append(found[-1] * draw.number(0.45, 0.7))
            return torch.tensor([*found[:-1], 0.0] if zero else found, dtype=F64)

        def case(part: str, shape: tuple[int, ...], sigmas: Tensor, kind: torch.dtype = F64) -> Case:
            m = torch.tensor(draw.number(0.7, 1.3), dtype=F64)
            arguments = {"m": m, "x": (1.5 * draw.normal(*shape)).to(kind), "sigmas": sigmas}
            says = f"x of shape {shape}, {str(kind)[6:]}, sigmas = {[round(value, 3) for value in sigmas.tolist()]}"
            return Case(part, "heun_sample", arguments, says)

        yield case("one step", (2, 3), levels(1, False))
        yield case("one step", (4,), levels(1, False))
        yield case("the walk", (2, 3), levels(draw.integer(3, 4), False))
        yield case("the walk", (2, 1, 2, 2), levels(2, False))
        yield case("to level 0", (2, 3), levels(draw.integer(3, 4), True))
        yield case("to level 0", (3,), levels(1, True))
        yield case("calls", (2, 2), levels(3, True))
        for kind in (F64, torch.float32):
            yield case("precision", (2, 3), levels(3, True), kind)
        yield Case("no graph", "walk_and_graph", {"m": torch.tensor(1.0, dtype=F64), "x": draw.normal(2, 3), "sigmas": levels(2, True)})

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments
        if case.part == "no graph":
            return judge_graph(result, given["x"])
        x, levels, denoiser = given["x"].double(), given["sigmas"].tolist(), two_points(given["m"].item())
        expected = rk_walk(denoiser, x, levels, HEUN)
        sample, called = result["sample"], result["called"]
        if isinstance(sample, list):
            return f"the result is a list of {len(sample)}; return x at the last level alone"
        if case.part == "precision":
            return compare_precision(sample, expected, "the end of the walk", given["x"], "x", ROUNDED)
        problem = compare_values(sample, expected, "the end of the walk")
        if problem is None and case.part != "calls":
            return None
        if problem is None:
            asked = [level for pair in zip(levels, levels[1:]) for level in pair if level > 0]
            if [round(level, 8) for level in called] != [round(level, 8) for level in asked]:
                shown = [[round(level, 3) for level in values] for values in (asked, called)]
                return f"the denoiser should be called at the levels {shown[0]}, twice a step and once in the step to 0; got {shown[1]}"
            return None

        def walk(table, slope=None, last=EULER) -> Tensor:
            return rk_walk(denoiser, x, levels, table, last, slope)

        def without_second(sigma_of_second) -> Tensor:
            y = x
            for sigma, lower in zip(levels, levels[1:]):
                first = (y - denoiser(y, sigma)) / sigma
                ahead = y + (lower - sigma) * first
                if lower > 0:
                    ahead = sigma_of_second(y, ahead, first, sigma, lower)
                y = ahead
            return y

        def second(y: Tensor, level: float) -> Tensor:
            return (y - denoiser(y, level)) / level

        known = {
            "This is Euler's method: the second slope is missing.": walk(EULER),
            "The whole step is made with the slope at its end; make it with the mean of both slopes.": walk(AHEAD),
            "The second slope is found in the middle of the step; Heun's method finds it at the end.": walk(MIDPOINT),
            "The slopes are summed; their mean is asked for.": without_second(
                lambda y, a, k, s, r: y + (r - s) * (k + second(a, r))),
            "The second half starts from the Euler step's end; the whole step starts from x.": without_second(
                lambda y, a, k, s, r: a + (r - s) * (k + second(a, r)) / 2),
            "The second slope is found at x; it belongs to the end of the Euler step.": without_second(
                lambda y, a, k, s, r: y + (r - s) * (k + second(y, r)) / 2),
            "The second slope is found with the level at which the step starts.": without_second(
                lambda y, a, k, s, r: y + (r - s) * (k + second(a, s)) / 2),
            "The second slope is divided by the level at which the step starts.": without_second(
                lambda y, a, k, s, r: y + (r - s) * (k + (a - denoiser(a, r)) / s) / 2),
            "The slope is not divided by sigma.": rk_walk(denoiser, x, levels, HEUN, slope=lambda y, s: y - denoiser(y, s)),
            "The slope is (x - D) / sigma; it is divided by sigma^2 here.": rk_walk(
                denoiser, x, levels, HEUN, slope=lambda y, s: (y - denoiser(y, s)) / s**2),
            "The slope has the wrong sign: it leads away from the data.": rk_walk(
                denoiser, x, levels, HEUN, slope=lambda y, s: -(y - denoiser(y, s)) / s),
            "The denoiser's guess stands in the place of the noise (x - D) / sigma.": rk_walk(denoiser, x, levels, HEUN, slope=denoiser),
        }
        if len(levels) > 2:
            known["The walk ends one level too early."] = rk_walk(denoiser, x, levels[:-1], HEUN)
        if levels[-1] == 0 and isinstance(sample, Tensor) and not torch.isfinite(sample).all():
            return f"{problem}\nAt level 0 the slope is 0/0; a step to 0 is an Euler step."
        return compare_values(sample, expected, "the end of the walk", differing(known, expected))
