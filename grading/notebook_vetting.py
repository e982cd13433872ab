"""The notebook of a submission: its cells out of bytes of unknown making, and a notebook made anew from the assignment's.

Of a submitted cell only the kind, the text, nbgrader's ``grade_id`` and pasted pictures are kept: no output, no metadata.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import copy
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from .restoring import restore
from .untrusted import Refused

MOST_VALUES = 2_000_000  # of all sorts, in the notebook's JSON
MOST_CELLS = 2_000
MOST_SOURCE = 100_000  # characters of a cell
MOST_PICTURES = 4 << 20  # characters of the pictures pasted into a notebook
_PICTURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8"}
_NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
_CUT = "\n... (the cell is longer; its end is left out) ..."


def read_notebook(data: bytes) -> tuple[list[nbformat.NotebookNode], list[str]]:
    """The cells of a submitted notebook, and a sentence on each thing that was repaired; raise Refused if it is none."""
    raw = _json(data)
    version = raw.get("nbformat")
    says = []
    if version == 4 and not isinstance(version, bool):
        cells = raw.get("cells")
    elif version == 3:
        cells = _cells_of_version_3(raw)
        says.append("The notebook was written by an old Jupyter (nbformat 3); it was brought to today's format.")
    else:
        raise Refused(f"has the format {version}; 4 is expected" if version in range(1, 1000) else "is no notebook (it names no format)")
    if not isinstance(cells, list):
        raise Refused("holds no list of cells")
    if len(cells) > MOST_CELLS:
        raise Refused(f"holds {len(cells)} cells; {MOST_CELLS} are allowed")
    pictures = [MOST_PICTURES]
    found = [_cell(cell, number, pictures) for number, cell in enumerate(cells)]
    damaged = sum(cell is None for cell in found)
    if damaged:
        says.append(f"{damaged} damaged cell{'s were' if damaged > 1 else ' was'} left out of the notebook.")
    return [cell for cell in found if cell is not None], says


def _json(data: bytes) -> dict:
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("is not UTF-8 text") from None
    if sum(map(text.count, "[{,")) > MOST_VALUES:  # before the parser makes an object of each
        raise Refused(f"holds more than {MOST_VALUES} values")
    try:
        raw = json.loads(text)
    except RecursionError:
        raise Refused("is nested too deeply") from None
    except ValueError:
        raise Refused("is damaged: it cannot be read as JSON") from None
    if not isinstance(raw, dict):
        raise Refused("is no notebook")
    return raw


def _cells_of_version_3(raw: dict) -> list:
    """The cells of nbformat 3, written as those of 4: code stands under ``input``, headings are cells of their own."""
    sheets = raw.get("worksheets")
    if not isinstance(sheets, list) or not all(isinstance(sheet, dict) and isinstance(sheet.get("cells"), list) for sheet in sheets):
        raise Refused("holds no list of cells")
    cells = []
    for cell in (cell for sheet in sheets for cell in sheet["cells"]):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            cell = cell | {"source": cell.get("input")}
        elif isinstance(cell, dict) and cell.get("cell_type") == "heading":
            level = cell.get("level") if cell.get("level") in range(1, 7) else 1
            cell = cell | {"cell_type": "markdown", "source": f"{'#' * level} {_text(cell.get('source')) or ''}"}
        cells.append(cell)
    return cells


def _text(source: object) -> str | None:
    """A cell's text, without what no text may hold; None if it is no text."""
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    if len(source) > MOST_SOURCE:
        source = source[:MOST_SOURCE] + _CUT
    source = source.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter for letter in source if letter >= " " or letter in "\n\t")


def _cell(cell: object, number: int, pictures: list[int]) -> nbformat.NotebookNode | None:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str) or cell["cell_type"] not in _NEW:
        return None
    source = _text(cell.get("source"))
    if source is None:
        return None
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    kept = {}
    if isinstance(name, str):
        kept["nbgrader"] = {key: value for key, value in nbgrader.items() if isinstance(value, (str, int, float, bool))}
    clean = _NEW[cell["cell_type"]](source, id=f"submitted-{number}")
    clean.metadata = nbformat.from_dict(kept)
    attached = _pictures(cell.get("attachments"), pictures) if cell["cell_type"] == "markdown" else {}
    if attached:
        clean["attachments"] = nbformat.from_dict(attached)
    return clean


def _pictures(attachments: object, left: list[int]) -> dict[str, dict[str, str]]:
    """The pictures that were pasted into a cell, as far as they are pictures; ``left`` counts down what may still come."""
    found = {}
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in bundle.items() if isinstance(bundle, dict) else ():
            if kind not in _PICTURES or not isinstance(data, str) or len(data) > left[0] or not name.isprintable():
                continue
            try:
                is_picture = base64.b64decode(data.replace("\n", ""), validate=True).startswith(_PICTURES[kind])
            except (binascii.Error, ValueError):
                is_picture = False
            if is_picture:
                left[0] -= len(data)
                found[name] = {kind: data}
    return found


def official_notebook(assignment: Path) -> nbformat.NotebookNode:
    """The notebook of an assembled assignment. It is kept in memory: do not change it."""
    path = assignment / f"{assignment.name}.ipynb"
    return _official(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _official(path: Path, stamp: int) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def clean_notebook(cells: list, assignment: Path) -> tuple[nbformat.NotebookNode, list[tuple[str, str]]]:
    """The assignment's notebook with a student's answers and own cells; and what had to be put back: (kind, sentence).

    With no cells it is the assignment's notebook, unanswered.
    """
    official = official_notebook(assignment)
    notebook = copy.deepcopy(official)
    if not cells:
        return notebook, []
    expected = [cell for cell in official.cells if "nbgrader" in cell.metadata]
    changes = _changes(cells, expected)
    pictures = {cell.metadata["nbgrader"]["grade_id"]: cell.get("attachments") for cell in cells if "nbgrader" in cell.metadata}
    notebook.cells = restore(cells, expected)
    for number, cell in enumerate(notebook.cells):
        nbgrader = cell.metadata.get("nbgrader", {})
        if not nbgrader:
            cell.metadata = nbformat.from_dict({})
        elif nbgrader.get("solution") and pictures.get(nbgrader["grade_id"]):
            cell["attachments"] = pictures[nbgrader["grade_id"]]
    return notebook, changes


def _changes(cells: list, expected: list) -> list[tuple[str, str]]:
    submitted: dict[str, list] = {}
    for cell in cells:
        if "nbgrader" in cell.metadata:
            submitted.setdefault(cell.metadata["nbgrader"]["grade_id"], []).append(cell)
    missing, changed, twins, twin_answers = [], [], [], []
    for cell in expected:
        name, wanted = cell.metadata["nbgrader"]["grade_id"], cell.metadata["nbgrader"]
        found = submitted.get(name, [])
        if not found:
            missing.append(name)
            continue
        if len(found) > 1:
            different = not wanted["locked"] and len({copied.source for copied in found}) > 1
            (twin_answers if different else twins).append(name)
        if any(found[-1].metadata["nbgrader"].get(key) != value for key, value in wanted.items()) or \
                found[-1].cell_type != cell.cell_type or (wanted["locked"] and found[-1].source.rstrip() != cell.source.rstrip()):
            changed.append(name)
    sentences = []
    if missing:
        sentences.append(("repaired", f"Cells of the assignment were missing and were put back: {_few(missing)}."))
    if changed:
        sentences.append(("repaired", f"Cells that the assignment locks were changed and were put back: {_few(changed)}."))
    if twins:
        sentences.append(("repaired", f"Cells of the assignment were there more than once; one of each was kept: {_few(twins)}."))
    if twin_answers:
        sentences.append(("human", f"An answer was there more than once; the last one was kept: {_few(twin_answers)}."))
    return sentences


def _few(names: list[str], most: int = 8) -> str:
    counts = Counter(names)
    return ", ".join(list(counts)[:most]) + (f" and {len(counts) - most} more" if len(counts) > most else "")
