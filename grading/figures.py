"""The figures of a student's notebook, for a person who grades: its cells are run in the sandbox, and what they show is vetted here."""

from __future__ import annotations

import base64
import binascii

from nbformat.v4 import new_output

from ddpmlib.checks.plain import unpack

from .sandbox import Limits, Sandbox, cells_job

SECONDS = 300.0  # for all cells of a notebook
_PNG = b"\x89PNG\r\n\x1a\n"


def run_cells(sandbox: Sandbox, files: dict[str, bytes], cells: list[str]) -> list[list]:
    """The outputs of each cell: text and PNG pictures alone, since a notebook's HTML would be run by the browser of who reads it."""
    (answer,) = sandbox.run(files, [cells_job(cells, SECONDS)], Limits.usual())
    if answer.ended == "returned":
        try:
            found = unpack(answer.data)
            if len(found) == len(cells):
                return [[_output(output) for output in outputs[:50]] for outputs in found]
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
    note = new_output("stream", name="stdout", text=f"(the notebook's cells were not run to their end: {answer.ended})\n")
    return [[note] if index == 0 else [] for index in range(len(cells))]


def _output(output: dict):
    """One output as nbformat has it."""
    if "png" in output:
        return new_output("display_data", data={"image/png": _picture(output["png"])})
    if "error" in output:
        return new_output("stream", name="stdout", text=f"{str(output['error'])[:100]}: {str(output['says'])[:2000]}\n")
    return new_output("stream", name="stdout", text=str(output["text"])[:20_000])


def _picture(text: str) -> str:
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if not data.startswith(_PNG):
        raise ValueError("a picture that is no PNG")
    return base64.b64encode(data).decode()
