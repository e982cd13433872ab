"""One test an exercise, on the code that ``ddpmlib`` holds: ``pytest tests/test_exercises.py -k 3.2``."""

import pytest

from ddpmlib.checks import assess
from ddpmlib.checks.catalogue import exercises


@pytest.mark.parametrize(
    "number",
    [pytest.param(number, id=f"{number}-{'-'.join(entry.functions)}")
     for number, entry in exercises().items() if entry.kind != "written"],
)
def test_exercise(number):
    verdict = assess(number)
    assert verdict.status == "done", "\n" + verdict.report()
