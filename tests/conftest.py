"""The tests run on the reference implementation; ``pytest tests/test_exercises.py`` alone on the code that ddpmlib holds."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

# A worker takes a module whole, in this order: the longest first, so that none is left at the end.
FIRST = ("test_hostile", "test_grading", "test_book", "test_checks", "test_student_edition", "test_exchange", "test_reference", "test_rebuilding",
         "test_browser", "test_feedback", "test_assignments")


def pytest_configure(config):
    if not all("test_exercises.py" in argument for argument in config.args):
        os.environ.setdefault("DDPMLIB_REFERENCE", "1")
        if "DDPMLIB_SAMPLES" not in os.environ:  # what a run of the labs on the reference has saved, in a copy that a page may replace
            os.environ["DDPMLIB_SAMPLES"] = tempfile.mkdtemp(prefix="samples-")
            config.add_cleanup(lambda folder=os.environ["DDPMLIB_SAMPLES"]: shutil.rmtree(folder, ignore_errors=True))
            shutil.copytree(Path(__file__).parent / "data" / "samples", os.environ["DDPMLIB_SAMPLES"], dirs_exist_ok=True)


@pytest.fixture(autouse=True)
def _same_edition_afterwards():
    """No test may leave the tests after it another edition of the course than it found."""
    before = os.environ.get("DDPMLIB_REFERENCE")
    yield
    after = os.environ.get("DDPMLIB_REFERENCE")
    os.environ.update({} if before is None else {"DDPMLIB_REFERENCE": before})
    assert after == before, "this test has changed DDPMLIB_REFERENCE in the process of the tests"


def pytest_collection_modifyitems(items: list[pytest.Item]):
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))
