"""Make the exercises and the proofs recognisable on the page.

An exercise is a heading ``Exercise 3.2 (code): Title`` and what follows it, up to its check or to the place of the
written answer. That much is put into a block of its own; the text after it belongs to the chapter again.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

from .environment import reference_mode

_TITLE = re.compile(r"^Exercise \d+\.\d+ \((code|derivation|written|lab)\): ")
_ANSWER = "Your answer here."


def setup(app: Sphinx) -> None:
    app.connect("doctree-resolved", mark_exercises)
    app.connect("doctree-resolved", label_proofs)
    app.connect("missing-reference", name_missing_figure)


def mark_exercises(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Put every exercise of a page into a block of the class ``course-exercise``, and mark its cell with the check."""
    for section in list(doctree.findall(nodes.section)):
        title = section.next_node(nodes.title)
        match = title is not None and title.parent is section and _TITLE.match(title.astext())
        if not match:
            continue
        title["classes"] += ["course-exercise-title"]
        block = nodes.container(classes=["course-exercise", f"course-exercise-{match[1]}"])
        start = section.index(title) + 1
        for child in section.children[start : _end(section, start)]:
            section.remove(child)
            block.append(child)
        section.insert(start, block)


def _end(section: nodes.section, start: int) -> int:
    """The index behind the last node of an exercise: its check, its place for an answer, or all before a subsection."""
    for index, child in enumerate(section.children[start:], start):
        if isinstance(child, nodes.section):
            return index
        if child.get("nb_element") == "cell_code" and _source(child).lstrip().startswith("check("):
            child["classes"].append("course-check")
            return index + 1
        if isinstance(child, nodes.paragraph) and child.astext() == _ANSWER:
            return index + 1
    return len(section.children)


def _source(cell: nodes.Element) -> str:
    block = cell.next_node(nodes.literal_block)
    return "" if block is None else block.astext()


def label_proofs(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Set the word "Proof." of each proof apart, and give each proof of a page an id of its own."""
    proofs = [node for node in doctree.findall(nodes.admonition) if node.get("ids") == ["proof"]]
    for number, proof in enumerate(proofs, 1):
        proof["ids"] = [f"proof-{number}"]
        proof["classes"].append("course-proof")
        text = proof.next_node(nodes.Text)
        if text is not None and text.startswith("Proof."):
            rest = nodes.Text(text.removeprefix("Proof."))
            text.parent.replace(text, [nodes.inline("", "Proof.", classes=["course-proof-label"]), rest])


def name_missing_figure(app: Sphinx, env, node: nodes.Element, content: nodes.Node) -> nodes.Node | None:
    """Where a student's code has not drawn a figure yet, a reference to it reads "the figure to come"."""
    if reference_mode() or node.get("reftype") != "numref":
        return None
    return nodes.inline("", "the figure to come", classes=["course-figure-to-come"])
