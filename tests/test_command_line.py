"""``python -m ddpmlib``: the board and the check of one exercise."""

import json
import subprocess
import sys

import pytest

import ddpmlib
from ddpmlib.__main__ import main
from ddpmlib.checks.catalogue import exercises


def test_the_board_lists_every_exercise_as_done_on_the_reference(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for number, entry in exercises().items():
        mark = "[w]" if entry.kind == "written" else "[x]"
        assert f"{mark} {number:5} {entry.title[:40]}" in text


def test_the_board_as_json_counts_the_points(capsys):
    assert main(["--json"]) == 0
    board = json.loads(capsys.readouterr().out)
    coded = [entry for entry in exercises().values() if entry.kind != "written"]
    assert board["total"] == {"done": len(coded), "exercises": len(coded), "points": sum(e.points for e in coded),
                              "of": sum(e.points for e in coded)}


def test_the_board_of_an_assignment_lists_its_own_chapter(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(ddpmlib, "ROOT", tmp_path)
    (tmp_path / "02_hierarchical.ipynb").write_text("{}")
    assert main([]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Chapter 2 (02_hierarchical.ipynb)\n") and "[x] 2.1" in text
    assert "Chapter 1" not in text and "Chapter 3" not in text


def test_a_reader_that_stops_early_is_no_error():
    done = subprocess.run(f"{sys.executable} -m ddpmlib --json | head -1", shell=True, capture_output=True, text=True, cwd=ddpmlib.ROOT)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_one_exercise(capsys):
    assert main(["check", "1.1", "--seed", "4"]) == 0
    assert "Exercise 1.1" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["9.99", "x", "1"])
def test_an_unknown_exercise_is_said_so(capsys, number):
    assert main(["check", number]) == 2
    assert f"there is no exercise '{number}'; the exercises are 1.1" in capsys.readouterr().err
