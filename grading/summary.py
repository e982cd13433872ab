"""What a person reads at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .classes import Outcome


def summary(outcome: Outcome) -> str:
    """The table of a class: how its exercises went, and who needs a person."""
    rate = 60 * len(outcome.graded) / outcome.seconds if outcome.seconds else 0
    lines = [f"{outcome.chapter}: {len(outcome.graded)} graded in {outcome.seconds:.0f} s ({rate:.0f} a minute), "
             f"{len(outcome.kept)} graded before, {len(outcome.failed)} failed"]
    if outcome.unfinished:
        lines.append(f"The scheduler has gone: {outcome.unfinished} are not graded yet. Give the same command again for the rest.")
    rows: dict[str, list[dict]] = {}
    for record in outcome.records():
        for row in record.get("exercises", []):
            rows.setdefault(row["number"], []).append(row)
    if rows:
        lines += ["", f"{'exercise':>8} {'of':>5} {'mean':>6} {'full':>6} {'none':>6}"]
        for number, results in rows.items():
            points, best = [row["points"] for row in results], results[0]["of"]
            lines.append(f"{number:>8} {best:5g} {sum(points) / len(points):6.2f} {_share(points, best):>6} {_share(points, 0):>6}")
    for student, why in sorted(outcome.failed.items()):
        lines += ["", f"{student} has no grade: {why.splitlines()[-1] if why else ''}"]
    human = [(record["student"], finding["says"]) for record in outcome.records() for finding in record.get("findings", [])
             if finding["kind"] == "human"]
    lines += [f"look at {student}: {says}" for student, says in human]
    return "\n".join(lines)


def _share(points: list[float], value: float) -> str:
    return f"{sum(point == value for point in points) / len(points):.0%}"
