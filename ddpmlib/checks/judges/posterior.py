"""Checks of chapter 5's exercises on the posterior of the forward process."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .conditioning import ConditionGaussian
from .forward_inputs import along, distinct_times, misplaced
from .posterior_noise import MeanFromNoise
from .posterior_oracles import (
    Walk,
    compare_exactly,
    judge_float32,
    judge_gradients,
    published_variances,
    published_walk,
    random_walk,
    walk,
)
from .posterior_ve import RandomWalk


class Variance(Check):
    """Exercise 5.3. Oracle: prior times likelihood on a grid, with the noise's variance followed step by step."""

    number = "5.3"
    parts = {"values": 3, "times 0 and 1": 1, "T = 1000, float64": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, low, high in [("values", 5, 6), ("values", 9, 14), ("times 0 and 1", 1, 1), ("times 0 and 1", 4, 8)]:
            steps = random_walk(draw, low, high)
            yield Case(part, "posterior_variance", steps.tables(), f"T = {steps.T}", {"walk": steps})
        yield Case("T = 1000, float64", "posterior_variance", published_walk().tables(), "linear schedule, T = 1000",
                   {"walk": published_walk()})

    def judge(self, case: Case, result: object) -> str | None:
        steps: Walk = case.secret["walk"]
        expected = published_variances() if steps is published_walk() else steps.posterior_variances()
        if case.part == "times 0 and 1" and isinstance(result, Tensor) and result.shape == expected.shape:
            return self._judge_ends(result)
        known = self._known(steps, expected)
        if not isinstance(result, Tensor) or result.shape != expected.shape:
            return compare(result, expected, what="the table", rtol=1e-9, atol=1e-14, known=known)
        return compare_exactly(result[2:], expected[2:], "the table from time 2 on",
                               {name: value[2:] for name, value in known.items() if value.shape == expected.shape}, atol=1e-14)

    @staticmethod
    def _judge_ends(result: Tensor) -> str | None:
        if torch.isnan(result[0]):
            return "entry 0 is NaN, which is 0/0: no step leads to time 0; set the entry to 0"
        problem = compare(result[:2], torch.zeros(2), what="the table at the times 0 and 1", atol=1e-14)
        clipped = "At t = 1 the answer is x_0, which is known: its variance is 0, and is not to be replaced or clipped."
        if problem is not None and result[1] > 0:
            return f"{problem}\n{clipped}"
        for t, value in enumerate(result[:2].tolist()):
            if problem is None and 0 < value < 1e-17:  # 1 less a rounded number is 0 or larger than this
                return f"entry {t} is {value:.3g}, it should be 0\n{clipped}"
        return problem

    @staticmethod
    def _known(steps: Walk, expected: Tensor) -> dict[str, Tensor]:
        betas, now = steps.betas, steps.noise
        before = torch.cat([now[:1], now[:-1]])
        rooted = 1 - torch.cat([steps.signal[:1], steps.signal[:-1]])
        later = torch.cat([betas[:1], betas[1:] * now[1:] / torch.cat([now[2:], now[-1:]])])
        return {
            "The entry for time 0 is missing: index t must be time t, so the table has T + 1 entries.": expected[1:],
            "This is beta_t, the variance of the step forwards; knowing x_0 too makes it smaller.": betas,
            "This is 1 - alpha_bar_{t-1}, the variance of x_{t-1} given x_0 alone; x_t says more.": before,
            "This is 1 - alpha_bar_t, the variance of x_t given x_0.": now,
            "This has 1 - sqrt(alpha_bar_{t-1}); the variance of x_{t-1} given x_0 is 1 - alpha_bar_{t-1}, without a root.":
                betas * rooted / now,
            "This is the standard deviation; the variance is asked for.": expected.sqrt(),
            "This is the precision; the variance is 1 over it.": 1 / expected,
            "The fraction is upside down: 1 - alpha_bar_{t-1} belongs above, 1 - alpha_bar_t below.": betas * now / before,
            "Above stands alpha_bar_{t-1} in the place of 1 - alpha_bar_{t-1}.": betas * (1 - before) / now,
            "Below stands alpha_bar_t in the place of 1 - alpha_bar_t.": betas * before / (1 - now),
            "The factor beta_t is missing.": before / now,
            "This has alpha_t in the place of beta_t = 1 - alpha_t.": (1 - betas) * before / now,
            "Off by one in t: the two alpha_bars are those of t and t + 1; above belongs t - 1, below t.": later,
            "Late by one: entry t holds the variance of step t - 1.": torch.cat([expected[:1], expected[:-1]]),
            "Early by one: entry t holds the variance of step t + 1.": torch.cat([expected[1:], expected[-1:]]),
        }


class Mean(Check):
    """Exercise 5.4. Oracle: prior times likelihood on a grid, for numbers; the mean is linear in x_0 and x_t."""

    number = "5.4"
    parts = {"one time for all": 2, "a time for each row": 2, "t = 1 and t = T": 1, "float32": 1, "gradients": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        steps = random_walk(draw, 8, 12)
        T = steps.T

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, call: str = "posterior_mean", by: Walk = steps,
                 kind: torch.dtype = torch.float64) -> Case:
            x0 = draw.normal(*shape)
            arguments = {"x0": x0.to(kind), "x_t": by.latents(x0, t, draw.normal(*shape)).to(kind), "t": t, **by.tables()}
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, call, arguments, f"x0 of shape {shape}, t = {shown}", {"walk": by})

        yield case("one time for all", (2, 3), draw.integer(2, T - 1))
        yield case("one time for all", (3,), torch.tensor(draw.integer(2, T - 1)))
        yield case("a time for each row", (3, 3), distinct_times(draw, 3, T - 2) + 1)
        yield case("a time for each row", (4, 2, 3, 5), distinct_times(draw, 4, T))
        yield case("a time for each row", (5,), distinct_times(draw, 5, T))
        yield case("t = 1 and t = T", (2, 3), 1)
        yield case("t = 1 and t = T", (2, 3), torch.tensor([T, 1]))
        one = walk(torch.tensor([0.0, draw.number(0.2, 0.6)], dtype=torch.float64))
        yield case("t = 1 and t = T", (2, 2), 1, by=one)
        early = torch.tensor([1, 2, 3, 500, 1000])[torch.randperm(5, generator=draw.generator)]
        yield case("float32", (5, 4), early, by=published_walk(), kind=torch.float32)
        yield case("gradients", (3, 2), distinct_times(draw, 3, T), "gradients_of_mean")

    def judge(self, case: Case, result: object) -> str | None:
        steps: Walk = case.secret["walk"]
        x0, x_t = (case.arguments[name].double() for name in ("x0", "x_t"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x0))
        of_x_t, of_x0 = steps.weights(t, x0)
        if case.part == "gradients":
            return judge_gradients(result, of_x0.expand_as(x0), of_x_t.expand_as(x0), ("x0", "x_t"))
        known = self._known(steps, t, x0, x_t, of_x_t, of_x0)
        judged = judge_float32 if case.part == "float32" else compare_exactly
        return judged(result, of_x_t * x_t + of_x0 * x0, "the mean", known)

    @staticmethod
    def _known(steps: Walk, t: Tensor, x0: Tensor, x_t: Tensor, of_x_t: Tensor, of_x0: Tensor) -> dict[str, Tensor]:
        shape = (-1, *[1] * (x0.ndim - 1))
        alpha, beta = (1 - steps.betas[t]).reshape(shape), steps.betas[t].reshape(shape)
        signal, noise, now = (table.reshape(shape) for table in (steps.signal[t - 1], steps.noise[t - 1], steps.noise[t]))

        def at(times: Tensor) -> Tensor:
            of_x_t, of_x0 = steps.weights(times, x0)
            return of_x_t * x_t + of_x0 * x0

        known = {
            "The weights are swapped: the one with beta_t belongs to x_0, the one with 1 - alpha_bar_{t-1} to x_t.":
                of_x0 * x_t + of_x_t * x0,
            "The weight of x_t has alpha_t; it should have its square root.": alpha.sqrt() * of_x_t * x_t + of_x0 * x0,
            "Both weights lack a square root: alpha_t and alpha_bar_{t-1} stand above in the place of their roots.":
                alpha.sqrt() * of_x_t * x_t + signal * of_x0 * x0,
            "Off by one: alpha_bar_t stands in both places of alpha_bar_{t-1}.":
                alpha.sqrt() * x_t + alpha.sqrt() * of_x0 * x0,
            "The weight of x_0 has sqrt(beta_t); it should be beta_t.": of_x_t * x_t + of_x0 / beta.sqrt() * x0,
            "The weight of x_0 has alpha_t in the place of beta_t = 1 - alpha_t.": of_x_t * x_t + alpha / beta * of_x0 * x0,
            "The weight of x_t lacks the factor sqrt(alpha_t).": of_x_t / alpha.sqrt() * x_t + of_x0 * x0,
            "The weight of x_0 has alpha_bar_{t-1}; it should have its square root.": of_x_t * x_t + signal * of_x0 * x0,
            "The weight of x_0 has sqrt(alpha_bar_t); it should be that of t - 1.": of_x_t * x_t + alpha.sqrt() * of_x0 * x0,
            "The weight of x_0 lacks the factor sqrt(alpha_bar_{t-1}).": of_x_t * x_t + of_x0 / signal * x0,
            "The weights do not sum to 1, and need not; do not divide by their sum.":
                (of_x_t * x_t + of_x0 * x0) / (of_x_t + of_x0),
            "The weight of x_t is not 1 minus that of x_0: they need not sum to 1.": (1 - of_x0) * x_t + of_x0 * x0,
            "The weight of x_0 is not 1 minus that of x_t: they need not sum to 1.": of_x_t * x_t + (1 - of_x_t) * x0,
            "The division by 1 - alpha_bar_t is missing.": now * (of_x_t * x_t + of_x0 * x0),
            "The precision-weighted sum is not divided by the precision.":
                alpha.sqrt() / beta * x_t + signal / noise * x0,
            "This is x_t / sqrt(alpha_t): the shrinking is undone, but x_0 is not used.": x_t / alpha.sqrt(),
            "This is the mean of x_{t-1} given x_0 alone; x_t is not used.": signal * x0,
            "Off by one: these are the weights of time t - 1; index t is time t.": at((t - 1).clamp(min=1)),
            "Off by one: these are the weights of time t + 1; index t is time t.": at((t + 1).clamp(max=steps.T)),
            "All rows have the time of the first row.": at(t[:1].expand(len(t))),
        }
        for mistake, axis in misplaced(x0).items():
            on_x_t, on_x0 = (along(weight.flatten().tolist(), x0, axis) for weight in (of_x_t, of_x0))
            known[mistake] = on_x_t * x_t + on_x0 * x0
        return known


CHECKS = [Variance(), Mean(), ConditionGaussian(), MeanFromNoise(), RandomWalk()]
