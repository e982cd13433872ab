"""The judging half of a check: what a check is, how results are compared, and what a verdict says.

A check lists ``cases(draw)``, and ``judge(case, result)`` compares what the student's code made of a case with an
oracle that takes another road than the solution. It returns None, or a sentence or two for the student.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .catalogue import Exercise
from .plain import Raised


@dataclass(frozen=True)
class Case:
    """One input of a check.

    ``part`` is the named sub-check that the case counts for, ``call`` and ``arguments`` are what the running half
    gets, ``says`` names the case to the student ("T = 10, t = 3"). ``secret`` stays in the judging half: whatever the
    judge needs to find the expected value.
    """

    part: str
    call: str
    arguments: dict[str, object]
    says: str = ""
    secret: dict[str, object] = field(default_factory=dict)

    def request(self) -> dict[str, object]:
        """What the running half may see of this case."""
        return {"call": self.call, "arguments": self.arguments}


class Draw:
    """Random inputs from one seed, in float64."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def number(self, low: float, high: float) -> float:
        return self.uniform(low, high).item()

    def integer(self, low: int, high: int) -> int:
        """A whole number between ``low`` and ``high``, both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))


class Check:
    """A check of one exercise. Subclasses set ``number`` and ``parts`` and define ``cases`` and ``judge``.

    ``parts`` maps the name of each sub-check to its weight; a part is passed when all its cases are.
    """

    number: str
    parts: Mapping[str, float]

    def cases(self, draw: Draw) -> Iterable[Case]:
        raise NotImplementedError

    def judge(self, case: Case, result: object) -> str | None:
        raise NotImplementedError


@dataclass(frozen=True)
class PartVerdict:
    """A sub-check: its name and weight, and what is wrong (None if it is passed): in which case, and the cause."""

    name: str
    weight: float
    cause: str | None
    case: str = ""

    @property
    def problem(self) -> str | None:
        return f"{self.case}: {self.cause}" if self.cause and self.case else self.cause


@dataclass(frozen=True)
class Verdict:
    """What a check found: ``status`` is "done", "failing" or "not started"."""

    exercise: Exercise
    seed: int
    parts: tuple[PartVerdict, ...]
    status: str
    notes: str = ""

    @property
    def points(self) -> float:
        """The points earned: the exercise's points, shared out by the weights of the passed parts."""
        if self.status == "done":
            return float(self.exercise.points)
        earned = sum(part.weight for part in self.parts if part.problem is None)
        return round(self.exercise.points * earned / sum(part.weight for part in self.parts), 2)

    @property
    def first_problem(self) -> str:
        """The first line of why the check fails; empty if it does not."""
        return next((part.problem.splitlines()[0] for part in self.parts if part.problem), "")

    def report(self) -> str:
        """The verdict as text: one line a part, what is wrong below it, and the points."""
        lines = [f"Exercise {self.exercise.number}, {self.exercise.title}: {self.status}"]
        shown = set()
        for part in self.parts:
            mark = "ok" if part.problem is None else "open" if self.status == "not started" else "WRONG"
            lines.append(f"  {mark:5}  {part.name}")
            if part.cause is not None and part.cause not in shown:
                shown.add(part.cause)
                lines += [f"         {line}" for line in part.problem.splitlines()]
            elif part.cause is not None and self.status == "failing":
                lines.append(f"         {part.case}: the same" if part.case else "         the same")
        lines += [f"  note: {note}" for note in self.notes.splitlines()]
        if self.status == "failing":
            lines.append(f'  (the same cases again: check("{self.exercise.number}", seed={self.seed}))')
        lines.append(f"  {self.points:g} of {self.exercise.points:g} points")
        return "\n".join(lines)


def judge(check: Check, exercise: Exercise, seed: int, cases: list[Case], results: list[object],
          notes: str = "") -> Verdict:
    """Judge the results of all cases of a check."""
    problems: dict[str, tuple[str, str]] = {}
    not_started = False
    for case, result in zip(cases, results, strict=True):
        if isinstance(result, Raised) and result.type == "NotImplementedError":
            not_started = True
            problem = str(result.message) or "not implemented yet"
        elif isinstance(result, Raised):
            problem = _of_error(exercise, result)
        else:
            problem = check.judge(case, result)
        if problem is not None and case.part not in problems:
            problems[case.part] = (problem, "" if not_started else case.says)
    untried = set(check.parts) - {case.part for case in cases}
    if untried:
        raise ValueError(f"check {check.number} has no case for its parts {sorted(untried)}")
    parts = tuple(PartVerdict(name, weight, *problems.get(name, (None,))) for name, weight in check.parts.items())
    status = "done" if not problems else "not started" if not_started else "failing"
    return Verdict(exercise, seed, parts, status, notes)


def _of_error(exercise: Exercise, error: Raised) -> str:
    if error.type in {"ModuleNotFoundError", "FileNotFoundError"} and exercise.module in error.message:
        return f"ddpmlib/{exercise.module}.py cannot be found; was it renamed or deleted?"
    if error.type == "AttributeError" and any(f"'{name}'" in error.message for name in exercise.functions):
        return f"ddpmlib/{exercise.module}.py has no function {', '.join(exercise.functions)}; was it renamed or deleted?"
    if exercise.kind == "lab" and error.type in {"ValueError", "TypeError"}:
        return error.message  # what is wrong with the file
    if error.type == "TimeLimit":
        return f"your code {error.message}" + (f" (it was at {error.where})" if error.where else "")
    return f"your code raised {error}"


def compare(
    result: object,
    expected: Tensor | float,
    *,
    what: str = "the result",
    rtol: float = 1e-5,
    atol: float = 1e-6,
    known: Mapping[str, Tensor | float] | None = None,
) -> str | None:
    """Compare a result with the expected value; return None if they agree, else what differs.

    ``known`` maps the description of a misconception to the value that it leads to: the first one that the result
    agrees with is named. Values must agree to ``atol + rtol * |expected|``, or be equal where infinite.
    """
    expected = torch.as_tensor(expected, dtype=torch.float64)
    if isinstance(result, Raised):
        return f"your code raised {result}"
    if isinstance(result, bool) or not isinstance(result, (Tensor, int, float)):
        return f"{what} should be a tensor of shape {tuple(expected.shape)}, got {_describe(result)}"
    got = torch.as_tensor(result, dtype=torch.float64 if isinstance(result, float) else None)
    if got.is_complex() or got.dtype == torch.bool:
        return f"{what} should hold real numbers, got dtype {got.dtype}"
    if got.shape != expected.shape:
        problem = f"{what} should have shape {tuple(expected.shape)}, got {tuple(got.shape)}"
    else:
        wrong = ~torch.isclose(got.double(), expected, rtol=rtol, atol=atol)
        if not wrong.any():
            return None
        problem = _differences(what, got, expected, wrong)
    for misconception, value in (known or {}).items():
        value = torch.as_tensor(value, dtype=torch.float64)
        if got.shape == value.shape and torch.isclose(got.double(), value, rtol=rtol, atol=atol, equal_nan=True).all():
            return f"{problem}\n{misconception}"
    if torch.isnan(got.double()).any():
        problem += "\nSome values are NaN: look for 0/0, the logarithm of 0, or the root of a negative number."
    return problem


def _differences(what: str, got: Tensor, expected: Tensor, wrong: Tensor, most: int = 3) -> str:
    kind = str(got.dtype).removeprefix("torch.")
    if got.ndim == 0:
        return f"{what} {_should_be(expected, got)} ({kind})"
    first = [
        f"[{', '.join(map(str, index))}] {_should_be(expected[tuple(index)], got[tuple(index)])}"
        for index in wrong.nonzero()[:most].tolist()
    ]
    return (
        f"{what} has the right shape {tuple(got.shape)} ({kind}), but {int(wrong.sum())} of {wrong.numel()} values "
        f"differ: {'; '.join(first)}"
    )


def _should_be(expected: Tensor, got: Tensor) -> str:
    """Both numbers, with as many digits as it takes to tell them apart."""
    wanted, came = expected.item(), got.item()
    digits = next((digits for digits in (6, 9, 12) if f"{wanted:.{digits}g}" != f"{came:.{digits}g}"), 17)
    return f"should be {wanted:.{digits}g}, got {came:.{digits}g}"


def _describe(value: object) -> str:
    if value is None:
        return "None (is a return missing?)"
    if isinstance(value, (list, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{type(value).__name__} {str(value)[:60]}"
