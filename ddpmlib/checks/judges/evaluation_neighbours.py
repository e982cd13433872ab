"""Check of chapter 9's exercise on nearest neighbours: copies, coverage and density."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64


def distances(a: list[list[float]], b: list[list[float]]) -> list[list[float]]:
    return [[math.dist(x, y) for y in b] for x in a]


class Neighbours(Check):
    """Exercise 9.8. Oracle: all pairs one by one, and sorted lists."""

    number = "9.8"
    parts = {"nearest": 2, "copies": 2, "coverage": 2, "density": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def nearest(part: str, n: int, m: int, shape: tuple[int, ...], kind: torch.dtype = F64, copied: int = 0, offset: float = 0.0) -> Case:
            reference = (draw.normal(m, *shape) + offset).to(kind)
            samples = (draw.normal(n, *shape) + offset).to(kind)
            samples[:copied] = reference[:copied].flip(0)
            says = f"samples of shape {tuple(samples.shape)}, reference of shape {tuple(reference.shape)}"
            return Case(part, "nearest_distances", {"samples": samples, "reference": reference}, says)

        def cover(part: str, n: int, m: int, dim: int, k: int, grid: bool = False) -> Case:
            if grid:  # whole numbers: samples lie on the edges of balls
                unit = draw.integer(1, 3)
                arguments = {"real": unit * torch.tensor([[0.0], [1.0], [3.0], [6.0], [10.0], [15.0]], dtype=F64),
                             "samples": unit * torch.tensor([[-1.0], [5.0]], dtype=F64), "k": k}
            else:
                spread = draw.number(0.4, 0.8)
                arguments = {"real": draw.normal(n, dim), "samples": spread * draw.normal(m, dim) + 0.3, "k": k}
            says = f"{len(arguments['real'])} real rows, {len(arguments['samples'])} samples, k = {k}" + (", on a grid" if grid else "")
            return Case(part, "coverage_and_density", arguments, says)

        yield nearest("nearest", 5, 4, (3,))
        yield nearest("nearest", 3, 7, (1, 2, 2))
        yield nearest("copies", 30, 40, (1, 4, 4), torch.float32, copied=3, offset=5.0)
        yield nearest("copies", 30, 30, (6,), torch.float64, copied=2)
        for part in ("coverage", "density"):
            yield cover(part, 11, 7, 2, 2)
            yield cover(part, 13, 5, 2, 3)
            yield cover(part, 7, 13, 1, 4)
            yield cover(part, 6, 2, 1, 1, grid=True)

    def judge(self, case: Case, result: object) -> str | None:
        rows = [case.arguments[name].double().flatten(start_dim=1).tolist() for name in list(case.arguments)[:2]]
        if case.call == "nearest_distances":
            return self._judge_nearest(case, result, *rows)
        return self._judge_cover(case, result, *rows, case.arguments["k"])

    @staticmethod
    def _judge_nearest(case: Case, result: object, samples: list, reference: list) -> str | None:
        table = distances(samples, reference)
        expected = torch.tensor([min(row) for row in table], dtype=F64)
        across = [min(table[i][j] for i in range(len(samples))) for j in range(len(reference))]
        known = {
            "This is the squared distance; take its root.": expected.square(),
            "This is the distance to the farthest row; the nearest is asked for.": torch.tensor([max(row) for row in table], dtype=F64),
            "This is the mean distance; the nearest is asked for.": torch.tensor([sum(row) / len(row) for row in table], dtype=F64),
            "This is the distance of each reference row to the nearest sample; the samples' are asked for.": torch.tensor(across, dtype=F64),
            "This is the index of the nearest row; its distance is asked for.": torch.tensor([float(row.index(min(row))) for row in table], dtype=F64),
            "This is a mean over the components; the Euclidean distance adds their squares.": expected / math.sqrt(len(samples[0])),
        }
        problem = compare(result, expected, what="the distances", rtol=1e-9, atol=1e-9, known=known)
        if problem and case.part == "copies" and isinstance(result, Tensor) and compare(result, expected, rtol=1e-2, atol=0.1) is None:
            return (f"{problem}\nThese are few digits, and a copy is not at distance 0: take differences of float64 numbers. "
                    "(|a|^2 - 2ab + |b|^2, which torch.cdist uses for many rows, cancels.)")
        return problem

    @staticmethod
    def _judge_cover(case: Case, result: object, real: list, samples: list, k: int) -> str | None:
        if not isinstance(result, list) or len(result) != 2:
            return "two floats are asked for, the coverage and the density"
        n, m = len(real), len(samples)

        def radii(rows: list, rank: int) -> list[float]:
            """The distance to the row of this rank among all, the row itself being of rank 0."""
            return [sorted(row)[min(rank, len(row) - 1)] for row in distances(rows, rows)]

        def hits(balls: list, sizes: list[float], points: list, edge: bool = True) -> list[list[bool]]:
            return [[d < size or (edge and d == size) for d in row] for row, size in zip(distances(balls, points), sizes)]

        def coverage(inside: list) -> float:
            return sum(map(any, inside)) / len(inside)

        def total(inside: list) -> int:
            return sum(map(sum, inside))

        inside, less, more = (hits(real, radii(real, rank), samples) for rank in (k, k - 1, k + 1))
        open_balls = hits(real, radii(real, k), samples, edge=False)
        reached = [any(row[j] for row in inside) for j in range(m)]
        around = hits(samples, radii(samples, min(k, m - 1)), real)
        which = ("coverage", "density").index(case.part)
        value, what = result[which], f"the {case.part}"
        if not isinstance(value, float):
            return compare(value, 0.0, what=what) or f"{what} should be a float; .item() makes one of a tensor"
        right = (coverage(inside), total(inside) / (k * m))
        problem = compare(value, right[which], what=what, rtol=1e-9, atol=1e-12)
        exchanged = all(isinstance(a, float) and math.isclose(a, b, abs_tol=1e-12) for a, b in zip(result, right[::-1]))
        if problem and exchanged:
            return f"{problem}\nCoverage and density are exchanged."
        itself = "The row itself counts as its first neighbour here; k other rows should."
        if case.part == "coverage":
            return compare(value, coverage(inside), what=what, rtol=1e-9, atol=1e-12, known={
                "This is the share of samples in some ball (precision); the share of balls with a sample is asked for.":
                    sum(reached) / m,
                itself: coverage(less),
                "The radius is the distance to neighbour k + 1.": coverage(more),
                "A sample on the edge of a ball counts too.": coverage(open_balls),
                "The balls stand around the samples; they should stand around the real rows.": coverage(around),
                "This is the share of real rows in some ball around a sample (recall).": sum(
                    any(row[i] for row in around) for i in range(n)) / n,
                "This is a count; the share of the real rows is asked for.": float(sum(map(any, inside))),
            })
        return compare(value, total(inside) / (k * m), what=what, rtol=1e-9, atol=1e-12, known={
            "The division by k is missing.": total(inside) / m,
            "The division by the number of samples is missing.": total(inside) / k,
            "The divisor has the number of real rows; it should have that of samples.": total(inside) / (k * n),
            itself: total(less) / (k * m),
            "The radius is the distance to neighbour k + 1.": total(more) / (k * m),
            "A sample on the edge of a ball counts too.": total(open_balls) / (k * m),
            "A sample counts once for every ball that it lies in, not once in all.": sum(reached) / (k * m),
            "The balls stand around the samples; they should stand around the real rows.": total(around) / (k * m),
        })
