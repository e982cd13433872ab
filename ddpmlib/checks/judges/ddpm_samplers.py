"""Checks of chapter 7's two samplers."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, Setting, compare_precision, compare_values, deviations, random_setting

ROWS = 2000


def judge_graph(result: object, x_T: Tensor) -> str | None:
    sample, graph = result
    if not isinstance(sample, Tensor) or sample.shape != x_T.shape:
        return f"x_0 should have the shape of x_T, {tuple(x_T.shape)}"
    if graph:
        return "the sample carries a graph through all calls of the model; sample under torch.no_grad()"
    return None


def judge_drawn(result: object, walk: Tensor, impulses: list[Tensor]) -> str | None:
    """Samples from one x_T in many rows: ``walk`` without noise, ``impulses`` what a unit of each step's noise adds."""
    first, again, other = result
    if not all(isinstance(value, Tensor) and value.shape == walk.shape for value in result):
        return f"x_0 should have the shape of x_T, {tuple(walk.shape)}"
    if not torch.equal(first, again):
        return "two generators with the same seed give two results; draw the noise with the generator that is passed in"
    if torch.equal(first, other):
        return "two generators with different seeds give the same result; draw fresh noise with the generator"
    noise = (first - walk).double()
    right = math.sqrt(sum(value.item() ** 2 for value in impulses))
    spread = noise.std().item()
    if 0.7 < spread / right < 1.4:
        return None
    problem = f"the samples from one x_T should have the standard deviation {right:.3g}, got {spread:.3g}"
    if spread < 1e-6:
        return f"{problem}\nAll rows get the same noise; each needs its own."
    if 0.7 < spread / abs(sum(value.item() for value in impulses)) < 1.4:
        return f"{problem}\nEvery step gets the same noise; draw anew for each step."
    return problem


class Sampler(Check):
    """What the two checks share: cases with given noise, with a generator, with a model that has parameters."""

    call: str

    def given_noise(self, draw: Draw, part: str, setting: Setting, shape: tuple[int, ...], kind: torch.dtype = F64,
                    **extra: object) -> Case:
        arguments = {"tables": setting.tables(), "x_T": draw.normal(*shape).to(kind),
                     "noise": draw.normal(setting.T + 1, *shape).to(kind), **extra}
        shown = "".join(f", {name}: {value}" if isinstance(value, str) else f", {name}: a table" for name, value in extra.items())
        return Case(part, self.call, arguments, f"T = {setting.T}, x_T of shape {shape}{shown}, {str(kind)[6:]}", {"setting": setting})

    def drawn_and_graph(self, draw: Draw, setting: Setting) -> Iterable[Case]:
        x_T = draw.normal(1).expand(ROWS, 1).clone()
        yield Case("noise from the generator", "drawn_samples", {
            "function": self.call, "tables": setting.tables(), "x_T": x_T, "seed": draw.integer(0, 2**31)},
            f"T = {setting.T}, {ROWS} rows with the same x_T", {"setting": setting})
        yield Case("no graph", "sample_and_graph", {
            "function": self.call, "tables": setting.tables(), "x_T": draw.normal(2, 3), "noise": draw.normal(setting.T + 1, 2, 3)})


class AncestralSample(Sampler):
    """Exercise 7.5. Oracle: the walk of conditional means, with deviations from conditioned covariances."""

    number = "7.5"
    call = "ancestral_sample"
    parts = {"small": 2, "large, and a table": 1, "noise from the generator": 1, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw)
        yield self.given_noise(draw, "small", setting, (2, 3), variance="small")
        yield self.given_noise(draw, "small", random_setting(draw, T=1), (3,), variance="small")
        yield self.given_noise(draw, "large, and a table", setting, (setting.T + 1, 2), variance="large")
        yield self.given_noise(draw, "large, and a table", setting, (2, 3, 2), variance=draw.uniform(0.2, 0.7, setting.T + 1))
        for kind in (torch.float64, torch.float32):
            yield self.given_noise(draw, "precision", setting, (2, 3), kind, variance="small")
        yield from self.drawn_and_graph(draw, setting)

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "no graph":
            return judge_graph(result, case.arguments["x_T"])
        setting: Setting = case.secret["setting"]
        x_T, T = case.arguments["x_T"].double(), setting.T
        if case.part == "noise from the generator":
            spreads = deviations(setting, "small")
            silent = torch.zeros(T + 1, *x_T.shape, dtype=F64)
            walk = setting.walk(x_T, spreads, silent)
            one = torch.eye(T + 1, dtype=F64)[:, :, None]
            impulses = [(setting.walk(x_T[:1], spreads, one[t]) - walk[0]).squeeze() for t in range(2, T + 1)]
            return judge_drawn(result, walk, impulses)
        sample, steps = result["sample"], result["steps"]
        noise, kind = case.arguments["noise"].double(), case.arguments["variance"]
        spreads = deviations(setting, kind)
        expected = setting.walk(x_T, spreads, noise)
        known = self._known(setting, x_T, noise, kind, spreads)
        if isinstance(sample, list) and len(sample) in (T, T + 1):
            return f"the result is a list of {len(sample)}, the whole path; return x_0 alone"
        if case.part == "precision":
            problem = compare_precision(sample, expected, "x_0", case.arguments["x_T"], "x_T")
        else:
            problem = compare_values(sample, expected, "x_0", known)
        if problem is None:
            return None
        if isinstance(steps, Tensor) and isinstance(sample, Tensor) and torch.equal(sample, steps):
            return f"{problem}\nThe loop is right, but what it calls is not: first repair Exercise 7.2 or 7.3."
        if "\n" not in problem and isinstance(result["called"], Tensor) and result["called"].tolist() != list(range(T, 0, -1)):
            return f"{problem}\nThe model should be called at the times {T}, ..., 1; it was called at {result['called'].tolist()}."
        return problem

    @staticmethod
    def _known(setting: Setting, x_T: Tensor, noise: Tensor, kind: str | Tensor, spreads: list[float]) -> dict[str, Tensor]:
        T, walk = setting.T, setting.walk
        if T == 1:
            return {}
        known = {
            "The walk ends at x_1: the step from 1 to 0 is missing.": walk(x_T, spreads, noise, range(T, 1, -1)),
            "The walk begins at T - 1: the step from T is missing.": walk(x_T, spreads, noise, range(T - 1, 0, -1)),
            "The walk goes upwards, from 1 to T; it should go down.": walk(x_T, spreads, noise, range(1, T + 1)),
            "The step from t uses noise[t - 1]; it should use noise[t].": walk(x_T, spreads, noise.roll(1, 0)),
            "The noises are used in the order of the steps; the step from t should use noise[t].": walk(x_T, spreads, noise.flip(0)),
            "Every step uses noise[T]; the step from t should use noise[t].": walk(x_T, spreads, noise[-1].expand_as(noise)),
            "No noise is added anywhere.": walk(x_T, spreads, torch.zeros_like(noise)),
            "The walk starts from noise[T]; it should start from x_T.": walk(noise[-1], spreads, noise),
            "Noise is added in the last step too.": walk(x_T, spreads, noise) + _first(setting, kind) * noise[1],
        }
        for other in ("small", "large"):
            if not isinstance(kind, str) or other != kind:
                known[f'The argument variance is ignored: this is variance="{other}".'] = walk(x_T, deviations(setting, other), noise)
        return known


def _first(setting: Setting, kind: str | Tensor) -> float:
    return math.sqrt(kind[1]) if isinstance(kind, Tensor) else math.sqrt(setting.betas[1]) * (kind == "large")


class DenoiseRenoise(Sampler):
    """Exercise 7.8. Oracle: the x_0 that the model implies, then a walk forwards in the place of the jump."""

    number = "7.8"
    call = "denoise_renoise_sample"
    parts = {"one step": 1, "the walk": 2, "noise from the generator": 1, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw, 4, 6)
        yield self.given_noise(draw, "one step", random_setting(draw, T=1), (2, 3))
        yield self.given_noise(draw, "the walk", setting, (2, 3))
        yield self.given_noise(draw, "the walk", random_setting(draw, T=2), (3, 2, 2))
        for kind in (torch.float64, torch.float32):
            yield self.given_noise(draw, "precision", setting, (2, 3), kind)
        yield from self.drawn_and_graph(draw, setting)

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "no graph":
            return judge_graph(result, case.arguments["x_T"])
        setting: Setting = case.secret["setting"]
        x_T, T = case.arguments["x_T"].double(), setting.T
        signal, spread = zip(*setting.moments)

        def walk(noise: Tensor, start: Tensor = x_T, a=signal, s=spread, late: int = 1, end: int = 0) -> Tensor:
            x = start
            for t in range(T, end, -1):
                x = a[t - late] * setting.clean(x, t) + s[t - late] * noise[t]
            return x

        if case.part == "noise from the generator":
            silent = torch.zeros(T + 1, *x_T.shape, dtype=F64)
            one = torch.eye(T + 1, dtype=F64)[:, :, None]
            still = walk(silent)
            return judge_drawn(result, still, [(walk(one[t], x_T[:1]) - still[0]).squeeze() for t in range(2, T + 1)])
        noise = case.arguments["noise"].double()
        expected = walk(noise)
        ones, alphas = [1.0] * (T + 1), [1.0, *(1 - setting.betas[1:]).tolist()]
        fresh = [0.0, *alphas[1:]]
        known = {
            "This is xhat + alpha_{t-1} z, the line as the deck prints it; use the scales of x_{t-1}, as in the docstring.":
                walk(noise, a=ones, s=fresh),
            "The sample is made noisy at the level of t again; it should go down to t - 1.": walk(noise, late=0),
            "xhat is not multiplied by sqrt(alpha_bar_{t-1}).": walk(noise, a=ones),
            "The coefficients are variances; take the square roots.": walk(noise, a=[v**2 for v in signal], s=[v**2 for v in spread]),
            "The new noise is multiplied by the variance 1 - alpha_bar_{t-1}; take its square root.": walk(noise, s=[v**2 for v in spread]),
            "This has the noise of one step, sqrt(beta); x_{t-1} has that of all its steps, sqrt(1 - alpha_bar_{t-1}).":
                walk(noise, s=setting.betas.sqrt().tolist()),
            "No fresh noise is added.": walk(torch.zeros_like(noise)),
            "The predicted noise is added again in the place of fresh noise; that is another sampler, a deterministic one.":
                self._deterministic(setting, x_T, signal, spread),
            "This is the ancestral sampler of Exercise 7.5.": setting.walk(x_T, deviations(setting, "small"), noise),
            "The step from t uses noise[t - 1]; it should use noise[t].": walk(noise.roll(1, 0)),
            "The walk ends at x_1: the step from 1 to 0 is missing.": walk(noise, end=1),
        }
        if T == 1:
            known = {words: value for words, value in known.items() if not torch.allclose(value, expected)}
        if case.part == "precision":
            return compare_precision(result, expected, "x_0", case.arguments["x_T"], "x_T")
        return compare_values(result, expected, "x_0", known)

    @staticmethod
    def _deterministic(setting: Setting, x: Tensor, signal: tuple, spread: tuple) -> Tensor:
        for t in range(setting.T, 0, -1):
            x = signal[t - 1] * setting.clean(x, t) + spread[t - 1] * setting.model(x, t)
        return x
