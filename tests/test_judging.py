"""A verdict shares out the points, and a message says which case, what was expected, what came, and why."""

import pytest
import torch

from ddpmlib.checks.catalogue import Exercise
from ddpmlib.checks.judging import Case, Check, Draw, compare, judge
from ddpmlib.checks.plain import Raised

EXERCISE = Exercise("9.1", "A title", "code", "09_none", 5, "none", ("answer",))


class Twice(Check):
    number = "9.1"
    parts = {"small": 1, "large": 3}

    def cases(self, draw):
        yield Case("small", "answer", {"x": draw.normal(3)}, "three numbers")
        yield Case("large", "answer", {"x": draw.normal(2, 4)}, "a 2 x 4 table")
        yield Case("large", "answer", {"x": draw.normal(5, 4)}, "a 5 x 4 table")

    def judge(self, case, result):
        x = case.arguments["x"]
        return compare(result, 2 * x, known={"This is the square; the double is asked for.": x**2})


def verdict(function):
    check = Twice()
    cases = list(check.cases(Draw(1)))
    return judge(check, EXERCISE, 1, cases, [function(case.arguments["x"]) for case in cases])


def test_right_answers_earn_all_points():
    found = verdict(lambda x: 2 * x)
    assert (found.status, found.points, found.first_problem) == ("done", 5.0, "")
    assert "5 of 5 points" in found.report()


def test_float32_is_right_too():
    assert verdict(lambda x: (2 * x).float()).status == "done"


def test_a_part_earns_its_share():
    found = verdict(lambda x: 2 * x if x.ndim == 1 else x + 1)
    assert (found.status, found.points) == ("failing", 1.25)


def test_the_message_names_case_values_and_misconception():
    report = verdict(lambda x: x**2).report()
    assert "three numbers: the result has the right shape (3,) (float64), but" in report
    assert "[0] should be" in report
    assert "This is the square" in report
    assert 'check("9.1", seed=1)' in report


def test_a_problem_of_several_parts_is_explained_once():
    report = verdict(lambda x: x**2 if x.ndim == 1 else None).report()
    assert ": the same" not in report
    report = verdict(lambda x: Raised("KeyError", "no")).report()
    assert report.count("KeyError") == 1 and "a 2 x 4 table: the same" in report


def test_numbers_that_differ_late_are_told_apart():
    assert "should be 0.1, got 0.10000001" in compare(0.10000001, 0.1, rtol=1e-12, atol=0)
    assert "should be 0.1, got 0.2" in compare(0.2, 0.1)


def test_shapes_types_and_errors_are_named():
    assert "should have shape (3,), got (3, 1)" in verdict(lambda x: 2 * x[..., None]).report()
    assert "got None (is a return missing?)" in verdict(lambda x: None).report()
    assert "your code raised ValueError: no (x.py, line 1)" in verdict(lambda x: Raised("ValueError", "no", "x.py, line 1")).report()
    assert "NaN" in verdict(lambda x: x * float("nan")).report()
    assert "int64" in verdict(lambda x: x.long()).report()


def test_an_open_exercise_is_not_a_failing_one():
    found = verdict(lambda x: Raised("NotImplementedError", "Exercise 9.1: write answer in ddpmlib/none.py"))
    assert (found.status, found.points) == ("not started", 0.0)
    assert "WRONG" not in found.report()


def test_a_missing_module_is_said_so():
    found = verdict(lambda x: Raised("ModuleNotFoundError", "No module named 'ddpmlib.none'"))
    assert "ddpmlib/none.py cannot be found" in found.report()


def test_a_part_without_a_case_is_an_error_of_the_check():
    check = Twice()
    with pytest.raises(ValueError, match="no case for its parts"):
        judge(check, EXERCISE, 1, [next(iter(check.cases(Draw(1))))], [torch.zeros(3)])


def test_infinite_values_must_match():
    expected = torch.tensor([float("inf"), 1.0])
    assert compare(expected.clone(), expected) is None
    assert compare(torch.tensor([1e300, 1.0], dtype=torch.float64), expected.double()) is not None


def test_draws_depend_on_the_seed_alone():
    assert torch.equal(Draw(3).normal(4), Draw(3).normal(4))
    numbers = [Draw(seed).integer(2, 4) for seed in range(50)]
    assert set(numbers) == {2, 3, 4}
    assert all(0.5 < Draw(seed).number(0.5, 0.75) < 0.75 for seed in range(50))
