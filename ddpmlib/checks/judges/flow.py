"""Checks of chapter 14's exercises on flows. Oracles: Jacobians by central differences, and laws of torch.distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.distributions import AffineTransform, MultivariateNormal, Normal, TransformedDistribution

from ..judging import Case, Check, Draw, compare

F64 = torch.float64
EXACT = {"rtol": 1e-9, "atol": 1e-9}


def conditioner_of(tables: dict, x: list[float], dim: int) -> tuple[list[float], list[float]]:
    """What the given conditioner says of one row, by numbers: tanh of an affine map, and an affine map of it."""
    hidden = [math.tanh(sum(w * v for w, v in zip(row, x)) + c) for row, c in zip(tables["inner"].tolist(), tables["shift"].tolist())]
    out = [sum(w * h for w, h in zip(row, hidden)) + c for row, c in zip(tables["outer"].tolist(), tables["offset"].tolist())]
    return out[:dim], out[dim:]


def coupled(tables: dict, x: list[float], mask: list[bool]) -> list[float]:
    """The coupling of one row, coordinate by coordinate."""
    log_scale, shift = conditioner_of(tables, [v if stays else 0.0 for v, stays in zip(x, mask)], len(x))
    return [v if stays else v * math.exp(s) + t for v, s, t, stays in zip(x, log_scale, shift, mask)]


def log_volume(function: Callable[[list[float]], list[float]], x: list[float], step: float = 1e-4) -> float:
    """log |det| of the Jacobian of a map at a row, by central differences of fourth order."""
    columns = []
    for i in range(len(x)):
        def moved(by: float, i: int = i) -> Tensor:
            return torch.tensor(function([v + by * (j == i) for j, v in enumerate(x)]), dtype=F64)

        columns.append((8 * (moved(step) - moved(-step)) - (moved(2 * step) - moved(-2 * step))) / (12 * step))
    return torch.linalg.slogdet(torch.stack(columns, dim=1)).logabsdet.item()


def drawn_tables(draw: Draw, dim: int, hidden: int = 3) -> dict[str, Tensor]:
    return {"inner": 0.6 * draw.normal(hidden, dim), "shift": 0.3 * draw.normal(hidden),
            "outer": 0.5 * draw.normal(2 * dim, hidden), "offset": draw.uniform(0.2, 0.6, 2 * dim)}


class Couplings(Check):
    """Exercise 14.1. Oracle: coordinate by coordinate; the determinant of the whole Jacobian by differences."""

    number = "14.1"
    parts = {"forward": 2, "log-determinant": 3, "inverse": 2, "inverse's log-determinant": 1, "differentiable": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part in self.parts:
            for batch, dim, stays in ((3, 4, [0, 2]), (2, 3, [1]), (1, 5, [0, 1, 4])):
                tables, x = drawn_tables(draw, dim), draw.normal(batch, dim)
                mask = torch.tensor([i in stays for i in range(dim)])
                made = torch.tensor([coupled(tables, row, mask.tolist()) for row in x.tolist()], dtype=F64)
                back = part.startswith("inverse")
                call = "gradient_of_coupling" if part == "differentiable" else "coupling_inverse" if back else "coupling_forward"
                arguments = {"tables": tables, "x": made if back else x, "mask": mask}
                yield Case(part, call, arguments, f"{batch} rows, coordinates {stays} of {dim} stay", {"x": x, "z": made})

    def judge(self, case: Case, result: object) -> str | None:
        tables, mask = case.arguments["tables"], case.arguments["mask"]
        x, z = case.secret["x"], case.secret["z"]
        rows, stays = x.tolist(), mask.tolist()
        if case.part == "differentiable":
            return self._judge_gradient(case, result)
        if not isinstance(result, list) or len(result) != 3:
            return "two tensors should come back: the rows, and the logarithm of the determinant of each"
        volumes = torch.tensor([log_volume(lambda row: coupled(tables, row, stays), row) for row in rows], dtype=F64)
        whole = [conditioner_of(tables, row, len(row)) for row in rows]
        seen = [conditioner_of(tables, [v if keeps else 0.0 for v, keeps in zip(row, stays)], len(row)) for row in rows]
        s, t = (torch.tensor([pair[i] for pair in seen], dtype=F64) for i in (0, 1))
        s_all, t_all = (torch.tensor([pair[i] for pair in whole], dtype=F64) for i in (0, 1))
        if result[2] != 1:
            return f"the conditioner should be called once, it was called {result[2]} times"
        if case.part == "forward":
            return compare(result[0], z, what="z", **EXACT, known={
                "The conditioner gets coordinates that change; it should see 0 in their place, or there is no inverse.":
                    torch.where(mask, x, x * s_all.exp() + t_all),
                "The mask is turned round: True means that a coordinate stays.": self._turned(tables, x, mask),
                "All coordinates are changed; those where the mask is True stay.": x * s.exp() + t,
                "s is the logarithm of the scale; exp(s) multiplies.": torch.where(mask, x, x * s + t),
                "The shift comes after the scale: x exp(s) + t.": torch.where(mask, x, (x + t) * s.exp()),
                "This is the inverse.": torch.where(mask, x, (x - t) * (-s).exp()),
            })
        if case.part == "inverse":
            s_z, t_z = self._at(tables, z)
            return compare(result[0], x, what="x", **EXACT, known={
                "The conditioner gets coordinates that change; it should see 0 in their place.":
                    torch.where(mask, z, (z - t_z) * (-s_z).exp()),
                "The shift is taken off first, then the scale is divided out.": torch.where(mask, z, z * (-s).exp() - t),
                "This is the forward map once more.": torch.where(mask, z, z * s.exp() + t),
                "All coordinates are changed; those where the mask is True stay.": (z - t) * (-s).exp(),
                "The scale multiplies here; it should divide.": torch.where(mask, z, (z - t) * s.exp()),
            })
        sign = -1 if case.part.startswith("inverse") else 1
        changed = torch.where(mask, torch.zeros_like(s), s)
        return compare(result[1], sign * volumes, what="the log-determinant", rtol=1e-6, atol=1e-7, known={
            "The sign is that of the other direction.": -sign * volumes,
            "The scales of the coordinates that stay are counted too; theirs is 1.": sign * s.sum(dim=1),
            "This is the determinant; its logarithm is asked for.": (sign * volumes).exp(),
            "This is a sum over scales; the determinant is their product.": changed.exp().mul(~mask).sum(dim=1),
            "This is the mean over the coordinates; the logarithms add.": sign * changed.mean(dim=1),
            "This is one sum over the whole batch; each row has its own.": (sign * changed).sum().expand(len(x)),
        })

    @staticmethod
    def _at(tables: dict, rows: Tensor) -> tuple[Tensor, Tensor]:
        pairs = [conditioner_of(tables, row, len(row)) for row in rows.tolist()]
        return tuple(torch.tensor([pair[i] for pair in pairs], dtype=F64) for i in (0, 1))

    @staticmethod
    def _turned(tables: dict, x: Tensor, mask: Tensor) -> Tensor:
        return torch.tensor([coupled(tables, row, (~mask).tolist()) for row in x.tolist()], dtype=F64)

    @staticmethod
    def _judge_gradient(case: Case, result: object) -> str | None:
        tables, mask = case.arguments["tables"], case.arguments["mask"].tolist()
        rows, dim, step = case.secret["x"].tolist(), len(mask), 1e-5

        def total(offset: list[float]) -> float:
            moved = tables | {"offset": torch.tensor(offset, dtype=F64)}
            z = [coupled(moved, row, mask) for row in rows]
            seen = [conditioner_of(moved, [v if keeps else 0.0 for v, keeps in zip(row, mask)], dim)[0] for row in rows]
            return sum(v * v for row in z for v in row) + sum(s for row in seen for s, keeps in zip(row, mask) if not keeps)

        base = tables["offset"].tolist()
        expected = [(total([v + step * (j == i) for j, v in enumerate(base)]) - total([v - step * (j == i) for j, v in enumerate(base)]))
                    / (2 * step) for i in range(len(base))]
        problem = compare(result, torch.tensor(expected, dtype=F64), what="the gradient of sum z^2 + log-determinant in the conditioner's "
                          "last offset", rtol=1e-5, atol=1e-6)
        if problem and isinstance(result, Tensor) and not result.any():
            return "no gradient reaches the conditioner's parameters: is something detached?"
        return problem


class Likelihood(Check):
    """Exercise 14.2. Oracles: the Gaussian that linear layers make, and central differences of the whole map."""

    number = "14.2"
    parts = {"linear layers": 2, "curved layers": 2, "no layer": 1, "differentiable": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for batch, dim, depth in ((3, 2, 1), (4, 3, 2), (1, 2, 3)):
            matrices = [torch.eye(dim, dtype=F64) * draw.number(1.2, 2.0) + 0.3 * draw.normal(dim, dim) for _ in range(depth)]
            shifts = [0.5 * draw.normal(dim) for _ in range(depth)]
            layers = {"matrices": matrices, "shifts": shifts, "curved": 0.0}
            x = draw.normal(batch, dim)
            yield Case("linear layers", "flow_log_likelihood", {"layers": layers, "x": x}, f"{batch} rows of {dim}, {depth} linear layers")
            yield Case("curved layers", "flow_log_likelihood", {"layers": layers | {"curved": 0.4}, "x": x},
                       f"{batch} rows of {dim}, {depth} curved layers")
        yield Case("no layer", "flow_log_likelihood", {"layers": {"matrices": [], "shifts": [], "curved": 0.0}, "x": draw.normal(3, 4)},
                   "no layer at all")
        yield Case("differentiable", "gradient_of_likelihood", {"layers": layers, "x": x}, "the gradient in the last layer's shift")

    @staticmethod
    def run(layers: dict, row: list[float]) -> list[float]:
        for matrix, shift in zip(layers["matrices"], layers["shifts"]):
            row = [sum(m * v for m, v in zip(line, row)) + c for line, c in zip(matrix.tolist(), shift.tolist())]
            row = [v + layers["curved"] * math.sin(v) for v in row]
        return row

    @classmethod
    def gaussian(cls, layers: dict, dim: int) -> MultivariateNormal:
        """The law of x for which linear layers end in N(0, I)."""
        whole, offset = torch.eye(dim, dtype=F64), torch.zeros(dim, dtype=F64)
        for matrix, shift in zip(layers["matrices"], layers["shifts"]):
            whole, offset = matrix @ whole, matrix @ offset + shift
        back = torch.linalg.inv(whole)
        return MultivariateNormal(-back @ offset, back @ back.T)

    def judge(self, case: Case, result: object) -> str | None:
        layers, x = case.arguments["layers"], case.arguments["x"]
        dim = x.shape[1]
        if case.part == "differentiable":
            z = torch.tensor([self.run(layers, row) for row in x.tolist()], dtype=F64)
            problem = compare(result, -z.sum(dim=0), what="the gradient", rtol=1e-6, atol=1e-8)
            return "no gradient reaches the layers' parameters: is something detached?" if (
                problem and isinstance(result, Tensor) and not result.any()) else problem
        z = torch.tensor([self.run(layers, row) for row in x.tolist()], dtype=F64)
        base = Normal(0.0, 1.0).log_prob(z).sum(dim=1)
        volumes = torch.tensor([log_volume(lambda row: self.run(layers, row), row) for row in x.tolist()], dtype=F64)
        expected = self.gaussian(layers, dim).log_prob(x) if not layers["curved"] else base + volumes
        if compare(result, expected, rtol=1e-6, atol=1e-7) is None:
            return None
        known = {
            "The log-determinants are subtracted; the layers lead from data to noise, so they are added.": base - volumes,
            "The log-determinants are missing.": base,
            "The log-determinants are there, the density of z is not.": volumes,
            "The density of N(0, I) is taken at x; it should be taken at z.": Normal(0.0, 1.0).log_prob(x).sum(dim=1) + volumes,
            "The constant of the Gaussian, log(2 pi) / 2 for each coordinate, is missing.":
                expected + 0.5 * dim * math.log(2 * math.pi),
            "The constant log(2 pi) / 2 belongs to each coordinate, not to each row once.":
                expected + 0.5 * (dim - 1) * math.log(2 * math.pi),
            "This is the negative of the log-likelihood.": -expected,
            "This is in nats per dimension; nats per row are asked for.": expected / dim,
            "This is the mean over the batch; one number for each row is asked for.": expected.mean(),
            "This is the log-determinant of the last layer only.": base + self._last(layers, x),
            "The layers run in the reverse order.": self._reversed(layers, x),
        }
        return compare(result, expected, what="log p(x)", rtol=1e-6, atol=1e-7, known=known)

    def _last(self, layers: dict, x: Tensor) -> Tensor:
        if not layers["matrices"]:
            return torch.zeros(len(x), dtype=F64)
        first = {key: value[:-1] if isinstance(value, list) else value for key, value in layers.items()}
        last = {key: value[-1:] if isinstance(value, list) else value for key, value in layers.items()}
        return torch.tensor([log_volume(lambda row: self.run(last, row), self.run(first, row)) for row in x.tolist()], dtype=F64)

    def _reversed(self, layers: dict, x: Tensor) -> Tensor:
        turned = {key: value[::-1] if isinstance(value, list) else value for key, value in layers.items()}
        z = torch.tensor([self.run(turned, row) for row in x.tolist()], dtype=F64)
        volumes = [log_volume(lambda row: self.run(turned, row), row) for row in x.tolist()]
        return Normal(0.0, 1.0).log_prob(z).sum(dim=1) + torch.tensor(volumes, dtype=F64)


class Dequantised(Check):
    """Exercise 14.3. Oracle: torch.distributions' own change of variables, pixel by pixel."""

    number = "14.3"
    parts = {"one noise": 2, "several noises": 2, "a density that is 1": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, samples, batch, dim, levels in (("one noise", 1, 3, 2, 5), ("one noise", 1, 2, 4, 17), ("several noises", 4, 3, 2, 17),
                                                  ("several noises", 3, 1, 3, 256)):
            arguments = {
                "means": 0.5 * draw.normal(dim), "deviations": draw.uniform(0.2, 0.5, dim), "levels": levels,
                "pixels": torch.tensor([[draw.integer(0, levels - 1) for _ in range(dim)] for _ in range(batch)]),
                "noise": draw.uniform(0.0, 1.0, samples, batch, dim)}
            yield Case(part, "dequantised_bits_per_dim", arguments, f"{samples} noise(s), {batch} rows of {dim}, {levels} levels")
        yield Case("a density that is 1", "bits_of_uniform", {
            "pixels": torch.tensor([[draw.integer(0, 16) for _ in range(3)] for _ in range(2)]), "levels": 17,
            "noise": draw.uniform(0.0, 1.0, 2, 2, 3)}, "the uniform density on [-1, 1)^3")

    def judge(self, case: Case, result: object) -> str | None:
        levels, pixels, noise = (case.arguments[name] for name in ("levels", "pixels", "noise"))
        dim = pixels.shape[1]
        if case.part == "a density that is 1":
            return compare(result, torch.full((2,), math.log2(levels), dtype=F64), what="the bits per dimension", **EXACT, known={
                "This is in nats; bits are asked for.": torch.full((2,), math.log(levels), dtype=F64),
                "The bin's width is missing: p is a density of x, not of the levels.": torch.ones(2, dtype=F64),
            })
        x_law = Normal(case.arguments["means"], case.arguments["deviations"])
        law = TransformedDistribution(x_law, AffineTransform(levels / 2, levels / 2))  # of k + u
        logs = law.log_prob(pixels + noise).sum(dim=-1)
        unit = dim * math.log(2)
        expected = -logs.mean(dim=0) / unit
        bare = x_law.log_prob(2 * (pixels + noise) / levels - 1).sum(dim=-1)
        centred = law.log_prob(pixels + torch.full_like(noise, 0.5)).sum(dim=-1)
        ends = x_law.log_prob(2 * (pixels + noise) / (levels - 1) - 1).sum(dim=-1) + dim * math.log(2 / levels)
        known = {
            "This is in nats; bits are asked for.": expected * math.log(2),
            "The sign: bits are the negative logarithm.": -expected,
            "The division by D is missing: these are bits per datum.": expected * dim,
            "The bin's width is missing: p is a density of x, not of the levels.": -bare.mean(dim=0) / unit,
            "The bin's width log(2/L) counts for each of the D coordinates.": -(bare + math.log(2 / levels)).mean(dim=0) / unit,
            "The bin's width is taken off twice, or with the wrong sign.": -(bare - dim * math.log(2 / levels)).mean(dim=0) / unit,
            "A bin of x is 2/L wide, since x runs from -1 to 1; here it is 1/L.": -(bare + dim * math.log(1 / levels)).mean(dim=0) / unit,
            "This is the logarithm of a mean over the noise; the mean of the logarithms is asked for.":
                -(logs.logsumexp(dim=0) - math.log(len(noise))) / unit,
            "This is a sum over the noises; their mean is asked for.": -logs.sum(dim=0) / unit,
            "The noise is not used.": -centred.mean(dim=0) / unit,
            "The noise is not used: x is taken at the left end of each bin.":
                -law.log_prob(pixels + torch.zeros_like(noise)).sum(dim=-1).mean(dim=0) / unit,
            "There are L levels, so x = 2 (k + u)/L - 1; here L - 1 divides.": -ends.mean(dim=0) / unit,
            "Only the first noise is used.": -logs[0] / unit,
        }
        return compare(result, expected, what="the bits per dimension", **EXACT, known=known)


CHECKS = [Couplings(), Likelihood(), Dequantised()]
