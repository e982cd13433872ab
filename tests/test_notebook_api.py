"""``check``, ``source`` and ``uses``, as a student's notebook calls them."""

import subprocess
import sys
import textwrap

import pytest

import ddpmlib
from ddpmlib.checks import check, source, uses
from ddpmlib.checks.catalogue import exercises
from ddpmlib.checks.run import TimeLimit


def test_check_prints_the_report_and_returns_the_points(capsys):
    points = exercises()["1.1"].points
    assert check("1.1") == points
    assert capsys.readouterr().out.endswith(f"{points} of {points} points\n")


def test_check_of_a_written_or_unknown_exercise_says_so():
    with pytest.raises(ValueError, match="there is no exercise '0.1'"):
        check("0.1")
    written = next(number for number, entry in exercises().items() if entry.kind == "written")
    with pytest.raises(ValueError, match="graded by hand and has no check"):
        check(written)


def test_the_reference_is_never_shown(capsys):
    source("1.1")
    assert capsys.readouterr().out == "# your code of ddpmlib/elbo.py is shown here\n"


def test_an_error_in_the_reference_is_not_hidden():
    with pytest.raises(ZeroDivisionError), uses("1.1"):
        1 / 0


def test_code_of_a_page_may_take_as_many_minutes_as_it_says():
    with pytest.raises(TimeLimit), uses("1.1", minutes=0.002):
        while True:
            pass


def as_student(tmp_path, code, module="def reparameterize(mu, log_var, noise):\n    return 1 / 0\n"):
    """Run code against a library whose ``elbo`` module is the student's."""
    library = tmp_path / "ddpmlib"
    library.mkdir()
    for path in (ddpmlib.ROOT / "ddpmlib").iterdir():
        if path.name not in {"elbo.py", "__pycache__"}:
            (library / path.name).symlink_to(path)
    (library / "__init__.py").unlink()
    (library / "__init__.py").write_text((ddpmlib.ROOT / "ddpmlib" / "__init__.py").read_text())
    if module is not None:
        (library / "elbo.py").write_text(module)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


IMPORT = "from ddpmlib.checks import check, source, uses\n"


def test_the_students_code_is_shown(tmp_path):
    assert as_student(tmp_path, IMPORT + 'source("1.1")').startswith("def reparameterize(mu, log_var, noise):\n    return 1 / 0")


def test_a_file_with_a_syntax_error_is_shown_whole_and_scores_nothing(tmp_path):
    out = as_student(tmp_path, IMPORT + 'source("1.1"); print(check("1.1"))', module="def reparameterize(:\n")
    assert out.startswith("def reparameterize(:")
    assert "SyntaxError" in out and "elbo.py, line 1" in out
    assert out.endswith("0.0\n")


def test_a_missing_file_is_named_and_scores_nothing(tmp_path):
    out = as_student(tmp_path, IMPORT + 'source("1.1"); print(check("1.1"))', module=None)
    assert "# ddpmlib/elbo.py cannot be found" in out
    assert "was it renamed or deleted?" in out
    assert out.endswith("0.0\n")


def test_a_failing_exercise_leaves_a_note_in_place_of_the_figure(tmp_path):
    out = as_student(
        tmp_path, IMPORT + 'from ddpmlib import elbo\nwith uses("1.1"):\n    elbo.reparameterize(1, 2, 3)\nprint("goes on")'
    )
    assert "which raised ZeroDivisionError: division by zero (elbo.py, line 2)" in out
    assert out.endswith("goes on\n")


def test_an_open_exercise_leaves_a_note_in_place_of_the_figure(tmp_path):
    stub = (ddpmlib.ROOT / "ddpmlib" / "elbo.py").read_text()
    code = """
        import torch
        from ddpmlib import elbo
        with uses("1.1"):
            elbo.reparameterize(torch.zeros(2), torch.zeros(2), torch.zeros(2))
        """
    out = as_student(tmp_path, IMPORT + textwrap.dedent(code), module=stub)
    assert out == "This part of the page is made by your own code: it appears once Exercise 1.1 (Reparameterised sampling) is done.\n"
