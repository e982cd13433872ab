"""Every check accepts the reference and other correct answers, and rejects wrong ones by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from answers import Answer, collect

import ddpmlib
from ddpmlib.checks import assess, load_check
from ddpmlib.checks.catalogue import exercise, exercises
from ddpmlib.checks.judging import Draw, judge
from ddpmlib.checks.plain import pack, unpack

SEEDS = 200
CODED = [number for number, entry in exercises().items() if entry.functions]  # the labs' checks: test_labs.py
MUTANTS = collect("mutants")
ALTERNATIVES = collect("alternatives")


@pytest.mark.parametrize("number", CODED)
def test_reference_passes_with_every_seed(number):
    failing = [seed for seed in range(SEEDS) if assess(number, seed=seed).status != "done"]
    assert not failing


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda answer: answer.label)
def test_mutant_is_rejected_and_named(mutant: Answer):
    for seed in range(5):
        verdict = assess(mutant.exercise, seed=seed, module=mutant.as_module())
        assert verdict.status == "failing"
        assert verdict.points < exercise(mutant.exercise).points
        assert mutant.says in verdict.report()
        assert not mutant.never or mutant.never not in verdict.report()
        passed = {part.name for part in verdict.parts if part.problem is None}
        assert set(mutant.keeps) <= passed


@pytest.mark.parametrize("number", CODED)
@pytest.mark.parametrize("constant", [None, 0.0, "x", (), {}, torch.zeros(()), torch.zeros(3)], ids=repr)
def test_a_constant_earns_nothing(number, constant):
    entry = exercise(number)
    module = types.ModuleType(f"ddpmlib.{entry.module}")
    vars(module).update({name: lambda *arguments, **keywords: constant for name in entry.functions})
    assert assess(number, seed=3, module=module).points == 0


@pytest.mark.parametrize("alternative", ALTERNATIVES, ids=lambda answer: answer.label)
def test_alternative_is_accepted(alternative: Answer):
    for seed in range(5):
        verdict = assess(alternative.exercise, seed=seed, module=alternative.as_module())
        assert verdict.status == "done", verdict.report()


@pytest.mark.parametrize("number", CODED)
def test_exercise_has_enough_mutants_and_alternatives(number):
    assert sum(mutant.exercise == number for mutant in MUTANTS) >= 5
    assert sum(alternative.exercise == number for alternative in ALTERNATIVES) >= 2


@pytest.fixture(scope="module")
def running_half(tmp_path_factory) -> Path:
    """A copy of the reference library that holds no judging half."""
    folder = tmp_path_factory.mktemp("running-half")
    library = folder / "ddpmlib"
    shutil.copytree(ddpmlib.ROOT / "ddpmlib", library, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (ddpmlib.ROOT / "solutions" / "ddpmlib").glob("*.py"):
        shutil.copy(path, library)
    shutil.rmtree(library / "checks" / "judges")
    for name in ("checks/assess", "checks/judging", "checks/expressions", "checks/notebook", "board"):
        (library / f"{name}.py").unlink()
    (library / "checks" / "__init__.py").write_text("")
    return folder


def test_checks_run_in_a_process_that_cannot_judge(running_half):
    cases = {number: list(load_check(number).cases(Draw(seed=7))) for number in CODED}
    request = pack([[number, [case.request() for case in cases[number]]] for number in CODED])
    environment = {key: value for key, value in os.environ.items() if key != "DDPMLIB_REFERENCE"}
    done = subprocess.run(
        [sys.executable, "-m", "ddpmlib.checks.run"], input=request, capture_output=True, cwd=running_half,
        env=environment, timeout=120, check=True,
    )
    answers = unpack(done.stdout)
    for number, (results, notes) in zip(CODED, answers, strict=True):
        verdict = judge(load_check(number), exercise(number), 7, cases[number], results, notes)
        assert verdict.status == "done", verdict.report()
