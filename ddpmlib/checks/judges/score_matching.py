"""The checks of denoising score matching and of Langevin dynamics."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import Normal

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, ROUNDED, compare_precision, compare_values
from .ddpm_samplers import judge_graph
from .edm_oracles import RandomNet, every_row, random_net
from .edm_training import differing


class DsmLoss(Check):
    """Exercise 13.1. Oracle: the conditional score by differentiating torch.distributions' log-density."""

    number = "13.1"
    parts = {"one level": 2, "a level for each row": 2, "gradient": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def loss(part: str, shape: tuple[int, ...], sigma: Tensor, kind: torch.dtype = F64) -> Case:
            net = random_net(draw)
            arguments = {"score": net.parts, "x0": draw.normal(*shape).to(kind), "sigma": sigma.to(kind), "noise": draw.normal(*shape).to(kind)}
            return Case(part, "gradient_of_loss" if part == "gradient" else "dsm_loss", arguments,
                        f"x0 of shape {shape}, {str(kind)[6:]}, sigma = {[round(value, 3) for value in sigma.flatten().tolist()]}", {"net": net})

        yield loss("one level", (2, 3), draw.uniform(0.3, 0.7))
        yield loss("one level", (4,), draw.uniform(1.5, 3.0))
        yield loss("a level for each row", (3, 3), draw.uniform(0.3, 3.0, 3))
        yield loss("a level for each row", (2, 1, 2, 2), draw.uniform(0.3, 3.0, 2))
        yield loss("gradient", (3, 2), draw.uniform(0.3, 3.0, 3))
        for kind in (F64, torch.float32):
            yield loss("precision", (3, 2), draw.uniform(0.3, 3.0, 3), kind)

    @staticmethod
    def _target(x0: Tensor, noise: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """The noisy data, and the gradient of log q there."""
        x = (x0 + levels * noise).requires_grad_()
        (found,) = torch.autograd.grad(Normal(x0, levels.expand_as(x0)).log_prob(x).sum(), x)
        return x.detach(), found

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments
        net: RandomNet = case.secret["net"]
        x0, noise = given["x0"].double(), given["noise"].double()
        levels = every_row(given["sigma"].double().expand(len(x0)).tolist(), x0)
        x, target = self._target(x0, noise, levels)
        if case.part == "gradient":
            inputs = {name: value.clone().requires_grad_() for name, value in net.parts.items()}
            value = (levels**2 * (RandomNet(inputs)(x, levels) - target) ** 2).mean()
            expected = torch.stack(torch.autograd.grad(value, list(inputs.values())))
            known = {"The loss carries no graph: it must be differentiable in the model's parameters.": torch.zeros_like(expected)}
            return compare_values(result, expected, "the gradient in the model's parameters", known)
        found = net(x, levels)
        expected = (levels**2 * (found - target) ** 2).mean()
        if case.part == "precision":
            return compare_precision(result, expected, "the loss", given["x0"], "x0", ROUNDED)
        if compare_values(result, expected, "the loss") is None:
            return None
        squares = levels**2 * (found - target) ** 2
        known = {
            "The target has the wrong sign: the gradient of log q points back to the datum.": (levels**2 * (found + target) ** 2).mean(),
            "The weight sigma^2 is missing.": ((found - target) ** 2).mean(),
            "The weight is sigma; it should be sigma^2.": (levels * (found - target) ** 2).mean(),
            "The weight is sigma^4; it should be sigma^2.": (levels**4 * (found - target) ** 2).mean(),
            "The target is the noise; it should be the gradient of log q.": (levels**2 * (found - noise) ** 2).mean(),
            "The target is minus the noise; it should be divided by sigma.": (levels**2 * (found + noise) ** 2).mean(),
            "The target is divided by sigma^2; the noise (not x_sigma - x_0) should be divided by sigma.":
                (levels**2 * (found + noise / levels**2) ** 2).mean(),
            "The target is divided by sigma; x_sigma - x_0 should be divided by sigma^2.":
                (levels**2 * (found + levels * noise / levels) ** 2).mean(),
            "The squares are summed; their mean is asked for.": squares.sum(),
            "The squares are summed over the elements of a datum; the mean over all elements is asked for.": squares.sum() / len(x0),
            "There is a factor 1/2; the mean of the squares is asked for.": squares.mean() / 2,
            "The model gets the datum; it should get the noisy datum.": (levels**2 * (net(x0, levels) - target) ** 2).mean(),
            "The noise is added without the factor sigma.": (levels**2 * (net(x0 + noise, levels) - target) ** 2).mean(),
            "The datum is shrunk; here noise is added, and the datum stays as it is.":
                (levels**2 * (net((1 - levels.clamp(max=1) ** 2).sqrt() * x0 + levels * noise, levels) - target) ** 2).mean(),
            "The model is told sigma^2; it should be told sigma.": (levels**2 * (net(x, levels**2) - target) ** 2).mean(),
            "All rows have the level of the first row.": self._first(net, x0, noise, levels),
        }
        if x0.ndim == 2 and x0.shape[0] == x0.shape[1]:
            across = given["sigma"].double().expand(len(x0))
            known["The levels run along the last axis; each belongs to a row of the batch."] = (
                (across * net(x0 + across * noise, levels) + noise) ** 2).mean()
        return compare_values(result, expected, "the loss", differing(known, expected))

    def _first(self, net: RandomNet, x0: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
        first = levels[:1].expand_as(levels)
        x, target = self._target(x0, noise, first)
        return (first**2 * (net(x, first) - target) ** 2).mean()


class Langevin(Check):
    """Exercise 13.2. Oracle: for a Gaussian the walk is affine, so its end is a sum of what its start and each noise leave behind."""

    number = "13.2"
    parts = {"a step": 2, "the walk": 3, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def law() -> dict[str, Tensor]:
            return {"m": torch.tensor(draw.number(0.5, 1.5), dtype=F64), "v": torch.tensor(draw.number(0.2, 0.8), dtype=F64)}

        def step(part: str, shape: tuple[int, ...], kind: torch.dtype = F64) -> Case:
            arguments = law() | {"x": draw.normal(*shape).to(kind), "sigma": draw.number(0.5, 0.9), "step": draw.number(0.05, 0.3),
                                 "noise": draw.normal(*shape).to(kind)}
            return Case(part, "langevin_step", arguments,
                        f"x of shape {shape}, {str(kind)[6:]}, sigma = {arguments['sigma']:.3g}, step = {arguments['step']:.3g}")

        def walk(part: str, shape: tuple[int, ...], levels: int, count: int, kind: torch.dtype = F64) -> Case:
            sigmas = draw.uniform(0.5, 0.8, levels).cumprod(0) * 3
            arguments = law() | {"x": draw.normal(*shape).to(kind), "sigmas": sigmas, "count": count, "share": draw.number(0.1, 0.4),
                                 "noise": draw.normal(levels, count, *shape).to(kind)}
            says = (f"x of shape {shape}, {str(kind)[6:]}, sigmas = {[round(value, 3) for value in sigmas.tolist()]}, count = {count}, "
                    f"share = {arguments['share']:.3g}")
            return Case(part, "walk_and_graph" if part == "no graph" else "annealed_langevin", arguments, says)

        yield step("a step", (2, 3))
        yield step("a step", (2, 1, 2, 2))
        yield step("a step", (4,))
        yield walk("the walk", (2, 3), 3, 2)
        yield walk("the walk", (3,), 2, 3)
        yield walk("no graph", (2, 2), 2, 2)
        for kind in (F64, torch.float32):
            yield step("precision", (3, 2), kind)
            yield walk("precision", (2, 3), 2, 2, kind)

    @staticmethod
    def _affine(given: dict, steps: list[float], levels: list[float], noises: Tensor, pull: float = 1.0, spread=lambda h: math.sqrt(2 * h),
                told: list[float] | None = None) -> Tensor:
        """The end of an affine walk, from the products of the factors that come after each step."""
        m, v = given["m"].item(), given["v"].item()
        factors = torch.tensor([1 - pull * h / (v + sigma**2) for h, sigma in zip(steps, told or levels)], dtype=F64)
        after = torch.cat([factors.flip(0).cumprod(0).flip(0), torch.ones(1, dtype=F64)])
        kicks = sum(spread(h) * after[i + 1] * z for i, (h, z) in enumerate(zip(steps, noises)))
        return m + after[0] * (given["x"].double() - m) + kicks

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments
        if case.part == "no graph":
            return judge_graph(result, given["x"])
        one = case.call == "langevin_step"
        if one:
            steps, levels, noises = [given["step"]], [given["sigma"]], given["noise"].double()[None]
            what, sample = "the next x", result
        else:
            levels = [sigma for sigma in given["sigmas"].tolist() for _ in range(given["count"])]
            steps = [given["share"] * sigma**2 for sigma in levels]
            noises = given["noise"].double().flatten(0, 1)
            what = "the end of the walk"
            sample = result["sample"] if isinstance(result, dict) else result
        expected = self._affine(given, steps, levels, noises)
        if case.part == "precision":
            return compare_precision(sample, expected, what, given["x"], "x", ROUNDED)
        if compare_values(sample, expected, what) is None:
            return None
        known = {
            "The noise is multiplied by sqrt(step); it should be sqrt(2 step).": self._affine(given, steps, levels, noises, spread=math.sqrt),
            "The noise is multiplied by 2 step; its root is asked for.": self._affine(given, steps, levels, noises, spread=lambda h: 2 * h),
            "The noise is multiplied by step.": self._affine(given, steps, levels, noises, spread=lambda h: h),
            "The score is multiplied by step / 2, as in the paper, whose step is twice ours.": self._affine(given, steps, levels, noises, pull=0.5),
            "This is the paper's step with epsilon = step; its epsilon is twice our step.":
                self._affine(given, steps, levels, noises, pull=0.5, spread=math.sqrt),
            "The score has the wrong sign: it points to where the density is higher, and the walk follows it.":
                self._affine(given, steps, levels, noises, pull=-1.0),
            "No noise is added: this climbs to the mode.": self._affine(given, steps, levels, torch.zeros_like(noises)),
            "The noise is multiplied by sigma too.": self._affine(given, [1.0], levels, noises * math.sqrt(2 * steps[0]) * levels[0],
                                                                pull=steps[0], spread=lambda h: 1.0) if one else expected,
        }
        if not one:
            share, first, last = given["share"], levels[0], levels[-1]
            backwards = given["noise"].double().flip(0).flatten(0, 1)
            turned = self._affine(given, steps[::-1], levels[::-1], backwards)
            known |= {
                "All steps have the length share; it should be share * sigma^2.": self._affine(given, [share] * len(levels), levels, noises),
                "The steps have the length share * sigma; it should be share * sigma^2.":
                    self._affine(given, [share * sigma for sigma in levels], levels, noises),
                "The steps are those of the last level at every level.": self._affine(given, [share * last**2] * len(levels), levels, noises),
                "The steps are those of the first level at every level.": self._affine(given, [share * first**2] * len(levels), levels, noises),
                "The steps are divided by the last level's variance, as in the paper; share * sigma^2 is asked for.":
                    self._affine(given, [share * sigma**2 / last**2 for sigma in levels], levels, noises),
                "The score is asked at the last level throughout.": self._affine(given, steps, levels, noises, told=[last] * len(levels)),
                "The levels are walked from the smallest to the largest.": self._affine(given, steps[::-1], levels[::-1], noises),
                "The levels are walked from the smallest to the largest, each with its own noise.": turned,
                "There is one step at each level; count of them are asked for.": self._affine(
                    given, steps[::given["count"]], levels[::given["count"]], noises[::given["count"]]),
                "The last step adds no noise; here all do.": self._affine(
                    given, steps, levels, torch.cat([noises[:-1], torch.zeros_like(noises[:1])])),
                "Each level uses its first noise in all of its steps.": self._affine(
                    given, steps, levels, noises[::given["count"]].repeat_interleave(given["count"], 0)),
                "The last level is left out.": self._affine(
                    given, steps[:-given["count"]], levels[:-given["count"]], noises[:-given["count"]]),
            }
        return compare_values(sample, expected, what, differing(known, expected))


CHECKS = [DsmLoss(), Langevin()]
