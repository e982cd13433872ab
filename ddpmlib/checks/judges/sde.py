"""The checks of SDEs: their coefficients, the way back, the flow, and its likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64, ROUNDED, compare_precision, compare_values
from .ddim_steps import OTHER_CALL
from .edm_oracles import rk_walk
from .edm_training import differing
from .sde_oracles import Process, RK4, TwoPoints, flow_velocity, matched, random_process, random_points, stepped, integral

GRAPH = "the result carries a graph; nothing is differentiated behind it"


class Coefficients(Check):
    """Exercise 13.4. Oracles: quadrature for VP, derivatives by autograd for VE."""

    number = "13.4"
    parts = {"VP: the equation": 1, "VP: the law": 2, "VE: the equation": 1, "VE: the law": 1, "shapes": 1, "precision": 1}
    names = ("rate", "diffusion", "mean", "std")

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, kind: str, t: Tensor) -> Case:
            low, high = (draw.number(0.1, 0.9), draw.number(2, 20)) if kind == "vp" else (draw.number(0.01, 0.5), draw.number(2, 50))
            names = ("beta_min", "beta_max") if kind == "vp" else ("sigma_min", "sigma_max")
            arguments = {"t": t} | dict(zip(names, (low, high)))
            says = f"{kind}_coefficients, t of shape {tuple(t.shape)}, {str(t.dtype)[6:]}, {names[0]} = {low:.3g}, {names[1]} = {high:.3g}"
            return Case(part, f"{kind}_coefficients", arguments, says)

        for kind in ("vp", "ve"):
            for part in ("the equation", "the law"):
                yield case(f"{kind.upper()}: {part}", kind, draw.uniform(0.2, 0.9, 3))
                yield case(f"{kind.upper()}: {part}", kind, torch.tensor([0.0, 1.0], dtype=F64))
            for shape in ((), (2, 3)):
                yield case("shapes", kind, draw.uniform(0.2, 0.9, *shape))
            yield case("precision", kind, torch.cat([draw.uniform(1e-7, 1e-6, 1), draw.uniform(0.2, 0.9, 2)]))
            yield case("precision", kind, draw.uniform(0.2, 0.9, 3).float())

    def judge(self, case: Case, result: object) -> str | None:
        given, vp = case.arguments, case.call == "vp_coefficients"
        t = given["t"].double()
        low, high = (value for name, value in given.items() if name != "t")
        if vp:
            def beta(u: Tensor) -> Tensor:
                return torch.lerp(torch.full_like(u, low), torch.full_like(u, high), u)

            total = integral(beta, t)
            # 1 - e^-x as an integral, which loses no digits for small x
            left = integral(lambda u: torch.exp(-u), total)
            expected = (beta(t) / -2, beta(t).sqrt(), torch.exp(total / -2), left.sqrt())
        else:
            def level(u: Tensor) -> Tensor:
                return torch.exp(torch.lerp(torch.tensor(low, dtype=F64).log(), torch.tensor(high, dtype=F64).log(), u))

            _, speed = torch.autograd.functional.jvp(lambda u: level(u) ** 2, t, torch.ones_like(t))
            expected = (0 * t, speed.sqrt(), t**0, level(t))
        wanted = {"the equation": (0, 1), "the law": (2, 3)}.get(case.part.split(": ")[-1], range(4))
        for i in wanted:
            what = self.names[i]
            value = result[i]
            if case.part == "precision":
                problem = compare_precision(value, expected[i], what, given["t"], "t", ROUNDED)
            else:
                problem = compare_values(value, expected[i], what)
                if problem:
                    known = self._known_vp(t, expected) if vp else self._known_ve(t, low, high, expected)
                    problem = compare_values(value, expected[i], what, differing(known[i], expected[i]))
            if problem:
                return problem
        return None

    @staticmethod
    def _known_vp(t: Tensor, right: tuple) -> list[dict[str, Tensor]]:
        beta, total = -2 * right[0], -2 * right[2].log()
        return [
            {"The rate has the wrong sign: x is drawn to 0.": beta / 2, "The rate is -beta; it should be -beta/2.": -beta,
             "The rate is the whole drift for x = 1 with the root of beta.": -beta.sqrt() / 2},
            {"This is g^2 = beta; g is its root.": beta, "This is sqrt(beta / 2).": (beta / 2).sqrt(), "g is sqrt(2 beta) here.": (2 * beta).sqrt()},
            {"This is a(t)^2, the share of the variance that is left.": torch.exp(-total), "The mean grows here; it shrinks.": torch.exp(total / 2),
             "The rate is not integrated: here it is t beta(t), and the integral of (beta_max - beta_min) s has a half.": torch.exp(-beta * t / 2)},
            {"This is the variance; std is its root.": right[3] ** 2, "This is 1 - mean; the squares sum to 1.": 1 - right[2],
             "This is the root of 1 - mean; the squares sum to 1.": (1 - right[2]).sqrt(),
             "This is the root of the integral of g^2: what noise would add up to if x did not shrink.": total.sqrt()},
        ]

    @staticmethod
    def _known_ve(t: Tensor, low: float, high: float, right: tuple) -> list[dict[str, Tensor]]:
        sigma, ratio = right[3], math.log(high / low)
        line = low + t * (high - low)
        return [
            {"The VE process has no drift.": right[0] - 1},
            {"g^2 is the derivative of sigma^2, not of sigma.": (sigma * ratio).sqrt(), "This is g^2; its root is asked for.": right[1] ** 2,
             "This is the derivative of sigma; g^2 is the derivative of sigma^2.": sigma * ratio,
             "This is sigma; g^2 is the derivative of sigma^2.": sigma,
             "The logarithm has the levels' ratio squared: g is sqrt(2) too large.": right[1] * math.sqrt(2)},
            {"The VE process leaves the datum as it is: its mean is 1, not 0.": 0 * t},
            {"This is the variance; std is its root.": sigma**2, "sigma(t) rises geometrically; here it rises on a line.": line,
             "The noise of time 0 is left out: x(t) has the noise sigma(t) beside the clean datum.": (sigma**2 - low**2).clamp(min=0).sqrt(),
             "sigma(t) runs from sigma_max to sigma_min.": low * high / sigma},
        ]


class ReverseStep(Check):
    """Exercise 13.5. Oracle: a step of the flow (from the mean velocity of each datum's path) and a step of Langevin dynamics."""

    number = "13.5"
    parts = {"lam = 1": 2, "lam = 0": 1, "any lam": 2, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, shape: tuple[int, ...], lam: float, kind: torch.dtype = F64) -> Case:
            process, points = random_process(draw), random_points(draw)
            t = draw.number(0.4, 1.0)
            arguments = {"score": {"m": points.m}, "sde": process.parts, "x": draw.normal(*shape).to(kind), "t": t,
                         "s": t - draw.number(0.05, 0.3), "noise": draw.normal(*shape).to(kind), "lam": lam}
            return Case(part, "reverse_sde_step", arguments,
                        f"x of shape {shape}, {str(kind)[6:]}, t = {t:.3g}, s = {arguments['s']:.3g}, lam = {lam:.3g}",
                        {"process": process, "points": points})

        for shape in ((2, 3), (4,), (2, 1, 2, 2)):
            yield case("lam = 1", shape, 1.0)
        yield case("lam = 0", (2, 3), 0.0)
        yield case("any lam", (2, 3), draw.number(0.3, 0.7))
        yield case("any lam", (2, 3), draw.number(1.3, 2.0))
        for kind in (F64, torch.float32):
            yield case("precision", (3, 2), 1.0, kind)
            yield case("precision", (2, 3), 0.6, kind)

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments
        process, points = case.secret["process"], case.secret["points"]
        x, z, t, s, lam = given["x"].double(), given["noise"].double(), given["t"], given["s"], given["lam"]
        first, again = result
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return OTHER_CALL
        rate, g2 = matched(process, t)
        score = points.score(process, x, t)
        expected = x + (s - t) * flow_velocity(process, points, x, t) + stepped(score, lam**2 * g2 * (t - s) / 2, z)
        if case.part == "precision":
            return compare_precision(first, expected, "x at time s", given["x"], "x", ROUNDED)
        if compare_values(first, expected, "x at time s") is None:
            return None

        h = t - s
        right = {"drift": rate, "pull": (1 + lam**2) / 2 * g2, "spread": lam * math.sqrt(g2 * h), "score": score, "sign": 1.0}

        def slip(**others: object) -> Tensor:
            of = right | others
            return x - of["sign"] * h * (of["drift"] * x - of["pull"] * of["score"]) + of["spread"] * z

        rate_s, g2_s = matched(process, s)
        known = {
            "The time runs down: the step s - t is negative.": slip(sign=-1.0),
            "The drift f x is that of the way up; on the way down it is subtracted.": slip(drift=-rate),
            "The score is subtracted; on the way down it pulls to the data.": slip(pull=-right["pull"]),
            "The factor before the score is (1 + lam^2) g^2; half of it is right.": slip(pull=2 * right["pull"]),
            "The score has the factor g^2 whatever lam is.": slip(pull=g2),
            "The score has the factor g^2 / 2 whatever lam is.": slip(pull=g2 / 2),
            "The score has the factor lam g^2.": slip(pull=lam * g2),
            "The score has the factor (1 + lam)/2 g^2; lam is squared there.": slip(pull=(1 + lam) / 2 * g2),
            "The score has the factor lam^2 g^2.": slip(pull=lam**2 * g2),
            "The score is multiplied by g; it should be g^2.": slip(pull=(1 + lam**2) / 2 * math.sqrt(g2)),
            "The noise is multiplied by t - s; it should be its root.": slip(spread=lam * math.sqrt(g2) * h),
            "The noise is not multiplied by sqrt(t - s).": slip(spread=lam * math.sqrt(g2)),
            "The noise is multiplied by g^2; it should be g.": slip(spread=lam * g2 * math.sqrt(h)),
            "The noise is not multiplied by lam.": slip(spread=math.sqrt(g2 * h)),
            "The noise is multiplied by lam^2; the diffusion is lam g.": slip(spread=lam**2 * math.sqrt(g2 * h)),
            "No noise is added.": slip(spread=0.0),
            "lam is ignored: this is the reverse SDE, lam = 1.": slip(pull=g2, spread=math.sqrt(g2 * h)),
            "lam is ignored: this is the probability flow, lam = 0.": slip(pull=g2 / 2, spread=0.0),
            "The noise is subtracted; it is to be added.": slip(spread=-right["spread"]),
            "The coefficients are those of time s; the step starts at t.": slip(
                drift=rate_s, pull=(1 + lam**2) / 2 * g2_s, spread=lam * math.sqrt(g2_s * h)),
            "The score is asked at time s; the step starts at t.": slip(score=points.score(process, x, s)),
            "The drift f x is left out.": slip(drift=0.0),
            "f is taken for the whole drift; it multiplies x.": x - h * (rate - right["pull"] * score) + right["spread"] * z,
        }
        return compare_values(first, expected, "x at time s", differing(known, expected))


class ProbabilityFlow(Check):
    """Exercise 13.6. Oracles: the mean velocity of the paths through a point, and a Runge-Kutta table."""

    number = "13.6"
    parts = {"the velocity": 3, "a Runge-Kutta step": 3, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def drift(part: str, shape: tuple[int, ...], kind: torch.dtype = F64) -> Case:
            process, points = random_process(draw), random_points(draw)
            t = draw.number(0.3, 1.0)
            arguments = {"score": {"m": points.m}, "sde": process.parts, "x": draw.normal(*shape).to(kind), "t": t}
            return Case(part, "probability_flow_drift", arguments, f"x of shape {shape}, {str(kind)[6:]}, t = {t:.3g}",
                        {"process": process, "points": points})

        def step(part: str, rows: int, dim: int, up: bool, kind: torch.dtype = F64) -> Case:
            field = {"M": 2 * draw.normal(dim, dim), "w": draw.uniform(1, 3), "u": draw.normal()}
            low, high = draw.number(0.0, 0.3), draw.number(0.7, 1.0)
            t, s = (low, high) if up else (high, low)
            return Case(part, "rk4_step", {"field": field, "x": draw.normal(rows, dim).to(kind), "t": t, "s": s},
                        f"x of shape {(rows, dim)}, {str(kind)[6:]}, t = {t:.3g}, s = {s:.3g}")

        for shape in ((2, 3), (4,), (2, 1, 2, 2)):
            yield drift("the velocity", shape)
        yield step("a Runge-Kutta step", 2, 3, True)
        yield step("a Runge-Kutta step", 3, 2, False)
        for kind in (F64, torch.float32):
            yield drift("precision", (3, 2), kind)
            yield step("precision", 3, 2, False, kind)

    def judge(self, case: Case, result: object) -> str | None:
        return self._step(case, result) if case.call == "rk4_step" else self._velocity(case, result)

    @staticmethod
    def _velocity(case: Case, result: object) -> str | None:
        given = case.arguments
        process, points, t = case.secret["process"], case.secret["points"], given["t"]
        x = given["x"].double()
        expected = flow_velocity(process, points, x, t)
        if case.part == "precision":
            return compare_precision(result, expected, "the velocity", given["x"], "x", ROUNDED)
        if compare_values(result, expected, "the velocity") is None:
            return None
        (rate, g2), score = matched(process, t), points.score(process, x, t)
        known = {
            "The score has the factor g^2, as in the reverse SDE; the flow has half of it.": rate * x - g2 * score,
            "The score has the factor g / 2; it should be g^2 / 2.": rate * x - math.sqrt(g2) / 2 * score,
            "The score has the factor g^2 / 4.": rate * x - g2 / 4 * score,
            "The score is added; it is subtracted, in the direction of growing t.": rate * x + g2 / 2 * score,
            "This is the velocity downwards; dx/dt for growing t is asked for.": -rate * x + g2 / 2 * score,
            "The drift f x has the wrong sign.": -rate * x - g2 / 2 * score,
            "This is the forward drift alone.": rate * x,
            "The drift f x is left out.": -g2 / 2 * score,
            "f is taken for the whole drift; it multiplies x.": rate - g2 / 2 * score,
            "The score is taken at time 1 - t.": rate * x - g2 / 2 * points.score(process, x, 1 - t) if t < 1 else expected,
        }
        return compare_values(result, expected, "the velocity", differing(known, expected))

    @staticmethod
    def _step(case: Case, result: object) -> str | None:
        given = case.arguments
        x, t, s = given["x"].double(), given["t"], given["s"]
        M, w, u = given["field"].values()

        def slope(y: Tensor, time: float) -> Tensor:
            return torch.tanh(y @ M) * (1 + w * time) + u

        def walk(table, field: Callable = slope) -> Tensor:
            return rk_walk(None, x, [t, s], table, last=table, slope=field)

        expected = walk(RK4)
        what = "x at time s"
        if case.part == "precision":
            return compare_precision(result, expected, what, given["x"], "x", ROUNDED)
        if compare_values(result, expected, what) is None:
            return None
        nodes, rows, weights = RK4
        known = {
            "This is Euler's step.": walk(([0.0], [[]], [1.0])),
            "This is Heun's step, of order 2.": walk(([0.0, 1.0], [[], [1.0]], [0.5, 0.5])),
            "This is the midpoint's step, of order 2.": walk(([0.0, 0.5], [[], [0.5]], [0.0, 1.0])),
            "The four slopes have equal weights; the middle ones count twice.": walk((nodes, rows, [0.25] * 4)),
            "The weights should sum to 1: the sum is divided by 6.": walk((nodes, rows, [1.0, 2.0, 2.0, 1.0])),
            "The third slope is found from the first; it should be found from the second.": walk(
                (nodes, [[], [0.5], [0.5], [0.0, 0.0, 1.0]], weights)),
            "The fourth slope is found from half of the step; it needs the whole.": walk(
                (nodes, [[], [0.5], [0.0, 0.5], [0.0, 0.0, 0.5]], weights)),
            "The middle slopes are found from the whole step; they need half of it.": walk(
                (nodes, [[], [1.0], [0.0, 1.0], [0.0, 0.0, 1.0]], weights)),
            "All slopes are found at the time t.": walk(RK4, lambda y, time: slope(y, t)),
            "All slopes are found at the point x; each is found where the one before leads.": walk((nodes, [[], [], [], []], weights)),
            "The step has the wrong direction: its length is s - t.": rk_walk(
                None, x, [t, s], RK4, last=RK4, slope=lambda y, time: -slope(y, time)),
            "This is what is added; x is missing.": expected - x,
        }
        return compare_values(result, expected, what, differing(known, expected))


class Likelihood(Check):
    """Exercise 13.7. Oracles: the trace of a Jacobian in closed form; densities, and where the flow ends by quantiles or by a matrix root."""

    number = "13.7"
    parts = {"divergence": 2, "it has no graph": 1, "two points": 2, "a Gaussian": 2, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def trace(part: str, rows: int, dim: int, kind: torch.dtype = F64) -> Case:
            field = {"M": draw.normal(dim, dim), "w": draw.uniform(0.5, 1.5), "u": draw.normal()}
            return Case(part, "divergence", {"field": field, "x": draw.normal(rows, dim).to(kind), "t": draw.number(0.2, 0.9)},
                        f"x of shape {(rows, dim)}, {str(kind)[6:]}")

        yield trace("divergence", 3, 3)
        yield trace("divergence", 4, 2)
        yield trace("divergence", 2, 1)
        yield trace("it has no graph", 2, 3)
        times = torch.linspace(0.4, 1, 8, dtype=F64)

        def density(part: str, rows: int, dim: int, kind: torch.dtype = F64) -> Case:
            process = random_process(draw)
            score: dict[str, Tensor] = {"m": random_points(draw).m}
            if part == "a Gaussian":
                root = draw.normal(dim, dim) / math.sqrt(dim)
                score = {"m": draw.normal(dim), "C": root @ root.T + 0.3 * torch.eye(dim, dtype=F64)}
            arguments = {"score": score, "sde": process.parts, "x": (1.3 * draw.normal(rows, dim)).clamp(-2.5, 2.5).to(kind), "times": times,
                         "prior_std": draw.number(0.8, 1.6)}
            return Case(part, "log_likelihood", arguments,
                        f"x of shape {(rows, dim)}, {str(kind)[6:]}, prior_std = {arguments['prior_std']:.3g}", {"process": process})

        yield density("two points", 3, 1)
        yield density("two points", 2, 2)
        yield density("a Gaussian", 2, 3)
        yield density("it has no graph", 2, 1)
        for kind in (F64, torch.float32):
            yield trace("precision", 3, 2, kind)

    def judge(self, case: Case, result: object) -> str | None:
        return self._divergence(case, result) if case.call == "divergence" else self._density(case, result)

    @staticmethod
    def _divergence(case: Case, result: object) -> str | None:
        given = case.arguments
        x, (M, w, u) = given["x"].double(), given["field"].values()
        found, graph, again = result
        gain = 1 + w * given["t"]
        slopes = gain * (1 - torch.tanh(x @ M) ** 2)  # of tanh, at each coordinate
        expected = slopes @ M.diagonal()
        if case.part == "precision":
            return compare_precision(found, expected, "the divergence", given["x"], "x", ROUNDED)
        if compare_values(found, expected, "the divergence") is None:
            if case.part == "it has no graph" and graph:
                return GRAPH
            return compare_values(again, expected, "the divergence, asked for under torch.no_grad(),")
        known = {
            "All entries of the Jacobian are summed; the trace has those on its diagonal.": slopes @ M.sum(dim=0),
            "This is the mean of the diagonal; the trace is its sum.": expected / x.shape[1],
            "The divergences of all rows are summed; each row has its own.": expected.sum(),
            "The sign is wrong.": -expected,
            "This is the diagonal; its sum is asked for.": slopes * M.diagonal(),
            "This is the sum of the field's values, not of its derivatives.": (torch.tanh(x @ M) * gain + u).sum(dim=1),
            "This is the derivative of the first coordinate alone.": slopes[:, 0] * M[0, 0],
            "The field is asked at time 0; t is passed in.": expected / gain,
        }
        return compare_values(found, expected, "the divergence", differing(known, expected))

    @staticmethod
    def _density(case: Case, result: object) -> str | None:
        given = case.arguments
        process: Process = case.secret["process"]
        x, times, wide = given["x"].double(), given["times"].tolist(), given["prior_std"]
        found, graph = result
        first, last = times[0], times[-1]
        if "C" in given["score"]:
            m, C = given["score"]["m"], given["score"]["C"]
            laws = [MultivariateNormal(mean * m, mean**2 * C + std**2 * torch.eye(len(m), dtype=F64))
                    for mean, std in (process.law(time) for time in (first, last))]
            values, turn = torch.linalg.eigh(C)
            scale = [(mean**2 * values + std**2).sqrt() for mean, std in (process.law(time) for time in (first, last))]
            end = laws[1].mean + (x - laws[0].mean) @ turn @ torch.diag(scale[1] / scale[0]) @ turn.T
            start, arrived = laws[0].log_prob(x), laws[1].log_prob(end)
        else:
            points = TwoPoints(given["score"]["m"])
            end = points.carried(process, x, first, last)
            start, arrived = (points.log_prob(process, at, time).sum(dim=1) for at, time in ((x, first), (end, last)))
        prior = Normal(torch.zeros((), dtype=F64), wide).log_prob(end).sum(dim=1)
        expected = prior + start - arrived
        if case.part == "it has no graph":
            return GRAPH if graph and isinstance(found, Tensor) else compare_close(found, expected)
        if compare_close(found, expected) is None:
            return None
        unit = Normal(torch.zeros((), dtype=F64), torch.ones((), dtype=F64)).log_prob(end).sum(dim=1)
        known = {
            "The integral of the divergence is subtracted; up the flow the density is thinned by it, so it is added.": prior - start + arrived,
            "The divergence is left out: this is the prior's log-density at the end of the flow.": prior,
            "The prior is left out: this is the integral of the divergence.": start - arrived,
            "The prior has the variance 1 here; its standard deviation is prior_std.": unit + start - arrived,
            "The prior is not normalised: its constant is missing.": expected + x.shape[1] * math.log(wide * math.sqrt(2 * math.pi)),
            "This is in bits; nats are asked for.": expected / math.log(2),
            "This is the negative log-density.": -expected,
            "This is the log-density per dimension; the whole is asked for.": expected / x.shape[1],
            "The prior is asked at x; it should be asked at the end of the flow.":
                Normal(torch.zeros((), dtype=F64), wide).log_prob(x).sum(dim=1) + start - arrived,
            "This is the sum over the batch; one number a row is asked for.": expected.sum(),
            "prior_std is taken for the variance.":
                Normal(torch.zeros((), dtype=F64), math.sqrt(wide)).log_prob(end).sum(dim=1) + start - arrived,
        }
        return compare_close(found, expected, differing(known, expected))


def compare_close(found: object, expected: Tensor, known: dict | None = None) -> str | None:
    """Compare log-densities to what Runge-Kutta steps of this length can give."""
    return compare(found, expected, what="the log-densities", rtol=1e-3, atol=1e-3, known=known)


CHECKS = [Coefficients(), ReverseStep(), ProbabilityFlow(), Likelihood()]
