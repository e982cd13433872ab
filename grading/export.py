"""Grades for other systems, as plugins of ``nbgrader export``::

    nbgrader export --exporter grading.export.CanvasExporter --to canvas.csv

Who has handed in nothing gets an empty cell, not a zero: an import then leaves alone what stands in the other system.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin
from traitlets import Unicode

from .sources import catalogue

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would compute


def points(value: float | None) -> str:
    """Points as other systems read them: a decimal point, no exponent, at most two decimals."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def _harmless(text: str | None) -> str:
    text = text or ""
    return f"'{text}" if text.startswith(_FORMULA) else text


class TableExporter(ExportPlugin):
    """What the exporters here share: which assignments and students are asked for, and how a table is written."""

    filename = "grades.csv"

    def export(self, gradebook: Gradebook) -> None:
        target = Path(self.to or self.filename)
        waiting = self._waiting(gradebook)
        with open(target, "w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows(self.rows(gradebook))
        self.log.info("Exported the grades to %s", target)
        if waiting:
            self.log.warning("%d written answer%s not yet marked: their points are missing in %s", waiting,
                             "s are" if waiting > 1 else " is", target)

    def rows(self, gradebook: Gradebook) -> Iterator[list[str]]:
        raise NotImplementedError

    def assignments(self, gradebook: Gradebook) -> list:
        wanted = {str(name) for name in self.assignment}
        return [found for found in sorted(gradebook.assignments, key=lambda found: found.name) if not wanted or found.name in wanted]

    def students(self, gradebook: Gradebook) -> list:
        wanted = {str(name) for name in self.student}
        return [found for found in sorted(gradebook.students, key=lambda found: found.id) if not wanted or found.id in wanted]

    def score(self, gradebook: Gradebook, assignment, student) -> float | None:
        """The points of an assignment, less what was lost by handing in late; None where nothing was handed in."""
        try:
            submission = gradebook.find_submission(assignment.name, student.id)
        except MissingEntry:
            return None
        return max(0.0, submission.score - (submission.late_submission_penalty or 0.0))

    def _waiting(self, gradebook: Gradebook) -> int:
        names = {found.name for found in self.assignments(gradebook)}
        wanted = {found.id for found in self.students(gradebook)}
        return sum(grade.needs_manual_grade and grade.manual_score is None
                   for name in names for submission in gradebook.assignment_submissions(name) if submission.student.id in wanted
                   for found in submission.notebooks for grade in found.grades)


class CanvasExporter(TableExporter):
    """The table that Canvas imports under Grades, Import: five columns that name the student, then one an assignment.

    A student is found by the SIS login (nbgrader's student id). To meet an assignment that Canvas has, configure its title there:
    ``c.CanvasExporter.title = "{name} (4711)"`` with the number that Canvas's own export shows.
    """

    filename = "canvas.csv"
    title = Unicode("{name}", help="The heading of an assignment's column.").tag(config=True)
    section = Unicode("", help="The section of all students; Canvas does not read it.").tag(config=True)

    def rows(self, gradebook):
        assignments = self.assignments(gradebook)
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(self.title.format(name=found.name) for found in assignments)]
        yield ["    Points Possible", "", "", "", "", *(points(found.max_score) for found in assignments)]
        for student in self.students(gradebook):
            name = ", ".join(filter(None, [student.last_name, student.first_name])) or student.id
            yield [_harmless(name), "", "", student.id, self.section,
                   *(points(self.score(gradebook, found, student)) for found in assignments)]


class MoodleExporter(TableExporter):
    """The table that Moodle imports under Grades, Import, CSV file: map "Username" to the user and each assignment to its grade item.

    The column of feedback says how many points each exercise got; map it to the item's feedback, or ignore it.
    """

    filename = "moodle.csv"

    def rows(self, gradebook):
        assignments = self.assignments(gradebook)
        yield ["Username", "ID number", "Email address", *(heading for found in assignments for heading in (found.name, f"{found.name} (feedback)"))]
        for student in self.students(gradebook):
            row = [student.id, student.lms_user_id or "", student.email or ""]
            for found in assignments:
                row += [points(self.score(gradebook, found, student)), self._feedback(gradebook, found, student)]
            yield row

    def _feedback(self, gradebook: Gradebook, assignment, student) -> str:
        marks = exercise_marks(gradebook, assignment.name, student.id)
        return "; ".join(f"{number}: {points(got) or 'not yet marked'} of {points(of)}" if got is not None else f"{number}: not yet marked"
                         for number, (got, of) in marks.items())


class ExerciseExporter(TableExporter):
    """One line for each student and assignment, one column for each exercise; an empty cell is not yet marked."""

    filename = "exercises.csv"

    def rows(self, gradebook):
        assignments = self.assignments(gradebook)
        names = {found.name for found in assignments}
        numbers = [row["number"] for row in catalogue() if row["chapter"] in names]
        yield ["student", "assignment", *numbers, "late penalty", "score", "of"]
        for assignment in assignments:
            for student in self.students(gradebook):
                marks = exercise_marks(gradebook, assignment.name, student.id)
                if not marks:
                    continue
                penalty = gradebook.find_submission(assignment.name, student.id).late_submission_penalty
                yield [student.id, assignment.name, *(points(marks[number][0]) if number in marks else "" for number in numbers),
                       points(penalty or 0.0), points(self.score(gradebook, assignment, student)), points(assignment.max_score)]


def exercise_marks(gradebook: Gradebook, assignment: str, student: str) -> dict[str, tuple[float | None, float]]:
    """For each exercise its points, or None while it waits to be marked, and what it is worth; empty where nothing was handed in."""
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        return {}
    found = {}
    for grade in (grade for notebook in submission.notebooks for grade in notebook.grades):
        waits = grade.needs_manual_grade and grade.manual_score is None
        found[grade.name.removeprefix("ex-").replace("-", ".")] = (None if waits else grade.score, grade.max_score)
    return dict(sorted(found.items(), key=lambda item: [int(part) if part.isdigit() else 0 for part in item[0].split(".")]))
