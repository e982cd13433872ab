"""The student edition: complete, without a solution, and its book is built on the student's own code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from built_book import build, strict_build

from ddpmlib.checks.catalogue import exercises
from grading import student
from grading.leaks import leaks, solution_blocks
from grading.sources import SOLUTIONS, chapter_paths

NOTE = "This part of the page is made by your own code"
OWN_CODE = {"DDPMLIB_REFERENCE": None, "DDPMLIB_SAMPLES": None, "PYTHONPATH": None}


@pytest.fixture(scope="module")
def edition(tmp_path_factory) -> Path:
    folder, _ = student.write_student_edition(tmp_path_factory.mktemp("edition"))
    return folder


@pytest.fixture(scope="module")
def own_book(edition):
    """The edition's book, built before any exercise is done."""
    return build(edition, **OWN_CODE)


def figures(page: Path) -> int:
    return page.read_text(encoding="utf-8").count("<img alt=")


def notes(page: Path) -> int:
    return page.read_text(encoding="utf-8").count(NOTE)


def test_edition_holds_what_a_student_needs_and_nothing_else(edition):
    top = {path.name for path in edition.iterdir()}
    notebooks = {f"{path.stem}.ipynb" for path in chapter_paths()}
    assert notebooks | {"ddpmlib", "chapters", "book", "tests", "README.md", "Makefile", "_config.yml", "_toc.yml"} <= top
    assert not top & {"solutions", "grading", "benchmarks", "nbgrader_config.py", ".venv", "_build"}
    assert {path.name for path in (edition / "tests").iterdir()} == {"conftest.py", "test_exercises.py"}
    for path in SOLUTIONS.glob("*.py"):
        assert (edition / "ddpmlib" / path.name).read_text(encoding="utf-8").startswith("# Stub:")


def test_no_solution_is_in_the_edition_its_zip_or_its_book(edition, own_book, tmp_path):
    assert leaks(edition) == []  # with the book and the executed notebooks in _build
    assert own_book.pages.is_relative_to(edition)
    with zipfile.ZipFile(edition.with_suffix(".zip")) as archive:
        archive.extractall(tmp_path)
    assert leaks(tmp_path) == []
    unzipped = {path.relative_to(tmp_path / student.NAME) for path in tmp_path.rglob("*") if path.is_file()}
    built = {path for path in edition.rglob("*") if path.is_file() and not {"_build", "__pycache__"} & set(path.parts)}
    assert unzipped == {path.relative_to(edition) for path in built if path.suffix != ".pyc"}


def test_edition_with_a_solution_in_it_is_refused(tmp_path, monkeypatch):
    secret = next(iter(solution_blocks().values()))
    own = tmp_path / "own"
    shutil.copytree(student.OWN, own)
    (own / "slip.py").write_text(secret)
    monkeypatch.setattr(student, "OWN", own)
    with pytest.raises(ValueError, match="slip.py"):
        student.write_student_edition(tmp_path / "out")
    assert not (tmp_path / "out" / student.NAME).exists()


def test_open_exercises_leave_notes_and_break_nothing(edition, own_book):
    assert own_book.status == 0, own_book.log[-6000:]
    assert "undefined label" not in own_book.log
    full = strict_build()
    for path in chapter_paths():
        own_page = own_book.pages / "chapters" / f"{path.stem}.html"
        full_page = full.pages / "chapters" / f"{path.stem}.html"
        blocks = len(re.findall(r"^with uses\(", path.read_text(encoding="utf-8"), re.M))
        assert notes(own_page) == blocks
        assert notes(full_page) == 0
        text = own_page.read_text(encoding="utf-8")
        assert "Traceback" not in text
        assert "which raised" not in text  # a page on stubs blames nobody's code
        coded = [entry for entry in exercises().values() if entry.chapter == path.stem and entry.kind != "written"]
        assert len(re.findall(r"Exercise [\d.]+, [^\n]*: not started", text)) == len(coded)
        if blocks:
            assert figures(own_page) < figures(full_page)


def test_board_and_tests_run_in_the_edition(edition):
    environment = {key: value for key, value in os.environ.items() if key not in OWN_CODE}
    board = subprocess.run(
        [sys.executable, "-m", "ddpmlib"], cwd=edition, env=environment, text=True, capture_output=True, check=True
    )
    coded = sum(entry.kind != "written" for entry in exercises().values())
    assert f"0 of {coded} coded exercises done" in board.stdout
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"], cwd=edition,
        env=environment, text=True, capture_output=True,
    )
    assert f"{coded} failed" in tests.stdout


def test_exercises_filled_in_bring_their_figures(edition, own_book):
    """With the answers of the first chapter that draws, that chapter is executed anew and its figures appear."""
    chapter = next(path for path in chapter_paths() if "with uses(" in path.read_text(encoding="utf-8"))
    for module in {entry.module for entry in exercises().values() if entry.chapter == chapter.stem and entry.module}:
        shutil.copy(SOLUTIONS / f"{module}.py", edition / "ddpmlib")
    before = notes(own_book.pages / "chapters" / f"{chapter.stem}.html")
    after = build(edition, **OWN_CODE)
    assert after.status == 0, after.log[-6000:]
    executed = re.findall(r"chapters/(\w+)\.md: Executed notebook", after.log)
    assert chapter.stem in executed
    page = after.pages / "chapters" / f"{chapter.stem}.html"
    assert before > 0 and notes(page) == 0
    assert figures(page) == figures(strict_build().pages / "chapters" / f"{chapter.stem}.html")
