"""Bad input to a public function raises TypeError or ValueError that names the argument, says what came, and needs no answer."""

from __future__ import annotations

import importlib
import inspect
import types

import pytest
import torch

from ddpmlib import data, plotting, validation
from ddpmlib.checks import load_check
from ddpmlib.checks.catalogue import exercises
from ddpmlib.checks.judging import Draw
from ddpmlib.checks.run import run_exercise


def recorded_calls():
    """One admissible call of every function that an exercise asks for, as the exercise's own check calls it."""
    for number, entry in exercises().items():
        if entry.kind != "code":
            continue
        name = f"ddpmlib.{entry.module}"
        spy = types.ModuleType(name)
        spy.__dict__.update(vars(importlib.import_module(name)), __name__=name)
        calls = {}
        for function in entry.functions:
            setattr(spy, function, recorder(getattr(spy, function), calls))
        run_exercise(number, [case.request() for case in load_check(number).cases(Draw(0))], spy)
        for function, arguments in calls.items():
            yield entry.module, function, arguments


def recorder(function, calls):
    """The function, which also notes the arguments of its first call."""

    def record(*args, **kwargs):
        calls.setdefault(function.__name__, inspect.signature(function).bind(*args, **kwargs).arguments)
        return function(*args, **kwargs)

    return record


RECORDED = list(recorded_calls())
CALLS = [
    pytest.param(module, function, arguments, name, id=f"{module}.{function}-{name}")
    for module, function, arguments in RECORDED
    for name in arguments
]


@pytest.mark.parametrize(("module", "function", "arguments", "name"), CALLS)
def test_a_wrong_type_is_named(module, function, arguments, name):
    call = getattr(importlib.import_module(f"ddpmlib.{module}"), function)
    wrong = [None, object()] if isinstance(arguments[name], str) else [None, "text", object()]
    if isinstance(arguments[name], torch.Tensor):
        wrong.append(arguments[name].long() if arguments[name].is_floating_point() else arguments[name].double())
        wrong.append([1.0, 2.0])
    elif isinstance(arguments[name], int):
        wrong += [1.5, True]
    for value in wrong:
        with pytest.raises(TypeError, match=rf"{name}.* must .*got"):
            call(**arguments | {name: value})


def test_every_code_exercise_is_called():
    called = {(module, function) for module, function, _ in RECORDED}
    missing = {
        (entry.module, function) for entry in exercises().values() if entry.kind == "code" for function in entry.functions
    } - called
    assert not missing, "its check never calls the function"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: validation.require_tensor("x", 3), "x must be a torch.Tensor, got int"),
        (lambda: validation.require_tensor("x", torch.ones(2).byte()), "x must be a floating-point tensor, got dtype torch.uint8"),
        (lambda: validation.require_tensor("x", torch.ones(2), ndim=2), r"x must have 2 axes, got shape \(2,\)"),
        (lambda: validation.require_same_shape(a=torch.ones(2), b=torch.ones(3)), r"b must have the shape of a, \(2,\), got \(3,\)"),
        (lambda: validation.require_integer("T", 0, low=1), "T must be at least 1, got 0"),
        (lambda: validation.require_integer("T", 9, low=1, high=8), "T must be between 1 and 8, got 9"),
        (lambda: validation.require_integer("T", True, low=0), "T must be an integer, got bool True"),
        (lambda: validation.require_integer("T", 2.0, low=0), "T must be an integer, got float 2.0"),
        (lambda: validation.require_number("beta", 1.0, above=0, below=1), "beta must be greater than 0 and less than 1, got 1.0"),
        (lambda: validation.require_number("s", float("nan"), above=0), "s must be finite, got nan"),
        (lambda: validation.require_number("s", "1"), "s must be a number, got str '1'"),
        (lambda: validation.require_times("t", 0, low=1, high=4), "t must be between 1 and 4, got 0"),
        (lambda: validation.require_times("t", torch.tensor([1, 5]), low=1, high=4), "t must be between 1 and 4, got 5"),
        (lambda: validation.require_times("t", torch.tensor([1.0]), low=1, high=4), "t must hold integers, got dtype torch.float32"),
        (lambda: validation.require_times("t", 1.0, low=1, high=4), "t must be an int or an integer tensor, got float"),
        (lambda: validation.require_times("t", torch.tensor([1, 2]), low=1, high=4, batch=3), r"t must have shape \(\) or \(3,\), got \(2,\)"),
        (lambda: plotting.show_images(torch.zeros(2, 12)), r"images must be square, and grey or of three colours, got shape \(2, 12\)"),
        (lambda: plotting.show_images(torch.zeros(0, 64)), "images must hold at least one image"),
    ],
)
def test_a_bad_value_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_times_are_returned_as_int64():
    assert validation.require_times("t", 3, low=1, high=4).dtype == torch.int64
    assert validation.require_times("t", torch.tensor([3], dtype=torch.int32), low=1, high=4).dtype == torch.int64


def test_digits_are_scaled_and_a_copy():
    images, labels = data.digits()
    assert images.shape == (1797, 64) and images.dtype == torch.float64
    assert images.min() == -1 and images.max() == 1
    assert sorted(set(labels.tolist())) == list(range(10))
    images.zero_()
    assert data.digits()[0].abs().sum() > 0
