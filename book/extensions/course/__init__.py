"""The book's own Sphinx extension.

``environment`` runs the chapters on the reference, or on the student's own code where there is no reference;
``stale`` re-executes a chapter when a module that it uses has changed; ``downloads`` writes the chapters' student
notebooks into the book and links them; ``blocks`` makes the exercises recognisable on the
page; ``citations`` puts years into round brackets.
"""

from __future__ import annotations

from sphinx.application import Sphinx

from . import blocks, citations, downloads, environment, stale


def setup(app: Sphinx) -> dict[str, object]:
    environment.setup(app)
    stale.setup(app)
    downloads.setup(app)
    blocks.setup(app)
    citations.register()
    return {"parallel_read_safe": True, "parallel_write_safe": True}
