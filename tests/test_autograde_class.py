"""``python -m grading autograde``: exact points, nothing twice, what is graded stays, what has changed is graded anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from classroom import reference
from course_copy import NAMES, course  # noqa: F401
from killing import Classroom, a_class

from grading.progress import line
from grading.records import fingerprint, is_graded

CHAPTER = NAMES[0]


@pytest.fixture(scope="module")
def room(course, tmp_path_factory) -> Classroom:
    """A class that has been graded once."""
    found = Classroom.open(course, tmp_path_factory.mktemp("class") / "course", CHAPTER, a_class(CHAPTER, 8))
    found.printed = found.grade()
    return found


def test_the_points_are_exact(room):
    room.check()
    assert len(room.records()) == len(room.submissions)


def test_what_is_printed(room):
    assert f"{CHAPTER} [##############################] 8/8" in room.printed
    assert f"{CHAPTER}: 8 graded in " in room.printed


def test_every_verdict_is_recorded_with_a_seed_of_its_own(room):
    seeds = [row["seed"] for record in room.records().values() for row in record["exercises"]]
    assert len(set(seeds)) == len(seeds)
    for record in room.records().values():
        assert record["sandbox"].startswith("bubblewrap") and record["chapter"] == CHAPTER
        for row in record["exercises"]:
            assert row["status"] == "done" or row["problems"]


def test_a_second_run_has_nothing_to_do(room):
    before = room.records()
    assert "0 graded in" in room.grade() and room.records() == before


def test_regrading_a_student_repeats_the_cases_and_another_option_draws_new_ones(room):
    student = room.submissions[2].student
    before = room.records()
    room.grade("--students", student, "--force")
    again = room.records()
    room.grade("--students", student, "--force", "--new-seeds")
    new = room.records()
    seeds = [[row["seed"] for row in records[student]["exercises"]] for records in (before, again, new)]
    assert seeds[0] == seeds[1] and not set(seeds[1]) & set(seeds[2])
    assert {name: record for name, record in new.items() if name != student} == {
        name: record for name, record in before.items() if name != student}
    room.check()


def test_what_has_changed_is_graded_anew_and_a_damaged_record_too(room):
    blank, damaged = (submission for submission in room.submissions if submission.what in {"blank 1", "blank 5"})
    before = room.records()
    for module, text in reference(CHAPTER).items():
        (room.folder / "submitted" / blank.student / CHAPTER / "ddpmlib" / f"{module}.py").write_text(text, encoding="utf-8")
    (room.folder / "autograded" / damaged.student / CHAPTER / "verdicts.json").write_text('{"fingerprint": ')
    blank.points = dict(room.submissions[0].points)
    assert "2 graded in" in room.grade()
    room.check()
    after = room.records()
    assert {name for name in after if after[name] != before[name]} == {blank.student, damaged.student}


def test_one_exercise_is_graded_again_and_the_other_verdicts_stay(room):
    number = next(iter(room.submissions[0].points))
    before = room.records()
    room.grade("--exercise", number, "--new-seeds")
    for student, record in room.records().items():
        for row, former in zip(record["exercises"], before[student]["exercises"], strict=True):
            assert (row == former) == (row["number"] != number)
    room.check()


@pytest.mark.parametrize(("options", "says"), [
    (["99_none"], "run python -m grading assemble 99_none first"),
    ([CHAPTER, "--students", "nobody"], "nobody handed in nothing"),
])
def test_mistakes_are_named(room, options, says):
    done = subprocess.run([sys.executable, "-m", "grading", "autograde", *options], cwd=room.folder, env=room.environment,
                          capture_output=True, text=True)
    assert done.returncode == 2 and says in done.stderr


def test_without_a_sandbox_it_refuses_and_with_the_option_it_is_loud(room, tmp_path):
    student = room.submissions[0].student
    (tmp_path / "bin").mkdir()
    path = os.pathsep.join(str(folder) for folder in [tmp_path / "bin"])
    command = [sys.executable, "-m", "grading", "autograde", CHAPTER, "--students", student, "--force"]
    environment = {**room.environment, "PATH": path}
    before = room.records()[student]
    refused = subprocess.run(command, cwd=room.folder, env=environment, capture_output=True, text=True)
    assert refused.returncode == 2 and "bubblewrap" in refused.stderr and "--no-sandbox" in refused.stderr
    assert room.records()[student] == before
    loud = subprocess.run([*command, "--no-sandbox"], cwd=room.folder, env=environment, capture_output=True, text=True)
    assert loud.returncode == 0 and "NO SANDBOX" in loud.stderr
    assert room.records()[student]["sandbox"] == "none"
    room.check()


def test_a_fingerprint_tells_every_change(tmp_path):
    folder = tmp_path / "a"
    (folder / "ddpmlib").mkdir(parents=True)
    (folder / "ddpmlib" / "x.py").write_text("1")
    first = fingerprint(folder)
    assert fingerprint(folder) == first
    os.utime(folder / "ddpmlib" / "x.py", ns=(1, 1))
    second = fingerprint(folder)
    (folder / "more").symlink_to("/etc/passwd")
    third = fingerprint(folder)
    os.mkfifo(folder / "pipe")
    assert len({first, second, third, fingerprint(folder)}) == 4
    assert not is_graded(folder, tmp_path)
    shutil.rmtree(folder)


def test_the_bar_has_count_rate_time_left_and_failures():
    assert line("03", 30, 0, 120, 60.0) == "03 [#######.......................] 30/120  30/min  3:00 left"
    assert line("03", 120, 2, 120, 240.0) == "03 [##############################] 120/120  30/min  4:00 in all  2 failed"
