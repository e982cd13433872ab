"""The progress board: which exercises are done, which fail and why, which are not started."""

from __future__ import annotations

import ddpmlib
from ddpmlib.checks.assess import assess
from ddpmlib.checks.catalogue import Exercise, exercises

_MARKS = {"done": "[x]", "failing": "[!]", "not started": "[ ]", "written": "[w]"}


def chapter_file(chapter: str) -> str:
    """Where a chapter's text stands here: ``chapters/NN_name.md``, or ``NN_name.ipynb`` in an assignment; else empty."""
    names = (f"chapters/{chapter}.md", f"{chapter}.ipynb")
    return next((name for name in names if (ddpmlib.ROOT / name).is_file()), "")


def exercises_here() -> dict[str, Exercise]:
    """The exercises of the chapters that are here: all in the course, one chapter's in an assignment."""
    here = {number: entry for number, entry in exercises().items() if chapter_file(entry.chapter)}
    return here or exercises()


def rows() -> list[dict[str, object]]:
    """Assess the exercises that are here; one row each: number, title, kind, chapter, status, points, of, and the first problem."""
    found = []
    for number, entry in exercises_here().items():
        row = {"number": number, "title": entry.title, "kind": entry.kind, "chapter": entry.chapter,
               "status": "written", "points": None, "of": entry.points, "problem": ""}
        if entry.kind != "written":
            verdict = assess(number)
            row |= {"status": verdict.status, "points": verdict.points}
            if verdict.status == "failing":
                row["problem"] = verdict.first_problem
        found.append(row)
    return found


def summary(found: list[dict[str, object]]) -> dict[str, float]:
    """How many coded exercises are done, of how many, and the points."""
    coded = [row for row in found if row["status"] != "written"]
    return {
        "done": sum(row["status"] == "done" for row in coded),
        "exercises": len(coded),
        "points": round(sum(row["points"] for row in coded), 2),
        "of": sum(row["of"] for row in coded),
    }


def text(found: list[dict[str, object]]) -> str:
    """The board as text, by chapter."""
    lines = []
    chapter = None
    for row in found:
        if row["chapter"] != chapter:
            chapter = row["chapter"]
            lines += ["", f"Chapter {int(str(chapter).partition('_')[0])} ({chapter_file(chapter) or chapter})"]
        points = f"{row['points']:g}/{row['of']:g}" if row["points"] is not None else f"{row['of']:g} by hand"
        lines.append(f"  {_MARKS[row['status']]} {row['number']:5} {row['title']:52.52} {points:>9}")
        if row["problem"]:
            lines.append(f"            {row['problem'][:100]}")
    total = summary(found)
    lines += ["", f"{total['done']} of {total['exercises']} coded exercises done, {total['points']:g} of {total['of']:g} "
              "points ([x] done, [!] failing, [ ] not started, [w] written answer)"]
    return "\n".join(lines[1:])
