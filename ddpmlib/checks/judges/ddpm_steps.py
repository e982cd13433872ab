"""Checks of chapter 7's exercises on one reverse step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import (
    F64, WRONG_AXIS, Setting, by_rows, compare_precision, compare_values, conditional_variances, random_setting, row_values,
)
from .forward_inputs import distinct_times, simulate


class ReverseVariance(Check):
    """Exercise 7.2. Oracle: the covariance of (x_{t-1}, x_t), conditioned, for data at a point and for data N(0, 1)."""

    number = "7.2"
    parts = {"small": 2, "large": 1, "times 0 and 1": 1, "float64": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, kind, T in [("small", "small", draw.integer(4, 6)), ("small", "small", 12), ("large", "large", draw.integer(4, 6)),
                              ("times 0 and 1", "small", draw.integer(3, 6)), ("times 0 and 1", "small", 1),
                              ("times 0 and 1", "large", draw.integer(3, 6)), ("times 0 and 1", "large", 1),
                              ("float64", "small", 12), ("float64", "large", 12)]:
            setting = random_setting(draw, T=T)
            arguments = {"betas": setting.betas, "alpha_bars": setting.alpha_bars, "kind": kind}
            yield Case(part, "reverse_variance", arguments, f'kind "{kind}", T = {T}')

    def judge(self, case: Case, result: object) -> str | None:
        betas, kind = case.arguments["betas"], case.arguments["kind"]
        point, unit = (conditional_variances(betas, variance) for variance in (0.0, 1.0))
        expected = point if kind == "small" else unit
        if not isinstance(result, Tensor) or result.shape != expected.shape:
            return compare(result, expected, what="the table", known={
                "The entry for time 0 is missing: index t must be time t, so the table has T + 1 entries.": expected[1:]})
        if case.part == "times 0 and 1":
            if torch.isnan(result[0]):
                return "entry 0 is NaN, which is 0/0: no step starts from time 0; set the entry to 0"
            first, second = result[:2].double()
            known = {"Entry 0 belongs to no step; it should be 0.": torch.stack([first, expected[1]])}
            if kind == "small":
                known["At t = 1 beta-tilde is 0, because alpha_bar_0 = 1; it is not to be replaced."] = torch.stack([expected[0], second])
            return compare_values(result[:2], expected[:2], "the table at the times 0 and 1", known)
        later = torch.cat([expected[:2].to(result), result[2:]])  # entries 0 and 1 have a part of their own
        if case.part == "float64":
            return compare_precision(later, expected, "the table from time 2 on", expected, "the schedule")
        return compare_values(later, expected, "the table from time 2 on", self._known(betas, point, unit, kind))

    @staticmethod
    def _known(betas: Tensor, point: Tensor, unit: Tensor, kind: str) -> dict[str, Tensor]:
        signal, noise = (torch.tensor(values, dtype=F64) for values in zip(*(simulate(betas, t) for t in range(len(betas)))))
        now, before = noise**2, torch.cat([torch.zeros(1, dtype=F64), noise[:-1] ** 2])
        expected, other = (point, unit) if kind == "small" else (unit, point)
        roots = 1 - torch.cat([signal[:1], signal[:-1]])
        known = {
            f'This is the other kind: "small" is beta-tilde_t, "large" is beta_t; "{kind}" is asked for.': other,
            "This is the standard deviation; the variance is asked for.": expected.sqrt(),
            "Late by one: entry t holds the value of time t - 1.": torch.cat([expected[:1], expected[:-1]]),
            "Early by one: entry t holds the value of time t + 1.": torch.cat([expected[1:], expected[-1:]]),
            "The fraction is upside down: 1 - alpha_bar_{t-1} belongs above.": betas * now / before,
            "The factor beta_t is missing.": before / now,
            "This is 1 - alpha_bar_{t-1}, the variance of x_{t-1} given x_0 alone.": before,
            "This is 1 - alpha_bar_t, the variance of x_t given x_0.": now,
            "Above stands 1 - sqrt(alpha_bar_{t-1}); the variance of x_{t-1} given x_0 has no root.": betas * roots / now,
            "Above and below stand alpha_bars; they should be 1 - alpha_bar.": betas * (1 - before) / (1 - now),
            "This has alpha_t in the place of beta_t = 1 - alpha_t.": (1 - betas) * before / now,
            "This is alpha_t; beta_t = 1 - alpha_t.": 1 - betas,
        }
        return {words: torch.cat([expected[:2], table[2:]]) for words, table in known.items()}


class AncestralStep(Check):
    """Exercise 7.3. Oracle: x_{t-1} and x_t as a joint Gaussian given the x_0 that the model implies, conditioned on x_t."""

    number = "7.3"
    parts = {"the mean": 2, "the noise": 2, "the last step": 1, "a time for each row": 2, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw)
        T = setting.T
        silent = Setting(setting.betas, 0 * setting.slope, 0 * setting.shift)

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, by: Setting = setting, x: float = 1.0, z: float = 1.0,
                 kind: torch.dtype = F64, says: str = "") -> Case:
            arguments = {"tables": by.tables(), "x_t": (x * draw.normal(*shape)).to(kind), "t": t,
                         "noise": (z * draw.normal(*shape)).to(kind), "variance": draw.uniform(0.2, 0.7, by.T + 1)}
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, "ancestral_step", arguments, f"x_t of shape {shape}, t = {shown}{says}", {"setting": by})

        yield case("the mean", (2, 3), draw.integer(3, T - 1), z=0, says=", noise = 0")
        yield case("the mean", (4,), torch.tensor(T), z=0, says=", noise = 0")
        for t in (draw.integer(3, T), 2):
            yield case("the noise", (2, 3), t, silent, x=0, says=", x_t = 0, a model that says 0")
        yield case("the last step", (2, 3), 1)
        yield case("the last step", (2, 3), 1, random_setting(draw, T=1), says=" of T = 1")
        others = distinct_times(draw, 3, T - 2)[:2] + 2
        yield case("a time for each row", (3, 3), torch.tensor([others[0], 1, others[1]]))
        yield case("a time for each row", (4, 2, 3), distinct_times(draw, 4, T - 1) + 1)
        for kind in (torch.float64, torch.float32):
            yield case("precision", (3, 2), torch.tensor([others[1], 1, others[0]]), kind=kind)
        early = random_setting(draw, T=2)
        tiny = torch.tensor([0.0, (draw.integer(900, 3000) + 0.5) * 2.0**-24, 0.2], dtype=F64)  # between two float32 numbers
        yield case("precision", (2, 3), 1, Setting(tiny, 0 * early.slope, early.shift + 2), x=0, kind=torch.float32,
                   says=", float32, x_t = 0, alpha_bar_1 within 2e-4 of 1")

    def judge(self, case: Case, result: object) -> str | None:
        setting: Setting = case.secret["setting"]
        x, noise = (case.arguments[name].double() for name in ("x_t", "noise"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x))
        first, again = result
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return "two calls with the same arguments give two results; use the noise that is passed in"
        mean = by_rows(setting.step_mean, x, t)
        scaled = row_values(case.arguments["variance"].sqrt(), t, x) * noise
        added = torch.where(row_values(range(setting.T + 1), t, x) > 1, scaled, torch.zeros_like(x))
        known = self._known_means(setting, x, t, added) if case.part in ("the mean", "a time for each row") else {}
        if case.part != "the mean":
            known = self._known_noises(case, setting, x, t, mean, scaled, added) | known
        if case.part == "precision":
            return compare_precision(first, mean + added, "x_{t-1}", case.arguments["x_t"], "x_t")
        return compare_values(first, mean + added, "x_{t-1}", known)

    @staticmethod
    def _known_means(setting: Setting, x: Tensor, t: Tensor, added: Tensor) -> dict[str, Tensor]:
        betas = setting.betas
        means, spreads = zip(*setting.moments)
        signal, spread, beta = (row_values(table, t, x) for table in (means, spreads, betas))
        earlier = row_values(spreads, t - 1, x)
        root = (1 - beta).sqrt()
        eps, early = by_rows(setting.model, x, t), by_rows(setting.model, x, t - 1)
        wrong = {
            "eps is divided by 1 - alpha_bar_t; it should be divided by its square root.": (x - beta / spread**2 * eps) / root,
            "eps is multiplied by sqrt(beta_t): beta_t / sqrt(1 - alpha_t) stands for beta_t / sqrt(1 - alpha_bar_t).":
                (x - beta.sqrt() * eps) / root,
            "All the noise of x_t is taken away at once; one step takes beta_t / sqrt(1 - alpha_bar_t) of it.": (x - spread * eps) / root,
            "This is the x_0 that the model implies; a step goes from x_t to x_{t-1} only.": (x - spread * eps) / signal,
            "The predicted noise is added; it should be subtracted.": (x + beta / spread * eps) / root,
            "The division by sqrt(alpha_t) is missing.": x - beta / spread * eps,
            "This divides by alpha_t; it should divide by its square root.": (x - beta / spread * eps) / root**2,
            "This multiplies by sqrt(alpha_t); a step backwards divides by it.": (x - beta / spread * eps) * root,
            "This divides by sqrt(alpha_bar_t); one step divides by sqrt(alpha_t).": (x - beta / spread * eps) / signal,
            "Only x_t is divided by sqrt(alpha_t); the bracket holds the noise too.": x / root - beta / spread * eps,
            "The model is told t - 1; the step starts from x_t, at time t.": (x - beta / spread * early) / root,
            "alpha_bar_{t-1} stands in the place of alpha_bar_t.": (x - beta / earlier * eps) / root,
            "sqrt(beta_t) stands in the place of beta_t.": (x - beta.sqrt() / spread * eps) / root,
        }
        return {words: value + added for words, value in wrong.items()}

    @staticmethod
    def _known_noises(case: Case, setting: Setting, x: Tensor, t: Tensor, mean: Tensor, scaled: Tensor, added: Tensor) -> dict[str, Tensor]:
        variance, noise = case.arguments["variance"], case.arguments["noise"].double()
        last = row_values(range(setting.T + 1), t, x) == 1
        late = row_values(range(setting.T + 1), t, x) <= 2
        none = torch.zeros_like(x)

        def above_1(value: Tensor) -> Tensor:
            return mean + torch.where(last, none, value)

        known = {
            "The noise is multiplied by the variance; it should be multiplied by its square root.":
                above_1(row_values(variance, t, x) * noise),
            "The noise is not scaled by sigma_t.": above_1(noise),
            "The noise stands inside the bracket: it is divided by sqrt(alpha_t) too.":
                above_1(scaled / row_values((1 - setting.betas).sqrt(), t, x)),
            "This is the variance of time t - 1; the step from t has entry t.": above_1(row_values(variance.roll(1).sqrt(), t, x) * noise),
            "This adds sqrt(beta_t) z, whatever the table of variances says.": above_1(row_values(setting.betas.sqrt(), t, x) * noise),
            "The noise is subtracted: of the same law, but not what noise is passed in for.": above_1(-scaled),
        }
        if (late & ~last).any():
            known["There is no noise at t = 2; only at t = 1 there should be none."] = mean + torch.where(late, none, scaled)
        if last.any():
            known |= {
                "Noise is added at t = 1 too; the last step gives the mean, with z = 0.": mean + scaled,
                "Noise is added at t = 1 too, and multiplied by the variance.": mean + row_values(variance, t, x) * noise,
            }
        if (added != 0).any():
            known["No noise is added." if not last.any() else
                  "No row gets noise: does one with t = 1 switch off the noise of all rows? Each has its own time."] = mean
        if x.ndim == 2 and x.shape[0] == x.shape[1]:
            weight = setting.betas / torch.tensor([math.inf] + [spread for _, spread in setting.moments[1:]], dtype=F64)
            eps = by_rows(setting.model, x, t)
            across = (x - weight[t] * eps) / (1 - setting.betas[t]).sqrt()
            known[WRONG_AXIS] = across + torch.where(t > 1, variance[t].sqrt(), 0.0) * noise
        return known
