"""Read a chapter: its cells, the blocks of its MyST text, and the numbers that the book gives to what is labelled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext
import nbformat
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

_PARSER = (
    MarkdownIt("commonmark")
    .use(dollarmath_plugin, allow_labels=True, double_inline=True)
    .use(colon_fence_plugin)
    .use(myst_block_plugin)
    .enable("table")
)
_DIRECTIVE = re.compile(r"\{(?P<name>[^}]+)\}[ ]*(?P<title>.*)")
_OPTION = re.compile(r":(?P<key>[\w-]+):[ ]*(?P<value>.*)")


@dataclass(frozen=True)
class Label:
    """What a label stands at: ``kind`` is equation, figure, section, document or a proof type; "1.3"; its title."""

    kind: str
    number: str
    title: str


@dataclass(frozen=True)
class Directive:
    """A directive: its name ("prf:theorem"), its title, its options and its body."""

    name: str
    title: str
    options: dict[str, str]
    body: str


def read_chapter(path: Path) -> nbformat.NotebookNode:
    """A chapter as a notebook, with cell ids that depend on nothing but the order of its cells."""
    notebook = jupytext.read(path)
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.stem.replace('_', '-')}-{index:03d}"
    return notebook


def sibling_chapters(path: Path) -> list[Path]:
    """All chapters in the folder of this one, in order: ``NN_name.md``."""
    return sorted(path.parent.glob("[0-9][0-9]_*.md"))


def blocks(text: str) -> list[Token]:
    """The tokens of a text that stand for whole lines and need more than plain Markdown, in order."""
    kinds = {"colon_fence", "fence", "math_block", "math_block_label", "myst_target", "myst_line_comment"}
    return [token for token in _PARSER.parse(text) if token.type in kinds]


def directive(token: Token) -> Directive | None:
    """The directive that a fence holds; None for a fence of plain code."""
    match = _DIRECTIVE.match(token.info.strip())
    if token.type not in {"colon_fence", "fence"} or not match:
        return None
    lines = token.content.splitlines()
    options: dict[str, str] = {}
    if lines and lines[0].strip() == "---" and "---" in lines[1:]:
        end = lines.index("---", 1)
        options = {key: str(value) for key, value in (yaml.safe_load("\n".join(lines[1:end])) or {}).items()}
        lines = lines[end + 1 :]
    while lines and (option := _OPTION.fullmatch(lines[0].strip())):
        options[option["key"]] = option["value"]
        lines = lines[1:]
    return Directive(match["name"], match["title"].strip(), options, "\n".join(lines).strip("\n"))


def figure_of(cell: nbformat.NotebookNode) -> dict[str, str]:
    """The caption and the name of a cell's figure; an empty dict if the cell draws none."""
    return dict(cell.metadata.get("mystnb", {}).get("figure", {}))


def chapter_title(path: Path) -> str:
    """The first heading of a page, without its mark-up for levels."""
    found = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.M)
    return found[1].strip() if found else path.stem


def section_labels(path: Path) -> dict[str, Label]:
    """The labelled headings of a page without a chapter's number, such as an appendix."""
    return {name: Label(kind, "", title) for kind, name, title in _labelled(path.read_text(encoding="utf-8")) if kind == "section"}


def labels_of(path: Path) -> dict[str, Label]:
    """All labels of a chapter. Equations, figures and each proof type are counted on their own: 3.1, 3.2, ..."""
    return _labels(path, path.stat().st_mtime_ns)


@cache
def _labels(path: Path, stamp: int) -> dict[str, Label]:
    chapter = int(path.stem[:2])
    counts: Counter[str] = Counter()
    labels = {path.stem: Label("document", str(chapter), chapter_title(path))}

    def add(kind: str, name: str | None, title: str = "") -> None:
        counts[kind] += 1
        if name:
            labels[name] = Label(kind, f"{chapter}.{counts[kind]}", title)

    for cell in read_chapter(path).cells:
        if cell.cell_type == "markdown":
            for kind, name, title in _labelled(cell.source):
                add(kind, name, title)
        elif "caption" in (figure := figure_of(cell)):
            add("figure", figure.get("name"), figure["caption"])
    return labels


def _labelled(text: str) -> Iterator[tuple[str, str | None, str]]:
    """Kind, label and title of everything in a text that the book numbers, in order, and of its labelled headings."""
    lines = text.splitlines()
    for token in blocks(text):
        if token.type == "math_block_label":
            yield "equation", token.info, ""
        elif token.type == "myst_target":
            following = next((line for line in lines[token.map[1] :] if line.strip()), "")
            yield "section", token.content, following.lstrip("# ").strip()
        elif found := directive(token):
            domain, _, kind = found.name.rpartition(":")
            if found.name == "math" and "label" in found.options:
                yield "equation", found.options["label"], ""
            if domain == "prf" and kind != "proof" and "nonumber" not in found.options:
                yield kind, found.options.get("label"), found.title
            yield from _labelled(found.body)
