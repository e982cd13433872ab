"""What a person reads at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ddpmlib.checks.catalogue import exercises

from .misconceptions import exercises_of, is_for_a_person, tally
from .untrusted import shown

if TYPE_CHECKING:
    from .classes import Outcome

_TITLE = 34
_MOST = 20  # submissions for a person that are listed


def summary(outcome: Outcome) -> str:
    """The end of a run: what was done, how the class's exercises went, and who needs a person."""
    rate = 60 * len(outcome.graded) / outcome.seconds if outcome.seconds else 0
    lines = [f"{outcome.chapter}: {len(outcome.graded)} graded in {outcome.seconds:.0f} s ({rate:.0f} a minute), "
             f"{len(outcome.kept)} graded before, {len(outcome.failed)} failed"]
    if outcome.unfinished:
        lines.append(f"The scheduler has gone: {outcome.unfinished} are not graded yet. Give the same command again for the rest.")
    records = [record for record in outcome.records() if record.get("exercises")]
    if records:
        lines += ["", summary_table(records)]
    for student, why in sorted(outcome.failed.items()):
        lines += ["", f"{shown(student)} has no grade: {shown(why.splitlines()[-1], 300) if why else ''}"]
    return "\n".join(lines)


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
