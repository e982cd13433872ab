"""Whole classes of submissions get exactly the points they should."""

from __future__ import annotations

import pytest
from classroom import full, full_class, partial_answers
from course_copy import NAMES, course  # noqa: F401
from graded_class import EVERYONE, RICHEST, graded, said  # noqa: F401

from ddpmlib.checks.catalogue import exercises

pytestmark = pytest.mark.xdist_group("test_assignments")  # on the worker that has assembled the course


def test_the_class_is_large_enough():
    assert len(full_class(RICHEST)) >= 12
    assert len(partial_answers(RICHEST)) >= 1


@pytest.mark.parametrize(("chapter", "submission"), EVERYONE)
def test_points(graded, chapter, submission):
    row = graded[chapter][submission.student]
    assert row["ok"], row["log"]
    got = {name.removeprefix("ex-").replace("-", "."): grade for name, grade in row["grades"].items()}
    assert {number: got[number]["auto"] for number in submission.points} == submission.points, said(row["page"])
    assert {number: got[number]["of"] for number in got} == {
        number: entry.points for number, entry in exercises().items() if entry.chapter == chapter}
    for number in set(got) - set(submission.points):
        assert exercises()[number].kind == "written"
        assert got[number]["by_hand"] == submission.written
        assert got[number]["auto"] == (None if submission.written else 0)


@pytest.mark.parametrize("chapter", NAMES)
def test_totals(graded, chapter):
    best = sum(full(chapter).values())
    assert graded[chapter]["perfect"]["score"] == best
    assert graded[chapter]["blank"]["score"] == 0
    assert graded[chapter]["perfect"]["max_score"] == sum(
        entry.points for entry in exercises().values() if entry.chapter == chapter)
