"""Check of chapter 6's discretised Gaussian decoder."""

from __future__ import annotations

import math
from collections.abc import Iterable

import mpmath
import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .joint_gaussian import F64
from .precision import compare_exactly, compare_lazily, wrong_dtype

DIGITS = 40


def log_bin(x0: float, mean: float, std: float, levels: int) -> float:
    """The logarithm of the probability of one bin, from complementary error functions with 40 digits."""
    with mpmath.workdps(DIGITS):
        mean, scale = mpmath.mpf(mean), mpmath.mpf(std) * mpmath.sqrt(2)
        place = round((x0 + 1) / 2 * (levels - 1))
        level = mpmath.mpf(2 * place) / (levels - 1) - 1
        half = mpmath.mpf(1) / (levels - 1)
        low = -mpmath.inf if place == 0 else (level - half - mean) / scale
        high = mpmath.inf if place == levels - 1 else (level + half - mean) / scale
        if low > -high:  # the bin lies above the mean: its mirror image has the same probability, and no 1 - 1
            low, high = -high, -low
        return float(mpmath.log((mpmath.erfc(-high) - mpmath.erfc(-low)) / 2))


def log_bins(x0: Tensor, mean: Tensor, std: Tensor, levels: int) -> Tensor:
    """``log_bin`` of each entry."""
    entries = zip(*(value.expand(x0.shape).flatten().tolist() for value in (x0, mean, std)))
    return torch.tensor([log_bin(*entry, levels) for entry in entries], dtype=F64).reshape(x0.shape)


class DiscretizedLogLikelihood(Check):
    """Exercise 6.8. Oracle: complementary error functions with 40 digits."""

    number = "6.8"
    parts = {"inner levels": 2, "edges": 2, "sums to one": 1, "a row is one datum": 1, "far from the mean": 2,
             "float32 stays float32": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def on_grid(levels: int, low: int, high: int, *shape: int) -> Tensor:
            places = torch.randint(low, high + 1, shape, generator=draw.generator)
            return places.double() / (levels - 1) * 2 - 1

        def case(part: str, x0: Tensor, mean: Tensor, std: object, levels: int) -> Case:
            told = f"{std:.3g}" if isinstance(std, float) else f"of shape {tuple(std.shape)}"
            return Case(part, "discretized_log_likelihood", {"x0": x0, "mean": mean, "std": std, "levels": levels},
                        f"{levels} levels, x0 of shape {tuple(x0.shape)}, std {told}")

        x0 = on_grid(17, 1, 15, 2, 3)
        yield case("inner levels", x0, x0 + 0.1 * draw.normal(2, 3), draw.number(0.05, 0.15), 17)
        x0 = on_grid(256, 1, 254, 2, 2)
        yield case("inner levels", x0, x0 + 0.01 * draw.normal(2, 2), draw.number(0.004, 0.01), 256)
        ends = torch.tensor([[-1.0], [1.0]], dtype=F64)
        yield case("edges", ends, ends + 0.1 * draw.normal(2, 1), draw.number(0.05, 0.3), draw.integer(4, 9))
        yield case("edges", ends, 0.7 * ends + 0.1 * draw.normal(2, 1), draw.number(0.05, 0.3), 2)
        levels = draw.integer(3, 6)
        every = torch.linspace(-1, 1, levels, dtype=F64)[:, None]
        yield case("sums to one", every, torch.full_like(every, draw.number(-0.5, 0.5)), draw.number(0.3, 0.8), levels)
        x0 = on_grid(9, 1, 7, 3, 3)
        yield case("a row is one datum", x0, x0 + 0.1 * draw.normal(3, 3), draw.uniform(0.1, 0.3, 3, 1), 9)
        x0 = on_grid(9, 1, 7, 2, 2, 2)
        yield case("a row is one datum", x0, x0 + 0.1 * draw.normal(2, 2, 2), draw.uniform(0.1, 0.3, 2), 9)
        x0 = on_grid(17, 1, 15, 2, 1)
        side = torch.tensor([[1.0], [-1.0]], dtype=F64)
        yield case("far from the mean", x0, x0 + side * draw.number(0.5, 1.0), draw.number(0.005, 0.01), 17)
        yield case("far from the mean", ends, 0.1 * draw.normal(2, 1), draw.number(0.005, 0.01), 17)
        yield case("far from the mean", x0, x0 + 0.2 * draw.normal(2, 1), draw.number(20.0, 40.0), 17)
        x0 = on_grid(17, 0, 16, 2, 2).float()
        yield case("float32 stays float32", x0, x0 + 0.1 * draw.normal(2, 2).float(), draw.number(0.1, 0.2), 17)
        x0 = torch.tensor([[-1.0, 0.25], [1.0, -0.5]], dtype=F64)
        tensors = {"x0": x0, "mean": x0 + 0.1 * draw.normal(2, 2), "std": draw.uniform(0.1, 0.3, 2, 2), "levels": 9}
        yield Case("gradient", "gradients", tensors, "9 levels, x0 of shape (2, 2)")
        yield Case("gradient", "gradients", tensors | {"mean": x0 + 0.5, "std": torch.full((2, 2), 0.01, dtype=F64)},
                   "9 levels, std 0.01, the mean 50 standard deviations away")

    def judge(self, case: Case, result: object) -> str | None:
        x0, mean, levels = (case.arguments[name] for name in ("x0", "mean", "levels"))
        x0, mean = x0.double(), mean.double()
        std = torch.as_tensor(case.arguments["std"], dtype=F64)
        if case.part == "gradient":
            return self._judge_gradient(result, x0, mean, std, levels)
        each = log_bins(x0, mean, std, levels)
        what = "the log-likelihood"

        def known() -> dict[str, Tensor]:
            return self._known(each, x0, mean, std, levels)

        if case.part == "float32 stays float32":
            problem = compare_lazily(result, self._rows(each), what=what, known=known, rtol=1e-4, atol=1e-4)
            return problem or wrong_dtype(result, torch.float32, "x0", what)
        infinite = isinstance(result, Tensor) and bool(result.isinf().any())
        problem = compare_exactly(result, self._rows(each), what=what, known=None if infinite else known, digits=8, floor=1.0)
        if problem and "\n" not in problem and case.part == "far from the mean" and isinstance(result, Tensor):
            if std.numel() == 1 and std > 1:
                return f"{problem}\nThe bin is narrow against std, so that the two values of the distribution function nearly agree."
            return (f"{problem}\nBoth values of the distribution function are close to 0 or to 1 there, and their difference "
                    "is lost. Work with their logarithms; a bin above the mean has a mirror image below it.")
        return problem

    @classmethod
    def _known(cls, each: Tensor, x0: Tensor, mean: Tensor, std: Tensor, levels: int) -> dict[str, Tensor]:
        normal = torch.distributions.Normal(mean, std.expand(x0.shape), validate_args=False)
        half = 1 / (levels - 1)

        def binned(width: float, law: torch.distributions.Normal = normal, open_ends: bool = True) -> Tensor:
            low, high = law.cdf(x0 - width), law.cdf(x0 + width)
            if open_ends:
                low, high = torch.where(x0 < -1 + half, 0.0, low), torch.where(x0 > 1 - half, 1.0, high)
            return high - low

        rows = cls._rows
        known = {
            "The bins of the lowest and of the highest level are closed; they are open to the outside.":
                rows(torch.log(binned(half, open_ends=False))),
            "The bins are too wide: neighbouring levels are 2/(levels - 1) apart, and a bin reaches half of that to each side.":
                rows(torch.log(binned(2 * half))),
            "The levels are 2/(levels - 1) apart: between levels equally spaced values lie levels - 1 gaps.":
                rows(torch.log(binned(1 / levels))),
            "The bins are too narrow: neighbouring levels are 2/(levels - 1) apart, and a bin reaches half of that to each side.":
                rows(torch.log(binned(half / 2))),
            "This is the density at x_0; the probability of the bin is asked for.": rows(normal.log_prob(x0)),
            "This is the density times the width of the bin, which is right for a large std only.":
                rows(normal.log_prob(x0) + math.log(2 * half)),
            "std is a standard deviation; this takes it for a variance.":
                rows(torch.log(binned(half, torch.distributions.Normal(mean, std.expand(x0.shape).sqrt())))),
            "std is squared; the distance from the mean is divided by std itself.":
                rows(torch.log(binned(half, torch.distributions.Normal(mean, std.expand(x0.shape) ** 2)))),
            "The probability is cut off at 1e-12 before the logarithm; that hides how far x_0 is from the mean.":
                rows(torch.log(binned(half).clamp(min=1e-12))),
            "This is in bits; nats are asked for.": rows(each) / math.log(2),
            "The sign is wrong: this is the negative log-likelihood.": -rows(each),
            "This is the probability; its logarithm is asked for.": rows(each).exp(),
            "This is the mean over the dimensions of a row; their sum is asked for.": rows(each) / each[0].numel(),
            "This is one number for the batch; each row has its own.": each.sum(),
            "The dimensions have not been added up: one number a row is asked for.": each,
            "Only the last axis has been added up; all axes but the first belong to a row.": each.sum(-1),
        }
        if each.ndim == 2:
            known["This adds up the batch; the sum runs over the dimensions of a row."] = each.sum(0)
        return known

    @staticmethod
    def _rows(each: Tensor) -> Tensor:
        return each.reshape(len(each), -1).sum(dim=1)

    @staticmethod
    def _judge_gradient(result: object, x0: Tensor, mean: Tensor, std: Tensor, levels: int) -> str | None:
        """Compare with central differences of the 40-digit values."""
        step = 1e-5
        by_mean, by_std = ((log_bins(x0, mean + step * one, std + step * (1 - one), levels)
                            - log_bins(x0, mean - step * one, std - step * (1 - one), levels)) / (2 * step) for one in (1, 0))
        expected = torch.stack([by_mean, by_std])
        problem = compare(result, expected, what="the gradient with respect to (mean, std)", rtol=1e-3, atol=1e-4, known={
            "No gradient flows: the result is detached from its arguments.": torch.zeros_like(expected),
            "No gradient flows to std.": torch.stack([by_mean, torch.zeros_like(by_std)]),
            "No gradient flows to mean.": torch.stack([torch.zeros_like(by_mean), by_std]),
        })
        if problem and isinstance(result, Tensor) and result.isnan().any():
            return f"{problem}\nAn infinity (the logarithm of 0, an open end) gives NaN gradients, also in a branch that torch.where does not select."
        return problem


CHECKS = [DiscretizedLogLikelihood()]
