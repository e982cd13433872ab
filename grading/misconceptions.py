"""What grading has written about each submission: ``autograded/<student>/<chapter>/verdicts.json`` (see ``grading``)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

NAME = "verdicts.json"
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]*\w)")
_RAISED = re.compile(r"^your code raised (\w+)")
_WHERE = re.compile(r"\s*\(([\w.]+, line \d+|it was at [\w.]+, line \d+)\)$")


def read_records(chapter: str, autograded: Path) -> list[dict]:
    """The records of all graded submissions of a chapter, in the order of the students' names."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(autograded.glob(f"*/{chapter}/{NAME}"))]


def is_for_a_person(record: dict) -> bool:
    """Whether vetting, or the end that a student's code came to, asks for a person's look."""
    return any(finding["kind"] == "human" for finding in record.get("findings", ()))


def diagnosis(problem: dict) -> str:
    """What a problem has in common with those of other students: the misconception that the check named, if it named one.

    Otherwise it is the first line with three dots for each number. Of an exception only the type stays: its text is the student's own.
    """
    lines = [line.strip() for line in problem["cause"].splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    raised = _RAISED.match(lines[0])
    if raised:
        return f"The code raises {raised[1]}."
    if len(lines) > 1:
        return " ".join(lines[1:])
    return _NUMBER.sub("\N{HORIZONTAL ELLIPSIS}", _WHERE.sub("", lines[0]))


def diagnoses(records: Iterable[dict], number: str) -> list[tuple[str, int, list[str], str]]:
    """The diagnoses of an exercise, the most common first: what, how many students, who, and one message in full.

    A student counts once for each diagnosis, however many parts of the check it fails.
    """
    students: dict[str, list[str]] = {}
    example: dict[str, str] = {}
    for record in records:
        exercise = next((entry for entry in record["exercises"] if entry["number"] == number), None)
        if exercise is None or exercise["status"] == "not started":
            continue
        for what in dict.fromkeys(diagnosis(problem) for problem in exercise["problems"]):
            students.setdefault(what, []).append(record["student"])
            example.setdefault(what, next(p["cause"] for p in exercise["problems"] if diagnosis(p) == what))
    found = [(what, len(names), names, example[what]) for what, names in students.items()]
    return sorted(found, key=lambda row: (-row[1], row[0]))


def tally(records: Iterable[dict], number: str) -> dict[str, float]:
    """How an exercise went: how many students have ``all``, ``some``, ``none`` of its points or ``open`` (not started), and their ``mean``."""
    found = {"all": 0, "some": 0, "none": 0, "open": 0, "mean": 0.0}
    points = []
    for record in records:
        for entry in record["exercises"]:
            if entry["number"] == number:
                points.append(entry["points"])
                kind = ("open" if entry["status"] == "not started" else "all" if entry["points"] >= entry["of"] else
                        "some" if entry["points"] > 0 else "none")
                found[kind] += 1
    found["mean"] = sum(points) / len(points) if points else 0.0
    return found


def exercises_of(records: Iterable[dict]) -> dict[str, float]:
    """The numbers of the exercises that were graded, in the book's order, and what each is worth."""
    found = {entry["number"]: entry["of"] for record in records for entry in record["exercises"]}
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))
