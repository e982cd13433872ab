"""Judge a submission: the trusted half of grading.

It draws the cases of each exercise from a seed, has the sandbox call the student's functions on them, and judges what comes back. Nothing
of a student's is imported here. What comes back is bytes of unknown making: whatever they are, there is a verdict.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from ddpmlib.checks.assess import load_check
from ddpmlib.checks.catalogue import exercise, exercises
from ddpmlib.checks.judging import Case, Check, Draw, Verdict, judge
from ddpmlib.checks.plain import MAX_ELEMENTS, MAX_TEXT, Expression, Raised, pack, unpack
from ddpmlib.checks.run import TimeLimit, time_limit

from .sandbox import Answer, Limits, Sandbox, exercise_job, sources_job

JUDGE_SECONDS = 60.0  # for all cases of one exercise; a check takes well under two
MAX_VALUES = 200_000  # in all results of an exercise together, each tensor and each list counted once
MAX_DEPTH = 20
_SHOWN = 2000  # characters of an error's message and of the notes


@dataclass(frozen=True)
class Graded:
    """One exercise of a submission: the verdict, the student's code, what it printed, what ended it if it did not end by itself."""

    verdict: Verdict
    source: str
    printed: str
    seconds: float
    failure: str = ""

    def report(self) -> str:
        """What the student is told."""
        printed = f"Your code printed:\n{self.printed.rstrip()}\n\n" if self.printed.strip() else ""
        return _writable(printed + self.verdict.report())

    def record(self) -> dict[str, object]:
        """The verdict as it is kept for reports and regrading."""
        verdict = self.verdict
        return {
            "number": verdict.exercise.number, "points": verdict.points, "of": float(verdict.exercise.points), "status": verdict.status,
            "seed": verdict.seed, "seconds": round(self.seconds, 3), "failure": self.failure,
            "problems": [{"part": part.name, "weight": part.weight, "case": part.case, "cause": _writable(part.cause)}
                         for part in verdict.parts if part.cause is not None],
            "notes": _writable(verdict.notes)}


def _writable(text: str) -> str:
    """A text that can be written to any file and shown on any terminal: no half letters, no control characters."""
    text = text.encode("utf-8", errors="replace").decode("utf-8")
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text)


def grade_exercises(
    sandbox: Sandbox, files: dict[str, bytes], numbers: Sequence[str], *, seeds: Mapping[str, int] | None = None,
    limits: Limits | None = None,
) -> list[Graded]:
    """Grade exercises of a submission, each on cases of its own seed: that of ``seeds``, or a fresh one.

    ``files`` are the student's modules, by their names in the assignment ("ddpmlib/forward.py").
    """
    limits = limits or Limits.usual()
    drawn = {number: (seeds or {}).get(number, secrets.randbits(32)) for number in numbers}
    cases = {number: list(load_check(number).cases(Draw(drawn[number]))) for number in numbers}
    jobs = [exercise_job(number, pack([case.request() for case in cases[number]])) for number in numbers]
    shown, *answers = sandbox.run(files, [sources_job(numbers), *jobs], limits)
    sources = _sources(shown, len(numbers))
    return [_judged(number, drawn[number], cases[number], answer, source, limits)
            for number, answer, source in zip(numbers, answers, sources, strict=True)]


def warm_up(chapter: str) -> None:
    """Import the judges of a chapter."""
    for entry in exercises().values():
        if entry.chapter == chapter and entry.kind != "written":
            load_check(entry.number)


def _judged(number: str, seed: int, cases: list[Case], answer: Answer, source: str, limits: Limits) -> Graded:
    entry = exercise(number)
    failure = ended(answer, limits)
    if failure:
        cases = [replace(case, says="") for case in cases]  # no case is to blame
    results, notes = [None] * len(cases), ""
    if not failure:
        try:
            results, notes = received(answer.data, len(cases))
        except (ValueError, MemoryError) as error:
            failure = f"what came back from your code cannot be read: {error}"
    try:
        with time_limit(JUDGE_SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch and NumPy, about values of a form that nobody asked for
            verdict = judge(_Guarded(load_check(number), failure), entry, seed, cases, results, notes)
    except TimeLimit:
        failure = f"what your code returned could not be judged within {JUDGE_SECONDS:g} seconds"
        verdict = judge(_Guarded(load_check(number), failure), entry, seed, cases, results, notes)
    return Graded(verdict, source, answer.printed, answer.seconds, failure)


class _Guarded(Check):
    """A check whose judge says something of every value, also of one that its author did not think of."""

    def __init__(self, check: Check, failure: str = ""):
        self.check, self.failure = check, failure
        self.number, self.parts = check.number, check.parts

    def judge(self, case: Case, result: object) -> str | None:
        if self.failure:
            return self.failure
        try:
            return self.check.judge(case, result)
        except Exception as error:  # of whatever a judge does with a value that no function should return
            return f"what your code returned cannot be judged ({type(error).__name__}: {str(error)[:200]}); does it have the form that is asked for?"


def ended(answer: Answer, limits: Limits) -> str:
    """What ended the student's code, as a sentence; empty if it returned."""
    return {
        "returned": "",
        "died": "the Python process died (os._exit, or a crash in compiled code)",
        "too slow": f"your code did not finish within {limits.seconds:g} seconds and could not be interrupted; is there an endless loop?",
        "too large": f"your code returned more than {limits.result / 2**20:g} MiB",
        "too much memory": f"your code used more than {limits.memory / 2**30:g} GiB of memory",
    }.get(answer.ended, "the process that runs your code was lost, with all that it had started")


def received(data: bytes, count: int) -> tuple[list[object], str]:
    """The results and notes of an exercise; raise ValueError for anything but ``count`` plain values of sensible size, and a text."""
    value = unpack(data)
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], list) and isinstance(value[1], str)):
        raise ValueError("it is not a list of results, and notes")
    results, notes = value
    if len(results) != count:
        raise ValueError(f"there are {len(results)} results for {count} cases")
    _Sizes().add(results, 0)
    return [_shortened(result) for result in results], notes[:_SHOWN]


class _Sizes:
    """Counts plain values, and raises ValueError for too many."""

    def __init__(self) -> None:
        self.values = self.elements = 0

    def add(self, value: object, depth: int) -> None:
        self.values += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"lists in lists, more than {MAX_DEPTH} deep")
        if isinstance(value, Tensor):
            self.elements += value.numel()
            if value.ndim > MAX_DEPTH:
                raise ValueError(f"a tensor of {value.ndim} dimensions")
        elif isinstance(value, str) and len(value) > MAX_TEXT or isinstance(value, Expression) and len(value.text) > MAX_TEXT:
            raise ValueError(f"a text of more than {MAX_TEXT} characters")
        elif isinstance(value, int) and value.bit_length() > 1024:
            raise ValueError("a whole number of more than 300 digits")
        if self.values > MAX_VALUES or self.elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_VALUES} values or {MAX_ELEMENTS} numbers")
        if isinstance(value, list):
            for item in value:
                self.add(item, depth + 1)
        elif isinstance(value, dict):
            for item in value.values():
                self.add(item, depth + 1)


def _shortened(result: object) -> object:
    """An exception with a message that can be shown; anything else as it is."""
    if isinstance(result, Raised):
        return Raised(result.type[:100], result.message[:_SHOWN], result.where[:200])
    return result


def _sources(answer: Answer, count: int) -> list[str]:
    """The texts of a sources job; a note in their place where it did not end well."""
    if answer.ended == "returned":
        try:
            texts = unpack(answer.data)
        except ValueError:
            texts = None
        if isinstance(texts, list) and len(texts) == count and all(isinstance(text, str) for text in texts):
            return [_writable(text[:200_000]) for text in texts]
    return ["# the code cannot be shown\n"] * count
