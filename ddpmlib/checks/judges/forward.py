"""Checks of chapter 3's exercises on the forward process."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .digits import compare_kept
from .forward_inputs import at_quantile, random_betas
from .one_jump import QSample
from .prior_matching import PriorMatching
from .random_walk import QSampleVE

DIGITS = "dtype and digits of x_prev"


class ForwardStep(Check):
    """Exercise 3.1. Oracles: the normal quantile function, and the second moment by Gauss-Hermite quadrature."""

    number = "3.1"
    parts = {"what is kept of x_{t-1}": 1, "what is added": 1, "variance 1 stays 1": 1, DIGITS: 1}

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
        for kind in (torch.float32, torch.float64):
            both = {"x_prev": draw.normal(2, 3).to(kind), "noise": draw.normal(2, 3).to(kind)}
            says = f"{str(kind).removeprefix('torch.')} x_prev, t = {t} of T = {T}"
            yield Case(DIGITS, "forward_step", {**both, "t": t, "betas": betas}, says)

    def judge(self, case: Case, result: object) -> str | None:
        betas, t = case.arguments["betas"], case.arguments["t"]
        beta = betas[t]
        if case.part == "variance 1 stays 1":
            return self._judge_variance(result, beta)
        if case.part == DIGITS:
            x_prev, noise = case.arguments["x_prev"], case.arguments["noise"].double()
            kept = torch.exp(0.5 * torch.log1p(-beta)) * x_prev.double()
            expected = at_quantile(noise, kept, beta.sqrt())
            return compare_kept(result, expected, x_prev, what="x_t", of="x_prev")
        before, after = betas[t - 1], betas[min(t + 1, len(betas) - 1)]
        x, noise = case.arguments["x_prev"], case.arguments["noise"]
        if case.part == "what is added":
            return compare(result, at_quantile(noise, 0.0, beta.sqrt()), what="x_t", known={
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
            "It shrinks to 1 - beta_t + beta_t^2. Two slips lead there: x_{t-1} is multiplied by 1 - beta_t, or "
            "the noise by beta_t. The variance cannot tell which; the two parts above do.": (1 - beta) ** 2 + beta,
            "It grows: noise that keeps its variance 1 makes it 2 - beta_t.": 2 - beta,
        })


def _quadrature() -> tuple[Tensor, Tensor]:
    """Five Gauss-Hermite nodes of the standard normal law, and their weights."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())


CHECKS = [ForwardStep(), QSample(), QSampleVE(), PriorMatching()]
