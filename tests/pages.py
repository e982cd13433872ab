"""Execute the code cells of a page in this process, and keep what each of them printed."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext
import matplotlib.pyplot as plt
import torch

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"


@dataclass(frozen=True)
class Page:
    """A page that was executed: its source, the names that its cells define, and what they printed, cell by cell."""

    text: str
    names: dict[str, object]
    printed: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """All printed lines of the page."""
        return "".join(self.printed).splitlines()

    def printed_after(self, label: str) -> str:
        """What the first cell below the label ``(label)=`` printed."""
        before = self.text[: self.text.index(f"({label})=")]
        return self.printed[before.count("```{code-cell}")]


@cache
def run_page(name: str) -> Page:
    """Run the cells of ``chapters/<name>.md`` in order; what they set globally is set back."""
    path = CHAPTERS / f"{name}.md"
    names: dict[str, object] = {"__name__": "page"}
    printed = []
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    try:
        for cell in jupytext.read(path).cells:
            if cell.cell_type != "code":
                continue
            output = io.StringIO()
            with contextlib.redirect_stdout(output), plt.rc_context():
                exec(compile(cell.source, f"{name}, cell {len(printed)}", "exec"), names)
            plt.close("all")
            printed.append(output.getvalue())
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
    return Page(path.read_text(encoding="utf-8"), names, tuple(printed))
