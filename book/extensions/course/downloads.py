"""Each chapter's student notebook: written into the built book, and linked below the chapter's title."""

from __future__ import annotations

import html
import os
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
FOLDER = "notebooks"  # in the built book


def setup(app: Sphinx) -> None:
    app.connect("doctree-resolved", add_link)
    app.connect("build-finished", write_notebooks)


def is_chapter(name: str) -> bool:
    """Whether a document is a chapter with exercises: ``chapters/NN_name``."""
    return Path(name).name[:2].isdigit()


def add_link(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Put a line with the link to the student notebook below the title of a chapter."""
    if app.builder.format != "html" or not is_chapter(name):
        return
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is None:
        return
    here = Path(app.builder.get_target_uri(name)).parent
    file = f"{Path(name).name}.ipynb"
    target = html.escape(Path(os.path.relpath(Path(FOLDER) / file, here)).as_posix(), quote=True)
    line = (
        f'<p class="course-notebook"><a class="course-notebook-link" href="{target}" download="{file}">'
        f"Notebook of this chapter</a> <span>Keep it in the folder that holds <code>ddpmlib</code>.</span></p>"
    )
    title.parent.insert(title.parent.index(title) + 1, nodes.raw("", line, format="html"))


def write_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Write the student notebook of every chapter into the built book."""
    if exception is not None or app.builder.format != "html":
        return
    from book.notebooks import student_notebook  # the course's root is on the path once the extension is set up

    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(filter(is_chapter, app.env.found_docs)):
        notebook = student_notebook(Path(app.env.doc2path(name)))
        nbformat.write(notebook, folder / f"{Path(name).name}.ipynb")
