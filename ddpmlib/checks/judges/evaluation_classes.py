"""Check of chapter 9's exercise on the numbers of each class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64


def compare_table(result: object, expected: Sequence[float], what: str, known: dict[str, Sequence[float]], rtol: float = 1e-9) -> str | None:
    """Compare a table in which some entries should be NaN."""
    wanted = torch.tensor(expected, dtype=F64)
    if not isinstance(result, Tensor) or result.shape != wanted.shape:
        return compare(result, torch.nan_to_num(wanted), what=what)
    if result.dtype != F64:
        return f"{what} should be float64, got {str(result.dtype).removeprefix('torch.')}"
    empty = wanted.isnan()
    if not result[empty].isnan().all():
        return f"{what}: entry {empty.nonzero()[0].item()} should be NaN, as its class has too few samples; got {result[empty][0].item():.4g}"
    tables = {words: torch.tensor(values, dtype=F64)[~empty] for words, values in known.items() if len(values) == len(expected)}
    where = " (the entries that are not NaN)" if empty.any() else ""
    return compare(result[~empty], wanted[~empty], what=what + where, rtol=rtol, atol=1e-12, known=tables)


def squared(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum((x - y) ** 2 for x, y in zip(a, b))


class ClassNumbers(Check):
    """Exercise 9.5. Oracle: counting, and all pairs of samples one by one."""

    number = "9.5"
    parts = {"accuracy": 2, "diversity": 2, "classes with few samples": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def labelled(counts: Sequence[int]) -> Tensor:
            labels = torch.tensor([k for k, count in enumerate(counts) for _ in range(count)])
            return labels[torch.randperm(len(labels), generator=draw.generator)]

        def accuracy(part: str, counts: Sequence[int]) -> Case:
            labels = labelled(counts)
            said = draw.uniform(0.0, 1.0, len(labels), len(counts))
            rows, some = torch.arange(len(labels)), draw.uniform(0.0, 1.0, len(labels)) < 0.6
            some[labels == 0] = torch.arange(int((labels == 0).sum())) == 0  # one right answer in a class of several
            said[rows[some], labels[some]] += 1.0
            said[rows[~some], (labels[~some] + 1) % len(counts)] += 1.0
            probabilities = (said / said.sum(dim=1, keepdim=True)).float()
            return Case(part, "class_accuracy", {"probabilities": probabilities, "labels": labels}, f"classes with {list(counts)} samples")

        def diversity(part: str, counts: Sequence[int], dim: int, offset: float = 0.0, kind: torch.dtype = F64) -> Case:
            labels = labelled(counts)
            scale = draw.uniform(0.5, 2.0, len(counts))[labels]
            features = (scale[:, None] * draw.normal(len(labels), dim) + offset + labels[:, None]).to(kind)
            arguments = {"features": features, "labels": labels, "classes": len(counts)}
            return Case(part, "class_diversity", arguments, f"classes with {list(counts)} samples, features of shape {tuple(features.shape)}")

        yield accuracy("accuracy", (5, 3, 9))
        yield accuracy("accuracy", (6, 4, 2, 5))
        yield diversity("diversity", (5, 3, 7), 2)
        yield diversity("diversity", (4, 6), 3)
        yield accuracy("classes with few samples", (4, 0, 3))
        yield diversity("classes with few samples", (3, 1, 0, 2), 2)
        yield diversity("precision", (6, 5), 3, offset=300.0, kind=torch.float32)

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "class_accuracy":
            return self._judge_accuracy(case, result)
        rows, labels = case.arguments["features"].double().tolist(), case.arguments["labels"].tolist()
        own = [[row for row, label in zip(rows, labels) if label == k] for k in range(case.arguments["classes"])]
        n, dim = [len(each) for each in own], len(rows[0])
        sums = [math.fsum(squared(a, b) for i, a in enumerate(each) for b in each[:i]) for each in own]
        roots = [math.fsum(math.sqrt(squared(a, b)) for i, a in enumerate(each) for b in each[:i]) for each in own]

        def each_class(value) -> list[float]:
            return [value(k) if n[k] > 1 else math.nan for k in range(len(n))]

        expected = each_class(lambda k: 2 * sums[k] / (n[k] * (n[k] - 1)))
        everyone = math.fsum(squared(a, b) for i, a in enumerate(rows) for b in rows[:i])
        known = {
            "The pairs of a sample with itself count here; they are at distance 0 and tell nothing.": each_class(
                lambda k: 2 * sums[k] / n[k] ** 2),
            "This is half of it: the variance about the mean, not the squared distance of two samples.": each_class(
                lambda k: sums[k] / (n[k] * (n[k] - 1))),
            "This is half of it, and with the divisor n: the variance about the mean.": each_class(lambda k: sums[k] / n[k] ** 2),
            "This is the mean distance; the squared distance is asked for.": each_class(lambda k: 2 * roots[k] / (n[k] * (n[k] - 1))),
            "This is the root of the mean square.": [math.sqrt(value) for value in expected],
            "A mean over the features is taken; their squares add.": [value / dim for value in expected],
            "This is the sum over the pairs; a mean is asked for.": each_class(lambda k: sums[k]),
            "All samples are compared here; only those of one class should be.": each_class(
                lambda k: 2 * everyone / (len(rows) * (len(rows) - 1))),
        }
        problem = compare_table(result, expected, "the diversity of the classes", known)
        if problem and case.part == "precision" and compare_table(result, expected, "", {}, rtol=1e-2) is None:
            return f"{problem}\nThese are few digits: the features are far from 0; convert them to float64, and subtract before you square."
        return problem

    @staticmethod
    def _judge_accuracy(case: Case, result: object) -> str | None:
        said, labels = case.arguments["probabilities"], case.arguments["labels"].tolist()
        seen = [row.index(max(row)) for row in said.tolist()]
        classes = said.shape[1]
        right = [sum(a == b == k for a, b in zip(seen, labels)) for k in range(classes)]
        asked, answered = [labels.count(k) for k in range(classes)], [seen.count(k) for k in range(classes)]

        def shares(above: Sequence[float], below: Sequence[float]) -> list[float]:
            return [a / b if b else math.nan for a, b in zip(above, below)]

        if not isinstance(result, list) or len(result) != 2:
            return "two things are asked for: the share over all samples, and the table of the classes"
        overall, table = sum(right) / len(labels), shares(right, asked)
        some = [value for value in table if not math.isnan(value)]
        told = said[range(len(labels)), labels].double()
        if not isinstance(result[0], float):
            return compare(result[0], overall, what="the share over all samples") or (
                "the share over all samples should be a float; .item() makes one of a tensor")
        return compare(result[0], overall, what="the share over all samples", rtol=1e-9, atol=1e-12, known={
            "This is the mean of the classes' shares; every sample counts the same here.": sum(some) / len(some),
            "This is the mean probability of the wanted class; a sample counts if it is the largest.": told.mean(),
            "This is a count; a share is asked for.": float(sum(right)),
            "This is the share of wrong ones.": 1 - overall,
        }) or compare_table(result[1], table, "the table of the classes", {
            "The divisor is how often the classifier sees the class; it should be how often it was asked for.": shares(right, answered),
            "The divisor is the number of all samples; it should be that of the class.": [count / len(labels) for count in right],
            "These are counts; shares are asked for.": [float(count) for count in right],
            "This is how often the classifier sees each class; only right answers count.": shares(answered, asked),
        })
