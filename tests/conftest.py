"""The tests run on the reference implementation; ``pytest tests/test_exercises.py`` alone on the code that ddpmlib holds."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")


def pytest_configure(config):
    if not all("test_exercises.py" in argument for argument in config.args):
        os.environ.setdefault("DDPMLIB_REFERENCE", "1")
