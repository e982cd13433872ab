"""The list of all exercises, read from ``catalogue.json`` (generated from the chapters and the reference modules)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Exercise:
    """One exercise: where it stands, what the student writes, and what it is worth.

    ``kind`` is "code", "derivation" (a SymPy expression), "lab" (a file of samples that the student's run has saved) or
    "written" (graded by hand; it has no module). ``chapter`` is the chapter's file name without its ending, ``module`` the stub
    module in ``ddpmlib``, ``functions`` the functions that the student completes there. A lab has no function; its module is
    ``samples``, which reads the lab's ``file``.
    """

    number: str
    title: str
    kind: str
    chapter: str
    points: float
    module: str = ""
    functions: tuple[str, ...] = ()
    file: str = ""


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by number, in the order of the book."""
    rows = json.loads((Path(__file__).parent / "catalogue.json").read_text(encoding="utf-8"))
    return {row["number"]: Exercise(**row | {"functions": tuple(row["functions"])}) for row in rows}


def exercise(number: str) -> Exercise:
    """The exercise of this number ("3.2"); raise ValueError, naming those that exist, if there is none."""
    try:
        return exercises()[str(number)]
    except KeyError:
        raise ValueError(f"there is no exercise {number!r}; the exercises are {', '.join(exercises())}") from None
