"""Assignments are assembled without secrets, and hold what their chapter's students need."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import nbformat
import pytest
from course_copy import NAMES, copy_course, course  # noqa: F401
from shipped import held, secrets, shipped_text, squeeze

from ddpmlib.checks.catalogue import exercises
from grading.assemble import assemble, modules_of, students_files
from grading.sources import CHAPTERS, SOLUTIONS
from grading.sync import STUB_MARK


@functools.cache
def told_in_chapters() -> str:
    return squeeze("\n".join(path.read_text(encoding="utf-8") for path in CHAPTERS.glob("*.md")))


@pytest.mark.parametrize("chapter", NAMES)
@pytest.mark.parametrize("kind", ["source", "release"])
def test_no_secret_is_in_an_assignment(course, chapter, kind):
    text = shipped_text(course / kind / chapter)
    leaked = [name for name, secret in secrets(chapter).items() if held(secret, text) and squeeze(secret) not in told_in_chapters()]
    assert not leaked


def test_the_search_for_secrets_finds_them(course, tmp_path):
    chapter = NAMES[-1]
    shutil.copytree(course / "release" / chapter, tmp_path / "a")
    shutil.copy(SOLUTIONS / f"{modules_of(chapter)[0]}.py", tmp_path / "a" / "ddpmlib")
    text = shipped_text(tmp_path / "a")
    assert any(held(secret, text) for secret in secrets(chapter).values())


@pytest.mark.parametrize("chapter", NAMES)
def test_an_assignment_holds_stubs_of_its_own_chapter_and_solved_earlier_ones(course, chapter):
    for other in NAMES:
        for module in modules_of(other):
            text = (course / "release" / chapter / "ddpmlib" / f"{module}.py").read_text(encoding="utf-8")
            assert text.startswith(STUB_MARK) == (other >= chapter), module
    labs = [entry.file for entry in exercises().values() if entry.chapter == chapter and entry.kind == "lab"]
    assert students_files(course / "source" / chapter) == [f"ddpmlib/{module}.py" for module in modules_of(chapter)] + labs
    assert not (course / "release" / chapter / "solutions").exists()


def test_stubs_for_earlier_leaves_all_stubs_to_the_students(tmp_path):
    every = secrets("")
    for folder in assemble(stubs_for_earlier=True, target=tmp_path):
        upto = [module for name in NAMES if name <= folder.name for module in modules_of(name)]
        modules = [name for name in students_files(folder) if name.startswith("ddpmlib/")]
        assert sorted(modules) == sorted(f"ddpmlib/{module}.py" for module in upto)
        text = shipped_text(folder)
        assert not any(held(secret, text) for secret in every.values())


def test_assembling_again_changes_nothing_and_removes_what_is_stale(tmp_path):
    def content(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assemble(NAMES[:1], target=tmp_path)
    before = content(tmp_path)
    (tmp_path / NAMES[0] / "ddpmlib" / "stale.py").write_text("")
    assemble(NAMES[:1], target=tmp_path)
    assert content(tmp_path) == before


def test_an_unknown_chapter_is_named(tmp_path):
    with pytest.raises(ValueError, match="there is no chapter 99_none"):
        assemble(["99_none"], target=tmp_path)


@pytest.mark.parametrize("chapter", NAMES)
def test_cells_of_an_assignment(course, chapter):
    """Graded cells call the check of their exercise and nothing else: grading may then run them without the rest."""
    notebook = nbformat.read(course / "release" / chapter / f"{chapter}.ipynb", as_version=4)
    found = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    assert list(found)[0] == "checks" and found["checks"].metadata.nbgrader.locked
    assert found["setup"].metadata.nbgrader.locked
    for number, entry in exercises().items():
        if entry.chapter == chapter:
            cell = found[f"ex-{number.replace('.', '-')}"]
            assert cell.metadata.nbgrader.points == entry.points
            if entry.kind != "written":
                assert cell.source.strip() == f'check("{number}")'
                assert cell.metadata.nbgrader.locked
                shown = found[f"source-{number.replace('.', '-')}"]
                assert shown.source.strip() == f'source("{number}")' and shown.metadata.nbgrader.locked
