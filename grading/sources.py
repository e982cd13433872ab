"""Read the course's sources: the reference modules and the chapters."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

from book.chapter import read_chapter

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = ROOT / "solutions" / "ddpmlib"
CHAPTERS = ROOT / "chapters"
LIBRARY = ROOT / "ddpmlib"

_NUMBER = re.compile(r"Exercise (\d+\.\d+)\.")
_HEADING = re.compile(r"^#+ Exercise (?P<number>\d+\.\d+) \((?P<kind>code|derivation|written|lab)\): (?P<title>.+)$", re.M)
_FILE = re.compile(r"samples/\w+\.safetensors")


@dataclass(frozen=True)
class ExerciseFunction:
    """A function that a student completes: its exercise, its module and its name."""

    number: str
    module: str
    name: str


def exercise_functions() -> list[ExerciseFunction]:
    """All functions of the reference modules whose docstring begins with an exercise's number."""
    found = []
    for path in sorted(SOLUTIONS.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                match = _NUMBER.match(ast.get_docstring(node) or "")
                if match:
                    found.append(ExerciseFunction(match[1], path.stem, node.name))
    return found


def catalogue() -> list[dict]:
    """The rows of the catalogue of exercises, read without importing ``ddpmlib.checks``, which would import torch."""
    return json.loads((LIBRARY / "checks" / "catalogue.json").read_text(encoding="utf-8"))


def chapter_paths() -> list[Path]:
    """The chapters that carry exercises, in order: ``chapters/NN_name.md``."""
    return sorted(CHAPTERS.glob("[0-9][0-9]_*.md"))


def chapter_exercises(path: Path) -> list[dict[str, object]]:
    """The exercises of a chapter in its order: number, kind and title from the headings, points from the graded cells.

    A lab has a ``file`` besides, the first file of samples that is named below its heading.
    """
    notebook = read_chapter(path)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    points = {}
    for cell in notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        if nbgrader.get("grade"):
            points[nbgrader["grade_id"]] = nbgrader["points"]
    rows = []
    for match in _HEADING.finditer(text):
        grade_id = f"ex-{match['number'].replace('.', '-')}"
        if grade_id not in points:
            raise ValueError(f"{path.name}: Exercise {match['number']} has no graded cell with the grade_id {grade_id}")
        rows.append({**match.groupdict(), "chapter": path.stem, "points": points.pop(grade_id)})
        if match["kind"] == "lab":
            file = _FILE.search(text, match.end())
            if file is None:
                raise ValueError(f"{path.name}: Exercise {match['number']} names no file samples/<lab>.safetensors")
            rows[-1]["file"] = file[0]
    if points:
        raise ValueError(f"{path.name}: the graded cells {', '.join(points)} belong to no exercise heading")
    return rows
