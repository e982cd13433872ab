"""Checks of chapter 3's exercises on the forward process."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from ..judging import Case, Check, Draw, compare
from .prior_matching import PriorMatching

WRONG_AXIS = "The coefficients of the times run along the last axis; each belongs to a row of the batch."


def random_betas(draw: Draw, T: int) -> Tensor:
    """A table of betas that rise from about 0.1 to 0.5, no two of them close."""
    steps = torch.linspace(0.1, 0.5, T, dtype=torch.float64) + draw.uniform(0.0, 0.2 / T, T)
    return torch.cat([torch.zeros(1, dtype=torch.float64), steps])


def simulate(betas: Tensor, t: int) -> tuple[float, float]:
    """Follow x_t given x_0 = 1 through t steps, one at a time; return its mean and standard deviation."""
    mean, variance = 1.0, 0.0
    for beta in betas[1 : t + 1].tolist():
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
    return mean, math.sqrt(variance)


def along_rows(values: Iterable[float], x: Tensor) -> Tensor:
    """One number a row, shaped so that it multiplies the rows of x."""
    return torch.tensor(list(values), dtype=torch.float64).reshape(-1, *[1] * (x.ndim - 1))


def distinct_times(draw: Draw, count: int, high: int) -> Tensor:
    """``count`` different times in 1..high, in random order."""
    return torch.randperm(high, generator=draw.generator)[:count] + 1


class ForwardStep(Check):
    """Exercise 3.1. Oracles: the normal quantile function, and the second moment by Gauss-Hermite quadrature."""

    number = "3.1"
    parts = {"what is kept of x_{t-1}": 1, "what is added": 1, "variance 1 stays 1": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        T = draw.integer(6, 9)
        betas = random_betas(draw, T)
        for t in (draw.integer(2, T - 1), T, 1):
            x_prev, noise, none = draw.normal(2, 3), draw.normal(2, 3), torch.zeros(2, 3, dtype=torch.float64)
            says = f"t = {t} of T = {T}"
            yield Case("what is kept of x_{t-1}", "forward_step",
                       {"x_prev": x_prev, "t": t, "betas": betas, "noise": none}, f"{says}, noise = 0")
            yield Case("what is added", "forward_step",
                       {"x_prev": none, "t": t, "betas": betas, "noise": noise}, f"{says}, x_prev = 0")
        nodes, _ = _quadrature()
        t = draw.integer(2, T - 1)
        grid = {"x_prev": nodes[:, None].expand(5, 5).clone(), "noise": nodes[None, :].expand(5, 5).clone()}
        yield Case("variance 1 stays 1", "forward_step", {**grid, "t": t, "betas": betas}, f"t = {t} of T = {T}")

    def judge(self, case: Case, result: object) -> str | None:
        betas, t = case.arguments["betas"], case.arguments["t"]
        beta = betas[t]
        if case.part == "variance 1 stays 1":
            return self._judge_variance(result, beta)
        before, after = betas[t - 1], betas[min(t + 1, len(betas) - 1)]
        x, noise = case.arguments["x_prev"], case.arguments["noise"]
        if case.part == "what is added":
            expected = Normal(torch.zeros(()).double(), beta.sqrt()).icdf(Normal(0.0, 1.0).cdf(noise))
            return compare(result, expected, what="x_t", known={
                "The noise is scaled by the variance beta_t; it should be scaled by the standard deviation.":
                    beta * noise,
                "The noise is not scaled at all.": noise,
                "Off by one in t: this is beta_{t-1}; index t is time t.": before.sqrt() * noise,
                "Off by one in t: this is beta_{t+1}; index t is time t.": after.sqrt() * noise,
                "The roles are swapped: sqrt(beta_t) belongs to the noise, sqrt(1 - beta_t) to x_{t-1}.":
                    (1 - beta).sqrt() * noise,
            })
        return compare(result, torch.exp(0.5 * torch.log1p(-beta)) * x, what="the mean of x_t", known={
            "x_{t-1} is multiplied by 1 - beta_t; the square root is missing.": (1 - beta) * x,
            "x_{t-1} is kept as it is; then the variance grows with every step.": x,
            "x_{t-1} is multiplied by 1 - sqrt(beta_t); it should be sqrt(1 - beta_t).": (1 - beta.sqrt()) * x,
            "Off by one in t: this is beta_{t-1}; index t is time t.": (1 - before).sqrt() * x,
            "Off by one in t: this is beta_{t+1}; index t is time t.": (1 - after).sqrt() * x,
            "The roles are swapped: sqrt(beta_t) belongs to the noise, sqrt(1 - beta_t) to x_{t-1}.": beta.sqrt() * x,
        })

    def _judge_variance(self, result: object, beta: Tensor) -> str | None:
        if not isinstance(result, Tensor) or result.shape != (5, 5):
            return compare(result, torch.zeros(5, 5), what="x_t")
        weights = _quadrature()[1]
        variance = (weights[:, None] * weights[None, :] * result.double() ** 2).sum()
        return compare(variance, 1.0, what="the variance of x_t, for x_{t-1} of variance 1,", known={
            "It grows: with coefficient 1 the variance becomes 1 + beta_t.": 1 + beta,
            "It shrinks: with coefficient 1 - beta_t the variance becomes (1 - beta_t)^2 + beta_t.":
                (1 - beta) ** 2 + beta,
        })


def _quadrature() -> tuple[Tensor, Tensor]:
    """Five Gauss-Hermite nodes of the standard normal law, and their weights."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())


class QSample(Check):
    """Exercise 3.6. Oracle: mean and variance followed through the chain step by step."""

    number = "3.6"
    parts = {"one time for all": 2, "a time for each row": 2, "t = 0 and t = T": 1, "float32 stays float32": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        T = draw.integer(8, 12)
        betas = random_betas(draw, T)
        alpha_bars = torch.tensor([simulate(betas, t)[0] ** 2 for t in range(T + 1)], dtype=torch.float64)

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, kind: torch.dtype = torch.float64) -> Case:
            arguments = {"x0": draw.normal(*shape).to(kind), "t": t, "alpha_bars": alpha_bars,
                         "noise": draw.normal(*shape).to(kind)}
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, "q_sample", arguments, f"x0 of shape {shape}, t = {shown}", {"betas": betas})

        yield case("one time for all", (2, 3), draw.integer(2, T - 1))
        yield case("one time for all", (3,), draw.integer(2, T - 1))
        yield case("a time for each row", (3, 3), distinct_times(draw, 3, T))
        yield case("a time for each row", (4, 2, 3, 5), distinct_times(draw, 4, T))
        yield case("a time for each row", (5,), distinct_times(draw, 5, T))
        yield case("t = 0 and t = T", (2, 3), torch.tensor([0, T]))
        yield case("t = 0 and t = T", (2, 3), T)
        yield case("float32 stays float32", (3, 2), distinct_times(draw, 3, T), torch.float32)

    def judge(self, case: Case, result: object) -> str | None:
        x0, noise, table = (case.arguments[name].double() for name in ("x0", "noise", "alpha_bars"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x0))
        mean, spread = self._moments(case, t)
        early_mean, early_spread = self._moments(case, (t - 1).clamp(min=0))
        first_mean, first_spread = self._moments(case, t[:1].expand(len(t)))
        expected = mean * x0 + spread * noise
        known = {
            "The coefficients are variances; take the square roots: standard deviations multiply.":
                mean**2 * x0 + spread**2 * noise,
            "The noise is scaled by the variance 1 - alpha_bar_t; it should be scaled by the standard deviation.":
                mean * x0 + spread**2 * noise,
            "The coefficient of x_0 is alpha_bar_t; it should be its square root.": mean**2 * x0 + spread * noise,
            "The roles are swapped: sqrt(alpha_bar_t) belongs to x_0.": spread * x0 + mean * noise,
            "The coefficients should satisfy a^2 + b^2 = 1; this is b = 1 - sqrt(alpha_bar_t).":
                mean * x0 + (1 - mean) * noise,
            "This is beta_t in the place of 1 - alpha_bar_t: the noise of one step, not of all t.":
                mean * x0 + self._last_step(table, t, x0) * noise,
            "Off by one in t: this is alpha_bar_{t-1}; index t is time t.":
                early_mean * x0 + early_spread * noise,
            "All rows have the time of the first row.": first_mean * x0 + first_spread * noise,
        }
        if x0.ndim == 2 and len(set(x0.shape)) == 1:
            known[WRONG_AXIS] = mean.T * x0 + spread.T * noise
        problem = compare(result, expected, what="x_t", known=known)
        if problem is None and case.part == "float32 stays float32" and result.dtype != torch.float32:
            return (f"x0 is float32, and x_t should be; got {result.dtype}: "
                    "a float64 table has turned the whole batch into float64")
        return problem

    @staticmethod
    def _moments(case: Case, t: Tensor) -> Iterable[Tensor]:
        """The mean of x_t for x_0 = 1 and the standard deviation, a time for each row."""
        moments = [simulate(case.secret["betas"], time) for time in t.tolist()]
        return (along_rows(values, case.arguments["x0"]) for values in zip(*moments))

    @staticmethod
    def _last_step(table: Tensor, t: Tensor, x0: Tensor) -> Tensor:
        return along_rows((1 - table[t] / table[(t - 1).clamp(min=0)]).sqrt().tolist(), x0)


class QSampleVE(Check):
    """Exercise 3.7. Oracle: the exact law of a walk by coin flips, and x_t at the quantile of the noise."""

    number = "3.7"
    parts = {"one time for all": 1, "a time for each row": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, shape, t in [
            ("one time for all", (2, 3), draw.integer(3, 20)),
            ("one time for all", (4,), 0),
            ("a time for each row", (3, 3), distinct_times(draw, 3, 30) + 1),
            ("a time for each row", (4, 2, 3), distinct_times(draw, 4, 30) - 1),
        ]:
            shown = t if isinstance(t, int) else t.tolist()
            arguments = {"x0": draw.normal(*shape), "t": t, "noise": draw.normal(*shape)}
            yield Case(part, "q_sample_ve", arguments, f"x0 of shape {shape}, t = {shown}")

    def judge(self, case: Case, result: object) -> str | None:
        x0, noise = case.arguments["x0"], case.arguments["noise"]
        t = torch.as_tensor(case.arguments["t"]).expand(len(x0))
        after, later, earlier = (along_rows([self._walk(max(time + late, 0)) for time in t.tolist()], x0)
                                 for late in (0, 1, -1))
        expected = self._at_quantile(noise, x0, after)
        known = {
            "x_0 + t eps has variance t^2; the random walk's variance after t steps is t.": x0 + after**2 * noise,
            "This is one step of the walk, with variance 1; after t steps the variance is t.": x0 + noise,
            "The random walk does not shrink x_0: its coefficient is 1.": expected / (1 + after**2).sqrt(),
            "sqrt(t) belongs to the noise, not to x_0.": after * x0 + noise,
            "Off by one in t: the variance after t steps is t, so that x_0 has none.":
                self._at_quantile(noise, x0, later),
            "Off by one in t: step 1 already adds noise.": self._at_quantile(noise, x0, earlier),
        }
        if x0.ndim == 2 and len(set(x0.shape)) == 1:
            known[WRONG_AXIS] = self._at_quantile(noise, x0, after.T)
        return compare(result, expected, what="x_t", known=known)

    @staticmethod
    def _walk(t: int) -> float:
        """The standard deviation of a walk of t steps, each up or down by 1 as a coin falls.

        Such steps have mean 0 and variance 1, like the Gaussian ones, and the law of the place is exact: convolutions.
        """
        law = np.ones(1)
        for _ in range(t):
            law = np.convolve(law, [0.5, 0.0, 0.5])
        return math.sqrt(law @ np.arange(-t, t + 1) ** 2)

    @staticmethod
    def _at_quantile(noise: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
        """The point of N(mean, spread^2) that has as much of the law below it as the noise has of its own."""
        below = Normal(torch.zeros_like(noise), 1.0).cdf(noise)
        return Normal(mean, spread, validate_args=False).icdf(below)


CHECKS = [ForwardStep(), QSample(), QSampleVE(), PriorMatching()]
