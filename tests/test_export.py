"""Grades leave nbgrader in the tables that Canvas and Moodle read, and by exercise; through nbgrader's own command."""

from __future__ import annotations

import csv
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from class_records import CHAPTER
from nbgrader.api import Gradebook
from traitlets.config import Config

import ddpmlib
from ddpmlib.checks.catalogue import exercises
from grading.export import CanvasExporter, ExerciseExporter, MoodleExporter, points

CELLS = {entry.number: entry for entry in exercises().values() if entry.chapter == CHAPTER}


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    """A gradebook with four students: all points, some (late, and one with a name that a spreadsheet would compute), unmarked, nothing."""
    found = f"sqlite:///{tmp_path_factory.mktemp('gradebook')}/gradebook.db"
    with Gradebook(found) as gradebook:
        gradebook.add_assignment(CHAPTER)
        gradebook.add_notebook(CHAPTER, CHAPTER)
        for number, entry in CELLS.items():
            name = f"ex-{number.replace('.', '-')}"
            kind = "markdown" if entry.kind == "written" else "code"
            gradebook.add_grade_cell(name, CHAPTER, CHAPTER, max_score=entry.points, cell_type=kind)
            if kind == "markdown":
                gradebook.add_solution_cell(name, CHAPTER, CHAPTER)
        gradebook.add_student("ada", first_name="Ada", last_name="Lovelace", email="ada@example.org", lms_user_id="17")
        gradebook.add_student("bob", first_name="=2+2", last_name="")
        gradebook.add_student("cyd")
        gradebook.add_student("dan", first_name="Dan", last_name='O"Hara, Jr.')
        for student, share in (("ada", 1.0), ("bob", 0.5), ("cyd", 1 / 3)):
            gradebook.add_submission(CHAPTER, student)
            for number, entry in CELLS.items():
                grade = gradebook.find_grade(f"ex-{number.replace('.', '-')}", CHAPTER, CHAPTER, student)
                grade.auto_score = round(entry.points * share, 2) if entry.kind != "written" else None
                grade.needs_manual_grade = entry.kind == "written"
                grade.manual_score = entry.points if entry.kind == "written" and student == "ada" else None
        gradebook.find_submission_notebook(CHAPTER, CHAPTER, "bob").late_submission_penalty = 1.5
        gradebook.db.commit()
    return found


def table(exporter, url: str, target: Path, caplog=None, **settings) -> list[list[str]]:
    config = Config()
    config[exporter.__name__].update(settings)
    with Gradebook(url) as gradebook:
        exporter(to=str(target), config=config, log=logging.getLogger("export")).export(gradebook)
    assert b"\r" not in target.read_bytes()
    with open(target, newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


BEST = sum(entry.points for entry in CELLS.values())
CODED = sum(entry.points for entry in CELLS.values() if entry.kind != "written")


def test_canvas_reads_its_table(url, tmp_path):
    """The rules of Canvas's ``lib/gradebook_importer.rb``: what it asks of the header, of the row of points, and of a cell."""
    header, possible, *rows = table(CanvasExporter, url, tmp_path / "canvas.csv")
    assert len(header) > 3 and "Student" in header[0] and "ID" in header[1]
    assert re.match(r"SIS\s+User\s+ID", header[2]) and re.match(r"SIS\s+Login\s+ID", header[3]) and "Section" in header[4]
    assert header[5:] == [CHAPTER] and not re.search("Current|Final|Override", header[5])
    assert "Points Possible" in possible[0] and possible[5] == points(BEST)
    assert {len(row) for row in (header, possible, *rows)} == {6}
    found = {row[3]: (row[0], row[5]) for row in rows}
    assert found == {"ada": ("Lovelace, Ada", points(BEST)), "bob": ("'=2+2", points(found_score(url, "bob"))), "cyd": ("cyd", found["cyd"][1]),
                     "dan": ('O"Hara, Jr., Dan', "")}
    assert all(re.fullmatch(r"\d+(\.\d{1,2})?|", row[5]) for row in rows)


def found_score(url: str, student: str) -> float:
    with Gradebook(url) as gradebook:
        submission = gradebook.find_submission(CHAPTER, student)
        return max(0, submission.score - submission.late_submission_penalty)


def test_canvas_finds_an_assignment_of_its_own(url, tmp_path):
    header, *_ = table(CanvasExporter, url, tmp_path / "canvas.csv", title="Homework {name} (4711)")
    assert re.fullmatch(r"(.*) \((\d+)\)", header[5])[2] == "4711"


def test_moodle_reads_its_table(url, tmp_path):
    """Moodle's import maps columns by their headings: one names the user, the others a grade item and its feedback."""
    header, *rows = table(MoodleExporter, url, tmp_path / "moodle.csv")
    assert header == ["Username", "ID number", "Email address", CHAPTER, f"{CHAPTER} (feedback)"]
    found = {row[0]: row for row in rows}
    assert found["ada"][1:4] == ["17", "ada@example.org", points(BEST)]
    assert found["ada"][4].startswith("3.1: 3 of 3; 3.2: 4 of 4") and "3.10: 4 of 4" in found["ada"][4]
    assert "3.10: not yet marked" in found["cyd"][4] and found["dan"][3:] == ["", ""]
    assert all(row[3] == "" or float(row[3]) >= 0 for row in rows)


def test_grades_by_exercise(url, tmp_path):
    header, *rows = table(ExerciseExporter, url, tmp_path / "exercises.csv")
    assert header == ["student", "assignment", *CELLS, "late penalty", "score", "of"]
    found = {row[0]: dict(zip(header, row)) for row in rows}
    assert list(found) == ["ada", "bob", "cyd"]
    assert [float(found["ada"][number]) for number in CELLS] == [entry.points for entry in CELLS.values()]
    assert found["bob"]["3.10"] == "" and found["bob"]["late penalty"] == "1.5" and float(found["bob"]["score"]) == CODED / 2 - 1.5


def test_unmarked_answers_are_told(url, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        table(ExerciseExporter, url, tmp_path / "exercises.csv")
    assert "2 written answers are not yet marked" in caplog.text


@pytest.mark.parametrize(("value", "text"), [(None, ""), (0.0, "0"), (3.0, "3"), (2.5, "2.5"), (1 / 3, "0.33"), (1e-9, "0"), (100.0, "100")])
def test_points_are_written_plainly(value, text):
    assert points(value) == text


@pytest.mark.parametrize("name", ["CanvasExporter", "MoodleExporter", "ExerciseExporter"])
def test_nbgraders_command_knows_the_exporters(name, url, tmp_path):
    done = subprocess.run([sys.executable, "-m", "nbgrader", "export", "--exporter", f"grading.export.{name}", "--db", url,
                           "--to", str(tmp_path / "out.csv"), "--student", '["ada"]', "--assignment", f'["{CHAPTER}"]'],
                          cwd=ddpmlib.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert "ada" in text and "cyd" not in text
