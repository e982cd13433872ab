"""What nbgrader does with a submission here: put back what is not the student's, run what is graded, nothing else.

The graded cells of a chapter call the check of an exercise on the student's module. They need the set-up cell and the
given files and nothing besides, so grading runs no figure, no training and no cell that a student has added.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import nbformat
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from traitlets import Bool, Integer

from .assemble import students_files
from .kernels import SocketKernelManager

_KEPT = {"timestamp.txt", "submission_secret.txt"}  # nbgrader's own: when it was handed in, where its feedback goes
_CUT = "\n... (the output is longer; its middle is left out) ...\n"


def _grade_id(cell: nbformat.NotebookNode) -> str | None:
    nbgrader = cell.metadata.get("nbgrader")
    return nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None


class RestoreCells(NbGraderPreprocessor):
    """Bring every cell that the assignment locks or grades back to what the assignment says, also where it was deleted.

    nbgrader's own ``OverwriteCells.add_missing_cells`` stops at a notebook whose missing cell follows a locked one, and
    keeps a cell whose grading metadata were changed. The student's answers (solution cells) keep their text; cells that the
    student has added keep their place and lose any grading metadata. The set-up cell comes first.
    """

    def preprocess(self, nb, resources):
        assignment, name = resources["nbgrader"]["assignment"], resources["nbgrader"]["notebook"]
        official = nbformat.read(Path("source") / assignment / f"{name}.ipynb", as_version=4)
        nb.cells = restore(nb.cells, [cell for cell in official.cells if _grade_id(cell)])
        return nb, resources


def restore(submitted: list, official: list) -> list:
    """The submitted cells, with the official ones in their own order, put back and unchanged."""
    names = [_grade_id(cell) for cell in official]
    last = {_grade_id(cell): index for index, cell in enumerate(submitted)}  # of a copied cell, the last one counts
    answers = {name: submitted[last[name]] for name in names if name in last}
    restored = {name: _official(cell, answers.get(name)) for name, cell in zip(names, official)}
    cells, pending = [], list(names)
    for index, cell in enumerate(submitted):
        name = _grade_id(cell)
        if name not in restored or last[name] != index:
            cell.metadata.pop("nbgrader", None)
            cells.append(cell)
        elif name in pending:  # all official cells up to this one, so that none is missing and none out of order
            upto = pending.index(name) + 1
            cells += [restored[name] for name in pending[:upto]]
            pending = pending[upto:]
    cells += [restored[name] for name in pending]
    first = next((cell for cell in cells if _grade_id(cell) == names[0]), None)
    return [first, *(cell for cell in cells if cell is not first)]


def _official(cell, answer):
    """A copy of an official cell; an answer that is the student's own keeps its text."""
    cell = copy.deepcopy(cell)
    if answer is not None and not cell.metadata["nbgrader"]["locked"] and cell.cell_type == answer.cell_type:
        cell.source = answer.source
    return cell


class RunGradedCells(Execute):
    """Run the set-up cell, the cells that show the student's code, and the graded cells; leave all others as they are."""

    figures = Bool(False, help="Also run the chapter's other cells, except those tagged `long`.").tag(config=True)
    max_output = Integer(20_000, help="How many characters of a cell's printed output are kept.").tag(config=True)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"kernel_manager_class": SocketKernelManager} | kwargs)

    def preprocess(self, nb, resources, km=None):
        remove_foreign_files(Path(resources["metadata"]["path"]), Path("source") / resources["nbgrader"]["assignment"])
        self.dead = ""
        try:
            nb, resources = super().preprocess(nb, resources, km)
        except DeadKernelError:
            self.log.warning("The kernel died while it was being stopped")
        for cell in nb.cells:
            if cell.cell_type == "code":
                self._settle(cell)
        return nb, resources

    def runs(self, cell) -> bool:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            return True
        return self.figures and "long" not in cell.metadata.get("tags", [])

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code" or not self.runs(cell) or self.dead:
            return cell, resources
        try:
            return super().preprocess_cell(cell, resources, index)
        except DeadKernelError:
            self.dead = f"the Python process died in the cell {_grade_id(cell) or index}"
            return cell, resources

    def output(self, outs, msg, display_id, cell_index):
        """Keep the beginning and the end of what a cell prints, however much it is."""
        out = super().output(outs, msg, display_id, cell_index)
        if out is not None and out.output_type == "stream":
            same = [other for other in outs if other.output_type == "stream" and other.name == out.name]
            if len(same) > 1:
                same[0].text += same[1].text
                outs.remove(same[1])
            same[0].text = _shorten(same[0].text, self.max_output)
        return out

    def _settle(self, cell) -> None:
        """Make nbgrader's reading of a graded cell sound: stderr costs nothing, and no score earns nothing."""
        for output in cell.outputs:
            if output.output_type == "stream":
                output.name = "stdout"
        if not cell.metadata.get("nbgrader", {}).get("grade"):
            return
        score = [output for output in cell.outputs if output.output_type == "execute_result"]
        failed = any(output.output_type == "error" for output in cell.outputs)
        if not failed and not (len(score) == 1 and _is_score(score[0], cell.metadata.nbgrader["points"])):
            why = self.dead or "the check returned no score"
            cell.outputs.append(new_output("error", ename="NoScore", evalue=why, traceback=[f"NoScore: {why}"]))
            cell.outputs = [output for output in cell.outputs if output not in score]


def _shorten(text: str, most: int) -> str:
    if len(text) <= 2 * most:
        return text
    text = text.replace(_CUT, "\n")
    return text[: most // 2] + _CUT + text[-most // 2 :]


def _is_score(output, points: float) -> bool:
    try:
        return 0 <= float(output["data"]["text/plain"]) <= float(points)
    except (KeyError, ValueError, TypeError):
        return False


def remove_foreign_files(folder: Path, assignment: Path) -> None:
    """Delete from a graded copy what neither the assignment holds nor the student is asked for.

    A file ``torch.py`` or a folder ``ddpmlib/checks/judges/forward/`` would be imported in the place of the given one.
    The submission itself, in ``submitted/``, stays as it was handed in.
    """
    kept = {path.relative_to(assignment).as_posix() for path in assignment.rglob("*") if path.is_file()}
    kept |= {*students_files(assignment), *_KEPT}
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or (path.is_file() and name not in kept and path.suffix != ".ipynb"):
            path.unlink()
        elif path.is_dir() and not any(other.startswith(f"{name}/") for other in kept):
            shutil.rmtree(path)
