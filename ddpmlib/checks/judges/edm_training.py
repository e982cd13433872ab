"""Checks of the coefficients around EDM's network, of its levels, and of its loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, ROUNDED, compare_precision, compare_values
from .edm_oracles import Coefficients, RandomNet, every_row, random_net, regressed, row_levels

NAMES = ("c_skip", "c_out", "c_in", "c_noise")


def differing(known: dict[str, Tensor], expected: Tensor) -> dict[str, Tensor]:
    """The misconceptions that lead to another value here."""
    return {words: value for words, value in known.items()
            if value.shape != expected.shape or not torch.allclose(value, expected, rtol=1e-6, atol=1e-6)}


class Preconditioning(Check):
    """Exercise 13.8. Oracle: the linear regression of x_0 on x, from their covariance matrix."""

    number = "13.8"
    parts = {"c_skip": 1, "c_out": 1, "c_in": 1, "c_noise": 1, "precision": 1, "the denoiser": 2, "a level for each row": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        d = draw.number(0.3, 0.8)
        sigma = draw.uniform(0.1, 3.0, 4)
        for name in NAMES:
            yield Case(name, "preconditioning", {"sigma": sigma, "sigma_data": d}, f"sigma_data = {d:.3g}, sigma of shape (4,)", {"name": name})
            yield Case(name, "preconditioning", {"sigma": draw.uniform(1.5, 9.0, 2, 2), "sigma_data": draw.number(1.5, 3.0)},
                       "sigma of shape (2, 2), sigma_data above 1", {"name": name})
        for kind in (F64, torch.float32):
            yield Case("precision", "preconditioning", {"sigma": draw.uniform(0.1, 30.0, 5).to(kind), "sigma_data": d},
                       f"sigma is {str(kind)[6:]}", {})

        def case(part: str, shape: tuple[int, ...], sigma: Tensor, sigma_data: float, kind: torch.dtype = F64) -> Case:
            net = random_net(draw)
            arguments = {"net": net.parts, "x": (2 * draw.normal(*shape)).to(kind), "sigma": sigma, "sigma_data": sigma_data}
            return Case(part, "precondition", arguments, f"x of shape {shape}, {str(kind)[6:]}, sigma_data = {sigma_data:.3g}", {"net": net})

        yield case("the denoiser", (2, 3), draw.uniform(0.3, 3.0), d)
        yield case("the denoiser", (3,), draw.uniform(0.3, 3.0, 1).expand(3).clone(), draw.number(1.5, 2.5))
        yield case("the denoiser", (2, 3), draw.uniform(0.3, 3.0), d, torch.float32)
        yield case("a level for each row", (3, 3), draw.uniform(0.2, 4.0, 3), d)
        yield case("a level for each row", (2, 1, 2, 2), draw.uniform(0.2, 4.0, 2), d)

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "precondition":
            return self._denoiser(case, result)
        sigma, d = case.arguments["sigma"], case.arguments["sigma_data"]
        if not isinstance(result, list) or len(result) != 4:
            found = f"{len(result)} values" if isinstance(result, list) else type(result).__name__
            return f"the result should be four tensors, c_skip, c_out, c_in and c_noise; got {found}"
        rows = [regressed(value, d) for value in sigma.double().flatten().tolist()]
        columns = {name: torch.tensor([value(row) for row in rows], dtype=F64).reshape(sigma.shape) for name, value in {
            "c_skip": lambda c: c.skip, "c_out": lambda c: c.out, "c_in": lambda c: c.scale, "c_noise": lambda c: c.told}.items()}
        if case.part == "precision":
            for name, value in zip(NAMES, result):
                if problem := compare_precision(value, columns[name], name, sigma, "sigma", ROUNDED):
                    return problem
            return None
        name = case.secret["name"]
        got, expected = result[NAMES.index(name)], columns[name]
        if compare_values(got, expected, name) is None:
            return None
        total = sigma**2 + d**2
        known = {
            "c_skip": {
                "This is what the noise has of the variance of x; the datum's share is asked for.": sigma**2 / total,
                "The variances count, not the deviations: squares are missing.": d / (sigma + d),
                "This is the root of the right value.": d / total.sqrt(),
                "x is not skipped at all.": 0 * sigma,
                "The whole of x is skipped, whatever sigma is.": 1 + 0 * sigma,
                "sigma_data is 1 here, whatever is passed in.": 1 / (sigma**2 + 1),
            },
            "c_out": {
                "This is the variance of the target; its root is asked for.": (sigma * d) ** 2 / total,
                "The root below is missing.": sigma * d / total,
                "sigma is missing above.": d / total.sqrt(),
                "sigma_data is missing above.": sigma / total.sqrt(),
                "This is sigma: the network would predict the noise itself, also where there is next to none of x_0 left in it.": 1.0 * sigma,
                "This is the deviation of x; the target is x_0 less what is skipped.": total.sqrt(),
                "sigma_data is 1 here, whatever is passed in.": sigma / (sigma**2 + 1).sqrt(),
            },
            "c_in": {
                "This is the deviation of x; the network's input is divided by it.": total.sqrt(),
                "x is divided by its variance; divide by its deviation.": 1 / total,
                "This scales the noise alone to variance 1; x holds data too.": 1 / sigma,
                "The deviations of independent parts do not add; their squares do.": 1 / (sigma + d),
                "sigma_data is 1 here, whatever is passed in.": 1 / (sigma**2 + 1).sqrt(),
            },
            "c_noise": {
                "The factor 1/4 is missing.": sigma.log(),
                "This is sigma itself; its logarithm is asked for.": 1.0 * sigma,
                "This is sigma / 4; the logarithm is missing.": sigma / 4,
                "The logarithm is the natural one.": sigma.log10() / 4,
                "The logarithm is that of sigma, not of sigma / 4.": (sigma / 4).log(),
                "The logarithm is that of sigma, not of sigma^2.": sigma.log() / 2,
            },
        }[name]
        known |= {f"This is {other}; the order is c_skip, c_out, c_in, c_noise.": columns[other] for other in NAMES if other != name}
        return compare_values(got, expected, name, differing(known, expected))

    @staticmethod
    def _denoiser(case: Case, result: object) -> str | None:
        given = case.arguments
        x, d, net = given["x"].double(), given["sigma_data"], case.secret["net"]
        levels = row_levels(given["sigma"], x)
        by = [regressed(sigma, d) for sigma in levels]
        expected = net.denoised(x, by)
        if given["x"].dtype == torch.float32:
            return compare_precision(result, expected, "D(x; sigma)", given["x"], "x")
        if compare_values(result, expected, "D(x; sigma)") is None:
            return None

        def slip(change: Callable[[Coefficients, float], Coefficients]) -> Tensor:
            return net.denoised(x, [change(c, sigma) for c, sigma in zip(by, levels)])

        known = {
            "The network gets x as it is; it should get c_in x.": slip(lambda c, s: replace(c, scale=1.0)),
            "The network is told sigma; it should be told c_noise.": slip(lambda c, s: replace(c, told=s)),
            "The network is told log(sigma); it should be told c_noise.": slip(lambda c, s: replace(c, told=math.log(s))),
            "c_skip x is missing.": slip(lambda c, s: replace(c, skip=0.0)),
            "The network's output is not multiplied by c_out.": slip(lambda c, s: replace(c, out=1.0)),
            "x is added as it is; it should be multiplied by c_skip.": slip(lambda c, s: replace(c, skip=1.0)),
            "This is c_out F alone, with x for the network's input.": slip(lambda c, s: replace(c, skip=0.0, scale=1.0)),
            "This is the network's output alone.": slip(lambda c, s: replace(c, skip=0.0, out=1.0)),
            "c_skip multiplies c_in x; it should multiply x.": slip(lambda c, s: replace(c, skip=c.skip * c.scale)),
            "All rows have the level of the first row.": net.denoised(x, by[:1] * len(x)),
        }
        if x.ndim == 2 and x.shape[0] == x.shape[1]:
            across = [torch.tensor([value(c) for c in by], dtype=F64) for value in (
                lambda c: c.skip, lambda c: c.out, lambda c: c.scale)]
            told = every_row([c.told for c in by], x)
            known["The coefficients of the levels run along the last axis; each belongs to a row of the batch."] = (
                across[0] * x + across[1] * net(across[2] * x, told))
        return compare_values(result, expected, "D(x; sigma)", differing(known, expected))


class ScheduleAndLoss(Check):
    """Exercise 13.9. Oracles: levels whose roots are equally far apart; the squared error of F against its own target."""

    number = "13.9"
    parts = {"levels": 2, "any rho": 1, "float64": 1, "loss": 2, "a level for each row": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def levels(part: str, steps: int, low: float, high: float, rho: float) -> Case:
            return Case(part, "sigma_schedule", {"steps": steps, "sigma_min": low, "sigma_max": high, "rho": rho},
                        f"steps = {steps}, sigma_min = {low:.3g}, sigma_max = {high:.3g}, rho = {rho:.3g}")

        yield levels("levels", draw.integer(5, 9), draw.number(0.002, 0.05), draw.number(5.0, 80.0), 7.0)
        yield levels("levels", 2, draw.number(0.01, 0.1), draw.number(1.0, 5.0), 7.0)
        yield levels("any rho", draw.integer(4, 7), draw.number(0.05, 0.2), draw.number(2.0, 9.0), draw.number(1.5, 4.0))
        yield levels("any rho", 5, draw.number(0.05, 0.2), draw.number(2.0, 9.0), 1.0)
        yield levels("float64", draw.integer(5, 9), 0.002, 80.0, 7.0)

        def loss(part: str, shape: tuple[int, ...], sigma: Tensor, kind: torch.dtype = F64) -> Case:
            net, d = random_net(draw), draw.number(0.4, 0.8)
            arguments = {"net": net.parts, "x0": draw.normal(*shape).to(kind), "sigma": sigma, "noise": draw.normal(*shape).to(kind),
                         "sigma_data": d}
            call = "gradient_of_loss" if part == "gradient" else "edm_loss"
            return Case(part, call, arguments, f"x0 of shape {shape}, {str(kind)[6:]}, sigma_data = {d:.3g}", {"net": net})

        yield loss("loss", (2, 3), draw.uniform(0.3, 2.0))
        yield loss("loss", (3,), draw.uniform(0.3, 2.0, 1).expand(3).clone())
        yield loss("loss", (2, 3), draw.uniform(0.3, 2.0), torch.float32)
        yield loss("a level for each row", (3, 3), draw.uniform(0.2, 3.0, 3))
        yield loss("a level for each row", (2, 1, 2, 2), draw.uniform(0.2, 3.0, 2))
        yield loss("gradient", (3, 2), draw.uniform(0.3, 2.0, 3))

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "sigma_schedule":
            return self._levels(case, result)
        given = case.arguments
        net: RandomNet = case.secret["net"]
        if case.part == "gradient":
            inputs = {name: value.clone().requires_grad_() for name, value in net.parts.items()}
            value = self._loss(RandomNet(inputs), given)
            expected = torch.stack(torch.autograd.grad(value, list(inputs.values())))
            known = {"The loss carries no graph: it must be differentiable in the network's parameters.": torch.zeros_like(expected)}
            return compare_values(result, expected, "the gradient in the network's parameters", known)
        first, again = result
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return "two calls with the same arguments give two results; use the noise that is passed in"
        expected = self._loss(net, given)
        if given["x0"].dtype == torch.float32:
            return compare_precision(first, expected, "the loss", given["x0"], "x0")
        if compare_values(first, expected, "the loss") is None:
            return compare_precision(first, expected, "the loss", given["x0"], "x0", ROUNDED)
        known = self._known(net, given)
        return compare_values(first, expected, "the loss", differing(known, expected))

    @staticmethod
    def _loss(net: RandomNet, given: dict) -> Tensor:
        """The squared distance of the network's output from the one that would be right, unweighted: every target has variance 1."""
        x0, noise, d = given["x0"].double(), given["noise"].double(), given["sigma_data"]
        squares = []
        for row, z, sigma in zip(x0, noise, row_levels(given["sigma"], x0)):
            c = regressed(sigma, d)
            x = row + sigma * z
            squares.append((net(c.scale * x, c.told) - (row - c.skip * x) / c.out).square())
        return torch.stack(squares).mean()

    @staticmethod
    def _known(net: RandomNet, given: dict) -> dict[str, Tensor]:
        x0, noise, d = given["x0"].double(), given["noise"].double(), given["sigma_data"]
        levels = row_levels(given["sigma"], x0)

        def loss(weight: Callable[[float], float], reduce=torch.mean, made=None, target=None) -> Tensor:
            sigma = every_row(levels, x0)
            x = x0 + sigma * noise if made is None else made
            guess = net.denoised(x, [regressed(value, d) for value in levels])
            weights = every_row([weight(value) for value in levels], x0)
            return reduce(weights * (guess - (x0 if target is None else target)).square())

        right = lambda s: (s**2 + d**2) / (s * d) ** 2  # noqa: E731
        rows = torch.tensor(levels, dtype=F64)
        known = {
            "The weight lambda(sigma) is missing.": loss(lambda s: 1.0),
            "The weight is 1 / sigma^2; that of EDM is (sigma^2 + sigma_data^2) / (sigma sigma_data)^2.": loss(lambda s: 1 / s**2),
            "The weight's lower part, sigma sigma_data, is not squared.": loss(lambda s: (s**2 + d**2) / (s * d)),
            "This is the weight's root.": loss(lambda s: math.sqrt(right(s))),
            "The weight is upside down.": loss(lambda s: 1 / right(s)),
            "The weight is (sigma + sigma_data)^2 above; the squares add, not the deviations.": loss(lambda s: (s + d) ** 2 / (s * d) ** 2),
            "The squares are summed; their mean is asked for.": loss(right, torch.sum),
            "The noise is multiplied by sigma^2; x_0 + sigma eps is the noisy datum.": loss(right, made=x0 + every_row([s**2 for s in levels], x0) * noise),
            "The noise is not multiplied by sigma.": loss(right, made=x0 + noise),
            "The datum is shrunk, as in DDPM; here x_0 + sigma eps is the noisy datum.":
                loss(right, made=(x0 + every_row(levels, x0) * noise) / every_row([math.sqrt(1 + s**2) for s in levels], x0)),
            "The denoiser is compared with the noise; it should be compared with the datum.": loss(right, target=noise),
            "The denoiser is compared with its own input; it should be compared with the datum.":
                loss(right, target=x0 + every_row(levels, x0) * noise),
        }
        if len(rows) > 1 and rows.std() > 0:
            mean = lambda s: sum(map(right, levels)) / len(levels)  # noqa: E731
            known["The weights are averaged before they multiply; each row has its own."] = loss(mean)
        if x0.ndim == 2 and x0.shape[0] == x0.shape[1]:
            x = x0 + every_row(levels, x0) * noise
            guess = net.denoised(x, [regressed(value, d) for value in levels])
            across = torch.tensor([right(value) for value in levels], dtype=F64)
            known["The weights run along the last axis; each belongs to a row of the batch."] = (across * (guess - x0).square()).mean()
        return known

    @staticmethod
    def _levels(case: Case, result: object) -> str | None:
        given = case.arguments
        steps, low, high, rho = (given[name] for name in ("steps", "sigma_min", "sigma_max", "rho"))

        def between(power: float, count: int = steps, ends: tuple[float, float] = (high, low)) -> Tensor:
            """Levels whose power-th roots are equally far apart."""
            roots = torch.linspace(math.exp(math.log(ends[0]) / power), math.exp(math.log(ends[1]) / power), count, dtype=F64)
            return torch.exp(power * roots.log())

        end = torch.zeros(1, dtype=F64)
        expected = torch.cat([spaced(steps, low, high, rho), end])
        if case.part == "float64":
            return compare_precision(result, expected, "the list of levels", expected, "the schedule", ROUNDED)
        if compare_values(result, expected, "the list of levels") is None:
            return None
        known = {
            "The last entry, 0, is missing: the walk ends at the data.": between(rho),
            "The levels rise; they should fall from sigma_max.": torch.cat([end, between(rho).flip(0)]),
            "The shares are i / N; with i / (N - 1) the last positive level is sigma_min.":
                torch.cat([between(rho, steps + 1)[:-1], end]),
            "sigma_min is skipped: the level before 0 should be sigma_min.": torch.cat([between(rho, steps + 1)[:-1], end]),
            "There is one level too much: N + 1 of them in all, with the 0.": torch.cat([between(rho, steps + 1), end]),
            "The levels are equally far apart: rho is ignored.": torch.cat([between(1.0), end]),
            "The power is 1/rho where it should be rho, and rho where it should be 1/rho.": torch.cat([between(1 / rho), end]),
            "The ratios of neighbours are equal: this is the limit of large rho.":
                torch.cat([torch.logspace(math.log10(high), math.log10(low), steps, dtype=F64), end]),
            "rho is 7, whatever is passed in.": torch.cat([between(7.0), end]),
            "The last power is missing: these are the roots of the levels.": torch.cat([between(rho) ** (1 / rho), end]),
        }
        return compare_values(result, expected, "the list of levels", differing(known, expected))


def spaced(steps: int, low: float, high: float, rho: float) -> Tensor:
    """Levels that leave behind them equal shares of the way, measured in rho-th roots: found by bisection."""
    wanted = torch.arange(steps, dtype=F64) / (steps - 1)
    above, below = torch.full_like(wanted, math.log(high)), torch.full_like(wanted, math.log(low))
    first, last = math.exp(math.log(high) / rho), math.exp(math.log(low) / rho)
    for _ in range(60):
        middle = (above + below) / 2
        behind = (first - torch.exp(middle / rho)) / (first - last)
        above, below = torch.where(behind < wanted, middle, above), torch.where(behind < wanted, below, middle)
    return torch.exp((above + below) / 2)
