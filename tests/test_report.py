"""The report on a class says what went wrong, how often, and names no student unless asked; the summary lists who needs a person."""

from __future__ import annotations

import html
import re

import pytest
from class_records import CHAPTER, NUMBERS, VARIANCE, a_class, exercise, off_by, record, write
from graded_class import Page

from ddpmlib.checks.catalogue import exercises
from grading.misconceptions import diagnoses, diagnosis, exercises_of, tally
from grading.report import histogram, report_page, write_report
from grading.summary import summary_table

CLASS = a_class()
STUDENTS = [row["student"] for row in CLASS]


def text(page: str) -> str:
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_one_misconception_in_other_numbers_is_counted_as_one():
    (what, count, students, example), *others = diagnoses(CLASS, "3.1")
    assert (what, count, students) == (VARIANCE, 7, [f"stud{number:02d}" for number in range(7)])
    assert example.startswith("x_t has the right shape")
    assert [(what, count) for what, count, *_ in others] == [("The code raises ValueError.", 1)]


@pytest.mark.parametrize(("cause", "expected"), [
    (off_by(0.25), "x_t has the right shape (…,) (float64), but … of … values differ: […] should be …, got …"),
    ("the result should have shape (3, 2), got (2,)", "the result should have shape (…, …), got (…,)"),
    ("x differs by 1e-05\nYou forgot the root.\nAnd this.", "You forgot the root. And this."),
    ("your code raised KeyError: 'me' (forward.py, line 3)", "The code raises KeyError."),
    ("your code did not finish within 20 seconds (it was at forward.py, line 3)", "your code did not finish within … seconds"),
    ("", "no reason given"),
])
def test_messages_are_grouped_by_what_they_have_in_common(cause, expected):
    assert diagnosis({"cause": cause}) == expected


def test_a_student_counts_once_however_many_parts_fail():
    entry = exercise("3.1", share=0, cause=f"{off_by(1)}\n{VARIANCE}")
    entry["problems"] = entry["problems"] * 3
    assert diagnoses([record("ann", {"3.1": entry})], "3.1")[0][1] == 1


def test_an_exercise_is_tallied():
    assert tally(CLASS, "3.1") == {"all": 3, "some": 7, "none": 1, "open": 1, "mean": (7 * 1.5 + 3 * 3) / 12}
    assert list(exercises_of(CLASS)) == NUMBERS
    assert NUMBERS.index("3.9") < len(NUMBERS), "3.10 would come after 3.9"


def test_the_report_says_what_went_wrong_and_how_often():
    said = text(report_page(CHAPTER, CLASS))
    assert f"7 students: {VARIANCE}" in said
    assert "1 student: The code raises ValueError." in said
    assert "1 student: your code did not finish within … seconds" in said
    assert "3 of 12 have all points; mean 1.62 of 3" in said
    assert "1 submission has to be looked at" in said
    for number in NUMBERS:
        assert f"{number} {exercises()[number].title}" in said
    assert "Exercise 3.10 is marked by hand" in said


def test_the_report_names_no_student_unless_asked():
    page = report_page(CHAPTER, CLASS)
    assert not [student for student in STUDENTS if student in page]
    assert "I am raiser" not in page
    named = report_page(CHAPTER, CLASS, names=True)
    assert not [student for student in STUDENTS if student not in named]
    assert "<b>broken</b>: The notebook 03_forward.ipynb is damaged" in named


@pytest.mark.parametrize("names", [False, True])
def test_the_report_loads_nothing_and_runs_nothing_of_a_students(names):
    source = report_page(CHAPTER, CLASS, names=names)
    page = Page(source)
    assert not page.loads and not page.scripts and "url(" not in source and "@import" not in source
    assert "<script" not in source and len(source) < 200_000


def test_the_distribution_is_drawn_and_told():
    drawn = histogram([0.0, 5.0, 5.0, 31.0], 31.0)
    assert drawn.count("<rect") == 10 and "0 to 3.1 points: 2" not in drawn
    assert "0 to 3.1 points: 1" in drawn and "3.1 to 6.2 points: 2" in drawn and "27.9 to 31 points: 1" in drawn


def test_the_report_is_written_from_the_records(tmp_path):
    with pytest.raises(ValueError, match="has been graded yet"):
        write_report(CHAPTER, root=tmp_path)
    write(tmp_path, CLASS)
    path = write_report(CHAPTER, root=tmp_path)
    assert path == tmp_path / "reports" / f"{CHAPTER}.html" and "12 submissions" in path.read_text(encoding="utf-8")


def test_the_summary_has_a_line_for_each_exercise_and_lists_who_needs_a_person():
    lines = summary_table(CLASS).splitlines()
    assert [line.split()[0] for line in lines[1 : len(NUMBERS) + 1]] == NUMBERS
    assert lines[1].split()[-7:] == ["3", "7", "1", "1", "1.62", "of", "3"]
    assert lines[-1].startswith("  broken: The notebook '03_forward.ipynb' is damaged")
    assert lines[-2] == "1 to be looked at by a person:"
    assert max(map(len, lines)) < 340 and summary_table([]) == "no submission was graded"


def test_the_summary_prints_nothing_that_harms_a_terminal():
    rows = [record("eve\x1b[2J", findings=(("human", "The file `\x1b[2J` was left out."),))]
    assert "\x1b" not in summary_table(rows)
