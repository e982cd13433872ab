"""The check of the learned variance, of the bound's terms, and of the hybrid loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..judging import Case, Check, Draw
from .ddpm_oracles import (
    F64, SINGLE, Setting, compare_precision, compare_values, conditional_variances, random_setting, row_values,
)
from .edm_training import differing
from .forward_inputs import distinct_times


class LearnedVariance(Check):
    """Exercise 13.12. Oracle: conditioned Gaussians, their divergences from torch.distributions, differences of normal cdfs."""

    number = "13.12"
    parts = {"the variance": 2, "the variance at t = 1": 1, "terms for t > 1": 2, "the term for t = 1": 1, "a time for each row": 1,
             "hybrid loss": 2, "what trains what": 2, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw, 6, 9)
        T = setting.T
        levels = draw.integer(5, 9)

        def logs(part: str, shape: tuple[int, ...], t: int | Tensor, kind: torch.dtype = F64) -> Case:
            v = draw.uniform(-0.3, 1.3, *shape).to(kind)
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, "learned_log_variance", {"tables": setting.tables(), "v": v, "t": t},
                        f"v of shape {shape}, {str(kind)[6:]}, t = {shown}", {"setting": setting})

        def term(part: str, shape: tuple[int, ...], t: int | Tensor, weight: float | None = None, kind: torch.dtype = F64) -> Case:
            x0 = torch.stack([torch.tensor(draw.integer(0, levels - 1)) for _ in range(math.prod(shape))]).reshape(shape)
            noise = draw.normal(*shape)
            arguments = {"tables": setting.tables(), "eps": (noise + 0.5 * draw.normal(*shape)).to(kind),
                         "v": draw.uniform(0.1, 0.9, *shape).to(kind), "x0": (2 * x0.double() / (levels - 1) - 1).to(kind),
                         "noise": noise.to(kind), "t": t, "levels": levels}
            if weight is not None:
                arguments["weight"] = weight
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, "vlb_term" if weight is None else "hybrid_loss", arguments,
                        f"x0 of shape {shape}, {str(kind)[6:]}, t = {shown}, T = {T}, levels = {levels}"
                        + ("" if weight is None else f", weight = {weight:.3g}"), {"setting": setting})

        yield logs("the variance", (2, 3), draw.integer(3, T))
        yield logs("the variance", (3, 3), distinct_times(draw, 3, T - 2) + 2)
        yield logs("the variance", (2, 1, 2, 2), distinct_times(draw, 2, T - 2) + 2)
        yield logs("the variance at t = 1", (2, 3), 1)
        yield logs("the variance at t = 1", (2, 3), torch.tensor([T, 1]))
        yield term("terms for t > 1", (2, 3), draw.integer(3, T))
        yield term("terms for t > 1", (4,), 2)
        yield term("the term for t = 1", (2, 3), 1)
        mixed = distinct_times(draw, 3, T - 2) + 2
        mixed[draw.integer(0, 2)] = 1
        yield term("a time for each row", (3, 3), mixed)
        yield term("a time for each row", (3, 1, 2, 2), distinct_times(draw, 3, T - 2) + 2)
        for part in ("hybrid loss", "what trains what"):
            yield term(part, (3, 2), mixed, draw.number(0.01, 0.1))
            yield term(part, (2, 3), draw.integer(3, T), draw.number(0.01, 0.1))
        yield term("hybrid loss", (2, 3), draw.integer(3, T), 0.0)
        for kind in (F64, torch.float32):
            yield logs("precision", (3, 2), mixed, kind)
            yield term("precision", (3, 2), mixed, kind=kind)

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "learned_log_variance":
            return self._variance(case, result)
        return self._term(case, result) if case.call == "vlb_term" else self._hybrid(case, result)

    # the variance

    @staticmethod
    def _bounds(setting: Setting) -> tuple[Tensor, Tensor]:
        """Tables of the two variances: of x_{t-1} given x_t, if the data are a point, and of the chain's own step."""
        small = conditional_variances(setting.betas, 0.0).clone()
        small[1] = small[2]
        return small, setting.betas

    def _logs(self, setting: Setting, v: Tensor, t: int | Tensor) -> Tensor:
        """The logarithm of the weighted geometric mean."""
        small, large = (row_values(table, t, v) for table in self._bounds(setting))
        return (small * (large / small) ** v).log()

    def _variance(self, case: Case, result: object) -> str | None:
        setting: Setting = case.secret["setting"]
        v, t = case.arguments["v"].double(), case.arguments["t"]
        expected = self._logs(setting, v, t)
        if case.part == "precision":
            return compare_precision(result, expected, "the logarithm", case.arguments["v"], "v", SINGLE)
        if compare_values(result, expected, "the logarithm") is None:
            return None
        small, large = (row_values(table, t, v) for table in self._bounds(setting))
        true = conditional_variances(setting.betas, 0.0)
        known = {
            "This is the variance; its logarithm is asked for.": expected.exp(),
            "This is the logarithm of the deviation; that of the variance is twice it.": expected / 2,
            "The variances are interpolated; their logarithms should be.": (v * large + (1 - v) * small).clamp(min=1e-30).log(),
            "v = 1 should give beta_t, and v = 0 beta-tilde_t; here it is the other way round.": self._logs(setting, 1 - v, t),
            "v is read as a number between -1 and 1, as in the authors' code; here v = 0 gives beta-tilde_t.": self._logs(setting, (v + 1) / 2, t),
            "At t = 1 the variance is beta_1 here, whatever v is; beta-tilde_2 should stand in the place of beta-tilde_1.":
                torch.where(row_values(torch.arange(len(true)), t, v) == 1, large.log().expand_as(v), expected),
            "This is log(beta_t), whatever v is.": large.log().expand_as(v),
            "This is log(beta-tilde_t), whatever v is.": small.log().expand_as(v),
            "v goes through a sigmoid; it counts as it is.": self._logs(setting, torch.sigmoid(v), t),
            "v is clipped to [0, 1]; it counts as it is.": self._logs(setting, v.clamp(0, 1), t),
            "At t = 1 beta-tilde_1 = 0 has no logarithm; beta-tilde_2 stands in its place.":
                v * large.log() + (1 - v) * row_values(true.clamp(min=0), t, v).log(),
            "At t = 1 beta-tilde_1 is replaced by a small constant; beta-tilde_2 should stand in its place.": self._floored(v, t, setting, result),
        }
        times = torch.as_tensor(t).expand(len(v))
        known["All rows have the time of the first row."] = self._logs(setting, v, times[:1].expand(len(v)))
        if v.ndim == 2 and v.shape[0] == v.shape[1]:
            low, high = (torch.stack([table[time] for time in times.tolist()]).log() for table in self._bounds(setting))
            known["The tables' entries run along the last axis; each belongs to a row of the batch."] = v * high + (1 - v) * low
        before = (times - 1).clamp(min=1)
        known["The tables are read at t - 1; index t is time t."] = self._logs(setting, v, before)
        return compare_values(result, expected, "the logarithm", differing(known, expected))

    def _floored(self, v: Tensor, t: int | Tensor, setting: Setting, result: object) -> Tensor:
        """What a floor under beta-tilde_1 leads to, with the floor read from the result."""
        right = self._logs(setting, v, t)
        first = row_values(torch.arange(setting.T + 1), t, v).expand_as(v) == 1
        if not first.any() or not isinstance(result, Tensor) or result.shape != v.shape:
            return torch.full_like(v, math.nan)
        floor = (result.double() - v * setting.betas[1].log()) / (1 - v)
        one = floor[first]
        if not torch.allclose(one, one[0].expand_as(one), rtol=1e-5) or one[0] > -15:
            return torch.full_like(v, math.nan)
        return torch.where(first, v * setting.betas[1].log() + (1 - v) * one[0], right)

    # the terms

    def _terms(
        self, setting: Setting, given: dict, *, logs: Callable[[Tensor, Tensor], Tensor] | None = None, swap: bool = False,
        last: str = "bins", reduce: Callable[[Tensor], Tensor] = torch.mean, eps: Tensor | None = None, v: Tensor | None = None,
    ) -> Tensor:
        """The terms in bits per dimension, row by row."""
        eps = given["eps"].double() if eps is None else eps
        v = given["v"].double() if v is None else v
        x0, noise, n = given["x0"].double(), given["noise"].double(), given["levels"]
        t = torch.as_tensor(given["t"]).expand(len(x0))
        deviations = ((logs or (lambda v, t: self._logs(setting, v, t)))(v, t) / 2).exp()
        small = conditional_variances(setting.betas, 0.0)
        found = []
        for datum, z, guess, deviation, time in zip(x0, noise, eps, deviations, t.tolist()):
            mean, spread = setting.moments[time]
            before, before_spread = setting.moments[time - 1]
            x = mean * datum + spread * z
            gain = math.sqrt(1 - setting.betas[time].item()) * before_spread**2 / spread**2
            clean = (x - spread * guess) / mean
            model = Normal(before * clean + gain * (x - mean * clean), deviation)
            if time > 1:
                true = Normal(before * datum + gain * (x - mean * datum), small[time].sqrt())
                nats = kl_divergence(model, true) if swap else kl_divergence(true, model)
            elif last == "bins":
                half = 1 / (n - 1)
                above = torch.where(datum > 1 - half, torch.ones_like(datum), model.cdf(datum + half))
                below = torch.where(datum < -1 + half, torch.zeros_like(datum), model.cdf(datum - half))
                nats = -(above - below).log()
            else:
                nats = -model.log_prob(datum) if last == "density" else torch.full_like(datum, math.nan)
            found.append(reduce(nats) / math.log(2))
        return torch.stack(found)

    def _term(self, case: Case, result: object) -> str | None:
        setting, given = case.secret["setting"], case.arguments
        expected = self._terms(setting, given)
        what = "the terms"
        if case.part == "precision":
            return compare_precision(result, expected, what, given["x0"], "x0", SINGLE)
        if compare_values(result, expected, what) is None:
            return None
        small, large = (table.log() for table in self._bounds(setting))
        known = {
            "These are nats; divide by log(2) for bits.": expected * math.log(2),
            "These are bits for all dimensions together; divide by their number.": self._terms(setting, given, reduce=torch.sum),
            "These are nats for all dimensions together: divide by log(2) and by the number of dimensions.":
                self._terms(setting, given, reduce=torch.sum) * math.log(2),
            "The divergence has its arguments exchanged: the true posterior comes first.": self._terms(setting, given, swap=True),
            "v is ignored: this is the term for the variance beta_t.": self._terms(
                setting, given, logs=lambda v, t: row_values(large, t, v).expand_as(v)),
            "v is ignored: this is the term for the variance beta-tilde_t.": self._terms(
                setting, given, logs=lambda v, t: row_values(small, t, v).expand_as(v)),
            "The logarithm of the variance is used as if it were that of the deviation.": self._terms(
                setting, given, logs=lambda v, t: 2 * self._logs(setting, v, t)),
            "The variance is multiplied by itself: its logarithm is exponentiated to the deviation, where the variance is asked for.":
                self._terms(setting, given, logs=lambda v, t: self._logs(setting, v, t) / 2),
            "At t = 1 this is a density; the decoder gives probabilities to levels.": self._terms(setting, given, last="density"),
            "At t = 1 the posterior has variance 0, and a divergence from it has no value; that term is -log p(x_0 | x_1).":
                self._terms(setting, given, last="kl"),
            "This is the mean over the batch; one number for each row is asked for.": expected.mean(),
            "The model's two answers are exchanged: eps and v.": self._terms(
                setting, given, eps=given["v"].double(), v=given["eps"].double()),
            "The true noise stands in the place of the model's.": self._terms(setting, given, eps=given["noise"].double()),
        }
        return compare_values(result, expected, what, differing(known, expected))

    # the hybrid loss

    def _hybrid(self, case: Case, result: object) -> str | None:
        setting, given = case.secret["setting"], case.arguments
        eps, v = (given[name].double().clone().requires_grad_() for name in ("eps", "v"))
        simple = (given["noise"].double() - eps).square().mean()
        bound = self._terms(setting, given, eps=eps, v=v).mean()
        share = given["weight"] * setting.T
        if case.part == "hybrid loss":
            expected = (simple + share * bound).detach()
            if compare_values(result["loss"], expected, "the loss") is None:
                return None
            known = {
                "The factor T is missing: the bound is a sum of T terms, and one of them is drawn.": simple + given["weight"] * bound,
                "This is L_simple alone.": simple,
                "This is the bound's share alone; L_simple is missing.": share * bound,
                "The weight is ignored.": simple + setting.T * bound,
                "The weight is 0.001, whatever is passed in.": simple + 0.001 * setting.T * bound,
                "The bound is in nats; vlb_term is in bits per dimension.": simple + share * bound * math.log(2),
                "The terms are summed over the batch; their mean is asked for.": simple + share * bound * len(eps),
                "The squares of L_simple are summed; their mean is asked for.": simple * eps.numel() + share * bound,
                "The weight stands before L_simple; it belongs to the bound.": given["weight"] * simple + setting.T * bound,
            }
            known = {words: value.detach() for words, value in known.items()}
            return compare_values(result["loss"], expected, "the loss", differing(known, expected))
        of_simple = torch.autograd.grad(simple, eps)[0]
        to_eps, to_v = torch.autograd.grad(share * bound, [eps, v])
        zero = torch.zeros_like(of_simple)
        got_eps, got_v = result["gradients"]
        if problem := compare_values(got_eps, of_simple, "the gradient in eps", differing({
                "The bound trains eps too; in it the predicted noise should count as a constant.": of_simple + to_eps,
                "eps is not trained at all.": zero, "eps is trained by the bound alone.": to_eps}, of_simple)):
            return problem
        return compare_values(got_v, to_v, "the gradient in v", differing({
            "v is not trained: no gradient comes to it.": zero}, to_v))


CHECKS = [LearnedVariance()]
