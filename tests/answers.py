"""Wrong and alternative answers: how ``tests/mutants`` and ``tests/alternatives`` are written and collected.

Each of their modules bears the name of a reference module and holds functions marked with ``@mutant`` or
``@alternative``; a function bears the name of the function that it stands in for. A folder of that name may stand in
the place of a long module.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer: its exercise, the module and function that it stands in for, what it is.

    ``says`` is a part of the message that the check must give to a mutant; it is empty for alternatives.
    ``keeps`` names the parts of the check that a mutant must still pass, ``never`` what would be untrue to say about it.
    """

    exercise: str
    module: str
    function: Callable
    title: str
    says: str = ""
    keeps: tuple[str, ...] = ()
    never: str = ""

    @property
    def label(self) -> str:
        return f"{self.exercise}-{self.function.__name__}-{self.title.replace(' ', '_')}"

    def as_module(self) -> types.ModuleType:
        """The reference module with this answer in the place of its function."""
        name = f"ddpmlib.{self.module}"
        module = types.ModuleType(name)
        module.__dict__.update(vars(importlib.import_module(name)))
        module.__dict__["__name__"] = name
        setattr(module, self.function.__name__, self.function)
        return module


_found: list[Answer] = []


def mutant(exercise: str, title: str, *, says: str, keeps: tuple[str, ...] = (), never: str = "") -> Callable[[Any], Any]:
    """Mark a wrong answer: what is wrong with it, and what the check must say about it, and must not."""
    return _mark(exercise, title, says=says, keeps=keeps, never=never)


def alternative(exercise: str, title: str) -> Callable[[Any], Any]:
    """Mark a correct answer that takes another way than the reference."""
    return _mark(exercise, title)


def _mark(exercise: str, title: str, **rest: Any) -> Callable[[Any], Any]:
    def mark(function: Callable) -> Callable:
        _found.append(Answer(exercise, function.__module__.split(".")[1], function, title, **rest))
        return function

    return mark


def collect(package: str) -> list[Answer]:
    """All answers of a package ("mutants" or "alternatives")."""
    found = importlib.import_module(package)
    names = [info.name for info in pkgutil.walk_packages(found.__path__, f"{package}.")]
    for name in names:
        importlib.import_module(name)
    return [answer for answer in _found if answer.function.__module__ in names]
