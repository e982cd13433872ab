"""The page that an instructor reads before the next lecture: how each exercise went, and what went wrong most.

It loads nothing, and names no student unless asked.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import jinja2
from markupsafe import Markup

from ddpmlib.checks.catalogue import exercises

from .misconceptions import diagnoses, exercises_of, is_for_a_person, read_records, tally
from .sources import ROOT
from .untrusted import shown

MOST_DIAGNOSES = 8  # of an exercise
_BINS = 10


def write_report(chapter: str, *, names: bool = False, root: Path = ROOT, target: Path | None = None) -> Path:
    """Write the report on a chapter's graded submissions (``reports/<chapter>.html`` by default) and return its path.

    Raises
    ------
    ValueError
        if no submission of the chapter has been graded.
    """
    records = read_records(chapter, root / "autograded")
    if not records:
        raise ValueError(f"no submission of {chapter} has been graded yet: autograded/*/{chapter}/verdicts.json holds the verdicts")
    target = target or root / "reports" / f"{chapter}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(report_page(chapter, records, names=names), encoding="utf-8")
    return target


def report_page(chapter: str, records: list[dict], *, names: bool = False) -> str:
    """The report as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined)
    hide = str if names else _hider([record["student"] for record in records])
    worth = exercises_of(records)
    totals = [sum(entry["points"] for entry in record["exercises"]) for record in records]
    best = sum(worth.values())
    rows = [_row(records, number, of, hide) for number, of in worth.items()]
    quiet = [("All who began it have all points", [row for row in rows if not row["diagnoses"] and row["started"]]),
             ("Nobody has begun", [row for row in rows if not row["started"]])]
    return environment.get_template("report.html.j2").render(
        chapter=chapter, names=names, count=len(records), best=best, mean=statistics.fmean(totals), median=statistics.median(totals),
        histogram=Markup(histogram(totals, best)), made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        rows=rows, quiet=quiet,
        written=[entry for entry in exercises().values() if entry.chapter == chapter and entry.kind == "written"],
        persons=_for_persons(records), findings=_findings(records, hide), students=_students(records, totals) if names else [], shown=shown)


def _row(records: list[dict], number: str, of: float, hide: Callable[[str], str]) -> dict:
    """What the page says of one exercise."""
    found = tally(records, number)
    entries = [entry for record in records for entry in record["exercises"] if entry["number"] == number]
    said = diagnoses(records, number)[:MOST_DIAGNOSES]
    parts = Counter(problem["part"] for entry in entries if entry["status"] != "not started" for problem in entry["problems"])
    entry = exercises().get(number)
    return {
        "number": number, "of": of, "title": entry.title if entry else "", "kind": entry.kind if entry else "", **found,
        "count": len(entries), "started": len(entries) - found["open"], "parts": parts.most_common(4),
        "diagnoses": [(hide(what), count, students, hide(example)) for what, count, students, example in said]}


def _for_persons(records: list[dict]) -> list[tuple[str, list[str]]]:
    return [(record["student"], [finding["says"] for finding in record["findings"] if finding["kind"] == "human"])
            for record in records if is_for_a_person(record)]


def _findings(records: list[dict], hide: Callable[[str], str]) -> list[tuple[str, int]]:
    """What vetting found, the most common first; the lists of names that end a sentence are left out."""
    found: Counter[str] = Counter()
    for finding in (finding for record in records for finding in record.get("findings", ())):
        says = finding["says"] if hide is str else re.sub(r"`[^`]*`", "(a file)", finding["says"])
        found[hide(says).split(":")[0].rstrip(".")] += 1
    return found.most_common(10)


def _hider(students: list[str]) -> Callable[[str], str]:
    """A function that takes the students' names out of a text."""
    names = [re.escape(name) for name in sorted(students, key=len, reverse=True) if len(name) > 2]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(names)})(?!\w)" if names else r"(?!)", re.I)
    return lambda text: pattern.sub("(a name)", text)


def _students(records: list[dict], totals: list[float]) -> list[tuple[str, float, dict[str, float]]]:
    return [(record["student"], total, {entry["number"]: entry["points"] for entry in record["exercises"]})
            for record, total in zip(records, totals)]


def histogram(totals: list[float], best: float) -> str:
    """The distribution of points as an SVG drawing that scales with the page."""
    counts = [0] * _BINS
    for total in totals:
        counts[min(int(total / best * _BINS), _BINS - 1) if best else 0] += 1
    tallest, width, height = max(counts), 40, 150
    bars = []
    for index, count in enumerate(counts):
        tall = height * count / tallest
        x, y = 10 + index * width, 20 + height - tall
        bars.append(f'<rect x="{x + 2}" y="{y:.1f}" width="{width - 4}" height="{tall:.1f}" fill="#0072B2"/>')
        if count:
            bars.append(f'<text x="{x + width / 2}" y="{y - 4:.1f}" text-anchor="middle">{count}</text>')
    ticks = [f'<text x="{10 + share * _BINS * width / 4}" y="{height + 38}" text-anchor="middle">{best * share / 4:g}</text>' for share in range(5)]
    told = ", ".join(f"{best * index / _BINS:g} to {best * (index + 1) / _BINS:g} points: {count}" for index, count in enumerate(counts) if count)
    return (f'<svg viewBox="0 0 {20 + _BINS * width} {height + 58}" role="img" aria-label="Students by points. {told}.">'
            f'{"".join(bars)}<line x1="10" x2="{10 + _BINS * width}" y1="{height + 20}" y2="{height + 20}" stroke="#555"/>{"".join(ticks)}'
            f'<text x="{10 + _BINS * width / 2}" y="{height + 55}" text-anchor="middle">points</text></svg>')
