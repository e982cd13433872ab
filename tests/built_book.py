"""Build the book once for all tests of a run, whichever process asks first."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Build:
    """A finished build: the folder of its pages, what it printed, and its exit status."""

    pages: Path
    log: str
    status: int


def build(root: Path, *options: str, **environment: str | None) -> Build:
    """Run ``jupyter-book build`` in a folder; an environment variable that is None is taken away."""
    variables = os.environ | environment
    variables = {key: value for key, value in variables.items() if value is not None}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "jupyter-book"), "build", ".", *options], cwd=root, env=variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )
    return Build(root / "_build" / "html", re.sub(r"\x1b\[[0-9;]*m", "", done.stdout), done.returncode)


def strict_build() -> Build:
    """The course's own book, built anew with warnings as errors: once in a run of the tests."""
    folder = ROOT / "_build"
    folder.mkdir(exist_ok=True)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    record = folder / "strict-build.txt"
    with FileLock(folder / "strict-build.lock"):
        before = record.read_text(encoding="utf-8").split("\n", 2) if record.exists() else []
        if before[:1] != [run]:
            done = build(ROOT, "--all", "-W", "-n", "--keep-going")
            record.write_text(f"{run}\n{done.status}\n{done.log}", encoding="utf-8")
            before = [run, str(done.status), done.log]
    return Build(folder / "html", before[2], int(before[1]))
