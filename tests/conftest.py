"""The tests run on the reference implementation; ``pytest tests/test_exercises.py`` alone on the code that ddpmlib holds."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

# The longest begin first. What is costly to set up stays on one worker; all other tests go wherever there is room.
FIRST = ("test_assignments", "test_book", "test_student_edition", "test_exchange", "test_browser", "test_reference")
SPREAD = "test_reference"  # its tests share nothing


def pytest_configure(config):
    if not all("test_exercises.py" in argument for argument in config.args):
        os.environ.setdefault("DDPMLIB_REFERENCE", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]):
    for item in items:
        module = item.path.stem
        if module in FIRST and module != SPREAD and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(module))
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))
