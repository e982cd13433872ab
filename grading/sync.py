"""Derive what students get from what is written once: the stub modules and the catalogue of exercises."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .sources import LIBRARY, SOLUTIONS, chapter_exercises, chapter_paths, exercise_functions

STUB_MARK = "# Stub: write your code where NotImplementedError is raised.\n"
_REGION = re.compile(r"^(?P<indent>[ ]*)### BEGIN SOLUTION\n.*?^[ ]*### END SOLUTION\n", re.M | re.S)
_FUNCTION = re.compile(r"^def (\w+)\(", re.M)
# what the catalogue says of exercises in which no function is written: a lab's samples are read through ddpmlib.samples
_WITHOUT_FUNCTIONS = {"written": {"module": "", "functions": []}, "lab": {"module": "samples", "functions": []}}
_DOCSTRING_NUMBER = re.compile(r'"""Exercise (\d+\.\d+)\.')


def stub_of(path: Path) -> str:
    """The stub of a reference module: every solution region raises NotImplementedError in its place."""
    text = path.read_text(encoding="utf-8")
    if text.count("### BEGIN SOLUTION") != text.count("### END SOLUTION"):
        raise ValueError(f"{path}: every '### BEGIN SOLUTION' needs its '### END SOLUTION'")

    def replace(match: re.Match) -> str:
        before = text[: match.start()]
        function, number = _FUNCTION.findall(before)[-1], _DOCSTRING_NUMBER.findall(before)[-1]
        return f'{match["indent"]}raise NotImplementedError("Exercise {number}: write {function} in ddpmlib/{path.name}")\n'

    stub, count = _REGION.subn(replace, text)
    if not count:
        raise ValueError(f"{path}: no solution region; a module without exercises belongs in ddpmlib/")
    return STUB_MARK + stub


def catalogue_text() -> str:
    """The catalogue of exercises as JSON: the chapters' headings and points joined with the reference's functions."""
    functions: dict[str, dict] = {}
    for function in exercise_functions():
        entry = functions.setdefault(function.number, {"module": function.module, "functions": []})
        if entry["module"] != function.module:
            raise ValueError(f"Exercise {function.number} stands in two modules: {entry['module']}, {function.module}")
        entry["functions"].append(function.name)
    rows = [row for path in chapter_paths() for row in chapter_exercises(path)]
    for row in rows:
        without = _WITHOUT_FUNCTIONS.get(row["kind"])
        if (without is None) != (row["number"] in functions):
            raise ValueError(f"Exercise {row['number']} ({row['kind']}) has {'no' if without is None else 'a'} reference function")
        row |= functions.pop(row["number"], without)
    if functions:
        raise ValueError(f"no chapter has a heading for the exercises {', '.join(functions)}")
    return "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"


def derived_files() -> dict[Path, str]:
    """Every derived file of ``ddpmlib`` with the text that it should have."""
    files = {LIBRARY / path.name: stub_of(path) for path in sorted(SOLUTIONS.glob("*.py"))}
    files[LIBRARY / "checks" / "catalogue.json"] = catalogue_text()
    return files


def sync() -> list[Path]:
    """Write the derived files that are stale and delete stubs without a reference; return what changed."""
    files = derived_files()
    changed = []
    for path, text in files.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    for path in LIBRARY.glob("*.py"):
        if path not in files and path.read_text(encoding="utf-8").startswith(STUB_MARK):
            path.unlink()
            changed.append(path)
    return changed
