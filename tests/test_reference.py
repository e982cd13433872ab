"""Each chapter has a reference notebook: it holds the chapter as it stands, and nbval finds its outputs again."""

import os
import subprocess
import sys

import nbformat
import pytest

import ddpmlib
from grading.reference import reference_path
from grading.sources import chapter_paths, read_chapter


@pytest.mark.parametrize("chapter", chapter_paths(), ids=lambda path: path.stem)
def test_nbval_finds_the_outputs_again(chapter):
    notebook = reference_path(chapter)
    code = sum(cell.cell_type == "code" for cell in nbformat.read(notebook, as_version=4).cells)
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}  # figures are outputs too
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
         str(notebook)],
        cwd=ddpmlib.ROOT, env={**environment, "DDPMLIB_REFERENCE": "1", "PYTHONPATH": str(ddpmlib.ROOT)},
        capture_output=True, text=True,
    )
    assert done.returncode == 0 and f"{code} passed" in done.stdout, done.stdout[-8000:] + done.stderr[-2000:]


@pytest.mark.parametrize("chapter", chapter_paths(), ids=lambda path: path.stem)
def test_reference_notebook_is_fresh(chapter):
    stored = nbformat.read(reference_path(chapter), as_version=4)
    cells = read_chapter(chapter).cells
    hint = f"run: python -m grading reference {chapter.stem}"
    assert [(cell.cell_type, cell.source, cell.metadata) for cell in stored.cells] == [
        (cell.cell_type, cell.source, cell.metadata) for cell in cells
    ], hint
    assert all(cell.execution_count for cell in stored.cells if cell.cell_type == "code"), hint


@pytest.mark.parametrize("chapter", chapter_paths(), ids=lambda path: path.stem)
def test_reference_notebook_earns_all_points_and_holds_text_alone(chapter):
    stored = nbformat.read(reference_path(chapter), as_version=4)
    for cell in stored.cells:
        if cell.cell_type != "code":
            continue
        assert all(output.output_type in {"stream", "execute_result", "display_data"} for output in cell.outputs)
        assert all(output.get("name") != "stderr" for output in cell.outputs), cell.source
        assert all(set(output.get("data", {"text/plain"})) == {"text/plain"} for output in cell.outputs)
        nbgrader = cell.metadata.get("nbgrader", {})
        if nbgrader.get("grade"):
            assert float(cell.outputs[-1].data["text/plain"]) == nbgrader["points"]
