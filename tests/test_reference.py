"""Each chapter has a reference notebook, and it holds the chapter as it stands (nbval compares the outputs)."""

import nbformat
import pytest

from grading.reference import reference_path
from grading.sources import chapter_paths, read_chapter


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
