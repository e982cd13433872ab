"""Checks of chapter 10's exercises on one step: its deviation, the step for a model, the step for a predicted datum."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddim_oracles import (
    RIGHT, Slip, by_rows, chain_deviation, conditioned_step, pair_values, slipped_step, walked,
)
from .ddpm_oracles import F64, WRONG_AXIS, Setting, compare_precision, compare_values, random_setting
from .forward_inputs import distinct_times

OTHER_CALL = "two calls with the same arguments give two results; use the noise that is passed in"


def pairs(draw: Draw, count: int, T: int, to_zero: bool = False) -> tuple[Tensor, Tensor]:
    """Times t and s < t for ``count`` rows, in which no two times t are the same; the second row may end at 0."""
    t = distinct_times(draw, count, T - 2) + 2
    s = torch.stack([torch.tensor(draw.integer(1, int(time) - 1)) for time in t])
    if to_zero:
        s[1] = 0
    return t, s


class DdimSigma(Check):
    """Exercise 10.3. Oracle: the chain from s to t step by step, its joint Gaussian conditioned on x_t."""

    number = "10.3"
    parts = {"eta = 1": 2, "any eta": 2, "a time for each row": 1, "float64": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, t: int | Tensor, s: int | Tensor, eta: float, by: Setting) -> Case:
            arguments = {"tables": by.tables(), "t": t, "s": s, "eta": eta}
            shown = [value if isinstance(value, int) else value.tolist() for value in (t, s)]
            return Case(part, "ddim_sigma", arguments, f"t = {shown[0]}, s = {shown[1]}, eta = {eta:.3g}", {"setting": by})

        setting = random_setting(draw)
        T = setting.T
        t = draw.integer(4, T)
        yield case("eta = 1", t, draw.integer(1, t - 2), 1.0, setting)
        yield case("eta = 1", T, T - 1, 1.0, setting)
        yield case("any eta", T, draw.integer(1, T - 2), draw.number(0.2, 0.8), setting)
        yield case("any eta", t, t - 1, draw.number(0.2, 0.8), setting)
        yield case("any eta", t, 1, 0.0, setting)
        yield case("a time for each row", *pairs(draw, 3, T, to_zero=True), 1.0, setting)
        yield case("a time for each row", *pairs(draw, 4, T), 0.5, setting)
        yield case("float64", *pairs(draw, 3, T), 0.7, setting)
        long = random_setting(draw, T=12)
        yield case("float64", *pairs(draw, 3, 12), 1.0, Setting(long.betas / 50, long.slope, long.shift))

    def judge(self, case: Case, result: object) -> str | None:
        setting: Setting = case.secret["setting"]
        t, s, eta = (case.arguments[name] for name in ("t", "s", "eta"))
        t, s = torch.broadcast_tensors(torch.as_tensor(t), torch.as_tensor(s))
        expected = self._each(t, s, lambda now, then: eta * chain_deviation(setting, now, then))
        if case.part == "float64":
            return compare_precision(result, expected, "sigma", expected, "the schedule")
        if compare_values(result, expected, "sigma") is None:
            return None
        return compare_values(result, expected, "sigma", self._known(setting, t, s, eta))

    @staticmethod
    def _each(t: Tensor, s: Tensor, function) -> Tensor:
        found = [function(now, then) for now, then in zip(t.reshape(-1).tolist(), s.reshape(-1).tolist())]
        return torch.tensor(found, dtype=F64).reshape(t.shape)

    def _known(self, setting: Setting, t: Tensor, s: Tensor, eta: float) -> dict[str, Tensor]:
        spread = [deviation for _, deviation in setting.moments]
        chain = setting.betas.tolist()
        full = self._each(t, s, lambda now, then: chain_deviation(setting, now, then))
        added = self._each(t, s, lambda now, then: math.sqrt(walked(setting.betas, then, now)[1]))
        ratio = self._each(t, s, lambda now, then: spread[then] / spread[now])
        left = setting.alpha_bars
        one = self._each(t, s, lambda now, then: math.sqrt(chain[now]))
        known = {
            "This is the variance sigma^2; its root is asked for.": (eta * full) ** 2,
            "eta multiplies the deviation, not the variance: here the result has the root of eta.": math.sqrt(eta) * full,
            "eta is ignored: this is the deviation for eta = 1.": full,
            "This is 0, whatever eta is.": 0 * full,
            "eta is squared; it multiplies the deviation as it is.": eta**2 * full,
            "The first fraction is upside down: 1 - alpha_bar_s belongs above.": eta * added / ratio.clamp(min=1e-30),
            "The first factor, with 1 - alpha_bar_s above, is missing.": eta * added,
            "The second factor, with alpha_bar_t / alpha_bar_s, is missing.": eta * ratio,
            "The step goes from t to s, not to t - 1: alpha_t stands in the place of alpha_bar_t / alpha_bar_s.": eta * ratio * one,
            "This is sqrt(beta_t), the large choice of chapter 7.": eta * one,
            "The second root has alpha_bar_t / alpha_bar_s upside down inside, or a difference in its place.":
                eta * ratio * (left[s] - left[t]).sqrt(),
            "The first fraction has no root.": eta * ratio**2 * added,
            "The second factor has no root.": eta * ratio * added**2,
            "s and t are exchanged.": torch.full_like(full, math.nan),
        }
        if t.ndim == 0:
            now, then = int(t), int(s)
            known["This is the step from t to t - 1; it should end at s."] = torch.tensor(
                eta * chain_deviation(setting, now, now - 1), dtype=F64)
            before = torch.tensor(eta * chain_deviation(setting, now - 1, then - 1), dtype=F64) if then >= 1 else full
            known["The tables are read at t - 1 and s - 1; index t is time t."] = before
        return {words: value for words, value in known.items() if not torch.allclose(value, eta * full)}


class StepCheck(Check):
    """What the checks of the two steps share: their cases, and the slips that both can have."""

    call: str

    def arguments(self, draw: Draw, shape: tuple[int, ...], kind: torch.dtype) -> dict[str, Tensor]:
        raise NotImplementedError

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw, 6, 9)
        T = setting.T

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, s: int | Tensor, eta: float, *, noise: bool = True,
                 by: Setting = setting, kind: torch.dtype = F64) -> Case:
            arguments = {"tables": by.tables(), **self.arguments(draw, shape, kind), "t": t, "s": s,
                         "noise": draw.normal(*shape).to(kind) if noise else None, "eta": eta}
            shown = [value if isinstance(value, int) else value.tolist() for value in (t, s)]
            says = f"x_t of shape {shape}, t = {shown[0]}, s = {shown[1]}, eta = {eta:.3g}" + ("" if noise else ", noise = None")
            return Case(part, self.call, arguments, says, {"setting": by})

        t = draw.integer(4, T)
        yield case("with noise", (2, 3), t, draw.integer(1, t - 2), draw.number(0.3, 0.8))
        yield case("with noise", (4,), T, T - 1, 1.0)
        yield case("eta = 0", (2, 3), t, draw.integer(1, t - 2), 0.0)
        yield case("eta = 0", (3, 2), T, draw.integer(1, T - 2), 0.0, noise=False)
        yield case("to time 0", (2, 3), t, 0, draw.number(0.3, 0.8))
        yield case("to time 0", (2, 3), 1, 0, 1.0)
        yield case("a time for each row", (3, 3), *pairs(draw, 3, T, to_zero=True), draw.number(0.3, 0.8))
        yield case("a time for each row", (4, 2, 3), *pairs(draw, 4, T), 1.0)
        yield case("a time for each row", (3, 2), *pairs(draw, 3, T), 0.0)
        for kind in (F64, torch.float32):
            yield case("precision", (3, 2), *pairs(draw, 3, T), 0.6, kind=kind)
            yield case("precision", (2, 3), T, 2, 0.0, noise=False, kind=kind)

    def noise_of(self, case: Case, setting: Setting, x: Tensor, t: Tensor) -> Tensor:
        """The noise that the step is about, for each row."""
        raise NotImplementedError

    def judge(self, case: Case, result: object) -> str | None:
        setting: Setting = case.secret["setting"]
        given = case.arguments
        x = given["x_t"].double()
        noise = torch.zeros_like(x) if given["noise"] is None else given["noise"].double()
        t, s = (torch.as_tensor(given[name]).expand(len(x)) for name in ("t", "s"))
        eta = given["eta"]
        first, again = result
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return OTHER_CALL
        eps = self.noise_of(case, setting, x, t)

        def each(function, at: Tensor = t, to: Tensor = s, of_eps: Tensor = eps, share: float = eta, z: Tensor = noise) -> Tensor:
            return by_rows(lambda row, now, then, noise_row, z_row: function(setting, row, noise_row, now, then, share, z_row),
                           x, at, to, of_eps, z)

        expected = each(conditioned_step)
        if case.part == "precision":
            return compare_precision(first, expected, "x_s", given["x_t"], "x_t")
        if compare_values(first, expected, "x_s") is None:
            return None

        def slipped(slip: Slip, **others) -> Tensor:
            return each(lambda *arguments: slipped_step(*arguments, slip), **others)

        known = self._slips(slipped, t, s, eta, noise)
        known |= self.own_slips(case, setting, x, t, s, eps, slipped)
        first_t, first_s = (value[:1].expand(len(x)) for value in (t, s))
        of_first = self.noise_of(case, setting, x, first_t)
        known["All rows have the times of the first row."] = slipped(RIGHT, at=first_t, to=first_s, of_eps=of_first)
        if x.ndim == 2 and x.shape[0] == x.shape[1] and isinstance(given["t"], Tensor):
            mean, spread, before, before_spread = (value.flatten() for value in pair_values(setting, x, t, s))
            sigma = torch.tensor([eta * chain_deviation(setting, now, then) for now, then in zip(t.tolist(), s.tolist())], dtype=F64)
            across = (x - spread * eps) / mean
            known[WRONG_AXIS] = before * across + (before_spread**2 - sigma**2).clamp(min=0).sqrt() * eps + sigma * noise
        known = {words: value for words, value in known.items() if not torch.allclose(value, expected, rtol=1e-6, atol=1e-6)}
        return compare_values(first, expected, "x_s", known)

    @staticmethod
    def _slips(slipped, t: Tensor, s: Tensor, eta: float, noise: Tensor) -> dict[str, Tensor]:
        wrong_sigma = {
            "The fresh noise is multiplied by sigma^2; it should be multiplied by sigma.": Slip(sigma=lambda *m: m[4] ** 2),
            "The fresh noise is not multiplied by sigma.": Slip(sigma=lambda *m: 1.0),
            "The fresh noise is multiplied by eta alone.": Slip(sigma=lambda *m: eta),
        }
        known = {
            "sigma^2 is not subtracted under the root: the noise that is added must be taken from the predicted one.":
                slipped(Slip(direction=lambda *m: m[3])),
            "sigma is subtracted under the root; it should be sigma^2.":
                slipped(Slip(direction=lambda *m: math.sqrt(max(m[3] ** 2 - m[4], 0.0)))),
            "1 - alpha_bar_s - sigma^2 is a variance; the root is missing.": slipped(Slip(direction=lambda *m: m[3] ** 2 - m[4] ** 2)),
            "The predicted noise is left out: only the datum and the fresh noise are there.": slipped(Slip(direction=lambda *m: 0.0)),
            "The predicted noise has the weight of time t; it should have that of time s.":
                slipped(Slip(direction=lambda *m: math.sqrt(max(m[1] ** 2 - m[4] ** 2, 0.0)))),
            "The datum is multiplied by sqrt(alpha_bar_t); it should be sqrt(alpha_bar_s).": slipped(Slip(signal=lambda *m: m[0])),
            "The datum is multiplied by alpha_bar_s; take the square root.": slipped(Slip(signal=lambda *m: m[2] ** 2)),
            "The datum is not multiplied by sqrt(alpha_bar_s).": slipped(Slip(signal=lambda *m: 1.0)),
            "No fresh noise is added.": slipped(RIGHT, z=torch.zeros_like(noise)),
            "The predicted noise is subtracted; the direction points to x_t.":
                slipped(Slip(direction=lambda *m: -math.sqrt(max(m[3] ** 2 - m[4] ** 2, 0.0)))),
            "This is the step with eta = 0, whatever eta is.": slipped(RIGHT, share=0.0),
            "This is the step with eta = 1, whatever eta is.": slipped(RIGHT, share=1.0),
            "The step ends at t - 1; it should end at s.": slipped(RIGHT, to=t - 1),
            "The step ends at time 0: this is the predicted datum alone.": slipped(RIGHT, to=torch.zeros_like(s)),
        }
        return known | {words: slipped(slip) for words, slip in wrong_sigma.items()}

    def own_slips(self, case: Case, setting: Setting, x: Tensor, t: Tensor, s: Tensor, eps: Tensor, slipped) -> dict[str, Tensor]:
        return {}


class DdimStep(StepCheck):
    """Exercise 10.4. Oracle: x_s and x_t as a joint Gaussian given the datum that the model implies, conditioned on x_t."""

    number = "10.4"
    call = "ddim_step"
    parts = {"with noise": 2, "eta = 0": 2, "to time 0": 1, "a time for each row": 2, "precision": 1}

    def arguments(self, draw: Draw, shape: tuple[int, ...], kind: torch.dtype) -> dict[str, Tensor]:
        return {"x_t": draw.normal(*shape).to(kind)}

    def noise_of(self, case: Case, setting: Setting, x: Tensor, t: Tensor) -> Tensor:
        return torch.stack([setting.model(row, time) for row, time in zip(x, t.tolist())])

    def own_slips(self, case: Case, setting: Setting, x: Tensor, t: Tensor, s: Tensor, eps: Tensor, slipped) -> dict[str, Tensor]:
        at_s, early = (torch.stack([setting.model(row, time) for row, time in zip(x, times.tolist())]) for times in (s, t - 1))
        return {
            "The model is asked at time s; the step starts from x_t, at time t.": slipped(RIGHT, of_eps=at_s),
            "The model is told t - 1; here times count from 1, for the model too.": slipped(RIGHT, of_eps=early),
            "The predicted datum is not divided by sqrt(alpha_bar_t).": slipped(Slip(clean=lambda *m: (1.0, -m[1]))),
            "The predicted datum is divided by alpha_bar_t; it should be divided by its root.":
                slipped(Slip(clean=lambda *m: (1 / m[0] ** 2, -m[1] / m[0] ** 2))),
            "In the predicted datum the noise is multiplied by the variance 1 - alpha_bar_t; take the root.":
                slipped(Slip(clean=lambda *m: (1 / m[0], -(m[1] ** 2) / m[0]))),
            "In the predicted datum the noise is added; it should be subtracted.":
                slipped(Slip(clean=lambda *m: (1 / m[0], m[1] / m[0]))),
            "x_t stands in the place of the predicted datum.": slipped(Slip(clean=lambda *m: (1.0, 0.0))),
            "The predicted datum lies outside of [-1, 1] and is clipped; nothing is clipped here.": self._clipped(
                setting, x, t, s, eps, case),
        }

    @staticmethod
    def _clipped(setting: Setting, x: Tensor, t: Tensor, s: Tensor, eps: Tensor, case: Case) -> Tensor:
        mean, spread, before, before_spread = pair_values(setting, x, t, s)
        sigma = torch.tensor([case.arguments["eta"] * chain_deviation(setting, now, then) for now, then in zip(t.tolist(), s.tolist())],
                             dtype=F64).reshape(before.shape)
        noise = case.arguments["noise"]
        clean = ((x - spread * eps) / mean).clamp(-1, 1)
        return before * clean + (before_spread**2 - sigma**2).clamp(min=0).sqrt() * eps + sigma * (0.0 if noise is None else noise)


class DdimStepFromX0(StepCheck):
    """Exercise 10.7. Oracle: x_s and x_t as a joint Gaussian given this datum, conditioned on x_t."""

    number = "10.7"
    call = "ddim_step_from_x0"
    parts = {"with noise": 2, "eta = 0": 2, "to time 0": 1, "a time for each row": 1, "precision": 1}

    def arguments(self, draw: Draw, shape: tuple[int, ...], kind: torch.dtype) -> dict[str, Tensor]:
        return {"x_t": draw.normal(*shape).to(kind), "x0": draw.normal(*shape).to(kind)}

    def noise_of(self, case: Case, setting: Setting, x: Tensor, t: Tensor) -> Tensor:
        mean, spread, *_ = pair_values(setting, x, t, t)
        return (x - mean * case.arguments["x0"].double()) / spread

    def own_slips(self, case: Case, setting: Setting, x: Tensor, t: Tensor, s: Tensor, eps: Tensor, slipped) -> dict[str, Tensor]:
        x0 = case.arguments["x0"].double()
        mean, spread, *_ = pair_values(setting, x, t, t)

        def with_noise(wrong: Tensor) -> Tensor:
            """The step with the right datum and this noise: the clean value is x0 = (x - ...) written for the wrong noise."""
            shifted = mean * x0 + spread * wrong  # the x_t to which this pair belongs
            return by_rows(lambda row, now, then, e, z: slipped_step(setting, row, e, now, then, case.arguments["eta"], z, RIGHT),
                           shifted, t, s, wrong, torch.zeros_like(x) if case.arguments["noise"] is None else case.arguments["noise"].double())

        return {
            "x_0 is used as if it were the noise.": slipped(RIGHT, of_eps=x0),
            "The noise from x_0 to x_t is not divided by sqrt(1 - alpha_bar_t).": with_noise(x - mean * x0),
            "The noise is divided by the variance 1 - alpha_bar_t; take the root.": with_noise((x - mean * x0) / spread**2),
            "x_0 is not multiplied by sqrt(alpha_bar_t) where the noise is found.": with_noise((x - x0) / spread),
            "x_0 is multiplied by alpha_bar_t where the noise is found; take the root.": with_noise((x - mean**2 * x0) / spread),
            "x_t stands in the place of the noise.": with_noise(x),
            "x_0 is clipped to [-1, 1]; here it is used as it is given.": by_rows(
                lambda row, now, then, e, z: slipped_step(setting, row, e, now, then, case.arguments["eta"], z, RIGHT),
                x, t, s, (x - mean * x0.clamp(-1, 1)) / spread,
                torch.zeros_like(x) if case.arguments["noise"] is None else case.arguments["noise"].double()),
        }
