"""The table that the grading of a class ends with."""

from __future__ import annotations

from collections.abc import Sequence

from ddpmlib.checks.catalogue import exercises

from .misconceptions import exercises_of, is_for_a_person, tally
from .untrusted import shown

_TITLE = 34
_MOST = 20  # submissions for a person that are listed


def summary_table(rows: Sequence[dict]) -> str:
    """How the exercises went, and which submissions a person has to look at; ``rows`` are the records of ``verdicts.json``."""
    if not rows:
        return "no submission was graded"
    titles = {number: entry.title for number, entry in exercises().items()}
    lines = [f"{'exercise':<{_TITLE + 5}} {'all':>5} {'some':>5} {'none':>5} {'open':>5}   mean points"]
    total = best = 0.0
    for number, of in exercises_of(rows).items():
        found = tally(rows, number)
        title = titles.get(number, "")
        title = title if len(title) <= _TITLE else f"{title[: _TITLE - 3]}..."
        lines.append(f"{number:<4} {title:<{_TITLE}} {found['all']:5} {found['some']:5} {found['none']:5} {found['open']:5}   "
                     f"{found['mean']:.2f} of {of:g}")
        total, best = total + found["mean"], best + of
    lines.append(f"{len(rows)} submission{'s' if len(rows) != 1 else ''}; on average {total:.2f} of {best:g} points, before what is marked by hand")
    waiting = [row for row in rows if is_for_a_person(row)]
    if waiting:
        lines.append(f"{len(waiting)} to be looked at by a person:")
        for row in waiting[:_MOST]:
            says = " ".join(finding["says"] for finding in row["findings"] if finding["kind"] == "human")
            lines.append(f"  {shown(row['student'], 30)}: {shown(says.replace('`', chr(39)), 300)}")
        if len(waiting) > _MOST:
            lines.append(f"  and {len(waiting) - _MOST} more; the report lists them all")
    return "\n".join(lines)
