"""Submissions that mean harm, and some that are only clumsy, for one chapter: one small function each.

A function changes a copy of the released assignment, which holds correct answers (or none, with ``blank=True``), and its mark says what
must come of it: which exercises lose their points, what vetting says, what the student is told. ``@NAME@`` in the text of an attack is a
thing of the ``World`` in which the class is graded: the worst case, an attacker who knows where everything lies.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ddpmlib

CHAPTER = "03_forward"
POINTS = {"3.1": 3, "3.2": 4, "3.3": 4, "3.4": 3, "3.5": 3, "3.6": 5, "3.7": 2, "3.8": 3, "3.9": 4}
FORWARD = ("3.1", "3.6", "3.7", "3.9")  # what stands in ddpmlib/forward.py
SCHEDULES = ("3.2", "3.3", "3.4")
FORMULAS = ("3.5", "3.8")
ALL = tuple(POINTS)
MODULES = ("forward", "schedules", "forward_formulas")
NEIGHBOUR = "neighbour"


@dataclass(frozen=True)
class World:
    """Where a class is graded: absolute paths and addresses that an attack may use, each as ``@NAME@``."""

    course: Path
    home: Path
    packages: Path
    outside: Path
    port: int
    abstract: str
    socket: Path
    beacon: str

    def told(self, text: str) -> str:
        for name, value in vars(self).items():
            text = text.replace(f"@{name.upper()}@", str(value))
        return text


@dataclass(frozen=True)
class Hostile:
    """One submission: the exercises that get no points (all others get full points), what vetting and the check say."""

    name: str
    change: Callable[[Path, World], None]
    lost: tuple[str, ...]
    finds: tuple[str, ...]
    says: tuple[str, ...]
    blank: bool
    human: bool
    needs_root: bool

    @property
    def points(self) -> dict[str, float]:
        return {number: 0.0 if number in self.lost else float(points) for number, points in POINTS.items()}


# these submissions would harm the machine of whoever runs them: outside the sandbox they refuse to
SAFETY_CATCH = "import os as _os\nif not _os.path.isdir('/grading/work'):\n    raise ImportError('a hostile submission outside the sandbox')\n"

_found: list[Hostile] = []


def hostile(*, lost: tuple[str, ...] = (), finds: str | tuple[str, ...] = (), says: str | tuple[str, ...] = (), blank: bool = False,
            human: bool = False, needs_root: bool = False) -> Callable:
    """Mark a submission; with ``blank`` it starts from the stubs and must get nothing. ``finds`` are words of vetting's findings, ``says`` of
    the checks; ``human`` tells that vetting must put the submission before a person.
    """
    def mark(change: Callable) -> Callable:
        as_tuple = [(words,) if isinstance(words, str) else words for words in (finds, says)]
        _found.append(Hostile(change.__name__, change, ALL if blank else lost, *as_tuple, blank, human, needs_root))
        return change

    return mark


def collected() -> list[Hostile]:
    """All submissions of this package, by name."""
    for info in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{info.name}")
    names = [submission.name for submission in _found]
    assert len(set(names)) == len(names), "two submissions have the same name"
    return sorted(_found, key=lambda submission: submission.name)


def reference(module: str) -> str:
    return (ddpmlib.ROOT / "solutions" / "ddpmlib" / f"{module}.py").read_text(encoding="utf-8")


def notebook(folder: Path) -> Path:
    return folder / f"{CHAPTER}.ipynb"


def on_import(folder: Path, world: World, code: str, module: str = "forward") -> None:
    """Run code when a module is imported."""
    path = folder / "ddpmlib" / f"{module}.py"
    path.write_text(path.read_text(encoding="utf-8") + f"\n\n{SAFETY_CATCH}\n{world.told(code)}", encoding="utf-8")


def instead(folder: Path, world: World, code: str, *, name: str = "q_sample_ve", module: str = "forward") -> None:
    """Write code (a function's body, or ``return ...``) in the place of a function; the correct one is ``correct``."""
    body = "".join(f"    {line}\n" for line in world.told(code).strip().splitlines())
    on_import(folder, world, f"correct = {name}\n\n\ndef {name}(*args, **keywords):\n{body}", module)


def everywhere(folder: Path, world: World, code: str) -> None:
    """Run code on the import of each module, before anything else in it."""
    for module in MODULES:
        path = folder / "ddpmlib" / f"{module}.py"
        text = path.read_text(encoding="utf-8")
        first, rest = text.split("from __future__ import annotations\n", 1) if "from __future__" in text else ("", text)
        start = f"{first}from __future__ import annotations\n" if "from __future__" in text else ""
        path.write_text(f"{start}{SAFETY_CATCH}{world.told(code)}\n{rest}", encoding="utf-8")
