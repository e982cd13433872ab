"""Checks of chapter 10's walks: which times, the way down, the way up, and the arc between two noises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddim_oracles import climb, random_times, rising_pairs, walk
from .ddpm_oracles import F64, Setting, compare_precision, compare_values, deviations, random_setting
from .ddpm_samplers import ROWS, judge_drawn, judge_graph


class TimeSubsequence(Check):
    """Exercise 10.5. Oracle: the largest whole numbers that are not above the fractions, found by counting."""

    number = "10.5"
    parts = {"uniform": 2, "uniform, T no multiple of S": 2, "quadratic": 2, "crowded": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, T: int, steps: int, spacing: str) -> Case:
            return Case(part, "time_subsequence", {"T": T, "steps": steps, "spacing": spacing}, f'T = {T}, steps = {steps}, "{spacing}"')

        steps = draw.integer(3, 9)
        yield case("uniform", steps * draw.integer(5, 20), steps, "uniform")
        yield case("uniform", 1000, 10, "uniform")
        yield case("uniform", draw.integer(30, 60), 1, "uniform")
        yield case("uniform, T no multiple of S", steps * draw.integer(5, 20) + draw.integer(1, steps - 1), steps, "uniform")
        yield case("uniform, T no multiple of S", 1000, 19, "uniform")  # int(1000 / 19 * 19) is 999
        yield case("quadratic", draw.integer(100, 300), draw.integer(4, 7), "quadratic")
        yield case("quadratic", 1000, 10, "quadratic")
        yield case("crowded", draw.integer(60, 100), draw.integer(25, 40), "quadratic")
        T = draw.integer(8, 15)
        yield case("crowded", T, T, "quadratic")
        yield case("crowded", T, T, "uniform")

    def judge(self, case: Case, result: object) -> str | None:
        T, steps, spacing = (case.arguments[name] for name in ("T", "steps", "spacing"))
        if isinstance(result, Tensor) and result.ndim == 1:
            return f"the times should be a list of ints, got a tensor of shape {tuple(result.shape)}; tolist() makes a list of it"
        if not isinstance(result, list):
            return f"the times should be a list of {steps} ints, got {type(result).__name__} {str(result)[:60]}"
        found = [int(value) if isinstance(value, Tensor) and value.ndim == 0 and not value.is_floating_point() else value for value in result]
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in found):
            odd = next(value for value in found if not isinstance(value, int) or isinstance(value, bool))
            return f"the times should be ints, got {odd!r}"
        expected = self.expected(T, steps, spacing)
        if found == expected:
            return None
        problem = f"the times should be {_shown(expected)}, got {_shown(found)}"
        for words, times in self._known(T, steps, spacing, expected).items():
            if found == times and times != expected:
                return f"{problem}\n{words}"
        if len(found) != len(expected):
            return f"{problem}\nThere should be {steps} of them, got {len(found)}."
        if len(set(found)) < len(found):
            return f"{problem}\nA time occurs twice."
        return problem

    @staticmethod
    def expected(T: int, steps: int, spacing: str) -> list[int]:
        top, bottom = (lambda i: T * i, steps) if spacing == "uniform" else (lambda i: T * i * i, steps * steps)
        times, value = [], 0
        for i in range(1, steps + 1):
            while (value + 1) * bottom <= top(i):
                value += 1
            times.append(value if spacing == "uniform" else max(i, value))
        return times[::-1]

    def _known(self, T: int, steps: int, spacing: str, expected: list[int]) -> dict[str, list[int]]:
        other = {"uniform": "quadratic", "quadratic": "uniform"}[spacing]
        counts = range(steps, 0, -1)
        fraction: Callable[[int], float] = (lambda i: T * i / steps) if spacing == "uniform" else (lambda i: T * i**2 / steps**2)
        gap = T // steps
        return {
            "The times rise; they should fall from T.": expected[::-1],
            "The list ends in 0; the last step leads there, but no model is called at 0.": [*expected, 0],
            f'The argument spacing is ignored: this is "{other}".': self.expected(T, steps, other),
            "These are diffusers' \"leading\" times, counted from 0: T itself is not among them.": [gap * i for i in range(steps)][::-1],
            "These are times counted from 0, as in diffusers; here they count from 1.": [t - 1 for t in expected],
            "The times step down from T by T // S; they should be spread over all of 1..T.": [T - gap * i for i in range(steps)],
            "The fractions are rounded to the nearest; take the floor.": [max(round(fraction(i)), i * (spacing != "uniform")) for i in counts],
            "The fractions are rounded up; take the floor.": [max(math.ceil(fraction(i)), i * (spacing != "uniform")) for i in counts],
            "Near 0 times repeat, or are 0; there the larger one of i and the floor is asked for.": [int(fraction(i) + 1e-9) for i in counts],
            "Near 0 times are 0, or repeat where at least 1 is all that is asked: take the larger one of i and the floor.":
                [max(int(fraction(i) + 1e-9), 1) for i in counts],
            "This computes T / S in floating point, and the rounding error pushes a floor one too low; use whole numbers.":
                [int(T / steps * i) for i in counts],
        }


def _shown(times: list[int]) -> str:
    return str(times) if len(times) <= 12 else f"[{', '.join(map(str, times[:6]))}, ..., {', '.join(map(str, times[-4:]))}]"


class DdimSample(Check):
    """Exercise 10.6. Oracle: steps by conditioning joint Gaussians; at eta = 1 and all times, chapter 7's walk."""

    number = "10.6"
    parts = {"eta = 0": 2, "with noise": 2, "all times, eta = 1": 1, "noise from the generator": 1, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw, 6, 9)
        T = setting.T

        def case(part: str, shape: tuple[int, ...], times: list[int], eta: float, noise: bool = True, kind: torch.dtype = F64,
                 by: Setting = setting) -> Case:
            arguments = {"tables": by.tables(), "x_T": draw.normal(*shape).to(kind), "times": times, "eta": eta,
                         "noise": draw.normal(by.T + 1, *shape).to(kind) if noise else None}
            says = f"T = {by.T}, times = {times}, eta = {eta:.3g}, x_T of shape {shape}, {str(kind)[6:]}"
            return Case(part, "ddim_sample", arguments, says, {"setting": by})

        yield case("with noise", (2, 3), random_times(draw, 4, T), draw.number(0.3, 0.8))
        yield case("with noise", (2, 3, 2), random_times(draw, 3, T), 1.0)
        yield case("eta = 0", (2, 3), random_times(draw, 3, T), 0.0, noise=False)
        yield case("eta = 0", (3,), [T - 1, 2], 0.0, noise=False)
        yield case("eta = 0", (2, 2), [T], 0.0)
        yield case("all times, eta = 1", (2, 3), list(range(T, 0, -1)), 1.0)
        for kind in (F64, torch.float32):
            yield case("precision", (2, 3), random_times(draw, 3, T), 0.5, kind=kind)
        times = random_times(draw, 4, T)
        x_T = draw.normal(1).expand(ROWS, 1).clone()
        yield Case("noise from the generator", "drawn_samples", {
            "tables": setting.tables(), "x_T": x_T, "times": times, "eta": 1.0, "seed": draw.integer(0, 2**31)},
            f"T = {T}, times = {times}, eta = 1, {ROWS} rows with the same x_T", {"setting": setting, "times": times})
        yield Case("no graph", "walk_and_graph", {
            "function": "ddim_sample", "tables": setting.tables(), "start": draw.normal(2, 3), "times": times})

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments
        if case.part == "no graph":
            return judge_graph(result, given["start"])
        setting: Setting = case.secret["setting"]
        x_T, times = given["x_T"].double(), given["times"]
        if case.part == "noise from the generator":
            silent = torch.zeros(setting.T + 1, *x_T.shape, dtype=F64)
            still = walk(setting, x_T, times, 1.0, silent)
            one = torch.eye(setting.T + 1, dtype=F64)[:, :, None]
            impulses = [(walk(setting, x_T[:1], times, 1.0, one[t]) - still[0]).squeeze() for t in times[:-1]]
            return judge_drawn(result, still, impulses)
        sample, steps, eta = result["sample"], result["steps"], given["eta"]
        noise = None if given["noise"] is None else given["noise"].double()
        if case.part == "all times, eta = 1":
            expected = setting.walk(x_T, deviations(setting, "small"), noise)
        else:
            expected = walk(setting, x_T, times, eta, noise)
        if isinstance(sample, list) and len(sample) in (len(times), len(times) + 1):
            return f"the result is a list of {len(sample)}, the whole path; return x_0 alone"
        if case.part == "precision":
            problem = compare_precision(sample, expected, "x_0", given["x_T"], "x_T")
        elif compare_values(sample, expected, "x_0") is None:
            return None
        else:
            known = self._known(setting, x_T, times, eta, noise)
            known = {words: value for words, value in known.items() if not torch.allclose(value, expected, rtol=1e-6, atol=1e-6)}
            problem = compare_values(sample, expected, "x_0", known)
        if problem is None:
            return None
        if isinstance(steps, Tensor) and isinstance(sample, Tensor) and torch.equal(sample, steps):
            return f"{problem}\nThe loop is right, but what it calls is not: first repair Exercise 10.3 or 10.4."
        called = result["called"]
        if "\n" not in problem and isinstance(called, Tensor) and called.tolist() != times:
            return f"{problem}\nThe model should be called at the times {times}; it was called at {called.tolist()}."
        return problem

    @staticmethod
    def _known(setting: Setting, x_T: Tensor, times: list[int], eta: float, noise: Tensor | None) -> dict[str, Tensor]:
        T, full = setting.T, list(range(times[0], 0, -1))
        known = {
            "The walk takes every time; it should take only those in times.": walk(setting, x_T, full, eta, noise),
            "Each step ends at t - 1; it should end at the next of the times.":
                walk(setting, x_T, times, eta, noise, ends=[t - 1 for t in times]),
            "This is the walk with eta = 0, whatever eta is.": walk(setting, x_T, times, 0.0, None),
        }
        if len(times) > 1:
            gap = max(T // len(times), 1)
            known["The walk ends at the last of the times; the step from there to time 0 is missing."] = walk(
                setting, x_T, times[:-1], eta, noise, ends=times[1:])
            if gap > 1:
                known["Each step ends T // S earlier, as in diffusers; it should end at the next of the times."] = walk(
                    setting, x_T, times, eta, noise, ends=[max(t - gap, 0) for t in times])
        if noise is not None:
            flat = iter(range(len(times)))
            known |= {
                "This is the walk with eta = 1, whatever eta is.": walk(setting, x_T, times, 1.0, noise),
                "No noise is added anywhere, but room is left for it.": walk(setting, x_T, times, eta, torch.zeros_like(noise)),
                "The step from t to s uses noise[s]; it should use noise[t].": walk(setting, x_T, times, eta, noise, used=lambda t, s: s),
                "The noises are used in the order of the steps, from noise[0] on; the step from t should use noise[t].":
                    walk(setting, x_T, times, eta, noise, used=lambda t, s: next(flat)),
            }
        return known


class DdimInvert(Check):
    """Exercise 10.8. Oracle: Euler's method upwards, in the coordinates in which the model is a velocity."""

    number = "10.8"
    parts = {"one step": 1, "the walk": 2, "all times": 1, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw, 6, 9)
        T = setting.T

        def case(part: str, shape: tuple[int, ...], times: list[int], kind: torch.dtype = F64) -> Case:
            arguments = {"tables": setting.tables(), "x0": draw.normal(*shape).to(kind), "times": times}
            return Case(part, "ddim_invert", arguments, f"T = {T}, times = {times}, x0 of shape {shape}, {str(kind)[6:]}",
                        {"setting": setting})

        yield case("one step", (2, 3), [draw.integer(2, T)])
        yield case("one step", (3,), [T])
        yield case("the walk", (2, 3), random_times(draw, 3, T))
        yield case("the walk", (2, 2, 3), random_times(draw, 4, T))
        yield case("all times", (2, 3), list(range(T, 0, -1)))
        for kind in (F64, torch.float32):
            yield case("precision", (2, 3), random_times(draw, 3, T), kind)
        yield Case("no graph", "walk_and_graph", {
            "function": "ddim_invert", "tables": setting.tables(), "start": draw.normal(2, 3), "times": random_times(draw, 3, T)})

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments
        if case.part == "no graph":
            return judge_graph(result, given["start"])
        setting: Setting = case.secret["setting"]
        x0, times = given["x0"].double(), given["times"]
        pairs = rising_pairs(times)
        expected = climb(setting, x0, pairs, lambda s, t: max(s, 1))
        end = result["end"]
        if isinstance(end, list) and len(end) in (len(times), len(times) + 1):
            return f"the result is a list of {len(end)}, the whole path; return its end alone"
        if case.part == "precision":
            return compare_precision(end, expected, "the end of the walk", given["x0"], "x0")
        if compare_values(end, expected, "the end of the walk") is None:
            return None
        down = list(zip(times, [*times[1:], 0]))
        known = {
            "The model is asked at t, where the step ends; it should be asked at s, where x_s is.": climb(setting, x0, pairs, lambda s, t: t),
            "The model is asked at time 0 in the first step; no model is trained there, so ask at time 1.": climb(
                setting, x0, pairs, lambda s, t: s),
            "The step from time 0 to the smallest of the times is missing.": climb(setting, x0, pairs[1:], lambda s, t: max(s, 1)),
            "The first step starts from time 1, as if x_0 were x_1; it starts from time 0.": climb(
                setting, x0, [(max(s, 1), t) for s, t in pairs if t > 1], lambda s, t: s),
            "This is the walk down, ddim_sample.": walk(setting, x0, times, 0.0, None),
            "The walk goes through the times as they stand, falling; upwards they come in the other order.": climb(
                setting, x0, [(s, t) for t, s in down], lambda s, t: max(s, 1)),
            "The walk takes every time; it should take only those in times.": climb(
                setting, x0, rising_pairs(list(range(times[0], 0, -1))), lambda s, t: max(s, 1)),
            "Each step ends at s + 1; it should end at the next of the times.": climb(
                setting, x0, [(s, s + 1) for s, _ in pairs], lambda s, t: max(s, 1)),
        }
        known = {words: value for words, value in known.items() if not torch.allclose(value, expected, rtol=1e-6, atol=1e-6)}
        problem = compare_values(end, expected, "the end of the walk", known)
        called, asked = result["called"], [max(s, 1) for s, _ in pairs]
        if "\n" not in problem and isinstance(called, Tensor) and called.tolist() != asked:
            return f"{problem}\nThe model should be asked at the times {asked}; it was asked at {called.tolist()}."
        return problem


class Slerp(Check):
    """Exercise 10.9. Oracle: the unit vectors turned by a rotation matrix in their plane."""

    number = "10.9"
    parts = {"rows": 2, "images": 1, "rows of different length": 1, "ends and equal rows": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, a: Tensor, b: Tensor, share: float) -> Case:
            says = f"a of shape {tuple(a.shape)}, share = {share:.3g}, {str(a.dtype)[6:]}"
            return Case(part, "slerp", {"a": a, "b": b, "share": share}, says)

        def pair(*shape: int) -> tuple[Tensor, Tensor]:
            """Rows of nearly the same length, as noises have it, with an angle between 0.6 and 2.3 in each pair."""
            a, other = draw.normal(*shape).flatten(1), draw.normal(*shape).flatten(1)
            u = a / a.norm(dim=1, keepdim=True)
            across = other - (other * u).sum(1, keepdim=True) * u
            across = across / across.norm(dim=1, keepdim=True)
            theta, length = draw.uniform(0.6, 2.3, len(a), 1), draw.uniform(0.9, 1.1, len(a), 1) * a.norm(dim=1, keepdim=True)
            return a.reshape(shape), (length * (theta.cos() * u + theta.sin() * across)).reshape(shape)

        for _ in range(2):
            yield case("rows", *pair(3, 4), draw.number(0.15, 0.4))
        yield case("rows", *pair(4, 4), draw.number(0.6, 0.85))
        yield case("images", *pair(2, 1, 3, 3), draw.number(0.15, 0.4))
        a, b = pair(3, 5)
        yield case("rows of different length", a, draw.uniform(2.0, 3.0, 3, 1) * b, draw.number(0.6, 0.85))
        a, b = pair(3, 4)
        yield case("ends and equal rows", a, b, 0.0)
        yield case("ends and equal rows", a, b, 1.0)
        yield case("ends and equal rows", a, torch.cat([a[:1], b[1:]]), draw.number(0.2, 0.4))
        yield case("ends and equal rows", a, a + 1e-4 * b, draw.number(0.2, 0.4))
        for kind in (F64, torch.float32):
            a, b = (value.to(kind) for value in pair(3, 4))
            yield case("precision", a, b, 0.3)

    def judge(self, case: Case, result: object) -> str | None:
        a, b, share = (case.arguments[name] for name in ("a", "b", "share"))
        first, second = a.double().flatten(1), b.double().flatten(1)
        expected = torch.stack([turned(u, v, share) for u, v in zip(first, second)]).reshape(a.shape)
        if case.part == "precision":
            return compare_precision(result, expected, "the result", a, "a")
        if compare_values(result, expected, "the result") is None:
            return None
        known = {words: value.reshape(a.shape) for words, value in self._known(first, second, share).items()}
        if a.ndim > 2:
            known["The angle is that of the last axis; each image is one long vector."] = arc(
                a.double(), b.double(), share, angle(a.double(), b.double()))
        known = {words: value for words, value in known.items() if not torch.allclose(value, expected, rtol=1e-6, atol=1e-6)}
        return compare_values(result, expected, "the result", known)

    @staticmethod
    def _known(a: Tensor, b: Tensor, share: float) -> dict[str, Tensor]:
        theta = angle(a, b)
        line = (1 - share) * a + share * b
        lengths = (1 - share) * a.norm(dim=1, keepdim=True) + share * b.norm(dim=1, keepdim=True)
        cosine = (a * b).sum(1, keepdim=True)
        whole = torch.acos(((a * b).sum() / (a.norm() * b.norm())).clamp(-1, 1))
        known = {
            "This is the straight line between the two.": line,
            "This is the straight line, stretched to the right length; the arc is not run through evenly so.":
                line / line.norm(dim=1, keepdim=True) * lengths,
            "The line is stretched to length 1.": line / line.norm(dim=1, keepdim=True),
            "share counts from b; share = 0 should give a.": arc(b, a, share, theta),
            "The division by sin(theta) is missing.": arc(a, b, share, theta) * theta.sin(),
            "The angle is that of the whole batch; each row has its own.": arc(a, b, share, whole),
            "The rows are divided by their lengths; the weights belong to a and b as they are.": arc(
                a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True), share, theta),
            "The cosine of the angle is the product of the rows divided by both lengths.": arc(
                a, b, share, torch.acos(cosine.clamp(-1, 1))),
            "This is the mixture that keeps the variance, sqrt(1 - share) a + sqrt(share) b.":
                math.sqrt(1 - share) * a + math.sqrt(share) * b,
            "The angle is taken for a right one; each pair of rows has its own.": arc(a, b, share, torch.tensor(math.pi / 2, dtype=F64)),
            "Where the angle is 0 this is 0/0; there a and b are equal, and so is what lies between.":
                arc(a, b, share, theta).where((a != b).any(dim=1, keepdim=True), math.nan),
        }
        if len(a) == a.shape[1]:
            known["The angle is between columns; each row of the batch is a vector."] = arc(a.T, b.T, share, angle(a.T, b.T)).T
        return known


def angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between a and b along the last axis."""
    product = (a * b).sum(-1, keepdim=True) / (a.norm(dim=-1, keepdim=True) * b.norm(dim=-1, keepdim=True))
    return torch.acos(product.clamp(-1, 1))


def arc(a: Tensor, b: Tensor, share: float, theta: Tensor) -> Tensor:
    return (torch.sin((1 - share) * theta) * a + torch.sin(share * theta) * b) / theta.sin()


def turned(a: Tensor, b: Tensor, share: float) -> Tensor:
    """The weights of a and b found by turning a's direction by a share of the angle, in the plane that both span."""
    u, v = a / a.norm(), b / b.norm()
    across = v - (u @ v) * u
    if across.norm() < 1e-12:
        return (1 - share) * a + share * b
    w = across / across.norm()
    theta = torch.atan2(v @ w, v @ u)
    turn = torch.linalg.matrix_exp(share * theta * (torch.outer(w, u) - torch.outer(u, w)))
    of_v = (turn @ u) @ w / (v @ w)
    of_u = (turn @ u) @ u - of_v * (v @ u)
    return of_u * a + of_v * b

