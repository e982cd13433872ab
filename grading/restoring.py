"""Put back what is not the student's: the cells of a notebook that its assignment locks or grades."""

from __future__ import annotations

import copy

import nbformat


def grade_id(cell: nbformat.NotebookNode) -> str | None:
    """The name that nbgrader knows a cell by; None if it has none."""
    nbgrader = cell.metadata.get("nbgrader")
    return nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None


def restore(submitted: list, official: list) -> list:
    """The submitted cells, with the official ones in their own order, put back and unchanged, also where they were deleted.

    nbgrader's own ``OverwriteCells.add_missing_cells`` stops at a notebook whose missing cell follows a locked one, and
    keeps a cell whose grading metadata were changed. The student's answers (solution cells) keep their text; cells that the
    student has added keep their place and lose any grading metadata. The set-up cell comes first.
    """
    names = [grade_id(cell) for cell in official]
    last = {grade_id(cell): index for index, cell in enumerate(submitted)}  # of a copied cell, the last one counts
    answers = {name: submitted[last[name]] for name in names if name in last}
    restored = {name: _official(cell, answers.get(name)) for name, cell in zip(names, official)}
    cells, pending = [], list(names)
    for index, cell in enumerate(submitted):
        name = grade_id(cell)
        if name not in restored or last[name] != index:
            cell.metadata.pop("nbgrader", None)
            cells.append(cell)
        elif name in pending:  # all official cells up to this one, so that none is missing and none out of order
            upto = pending.index(name) + 1
            cells += [restored[name] for name in pending[:upto]]
            pending = pending[upto:]
    cells += [restored[name] for name in pending]
    first = next((cell for cell in cells if grade_id(cell) == names[0]), None)
    return [first, *(cell for cell in cells if cell is not first)]


def _official(cell, answer):
    """A copy of an official cell; an answer that is the student's own keeps its text."""
    cell = copy.deepcopy(cell)
    if answer is not None and not cell.metadata["nbgrader"]["locked"] and cell.cell_type == answer.cell_type:
        cell.source = answer.source
    return cell
