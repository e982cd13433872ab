"""The running half: whatever the student's code does, there is one plain result for each case, and nothing escapes."""

import os
import subprocess
import sys
import textwrap
import types

import pytest
import torch

from ddpmlib.checks import run as running
from ddpmlib.checks.plain import Raised, pack, unpack
from ddpmlib.checks.run import TimeLimit, run_exercise, student_module, time_limit

CASES = [{"call": "answer", "arguments": {"x": 1.0}}, {"call": "answer", "arguments": {"x": 2.0}}]


def student(**functions):
    module = types.ModuleType("ddpmlib.elbo")
    vars(module).update(functions)
    return module


def test_values_and_errors_come_back_side_by_side():
    def answer(x):
        if x > 1:
            raise KeyError("two")
        return torch.tensor([x])

    (first, second), notes = run_exercise("1.1", CASES, student(answer=answer))
    assert torch.equal(first, torch.tensor([1.0]))
    assert second == Raised("KeyError", "'two'")
    assert notes == ""


def test_code_that_changes_its_arguments_is_judged_by_what_it_returns_and_told():
    def answer(x, rest):
        rest[0].add_(1)
        return x.mul_(2)

    x, other = torch.ones(2), torch.zeros(2)
    cases = [{"call": "answer", "arguments": {"x": x, "rest": [other]}}] * 2
    results, notes = run_exercise("1.1", cases, student(answer=answer))
    assert all(torch.equal(result, torch.tensor([2.0, 2.0])) for result in results)
    assert torch.equal(x, torch.ones(2)) and torch.equal(other, torch.zeros(2))
    assert [line.split(";")[0] for line in notes.splitlines()] == [
        "your code changes its argument rest", "your code changes its argument x"]


def test_a_missing_function_is_a_result():
    results, _ = run_exercise("1.1", CASES, student())
    assert [result.type for result in results] == ["AttributeError", "AttributeError"]


def test_exit_is_a_result():
    results, _ = run_exercise("1.1", CASES, student(answer=lambda x: sys.exit(3)))
    assert [result.type for result in results] == ["SystemExit", "SystemExit"]


def test_warnings_and_standard_error_are_kept_away_from_the_cell(capsys):
    def answer(x):
        torch.tensor([1.0, 2.0]).requires_grad_().sum()
        import warnings

        warnings.warn("careful")
        print("noise", file=sys.stderr)
        return x

    results, notes = run_exercise("1.1", CASES, student(answer=answer))
    assert results == [1.0, 2.0]
    assert "UserWarning: careful" in notes and "noise" in notes
    assert capsys.readouterr().err == ""


def test_an_endless_loop_ends_even_if_it_catches_everything(monkeypatch):
    monkeypatch.setattr(running, "TIME_LIMIT", 0.3)

    def answer(x):
        while True:
            try:
                sum(range(1000))
            except Exception:
                pass

    results, _ = run_exercise("1.1", CASES, student(answer=answer))
    assert [result.type for result in results] == ["TimeLimit", "TimeLimit"]
    assert "endless loop" in results[0].message


def test_time_limit_leaves_no_alarm_behind():
    with pytest.raises(TimeLimit), time_limit(0.05):
        while True:
            pass
    with time_limit(5):
        pass


@pytest.fixture
def student_file(tmp_path, monkeypatch):
    """A module ``ddpmlib.scratch`` in a folder of its own."""
    import ddpmlib

    monkeypatch.setattr(ddpmlib, "__path__", [*ddpmlib.__path__, str(tmp_path)])
    yield tmp_path / "scratch.py"
    sys.modules.pop("ddpmlib.scratch", None)
    running._loaded.pop("ddpmlib.scratch", None)


def test_an_edited_file_is_loaded_anew(student_file):
    student_file.write_text("value = 1\n")
    assert student_module("scratch").value == 1
    student_file.write_text("value = 2  # edited\n")
    os.utime(student_file, ns=(1, 10**18))
    assert student_module("scratch").value == 2


def test_an_error_names_the_line_of_the_student(tmp_path, monkeypatch):
    folder = tmp_path / "ddpmlib"
    folder.mkdir()
    (folder / "scratch.py").write_text("def answer(x):\n    y = x + 1\n    return y.nothing\n")
    import ddpmlib

    monkeypatch.setattr(ddpmlib, "__path__", [*ddpmlib.__path__, str(folder)])
    results, _ = run_exercise("1.1", CASES[:1], student_module("scratch"))
    sys.modules.pop("ddpmlib.scratch")
    assert results[0].where == "scratch.py, line 3"


def test_the_program_answers_on_standard_output_whatever_the_code_prints(tmp_path):
    code = textwrap.dedent(
        """
        import types, sys
        import ddpmlib.checks.run as run
        module = types.ModuleType("ddpmlib.elbo")
        def answer(x):
            print("flood " * 1000)
            return x * 2
        module.answer = answer
        run.student_module = lambda name: module
        run.main()
        """
    )
    done = subprocess.run([sys.executable, "-c", code], input=pack([["1.1", CASES]]), capture_output=True, check=True)
    assert unpack(done.stdout) == [[[2.0, 4.0], ""]]
