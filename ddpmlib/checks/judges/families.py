"""Check of chapter 14's exercise on modes, precision and recall."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from ..judging import Case, Check, Draw, compare

F64 = torch.float64


class Covered(Check):
    """Exercise 14.8. Oracle: all pairs one by one, and sorted lists."""

    number = "14.8"
    parts = {"modes": 2, "near samples": 2, "precision": 2, "recall": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part in ("modes", "near samples"):
            for least in (1, 2, 3):
                means = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [3.0, 3.0], [9.0, 9.0]], dtype=F64)
                offsets = torch.tensor([[0.9, 0.9], [0.2, 0.1], [0.1, 0.3], [0.0, 0.2], [0.1, 1.8], [0.7, 0.1], [0.4, 0.4], [1.3, 0.0],
                                        [6.0, 0.0]], dtype=F64)
                owners = torch.tensor([0, 0, 0, 0, 3, 1, 1, 3, 4])
                samples = means[owners] + offsets * draw.number(0.95, 1.05)
                yield Case(part, "modes_covered", {"samples": samples, "means": means, "radius": 1.0, "least": least},
                           f"9 samples, 5 modes, radius 1, at least {least}")
            samples, means = torch.tensor([[3.0, 4.0], [1.0, 0.0]], dtype=F64), torch.tensor([[0.0, 0.0], [50.0, 0.0]], dtype=F64)
            yield Case(part, "modes_covered", {"samples": samples, "means": means, "radius": 5.0, "least": 2},
                       "a sample at exactly the radius")
            lattice = torch.tensor([[1.2, 0.0], [1.1, 0.0]], dtype=F64) * draw.number(0.95, 1.0)
            yield Case(part, "modes_covered", {"samples": lattice, "means": torch.tensor([[0.0, 0.0], [2.0, 0.0]], dtype=F64),
                                               "radius": 1.5, "least": 1}, "balls that overlap")
        for part in ("precision", "recall"):
            for n, m, dim, k in ((11, 7, 2, 2), (8, 13, 2, 3), (9, 6, 1, 1)):
                spread = draw.number(0.7, 1.0)
                yield Case(part, "precision_recall", {"real": draw.normal(n, dim), "samples": spread * draw.normal(m, dim) + 0.6, "k": k},
                           f"{n} real rows, {m} samples, k = {k}")
            unit = draw.integer(1, 4)  # whole numbers: rows lie on the edges of balls
            real = unit * torch.tensor([[5.0], [7.0], [29.0], [32.0], [38.0]], dtype=F64)
            samples = unit * torch.tensor([[9.0], [11.0], [24.0], [36.0]], dtype=F64)
            yield Case(part, "precision_recall", {"real": real, "samples": samples, "k": 1}, "on a grid, k = 1")

    def judge(self, case: Case, result: object) -> str | None:
        if not isinstance(result, list) or len(result) != 2:
            return "two numbers should come back"
        which = list(self.parts).index(case.part) % 2
        value = result[which]
        if case.call == "modes_covered":
            return self._judge_modes(case, value, which)
        return self._judge_support(case, value, which)

    @staticmethod
    def _judge_modes(case: Case, value: object, which: int) -> str | None:
        samples, means, radius, least = (case.arguments[name] for name in ("samples", "means", "radius", "least"))
        table = [[math.dist(a, b) for b in means.tolist()] for a in samples.tolist()]
        owner = [row.index(min(row)) for row in table]
        near = [min(row) <= radius for row in table]

        def modes(inside: list[bool], needed: int) -> float:
            return float(sum(sum(o == j and i for o, i in zip(owner, inside)) >= needed for j in range(len(means))))

        if which == 0:
            every = float(sum(sum(row[j] <= radius for row in table) >= least for j in range(len(means))))
            if isinstance(value, float) or not isinstance(value, (int, torch.Tensor)):
                return f"the number of modes should be an int, got {type(value).__name__} {value!r}"
            return compare(value, modes(near, least), what="the number of modes", known={
                "Samples that lie too far from their mean are counted.": modes([True] * len(near), least),
                "least is ignored: one near sample is enough here.": modes(near, 1),
                "More than least samples are wanted here; least are enough.": modes(near, least + 1),
                "A sample at exactly the radius is near.": modes([min(row) < radius for row in table], least),
                "A sample belongs to its nearest mean only, even if it lies in the ball of another.": every,
                "This is the number of the modes that are lost.": len(means) - modes(near, least),
                "The squared distance is compared with the radius.": modes([min(row) ** 2 <= radius for row in table], least),
            })
        if not isinstance(value, float):
            return f"the share should be a float, got {type(value).__name__}; .item() makes one of a tensor"
        covered = [sum(o == j and i for o, i in zip(owner, near)) >= least for j in range(len(means))]
        return compare(value, sum(near) / len(near), what="the share of near samples", rtol=1e-9, atol=1e-12, known={
            "This is a number of samples; their share is asked for.": float(sum(near)),
            "This is a share of the modes; a share of the samples is asked for.": modes(near, least) / len(means),
            "Only samples of covered modes are counted; all near samples should be.":
                sum(i and covered[o] for o, i in zip(owner, near)) / len(near),
            "This is the share of samples that are not near.": 1 - sum(near) / len(near),
            "A sample at exactly the radius is near.": sum(min(row) < radius for row in table) / len(near),
            "The squared distance is compared with the radius.": sum(min(row) ** 2 <= radius for row in table) / len(near),
        })

    @staticmethod
    def _judge_support(case: Case, value: object, which: int) -> str | None:
        sets = [case.arguments[name].tolist() for name in ("real", "samples")]
        k = case.arguments["k"]

        def share(points: list, centres: list, rank: int, edge: bool = True) -> float:
            balls = [sorted(math.dist(a, b) for b in centres)[min(rank, len(centres) - 1)] for a in centres]
            inside = [any(math.dist(x, c) <= r if edge else math.dist(x, c) < r for c, r in zip(centres, balls)) for x in points]
            return sum(inside) / len(inside)

        real, samples = sets
        points, centres = (samples, real) if which == 0 else (real, samples)
        if not isinstance(value, float):
            return f"{case.part} should be a float, got {type(value).__name__}; .item() makes one of a tensor"
        count = share(points, centres, k) * len(points)
        balls = [sorted(math.dist(a, b) for b in points)[k] for a in points]
        turned = sum(any(math.dist(c, x) <= r for x, r in zip(points, balls)) for c in centres) / len(centres)
        hit = sum(any(math.dist(c, x) <= r for c in centres) for x, r in zip(points, balls)) / len(points)
        return compare(value, share(points, centres, k), what=case.part, rtol=1e-9, atol=1e-12, known={
            "Precision and recall are exchanged.": turned,
            "The balls stand around the wrong set (this is a share of balls that hold a row).": hit,
            "The row itself counts as its first neighbour here; k other rows should.": share(points, centres, k - 1),
            "The radius is the distance to neighbour k + 1.": share(points, centres, k + 1),
            "The edge of a ball belongs to it.": share(points, centres, k, edge=False),
            "This is a number of rows; their share is asked for.": float(count),
        })


CHECKS = [Covered()]
