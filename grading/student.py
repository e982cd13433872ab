"""The student edition: everything a student needs, and nothing that answers an exercise.

It holds ``ddpmlib`` with the stubs, the chapters, their notebooks beside ``ddpmlib``, and what builds the book.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import nbformat

from .leaks import leaks
from .sources import ROOT, chapter_paths
from .sync import derived_files

NAME = "ddpm-course-student"
FOLDERS = ("ddpmlib", "chapters", "book")
FILES = ("_config.yml", "_toc.yml", "Makefile", "pyproject.toml", "constraints.txt", ".gitignore", "tests/test_exercises.py")
OWN = Path(__file__).parent / "student_edition"  # its README and the settings of its tests
_IGNORED = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pyc")
_DATE = (2026, 1, 1, 0, 0, 0)  # of all files in the zip, so that the same content gives the same bytes


def write_student_edition(target: Path | None = None) -> tuple[Path, Path]:
    """Write the student edition as a folder in ``target`` (``build/``) and as a zip beside it; return both paths.

    Raises
    ------
    ValueError
        if the stubs are stale, or if a solution or model answer would be in the edition.
    """
    stale = [path for path, text in derived_files().items() if not path.exists() or path.read_text("utf-8") != text]
    if stale:
        raise ValueError(f"stale: {', '.join(path.name for path in stale)}; run python -m grading sync first")
    folder = (target or ROOT / "build") / NAME
    if folder.exists():
        shutil.rmtree(folder)
    _copy(folder)
    found = leaks(folder)
    if found:
        shutil.rmtree(folder)
        raise ValueError(f"solutions would be in the student edition: {'; '.join(found)}")
    return folder, _zip(folder)


def _copy(folder: Path) -> None:
    from book.notebooks import student_notebook

    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=_IGNORED)
    licences = [path.name for path in ROOT.glob("LICENSE*")]
    for name in (*FILES, *licences):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(OWN, folder, dirs_exist_ok=True, ignore=_IGNORED)
    for path in chapter_paths():
        nbformat.write(student_notebook(path), folder / f"{path.stem}.ipynb")


def _zip(folder: Path) -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder.parent).as_posix(), _DATE)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target
