"""The trusted half: whatever comes back from a sandbox, there is a verdict, and no points for garbage."""

from __future__ import annotations

import json
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddpmlib.checks import load_check
from ddpmlib.checks import run as running
from ddpmlib.checks.catalogue import exercise, exercises
from ddpmlib.checks.judging import Draw
from ddpmlib.checks.plain import Raised, pack
from ddpmlib.checks.run import TimeLimit, run_exercise, time_limit
from grading import judged
from grading.judged import grade_exercises, received
from grading.sandbox import ENDED, Answer, Limits, Sandbox

CODED = [number for number, entry in exercises().items() if entry.kind in {"code", "derivation"}]


class Recorded(Sandbox):
    """A sandbox that answers what it is told to."""

    def __init__(self, answer):
        self.answer = answer

    def run(self, files, jobs, limits=None):
        return [self.answer(job) for job in jobs]


def verdict(answer, number: str = "3.1"):
    (graded,) = grade_exercises(Recorded(answer), {}, [number], seeds={number: 5})
    return graded


def test_the_reference_gets_full_points_by_way_of_bytes():
    from ddpmlib.checks.plain import unpack

    def answer(job):
        if job["kind"] == "sources":
            return Answer("returned", 0.1, "", pack(["def f(): pass"]))
        return Answer("returned", 0.1, "hello", pack(list(run_exercise(job["number"], unpack(job["cases"].encode())))))

    graded = verdict(answer)
    assert graded.verdict.status == "done" and graded.verdict.points == exercise("3.1").points
    assert graded.source == "def f(): pass" and "hello" in graded.report()
    assert graded.record()["seed"] == 5 and graded.record()["problems"] == []


GARBAGE = [
    b"", b"\x00\xff", b"nonsense", b"[]", b"[[], 3]", b"[[1, 2, 3], \"\"]", b"{}", b"[" * 100_000, b"[[" + b"1" * 5000 + b"], \"\"]",
    json.dumps([[{"tensor": "float64", "shape": [-5], "data": ""}], ""]).encode(), b'[[{"tensor": "object", "shape": [], "data": ""}], ""]',
    json.dumps([[{"tensor": "float64", "shape": [10**30], "data": ""}], ""]).encode(), b'[[{"dict": 3}], ""]', b'[[{"raised": [1]}], ""]',
    json.dumps([[{"tensor": "float32", "shape": [1] * 70, "data": "AAAAAA=="}], ""]).encode(), b'[[{"expression": {"a": 1}}], {}]',
    json.dumps([[{"tensor": "float64", "shape": [float("inf")], "data": ""}], ""]).encode(),
]


@pytest.mark.parametrize("data", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_named_and_earns_nothing(data):
    graded = verdict(lambda job: Answer("returned", 0.1, "", data))
    assert graded.verdict.points == 0 and graded.verdict.status == "failing"
    assert "cannot be read" in graded.verdict.report() and graded.source.startswith("# the code cannot be shown")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_value_error(data):
    with pytest.raises(ValueError):
        received(data, 3)


@pytest.mark.parametrize("ended", [ended for ended in ENDED if ended != "returned"])
def test_every_way_to_end_is_a_sentence(ended):
    graded = verdict(lambda job: Answer(ended))
    assert graded.verdict.points == 0 and graded.failure and graded.failure in graded.report()
    assert graded.report().count(graded.failure) == 1  # once, and no case is named that would be to blame
    assert graded.record()["failure"] == graded.failure


VALUES = [None, True, -3, 10**300, float("nan"), "text", [], {}, [[[1.0]]], {"sample": 3}, torch.zeros(0), torch.zeros(2, 0, 3), torch.ones(3) > 0,
          torch.tensor(7), Raised("NotImplementedError", "x"), Raised("Weird" * 1000, "y" * 20_000), [Raised("A", "b")], {"a": None}]


@pytest.mark.parametrize("number", CODED)
def test_a_judge_meets_any_plain_value(number):
    count = len(list(load_check(number).cases(Draw(5))))
    for value in VALUES:
        graded = verdict(lambda job, value=value: Answer("returned", 0.1, "", pack([[value] * count, ""])), number)
        assert graded.verdict.points == 0, value
        assert len(graded.report()) < 60_000


def test_too_many_values_are_refused():
    for value in ([0] * 300_000, [torch.zeros(3_000_000)] * 2, [[[[]]]] * 100_000):
        with pytest.raises(ValueError, match="more than"):
            received(pack([[value], ""]), 1)
    deep = []
    for _ in range(50):
        deep = [deep]
    with pytest.raises(ValueError, match="deep"):
        received(pack([[deep], ""]), 1)


def test_a_judge_that_does_not_come_to_an_end_is_stopped(monkeypatch):
    monkeypatch.setattr(judged, "JUDGE_SECONDS", 0.3)
    check = type(load_check("3.1"))

    def judge(self, case, result):
        while True:
            pass

    monkeypatch.setattr(check, "judge", judge)
    count = len(list(load_check("3.1").cases(Draw(5))))
    graded = verdict(lambda job: Answer("returned", 0.1, "", pack([[1.0] * count, ""])))
    assert graded.verdict.points == 0 and "could not be judged within" in graded.failure


def test_a_time_limit_within_another_leaves_that_one_running():
    start = time.monotonic()
    with pytest.raises(TimeLimit, match="0.4"), time_limit(0.4):
        with time_limit(5):
            pass
        while time.monotonic() < start + 5:
            pass
    assert running.TIME_LIMIT > 0 and Limits.usual().seconds == 20
