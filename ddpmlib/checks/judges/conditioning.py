"""Check of chapter 5's exercise on conditioning a joint Gaussian."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .posterior_oracles import compare_exactly


class ConditionGaussian(Check):
    """Exercise 5.5. Oracle: the quadratic form of the density, whose matrix is the inverse of the whole covariance.

    With the known components fixed it is a quadratic function of the others; its matrix is a block of that inverse, and
    its lowest point is the mean.
    """

    number = "5.5"
    parts = {"mean": 2, "covariance": 2, "several observations": 1, "any places, in any order": 1, "float32": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for n, observed, shape in [(2, [1], (1,)), (4, [2, 3], (2,)), (5, [3, 4], (2,))]:
            for part in ("mean", "covariance"):
                yield self._case(draw, part, n, observed, shape)
        yield self._case(draw, "several observations", 4, [2, 3], (2, 2))
        yield self._case(draw, "several observations", 4, [3], (3, 2, 1))
        yield self._case(draw, "any places, in any order", 5, [4, 0, 2], (3,))
        yield self._case(draw, "any places, in any order", 4, [0], (1,))
        yield self._case(draw, "float32", 3, [2], (2, 1), torch.float32)

    @staticmethod
    def _case(draw: Draw, part: str, n: int, observed: list[int], shape: tuple[int, ...],
              kind: torch.dtype = torch.float64) -> Case:
        factor = draw.normal(n, n) + torch.diag(draw.uniform(1.5, 2.5, n))
        covariance = factor @ factor.T + 0.3 * torch.eye(n, dtype=torch.float64)
        arguments = {"mean": (2 * draw.normal(n)).to(kind), "covariance": ((covariance + covariance.T) / 2).to(kind),
                     "observed": observed, "values": (2 * draw.normal(*shape)).to(kind)}
        return Case(part, "condition_gaussian", arguments, f"n = {n}, observed {observed}, values of shape {shape}")

    def judge(self, case: Case, result: object) -> str | None:
        if not isinstance(result, list) or len(result) != 2:
            got = f"a {type(result).__name__}" + (f" of {len(result)}" if isinstance(result, list) else "")
            return f"the answer should be a pair, the mean and the covariance of the other components; got {got}"
        mean, covariance, values = (case.arguments[name].double() for name in ("mean", "covariance", "values"))
        known = case.arguments["observed"]
        rest = [place for place in range(len(mean)) if place not in known]
        precision = torch.linalg.inv(covariance)
        left = torch.linalg.inv(precision[rest][:, rest])
        shift = values - mean[known]
        expected = mean[rest] - shift @ (left @ precision[rest][:, known]).T
        if compare(result[0], left) is None and compare(result[1], expected) is None:
            return "the pair is in the other order: first comes the mean, then the covariance"
        if case.part == "float32":
            return self._judge_float32(result, expected, left)
        problem = None
        if case.part != "covariance":
            problem = compare_exactly(result[0], expected, "the mean", self._means(mean, covariance, values, known, rest, expected))
        if problem is None and case.part != "mean":
            problem = compare_exactly(result[1], left, "the covariance", self._covariances(covariance, known, rest, precision, left))
        return problem

    @staticmethod
    def _judge_float32(result: list, *expected: Tensor) -> str | None:
        """Whether both keep the dtype; their digits are looked at in float64."""
        for what, value, right in zip(("the mean", "the covariance"), result, expected):
            problem = compare(value, right, what=what, rtol=1e-2, atol=1e-2)
            if problem is None and value.dtype != torch.float32:
                problem = f"{what} should be float32, as the arguments are; got {value.dtype}"
            if problem is not None:
                return problem
        return None

    @staticmethod
    def _means(mean: Tensor, covariance: Tensor, values: Tensor, known: list[int], rest: list[int], expected: Tensor) -> dict:
        across, own = covariance[rest][:, known], covariance[known][:, known]
        other = covariance[rest][:, rest]
        gain, shift, ordered = across @ torch.linalg.inv(own), values - mean[known], sorted(known)
        moved = covariance[rest][:, ordered] @ torch.linalg.inv(covariance[ordered][:, ordered])
        found = {
            "This is the mean before anything is known.": mean[rest].expand_as(expected),
            "The mean of the known components is not subtracted from their values.": mean[rest] + values @ gain.T,
            "The mean of the other components is not added.": shift @ gain.T,
            "The sign is wrong: a value above its mean pulls positively correlated components up.": mean[rest] - shift @ gain.T,
            "The covariance between the two groups is not divided by that of the known components.":
                mean[rest] + shift @ across.T,
            "The covariance of the known components multiplies; its inverse should.": mean[rest] + shift @ (across @ own).T,
            "This divides by the covariance of the other components; it should be that of the known ones.":
                mean[rest] + shift @ (torch.linalg.inv(other) @ across).T,
            "The values are in the order of observed; this takes them as sorted by place.":
                mean[rest] + (values - mean[ordered]) @ moved.T,
            "Only the variances of the known components are used; they are correlated among themselves.":
                mean[rest] + shift @ (across / own.diagonal()).T,
        }
        if values.shape == (len(known), len(known)) and len(rest) == len(known):
            found["The matrix is multiplied with the columns of values; each row is an observation."] = mean[rest] + gain @ shift
        if len(rest) == len(known):
            found["The matrix in front of the values is transposed."] = mean[rest] + shift @ gain
            found["The covariances between the two groups are transposed: rows belong to the other components, columns to the "
                  "known ones."] = mean[rest] + shift @ (across.T @ torch.linalg.inv(own)).T
        return found

    @staticmethod
    def _covariances(covariance: Tensor, known: list[int], rest: list[int], precision: Tensor, left: Tensor) -> dict:
        across, own, other = covariance[rest][:, known], covariance[known][:, known], covariance[rest][:, rest]
        explained = other - left
        found = {
            "This is the covariance before anything is known; knowing the others makes it smaller.": other,
            "This is what the known components explain; it is to be subtracted from the covariance.": explained,
            "The explained part is added; it should be subtracted.": other + explained,
            "This is the precision, the inverse of the covariance.": precision[rest][:, rest],
            "The covariance between the two groups is not divided by that of the known components.": other - across @ across.T,
            "The covariance of the known components multiplies; its inverse should.": other - across @ own @ across.T,
            "The matrix in front of the values enters twice; the explained part is it times the covariance of the two groups.":
                other - across @ torch.linalg.inv(own) @ torch.linalg.inv(own) @ across.T,
            "These are the variances alone; the covariance is a matrix.": left.diagonal(),
            "The covariance has lost what stands off its diagonal.": torch.diag(left.diagonal()),
            "The covariance between the two groups enters once; it should enter on both sides.":
                other - across @ torch.linalg.inv(own) if len(rest) == len(known) else other * torch.nan,
            "This is the covariance of the known components.": own,
        }
        if len(rest) == len(known):
            found["The covariances between the two groups are transposed: rows belong to the other components, columns to the "
                  "known ones."] = other - across.T @ torch.linalg.inv(own) @ across
        return found
