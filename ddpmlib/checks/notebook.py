"""What a notebook needs of the checks."""

from __future__ import annotations

import ast
import contextlib
import re
import sys
from pathlib import Path

import ddpmlib

from .assess import assess
from .catalogue import Exercise, exercise
from .plain import raised
from .run import TIME_LIMIT, TimeLimit, time_limit


def check(number: str, *, seed: int | None = None) -> float:
    """Check an exercise, print what was found, and return the points earned.

    Every call draws fresh cases; pass the ``seed`` that a failing check names to see the same ones again.
    """
    verdict = assess(number, seed=seed)
    print(verdict.report())
    return verdict.points


def source(number: str) -> None:
    """Print the student's code of an exercise, as it stands in the file; of a lab, what its file of samples holds."""
    entry = exercise(number)
    if entry.kind == "lab":
        print(_samples(entry))
        return
    path = Path(ddpmlib.__file__).parent / f"{entry.module}.py"
    if ddpmlib.REFERENCE:
        print(f"# your code of ddpmlib/{entry.module}.py is shown here")
    elif not path.exists():
        print(f"# ddpmlib/{entry.module}.py cannot be found")
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
        print(_functions(text, entry.functions) or text)


def _samples(entry: Exercise) -> str:
    from ddpmlib import samples

    path = samples.path(Path(entry.file).stem)
    if not path.is_file():
        return f"# {entry.file} is not there yet"
    try:
        images, labels = samples.load(path)
    except ValueError as error:
        return f"# {error}"
    return f"# {entry.file}: {len(images)} images of shape {tuple(images.shape[1:])}, of the classes {sorted(set(labels.tolist()))}"


def _functions(text: str, names: tuple[str, ...]) -> str:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    return "\n\n".join(ast.get_source_segment(text, node) for node in found)


@contextlib.contextmanager
def uses(*numbers: str, minutes: float = TIME_LIMIT * 3 / 60):
    """Mark code that needs the given exercises: while one of them is not done, or fails, print a note instead.

    A lab that trains for longer says how many ``minutes`` it may take. Nothing that a student's function raises gets out of the
    block, so one open exercise never stops the rest of a page, and no figure is shown that was begun and not finished.
    """
    entries = [exercise(number) for number in numbers]
    before = _open_figures()
    patience = 10 if ddpmlib.REFERENCE else 1  # the reference has no endless loop, and a busy machine may be slow
    try:
        with time_limit(60 * minutes * patience):
            yield
    except NotImplementedError as error:
        _close_figures(before)
        still_open = re.match(r"Exercise (\d+\.\d+):", str(error))
        if still_open:
            entries = [exercise(still_open[1])]
        print(f"This part of the page is made by your own code: it appears once {_names(entries)} "
              f"{'is' if len(entries) == 1 else 'are'} done.")
    except (Exception, TimeLimit) as error:
        if ddpmlib.REFERENCE:
            raise
        _close_figures(before)
        print(f"This part of the page is made by your own code of {_names(entries)}, which raised {raised(error)}")


def _open_figures() -> set[int]:
    """The numbers of the figures that pyplot holds; none if nobody has imported it."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def _close_figures(before: set[int]) -> None:
    """Close the figures that have been opened since."""
    for number in _open_figures() - before:
        sys.modules["matplotlib.pyplot"].close(number)


def _names(entries: list[Exercise]) -> str:
    names = [f"Exercise {entry.number} ({entry.title})" for entry in entries]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
