"""The check of flow matching: its loss, the velocity that a denoiser implies, and Euler's method."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, ROUNDED, compare_precision, compare_values
from .ddpm_samplers import judge_graph
from .edm_oracles import EULER, HEUN, RandomNet, every_row, random_net, rk_walk, row_levels, two_points
from .edm_training import differing


class FlowMatching(Check):
    """Exercise 13.13. Oracles: lines differentiated by autograd, E[eps | x] less E[x_0 | x] for two points, a Runge-Kutta table."""

    number = "13.13"
    parts = {"loss": 2, "a time for each row": 1, "gradient": 1, "velocity from a denoiser": 2, "the walk": 2, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def loss(part: str, shape: tuple[int, ...], u: Tensor, kind: torch.dtype = F64) -> Case:
            net = random_net(draw)
            arguments = {"velocity": net.parts, "x0": draw.normal(*shape).to(kind), "noise": draw.normal(*shape).to(kind), "u": u}
            return Case(part, "gradient_of_loss" if part == "gradient" else "flow_matching_loss", arguments,
                        f"x0 of shape {shape}, {str(kind)[6:]}, u = {[round(value, 3) for value in u.flatten().tolist()]}", {"net": net})

        yield loss("loss", (2, 3), draw.uniform(0.15, 0.4))
        yield loss("loss", (3,), draw.uniform(0.6, 0.85, 1).expand(3).clone())
        yield loss("loss", (2, 3), torch.tensor([0.0, 1.0], dtype=F64))
        yield loss("a time for each row", (3, 3), draw.uniform(0.1, 0.9, 3))
        yield loss("a time for each row", (2, 1, 2, 2), draw.uniform(0.1, 0.9, 2))
        yield loss("gradient", (3, 2), draw.uniform(0.1, 0.9, 3))

        def implied(part: str, shape: tuple[int, ...], u: Tensor, kind: torch.dtype = F64) -> Case:
            m = torch.tensor(draw.number(0.7, 1.3), dtype=F64)
            return Case(part, "velocity_from_denoiser", {"m": m, "x": draw.normal(*shape).to(kind), "u": u},
                        f"x of shape {shape}, {str(kind)[6:]}, u = {[round(value, 3) for value in u.flatten().tolist()]}")

        yield implied("velocity from a denoiser", (2, 3), draw.uniform(0.3, 0.45))
        yield implied("velocity from a denoiser", (3, 3), draw.uniform(0.3, 0.9, 3))
        yield implied("velocity from a denoiser", (2, 1, 2, 2), draw.uniform(0.3, 0.9, 2))

        def times(count: int, zero: bool) -> Tensor:
            gaps = draw.uniform(0.5, 1.5, count)
            falling = 1 - gaps.cumsum(0) / gaps.sum() * (1.0 if zero else 0.8)
            found = torch.cat([torch.ones(1, dtype=F64), falling])
            found[-1] = 0.0 if zero else found[-1]
            return found

        def walk(part: str, shape: tuple[int, ...], steps: Tensor, kind: torch.dtype = F64) -> Case:
            net = random_net(draw)
            arguments = {"velocity": net.parts, "x": draw.normal(*shape).to(kind), "times": steps}
            return Case(part, "flow_sample", arguments,
                        f"x of shape {shape}, {str(kind)[6:]}, times = {[round(value, 3) for value in steps.tolist()]}", {"net": net})

        yield walk("the walk", (2, 3), times(draw.integer(3, 5), True))
        yield walk("the walk", (2, 1, 2, 2), times(3, False))
        yield walk("the walk", (3,), times(1, True))
        yield Case("no graph", "walk_and_graph", {"velocity": random_net(draw).parts, "x": draw.normal(2, 3), "times": times(3, True)})
        for kind in (F64, torch.float32):
            yield loss("precision", (3, 2), draw.uniform(0.1, 0.9, 3).to(kind), kind)
            yield implied("precision", (3, 2), draw.uniform(0.3, 0.9, 3).to(kind), kind)
            yield walk("precision", (2, 3), times(4, True), kind)

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "no graph":
            return judge_graph(result, case.arguments["x"])
        if case.call == "velocity_from_denoiser":
            return self._velocity(case, result)
        return self._walk(case, result) if case.call == "flow_sample" else self._loss(case, result)

    @staticmethod
    def _points(given: dict, shares=lambda u: (1 - u, u)) -> tuple[Tensor, Tensor]:
        """The points of the lines at their times, and how fast they move, by automatic differentiation."""
        x0, noise = given["x0"].double(), given["noise"].double()
        u = every_row(given["u"].double().expand(len(x0)).tolist(), x0)

        def line(at: Tensor) -> Tensor:
            first, second = shares(at)
            return first * x0 + second * noise

        return torch.autograd.functional.jvp(line, u, torch.ones_like(u))

    def _loss(self, case: Case, result: object) -> str | None:
        given = case.arguments
        net: RandomNet = case.secret["net"]
        points, speeds = self._points(given)
        u = every_row(given["u"].double().expand(len(points)).tolist(), points)
        if case.part == "gradient":
            inputs = {name: value.clone().requires_grad_() for name, value in net.parts.items()}
            value = (RandomNet(inputs)(points, u) - speeds).square().mean()
            expected = torch.stack(torch.autograd.grad(value, list(inputs.values())))
            known = {"The loss carries no graph: it must be differentiable in the model's parameters.": torch.zeros_like(expected)}
            return compare_values(result, expected, "the gradient in the model's parameters", known)
        expected = (net(points, u) - speeds).square().mean()
        if case.part == "precision":
            return compare_precision(result, expected, "the loss", given["x0"], "x0", ROUNDED)
        if compare_values(result, expected, "the loss") is None:
            return None
        x0, noise = given["x0"].double(), given["noise"].double()
        turned = (1 - u) * noise + u * x0
        known = {
            "The target has the wrong sign: as u grows, the point moves from the datum to the noise.": (net(points, u) + speeds).square().mean(),
            "u = 0 should be the datum, and u = 1 the noise; here it is the other way round.": (net(turned, u) + speeds).square().mean(),
            "The point belongs to the line, but u = 0 should be the datum; the target is right.": (net(turned, u) - speeds).square().mean(),
            "The target is the noise; it should be the velocity of the line.": (net(points, u) - noise).square().mean(),
            "The target is the datum; it should be the velocity of the line.": (net(points, u) - x0).square().mean(),
            "The target is the point itself.": (net(points, u) - points).square().mean(),
            "The squares are summed; their mean is asked for.": (net(points, u) - speeds).square().sum(),
            "The point is that of a diffusion, whose squared shares sum to 1; here the line is straight.":
                (net((1 - u**2).sqrt() * x0 + u * noise, u) - speeds).square().mean(),
            "The model is told 1 - u.": (net(points, 1 - u) - speeds).square().mean(),
            "The model gets the datum; it should get the point at time u.": (net(x0, u) - speeds).square().mean(),
            "The error is not squared.": (net(points, u) - speeds).abs().mean(),
            "All rows have the time of the first row.": self._of_first(net, x0, noise, u),
        }
        if x0.ndim == 2 and x0.shape[0] == x0.shape[1]:
            across = given["u"].double().expand(len(x0))
            known["The times run along the last axis; each belongs to a row of the batch."] = (
                net((1 - across) * x0 + across * noise, u) - speeds).square().mean()
        return compare_values(result, expected, "the loss", differing(known, expected))

    @staticmethod
    def _of_first(net: RandomNet, x0: Tensor, noise: Tensor, u: Tensor) -> Tensor:
        first = u[:1].expand_as(u)
        return (net((1 - first) * x0 + first * noise, first) - (noise - x0)).square().mean()

    @staticmethod
    def _velocity(case: Case, result: object) -> str | None:
        given = case.arguments
        x, m = given["x"].double(), given["m"].item()
        levels = row_levels(given["u"], x)
        u = every_row(levels, x)
        # the two data that x may come from, weighted by Bayes; each of them has its own noise
        weights = torch.softmax(torch.stack([-(x - (1 - u) * value) ** 2 / (2 * u**2) for value in (m, -m)]), dim=0)
        datum = m * (weights[0] - weights[1])
        noise = sum(weight * (x - (1 - u) * value) / u for weight, value in zip(weights, (m, -m)))
        expected = noise - datum
        if case.part == "precision":
            return compare_precision(result, expected, "the velocity", given["x"], "x", ROUNDED)
        if compare_values(result, expected, "the velocity") is None:
            return None

        def guess(points: Tensor, sigmas: list[float]) -> Tensor:
            denoiser = two_points(m)
            return torch.stack([denoiser(row, sigma) for row, sigma in zip(points, sigmas)])

        ratio = [value / (1 - value) for value in levels]
        scaled = x / (1 - u)
        right = guess(scaled, ratio)
        known = {
            "The denoiser gets x_u; it should get x_0 + sigma eps, in which the datum is not shrunk.": (x - guess(x, ratio)) / u,
            "The denoiser is told u; it should be told the noise level that belongs to it.": (x - guess(scaled, levels)) / u,
            "The denoiser is told u and gets x_u: both belong to the line, not to x_0 + sigma eps.": (x - guess(x, levels)) / u,
            "The velocity has the wrong sign.": -expected,
            "This is the noise alone, which is the slope in sigma; the velocity is the noise less the datum.": noise,
            "This is the guess of the datum; the velocity is asked for.": right,
            "This is x_u less the guess of the datum; it should be divided by u.": x - right,
            "x in the difference is not x_u but x_u / (1 - u).": (scaled - right) / u,
            "The noise level is (1 - u) / u here; it is upside down.": (x - guess(scaled, [1 / value for value in ratio])) / u,
            "The difference is divided by sigma; it should be divided by u.": (x - right) / every_row(ratio, x),
        }
        if x.ndim == 2 and x.shape[0] == x.shape[1]:
            across = torch.tensor(levels, dtype=F64)
            known["The times run along the last axis; each belongs to a row of the batch."] = (x - guess(x / (1 - across), ratio)) / across
        return compare_values(result, expected, "the velocity", differing(known, expected))

    @staticmethod
    def _walk(case: Case, result: object) -> str | None:
        given, net = case.arguments, case.secret["net"]
        x, times = given["x"].double(), given["times"].tolist()
        sample, called = result["sample"], result["called"]
        if isinstance(sample, list):
            return f"the result is a list of {len(sample)}; return x at the last time alone"

        def walk(steps: list[float], table=EULER, slope=net) -> Tensor:
            return rk_walk(net, x, steps, table, slope=slope, last=table)

        expected = walk(times)
        if case.part == "precision":
            return compare_precision(sample, expected, "the end of the walk", given["x"], "x", ROUNDED)
        if compare_values(sample, expected, "the end of the walk") is None:
            if len(called) != len(times) - 1:
                return f"the velocity should be asked once a step, {len(times) - 1} times; it was asked {len(called)} times"
            return None
        forward = list(zip(times, times[1:]))

        def stepped(at, by) -> Tensor:
            y = x
            for u, lower in forward:
                y = y + by(u, lower) * net(y, at(u, lower))
            return y

        known = {
            "The step goes the wrong way: from noise down to data u falls, so u' - u is negative.": stepped(lambda u, w: u, lambda u, w: u - w),
            "The velocity is asked at the time where the step ends.": stepped(lambda u, w: w, lambda u, w: w - u),
            "The velocity is told 1 - u.": stepped(lambda u, w: 1 - u, lambda u, w: w - u),
            "All steps have the same length; they should lead from each time to the next.":
                stepped(lambda u, w: u, lambda u, w: (times[-1] - times[0]) / len(forward)),
            "All steps have length 1 / steps, whatever the times are.": stepped(lambda u, w: u, lambda u, w: -1 / len(forward)),
            "This is Heun's method; Euler's takes one slope a step.": walk(times, HEUN),
            "The velocity is added whole; it should be multiplied by the length of the step.": stepped(lambda u, w: u, lambda u, w: 1.0),
        }
        if len(times) > 2:
            known["The walk ends one time too early."] = walk(times[:-1])
        return compare_values(sample, expected, "the end of the walk", differing(known, expected))


CHECKS = [FlowMatching()]
