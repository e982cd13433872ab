"""Make the reference notebooks: the chapters executed on the reference implementation, text outputs only."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from .sources import ROOT, chapter_paths, read_chapter

REFERENCE_NOTEBOOKS = ROOT / "solutions"
_TIMEOUT = 300


def reference_path(chapter: Path) -> Path:
    """Where the reference notebook of a chapter stands."""
    return REFERENCE_NOTEBOOKS / f"{chapter.stem}.ipynb"


def text_only(cell: nbformat.NotebookNode) -> None:
    """Keep of a code cell's outputs what nbval can compare: their text; a picture's is its size and number of axes."""
    for output in cell.outputs:
        if output.output_type in {"display_data", "execute_result"}:
            output.data = {"text/plain": output.data["text/plain"]}
            output.metadata = {}
    cell.metadata.pop("execution", None)


def executed(chapter: Path) -> nbformat.NotebookNode:
    """The chapter's notebook with the outputs that the reference gives."""
    notebook = read_chapter(chapter)
    environment = dict(os.environ, DDPMLIB_REFERENCE="1", OMP_NUM_THREADS="1")
    environment["PYTHONPATH"] = str(ROOT)
    # what a cell prints is one output, however the kernel's messages cut it
    client = NotebookClient(notebook, timeout=_TIMEOUT, kernel_name="python3", coalesce_streams=True)
    client.execute(env=environment, cwd=str(chapter.parent))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            text_only(cell)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return notebook


def write_reference(only: list[str] | None = None) -> list[Path]:
    """Execute the chapters (all, or those named) and write their reference notebooks; return what was written."""
    written = []
    for chapter in chapter_paths():
        if not only or chapter.stem in only:
            path = reference_path(chapter)
            nbformat.write(executed(chapter), path)
            written.append(path)
    return written
