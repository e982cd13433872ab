"""The stubs and the catalogue are derived from the reference and the chapters, and no solution is in them."""

from __future__ import annotations

import json
import subprocess
import sys

import ddpmlib
from ddpmlib.checks.catalogue import exercises
from grading.sync import derived_files


def test_derived_files_are_fresh():
    stale = [path.name for path, text in derived_files().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, 'run "python -m grading sync"'


def test_every_check_fails_on_the_stub(tmp_path):
    environment = {"DDPMLIB_REFERENCE": "0", "DDPMLIB_SAMPLES": str(tmp_path), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "ddpmlib", "--json"], capture_output=True, text=True, cwd=ddpmlib.ROOT, env=environment,
        check=True,
    )
    rows = {row["number"]: row for row in json.loads(done.stdout)["exercises"]}
    assert set(rows) == set(exercises())
    for number, entry in exercises().items():
        if entry.kind != "written":
            assert rows[number]["status"] == "not started"
            assert rows[number]["points"] == 0
