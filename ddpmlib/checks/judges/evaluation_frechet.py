"""Check of chapter 9's exercise on the Fréchet distance.

The oracle needs no root of a matrix: for factors A = F F^T and B = G G^T the trace of (A^(1/2) B A^(1/2))^(1/2) is the sum of the singular
values of F^T G.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64

NAMES = ("mean_a", "covariance_a", "mean_b", "covariance_b")


def overlap(f: Tensor, g: Tensor) -> float:
    return torch.linalg.svdvals(f.T @ g).sum().item()


def apart(a: Tensor, b: Tensor) -> float:
    return math.fsum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist()))


def spread(factor: Tensor) -> float:
    """The trace of factor factor^T."""
    return math.fsum(value**2 for value in factor.flatten().tolist())


def root(matrix: Tensor) -> Tensor:
    """The symmetric root of a matrix (for wrong answers only)."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp(min=0) ** 0.5) @ vectors.T


class FrechetDistance(Check):
    """Exercise 9.7. Oracles: singular values of factors, and standard deviations where all axes agree."""

    number = "9.7"
    parts = {"the same axes": 1, "any covariances": 2, "singular covariances": 1, "fitted to features": 3, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def gaussians(part: str, dim: int, *, ranks: tuple[int, int] | None = None, shared: bool = False, equal: bool = False) -> Case:
            if shared:
                axes = torch.linalg.qr(draw.normal(dim, dim)).Q
                factors = [axes * draw.uniform(0.3, 2.0, dim) for _ in range(2)]
            else:
                factors = [draw.normal(dim, rank) for rank in ranks or (dim + 1, dim + 1)]
            means = [draw.normal(dim) for _ in range(2)]
            if equal:
                factors[1], means[1] = factors[0], means[0]
            matrices = [(each @ each.T + (each @ each.T).T) / 2 for each in factors]
            arguments = dict(zip(NAMES, (means[0], matrices[0], means[1], matrices[1])))
            says = f"{dim} dimensions" + (", one axis system" if shared else f", ranks {ranks}" if ranks else "") + (", equal" if equal else "")
            return Case(part, "gaussian_frechet", arguments, says, {"factors": factors})

        def features(part: str, n: int, m: int, dim: int, offset: float = 0.0, kind: torch.dtype = F64) -> Case:
            mix = draw.normal(dim, dim)
            sets = {"a": (draw.normal(n, dim) + offset).to(kind), "b": (draw.normal(m, dim) @ mix + draw.normal(dim) + offset).to(kind)}
            return Case(part, "both_ways", {"function": "frechet_distance", **sets}, f"features of shapes {(n, dim)} and {(m, dim)}")

        yield gaussians("the same axes", 1, shared=True)
        yield gaussians("the same axes", 3, shared=True)
        yield gaussians("any covariances", 2)
        yield gaussians("any covariances", 4)
        yield gaussians("any covariances", 3, equal=True)
        yield gaussians("singular covariances", 3, ranks=(1, 2))
        yield gaussians("singular covariances", 4, ranks=(2, 4))
        yield features("fitted to features", 6, 9, 2)
        yield features("fitted to features", 8, 5, 3)
        yield features("fitted to features", 5, 4, 1)
        yield features("fitted to features", 4, 6, 5)
        yield features("precision", 30, 40, 3, offset=200.0, kind=torch.float32)

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "both_ways":
            return self._judge_features(case, result)
        mean_a, a, mean_b, b = (case.arguments[name].double() for name in NAMES)
        f, g = case.secret["factors"]
        distance, total = apart(mean_a, mean_b), spread(f) + spread(g)
        return self._compare(case, result, distance, total, overlap(f, g), a, b)

    def _judge_features(self, case: Case, result: object) -> str | None:
        a, b = case.arguments["a"].double(), case.arguments["b"].double()
        if not isinstance(result, list) or len(result) != 2:
            return "the distance should be computed both ways, from the one set to the other and back"
        found = []
        for least in (1, 0):  # with the divisor n - 1, and with n
            centred = [(rows - rows.mean(dim=0)).T / math.sqrt(len(rows) - least) for rows in (a, b)]
            distance = apart(a.mean(dim=0), b.mean(dim=0))
            found.append((distance, spread(centred[0]) + spread(centred[1]), overlap(*centred), *(each @ each.T for each in centred)))
        distance, total, shared, _, _ = found[1]
        other = {"The covariances have the divisor n; it should be n - 1.": distance + total - 2 * shared}
        for index, value in enumerate(result):
            problem = self._compare(case, value, *found[0], known=other)
            if problem is not None:
                return problem + ("\n(with the two sets exchanged, and only then)" if index else "")
        return None

    @staticmethod
    def _compare(
        case: Case, result: object, distance: float, total: float, shared: float, a: Tensor, b: Tensor, known=None
    ) -> str | None:
        expected = distance + total - 2 * shared
        if not isinstance(result, float):
            return compare(result, expected, what="the squared distance", rtol=1e-3, atol=1e-3) or (
                "the squared distance should be a float; .item() makes one of a tensor")
        roots = (root(a), root(b))
        known = dict(known or {}) | {
            "This is the distance; its square is asked for.": math.sqrt(max(expected, 0.0)),
            "The difference of the means is missing.": expected - distance,
            "The norm of the difference of the means enters squared.": expected - distance + math.sqrt(distance),
            "The factor 2 of the root is missing.": expected + shared,
            "The root's trace is added; it is subtracted.": expected + 4 * shared,
            "The root's trace is missing.": distance + total,
            "This multiplies the two roots, which is the root of the product only if the matrices commute.":
                distance + total - 2 * (roots[0] @ roots[1]).trace().item(),
            "The matrix under the root has no root yet: the inner one is that of A, the outer one of the whole.":
                distance + total - 2 * (a @ b).trace().item(),
            "Roots are taken element by element; the root of a matrix is another thing.":
                distance + total - 2 * (a @ b).clamp(min=0).sqrt().diagonal().sum().item(),
            "Only the variances of each axis are compared; the covariances count too.":
                distance + (a.diagonal().sqrt() - b.diagonal().sqrt()).square().sum().item(),
            "The distance of the roots is not the distance: the best rotation between them is missing.":
                distance + (roots[0] - roots[1]).square().sum().item(),
        }
        scale = distance + total
        tolerance = 1e-6 if case.part == "singular covariances" else 1e-8 if case.part != "precision" else 1e-9
        problem = compare(result, expected, what="the squared distance", rtol=tolerance, atol=tolerance * scale, known=known)
        if problem and case.part == "precision" and compare(result, expected, rtol=0.02, atol=0.02 * scale) is None:
            return f"{problem}\nThese are few digits: convert the features to float64 first."
        return problem
