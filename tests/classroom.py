"""A class of students: submissions of every kind, and the points that each must get.

The points come from the catalogue and from the weights of the checks' parts, never from a run: a mutant with ``keeps`` that
names all parts but one must lose exactly that part.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import torch
from answers import Answer, collect
from imitations import IMITATIONS, LABELS
from rewriting import Modules, is_written, replace_function, with_answers
from safetensors.torch import save as safetensors

import ddpmlib
from ddpmlib.checks import load_check
from ddpmlib.checks.catalogue import Exercise, exercises

SOLUTIONS = ddpmlib.ROOT / "solutions" / "ddpmlib"
MUTANTS = collect("mutants")
ALTERNATIVES = collect("alternatives")
ANSWER = "Since $\\log$ is concave, $\\frac{1}{2}\\sum_i \\log y_i \\le \\log \\frac{1}{2}\\sum_i y_i$."


@dataclass
class Submission:
    """One student's work: the stub modules (None: deleted), other files, a change of the notebook, what it must get."""

    what: str
    modules: dict[str, str | None]
    points: dict[str, float]
    files: dict[str, str | bytes] = field(default_factory=dict)
    edit: Callable[[nbformat.NotebookNode], None] | None = None
    written: bool = False
    says: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def student(self) -> str:
        return self.what.replace(" ", "-").replace(".", "-").replace(",", "")

    def hand_in(self, release: Path, submitted: Path) -> None:
        """Write this submission as a copy of the released assignment with the student's changes."""
        folder = submitted / self.student / release.name
        shutil.copytree(release, folder)
        for name, text in self.modules.items():
            path = folder / "ddpmlib" / f"{name}.py"
            path.unlink() if text is None else path.write_text(text, encoding="utf-8")
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        path = folder / f"{release.name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        if self.written:
            for cell in notebook.cells:
                if cell.metadata.get("nbgrader", {}).get("solution"):
                    cell.source = ANSWER
        if self.edit:
            self.edit(notebook)
        nbformat.write(notebook, path)


def coded(chapter: str) -> list[Exercise]:
    return [entry for entry in exercises().values() if entry.chapter == chapter and entry.functions]


def labs(chapter: str) -> list[Exercise]:
    return [entry for entry in exercises().values() if entry.chapter == chapter and entry.kind == "lab"]


def honest_files(chapter: str) -> dict[str, bytes]:
    """The files of samples that an honest run of a chapter's labs saves."""
    return {entry.file: (Path(__file__).parent / "data" / entry.file).read_bytes() for entry in labs(chapter)}


def reference(chapter: str) -> Modules:
    return {entry.module: (SOLUTIONS / f"{entry.module}.py").read_text(encoding="utf-8") for entry in coded(chapter)}


def full(chapter: str) -> dict[str, float]:
    return {entry.number: float(entry.points) for entry in coded(chapter) + labs(chapter)}


def partial_answers(chapter: str) -> list[Answer]:
    """For each exercise of several parts, a mutant that is known to lose exactly one of them."""
    found = []
    for entry in coded(chapter):
        parts = load_check(entry.number).parts
        exact = [mutant for mutant in MUTANTS if mutant.exercise == entry.number and len(parts) > 1
                 and set(mutant.keeps) < set(parts) and len(set(mutant.keeps)) == len(parts) - 1 and is_written(mutant)]
        found += exact[:1]
    return found


def points_of(mutant: Answer) -> float:
    """What a mutant earns that loses exactly one part: the weights of the parts it keeps."""
    parts, of = load_check(mutant.exercise).parts, exercises()[mutant.exercise].points
    return round(of * sum(parts[name] for name in mutant.keeps) / sum(parts.values()), 2)


def _without(chapter: str, *numbers: str) -> dict[str, float]:
    return {number: 0.0 if number in numbers else points for number, points in full(chapter).items()}


def _replace_all(chapter: str, code: str, entries: list[Exercise]) -> Modules:
    modules = reference(chapter)
    for entry in entries:
        for name in entry.functions:
            modules = replace_function(modules, entry.module, name, code.replace("NAME", name))
    return modules


def basic_class(chapter: str) -> list[Submission]:
    """Perfect, blank, all wrong, and one partial answer."""
    wrong = _replace_all(chapter, "def NAME(*args, **keywords):\n    return None", coded(chapter))
    nothing = dict.fromkeys(full(chapter), 0.0)
    found = [
        Submission("perfect", dict(reference(chapter)), full(chapter), written=True),
        Submission("blank", {}, nothing),
        Submission("all wrong", dict(wrong), nothing, says=("is a return missing?",)),
    ]
    found += [_partial(chapter, mutant) for mutant in partial_answers(chapter)[:1]]
    return _with_samples(chapter, found + _forged_samples(chapter))


def _with_samples(chapter: str, submissions: list[Submission]) -> list[Submission]:
    """The submissions that get points for a lab have run it: give them the file that it saves."""
    for submission in submissions:
        for entry in labs(chapter):
            if submission.points[entry.number] and entry.file not in submission.files:
                submission.files = submission.files | {entry.file: honest_files(chapter)[entry.file]}
    return submissions


def _forged_samples(chapter: str) -> list[Submission]:
    """Of a chapter with labs: all code right, and samples that no sampler has made, or none that can be read."""
    if not labs(chapter):
        return []
    numbers = [entry.number for entry in labs(chapter)]
    files = [entry.file for entry in labs(chapter)]
    copied = next(imitation for imitation in IMITATIONS if imitation.title == "training digits")
    training = safetensors({"images": copied.make(torch.Generator().manual_seed(0)), "labels": LABELS})
    return [
        Submission("copied samples", dict(reference(chapter)), _without(chapter, *numbers), files=dict.fromkeys(files, training),
                   says=("copies of real digits",)),
        Submission("no samples", dict(reference(chapter)), _without(chapter, *numbers), says=("Run the lab, then this check",)),
        Submission("pickled samples", dict(reference(chapter)), _without(chapter, *numbers), files=dict.fromkeys(files, b"\x80\x04K\x01."),
                   says=("is no safetensors file",)),
    ]


def _partial(chapter: str, mutant: Answer) -> Submission:
    points = {**full(chapter), mutant.exercise: points_of(mutant)}
    return Submission(f"partial {mutant.exercise}", dict(with_answers(reference(chapter), [mutant])), points,
                      says=(mutant.says,))


def full_class(chapter: str) -> list[Submission]:
    """Every kind of submission that a class hands in."""
    last = coded(chapter)[-1]
    same_file = [entry.number for entry in coded(chapter) if entry.module == last.module]
    first_alternatives = {(answer.exercise, answer.function.__name__): answer for answer in reversed(ALTERNATIVES)
                          if exercises()[answer.exercise].chapter == chapter and is_written(answer)}
    loop = "def NAME(*args, **keywords):\n    while True:\n        pass"
    flood = "    for line in range(3_000):\n        print('line', line, 'of a flood')\n"
    die = "def NAME(*args, **keywords):\n    import os\n    os._exit(1)"
    nothing = dict.fromkeys(full(chapter), 0.0)
    return _with_samples(chapter, basic_class(chapter) + [_partial(chapter, mutant) for mutant in partial_answers(chapter)[1:]] + [
        Submission("alternative", dict(with_answers(reference(chapter), list(first_alternatives.values()))), full(chapter)),
        Submission("syntax error", {**reference(chapter), last.module: reference(chapter)[last.module] + "\ndef (:\n"},
                   _without(chapter, *same_file), says=("SyntaxError",)),
        Submission("stub deleted", {**reference(chapter), last.module: None}, _without(chapter, *same_file),
                   says=(f"ddpmlib/{last.module}.py cannot be found",)),
        Submission("check cell deleted", dict(reference(chapter)), full(chapter), edit=delete_cells("ex-", "source-", "setup", "checks")),
        Submission("warnings on stderr", _wrap(chapter, _NOISE), full(chapter), says=("wrote to standard error",)),
        Submission("endless loop", dict(_replace_all(chapter, loop, [last])), _without(chapter, last.number),
                   says=("is there an endless loop?",), environment={"DDPMLIB_TIME_LIMIT": "4"}),
        Submission("print flood", _wrap(chapter, flood), full(chapter), says=("its middle is left out",)),
        Submission("process dies", dict(_replace_all(chapter, die, [last])), _without(chapter, last.number),
                   says=("the Python process died",)),
        Submission("edits its checks", {}, nothing, edit=give_oneself_points),
        Submission("replaces the given files", {}, nothing, files=_forged(chapter)),
    ])


_NOISE = "    import os, sys, warnings\n    warnings.warn('careful')\n    print('hm', file=sys.stderr)\n    os.write(2, b'low')\n"


def _wrap(chapter: str, statements: str) -> dict[str, str | None]:
    """The reference, with statements that run on import and in each call of the last exercise's first function."""
    last = coded(chapter)[-1]
    name = last.functions[0]
    code = (f"def _noise():\n{statements}\n\n_noise()\n\n"
            f"def {name}(*args, **keywords):\n    _noise()\n    return _former_{name}(*args, **keywords)")
    return dict(replace_function(reference(chapter), last.module, name, code))


def delete_cells(*beginnings: str) -> Callable[[nbformat.NotebookNode], None]:
    """Delete one cell of each kind from a notebook: the last whose grade_id begins so."""

    def edit(notebook: nbformat.NotebookNode) -> None:
        for beginning in beginnings:
            found = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith(beginning)]
            notebook.cells.remove([cell for cell in found if cell.cell_type == "code"][-1])

    return edit


def give_oneself_points(notebook: nbformat.NotebookNode) -> None:
    """Edit check cells, their points and their grading metadata, copy one, and redefine ``check``."""
    graded = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade")]
    for cell in graded:
        cell.source = f"{cell.metadata.nbgrader.points}"
        cell.metadata.nbgrader.points = 100
    graded[0].metadata.nbgrader |= {"locked": False, "solution": True}
    graded[-1].metadata.nbgrader.grade = False
    twin = nbformat.v4.new_code_cell("4", metadata=dict(graded[0].metadata))
    mine = nbformat.v4.new_code_cell("def check(number):\n    return 1\n")
    notebook.cells += [twin]
    notebook.cells.insert(notebook.cells.index(graded[0]), mine)


def _forged(chapter: str) -> dict[str, str]:
    """Files that would give points if they were imported in the place of the given ones."""
    generous = "def check(number, seed=None):\n    return 1\n\nsource = uses = check\n"
    module = coded(chapter)[0].module
    return {
        "ddpmlib/checks/__init__.py": generous,
        "ddpmlib/checks/assess.py": "raise ImportError\n",
        f"ddpmlib/checks/judges/{module}/__init__.py": "CHECKS = []\n",
        "ddpmlib/checks/__init__/__init__.py": generous,
        "ddpmlib/__init__.py": "raise ImportError\n",
        "torch.py": "raise ImportError('mine')\n",
        "sitecustomize.py": "raise SystemExit\n",
    }
