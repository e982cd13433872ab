"""Assemble nbgrader's ``source/``: for each chapter, its notebook beside a copy of ``ddpmlib`` with this chapter's stubs.

Earlier chapters' modules are the reference, so that an error made in chapter 3 costs nothing in chapter 7; a class that
releases everything at once asks for stubs instead. Which of the two holds is written once, in ``pyproject.toml``::

    [tool.course]
    earlier-chapters = "reference"   # or "stubs"
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from book.notebooks import student_notebook

from .sources import CHAPTERS, LIBRARY, ROOT, SOLUTIONS, catalogue, chapter_paths
from .sync import STUB_MARK

_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", ".*")
_IMPORT_CHECKS = "from ddpmlib.checks import check, source, uses"
_HOW_TO = """\
> **How to work with this assignment**
>
> Read on to the first exercise. It names a module and a function: open that module, {modules}, in an editor beside this
> notebook, and write your code where `NotImplementedError` is raised. Save the file, then run the exercise's check below it: the notebook
> sees the change by itself. A check says what is wrong, in which case, and returns your points; it draws fresh cases each
> time, and you may run it as often as you like. In a terminal in this folder, `python -m ddpmlib` lists what is done and what is left, and
> `python -m ddpmlib check {first}` runs one check. Written answers go into this notebook. Hand in the whole folder with
> `nbgrader submit {chapter}`."""
_LOCKED = {"grade": False, "locked": True, "schema_version": 3, "solution": False, "task": False}


def stubs_for_earlier_setting() -> bool:
    """Whether ``pyproject.toml`` asks for stubs in the place of earlier chapters' reference modules."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")).get("tool", {}).get("course", {})
    choice = settings.get("earlier-chapters", "reference")
    if choice not in {"reference", "stubs"}:
        raise ValueError(f'[tool.course] earlier-chapters in pyproject.toml must be "reference" or "stubs", got {choice!r}')
    return choice == "stubs"


def modules_of(chapter: str) -> list[str]:
    """The stub modules of a chapter: those that its exercises are written in."""
    return sorted({row["module"] for row in catalogue() if row["chapter"] == chapter and row["functions"]})


def assignment_notebook(path: Path) -> nbformat.NotebookNode:
    """A chapter's notebook for an assignment: the student notebook, with the cells that grading needs locked.

    The graded cells need the checks. A cell of their own imports these first: the chapter's set-up cell also imports the
    student's modules, and a syntax error in one of them must not cost the exercises of the others.
    """
    notebook = student_notebook(path)
    first = next(index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells[first].metadata.setdefault("nbgrader", {"grade_id": "setup", **_LOCKED})
    checks = new_code_cell(_IMPORT_CHECKS, id=f"{path.stem.replace('_', '-')}-checks",
                           metadata={"nbgrader": {"grade_id": "checks", **_LOCKED}})
    notebook.cells[first:first] = [_how_to(path.stem), checks]
    return notebook


def _how_to(chapter: str) -> nbformat.NotebookNode:
    """The cell that tells a student how an assignment is worked on."""
    names = [f"`ddpmlib/{module}.py`" for module in modules_of(chapter)]
    modules = " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    first = next(row["number"] for row in catalogue() if row["chapter"] == chapter)
    return new_markdown_cell(_HOW_TO.format(modules=modules, first=first, chapter=chapter), id=f"{chapter.replace('_', '-')}-how-to")


def assemble(
    chapters: Sequence[str] = (), *, stubs_for_earlier: bool | None = None, target: Path = ROOT / "source"
) -> list[Path]:
    """Write ``source/<chapter>/`` anew for the chapters named (all by default); return the folders written.

    ``stubs_for_earlier`` overrides the setting in ``pyproject.toml``. Whatever stood in those folders is removed.
    """
    known = {path.stem: path for path in chapter_paths()}
    unknown = [name for name in chapters if name not in known]
    if unknown:
        raise ValueError(f"there is no chapter {', '.join(unknown)} in {CHAPTERS}; there are {', '.join(known)}")
    stubs = stubs_for_earlier_setting() if stubs_for_earlier is None else stubs_for_earlier
    return [_assemble_one(known[name], target / name, stubs) for name in (chapters or known)]


def _assemble_one(path: Path, folder: Path, stubs_for_earlier: bool) -> Path:
    notebook = assignment_notebook(path)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copytree(LIBRARY, folder / "ddpmlib", ignore=_NOT_SHIPPED)
    if not stubs_for_earlier:
        for earlier in chapter_paths():
            if earlier.stem < path.stem:
                for module in modules_of(earlier.stem):
                    shutil.copy(SOLUTIONS / f"{module}.py", folder / "ddpmlib" / f"{module}.py")
    nbformat.write(notebook, folder / f"{path.stem}.ipynb")
    return folder


def students_files(assignment: Path) -> list[str]:
    """The files of an assembled assignment that students edit, relative to its folder.

    These are the stubs of its own chapter, and of earlier ones where the assignment holds stubs of those; and the samples that
    its labs save.
    """
    samples = sorted(row["file"] for row in catalogue() if row["chapter"] == assignment.name and row["kind"] == "lab")
    own = [module for path in chapter_paths() if path.stem <= assignment.name for module in modules_of(path.stem)]
    files = [assignment / "ddpmlib" / f"{module}.py" for module in own]
    return [path.relative_to(assignment).as_posix() for path in files
            if path.is_file() and path.read_text(encoding="utf-8").startswith(STUB_MARK)] + samples
