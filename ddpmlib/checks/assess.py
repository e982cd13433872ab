"""Put the two halves of a check together in one process."""

from __future__ import annotations

import importlib
import secrets

from .catalogue import exercise
from .judging import Check, Draw, Verdict, judge
from .run import run_exercise


def load_check(number: str) -> Check:
    """The check of an exercise."""
    entry = exercise(number)
    if entry.kind == "written":
        raise ValueError(f"exercise {number} is a written answer: it is graded by hand and has no check")
    judges = importlib.import_module(f"{__package__}.judges.{entry.module}")
    return next(check for check in judges.CHECKS if check.number == number)


def assess(number: str, *, seed: int | None = None, module=None) -> Verdict:
    """Check an exercise on fresh cases (or those of ``seed``); ``module`` stands in for the student's module."""
    seed = secrets.randbits(32) if seed is None else seed
    check = load_check(number)
    cases = list(check.cases(Draw(seed)))
    results, notes = run_exercise(number, [case.request() for case in cases], module)
    return judge(check, exercise(number), seed, cases, results, notes)
