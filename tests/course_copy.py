"""A copy of the course in another folder, and its assignments assembled there, once for all tests of a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

import ddpmlib
from grading.sources import chapter_paths

NAMES = [path.stem for path in chapter_paths()]
COURSE = ("book", "chapters", "ddpmlib", "grading", "solutions", "pyproject.toml", "nbgrader_config.py")


def copy_course(target: Path) -> Path:
    """The course's sources in another folder, without what the working copy has built."""
    target.mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__", ".*", "_build", "static", "mathjax")
    for name in COURSE:
        path = ddpmlib.ROOT / name
        shutil.copytree(path, target / name, ignore=skip) if path.is_dir() else shutil.copy(path, target / name)
    return target


def run(course: Path, *command: str, **options) -> str:
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "NBGRADER_EXCHANGE": str(course / "exchange"), "DDPMLIB_REFERENCE": "0", "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-m", *command], cwd=course, env=environment, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


def once(tmp_path_factory, name: str, make: Callable[[Path], object]) -> object:
    """What ``make(folder)`` returns, as JSON keeps it. The first of a run's processes that asks makes it; the others wait."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    answer = folder.with_name(f"{name}.json")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not answer.exists():
            shutil.rmtree(folder, ignore_errors=True)
            answer.write_text(json.dumps(make(folder)), encoding="utf-8")
        return json.loads(answer.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def course(tmp_path_factory) -> Path:
    """A course with every assignment assembled and generated, one by the command of the README; only to be read."""
    def make(folder: Path) -> str:
        copy_course(folder)
        run(folder, "grading", "assemble")
        run(folder, "nbgrader", "generate_assignment", NAMES[0])
        run(folder, "generate_assignments", *NAMES[1:])  # each command would start for seconds
        return str(folder)

    return Path(once(tmp_path_factory, "assembled-course", make))
