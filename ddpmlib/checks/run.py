"""The running half of a check: call the student's code on a case and return plain values.

Nothing here, nor in ``ddpmlib.checks.runs``, knows an expected value: a grader may run this half in a sandbox that
does not hold ``ddpmlib.checks.judges`` at all, and judge what comes back in a process of its own.
As a program (``python -m ddpmlib.checks.run``) it reads packed requests from standard input and writes packed
results to standard output.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from .catalogue import exercise
from .plain import pack, plain, raised, unpack

TIME_LIMIT = float(os.environ.get("DDPMLIB_TIME_LIMIT", "20"))  # seconds for all cases of one exercise


class TimeLimit(BaseException):
    """The student's code ran longer than it may (no Exception, so that ``except Exception`` does not swallow it)."""


@contextlib.contextmanager
def time_limit(seconds: float):
    """Raise TimeLimit in the block after ``seconds``; where signals are not to be had, run without a limit.

    A limit that stands around the block goes on to count.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum, frame):
        raise TimeLimit(f"did not finish within {seconds:g} seconds; is there an endless loop?")

    before, start = signal.signal(signal.SIGALRM, stop), time.monotonic()
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second, should the code swallow it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - start), 0.001), again)


_loaded: dict[str, int] = {}


def student_module(name: str) -> ModuleType:
    """Import ``ddpmlib.<name>``, anew if its file has changed since it was last imported here."""
    full = f"ddpmlib.{name}"
    module = sys.modules.get(full)
    if module is None:
        importlib.invalidate_caches()
        module = importlib.import_module(full)
    else:
        stamp = Path(module.__file__).stat().st_mtime_ns
        if stamp != _loaded.get(full, stamp):
            module = importlib.reload(module)
    _loaded[full] = Path(module.__file__).stat().st_mtime_ns
    return module


def run(module, case: dict) -> object:
    """Call one function on one case and return a plain value; an exception is returned as ``Raised``.

    ``case["call"]`` names a function of ``ddpmlib.checks.runs.<module>``, which gets the student's module first, or a
    function of the student's module; ``case["arguments"]`` are its keyword arguments.
    """
    try:
        special = _special_run(module.__name__.rpartition(".")[2], case["call"])
        if special is not None:
            return plain(special(module, **case["arguments"]))
        return plain(getattr(module, case["call"])(**case["arguments"]))
    except (Exception, SystemExit) as error:
        return raised(error)


def _copied(value: object) -> object:
    """A copy of plain arguments, down to their tensors."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _differs(before: object, after: object) -> bool:
    """Whether a tensor somewhere in plain arguments is no longer what it was."""
    if isinstance(before, Tensor):
        return before.shape != after.shape or not torch.allclose(before, after, rtol=0, atol=0, equal_nan=True)
    if isinstance(before, dict):
        return any(_differs(item, after.get(key)) for key, item in before.items())
    if isinstance(before, list):
        return len(before) != len(after) or any(map(_differs, before, after))
    return False


def run_exercise(number: str, cases: list[dict], module=None) -> tuple[list[object], str]:
    """Run all cases of an exercise; return the results, and notes: a line each on what the code did besides.

    Each case gets copies of its arguments: code that changes them spoils neither the next case nor the oracle, and is told.
    ``module`` stands in for the student's module (the tests pass wrong and alternative ones). Whatever goes wrong,
    there is one result for each case.
    """
    results: list[object] = []
    changed: set[str] = set()
    noise = io.StringIO()
    with contextlib.redirect_stderr(noise), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            with time_limit(TIME_LIMIT):
                if module is None:
                    module = student_module(exercise(number).module)
                for case in cases:
                    given = case | {"arguments": _copied(case["arguments"])}
                    results.append(run(module, given))
                    changed |= {name for name, value in case["arguments"].items() if _differs(value, given["arguments"][name])}
        except (Exception, SystemExit, TimeLimit) as error:
            results += [raised(error)] * (len(cases) - len(results))
    notes = [f"your code changes its argument {name}; make a new tensor instead" for name in sorted(changed)]
    said = [f"{entry.category.__name__}: {entry.message}" for entry in caught] + noise.getvalue().splitlines()
    if said:
        notes.append(f"your code wrote to standard error: {' / '.join(said)[:1000]}")
    return results, "\n".join(notes)


def _special_run(module: str, call: str):
    name = f"{__package__}.runs.{module}"
    if importlib.util.find_spec(name) is None:
        return None
    return getattr(importlib.import_module(name), call, None)


def main() -> None:
    """Answer a packed list of ``[number, cases]`` with a packed list of ``[results, notes]``."""
    requests = unpack(sys.stdin.buffer.read())
    answer_to = os.dup(1)
    os.dup2(2, 1)  # what the student's code prints must not get between the answers
    answers = [list(run_exercise(number, cases)) for number, cases in requests]
    with os.fdopen(answer_to, "wb") as stream:
        stream.write(pack(answers))


if __name__ == "__main__":
    main()
