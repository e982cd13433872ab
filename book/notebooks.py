"""The notebook of a chapter for plain Jupyter, without MyST: what students download, and what assignments are made of.

Code cells and all metadata stay exactly as they are. In Markdown cells, directives become bold titles, block quotes and
``<details>``; labels become anchors; a numbered display gets a ``\\tag``; references and citations become the text and the
numbers that the book shows. What this module does not know raises ValueError: nothing is passed through half converted.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from markdown_it.token import Token
from nbformat.v4 import new_markdown_cell

from .chapter import (
    Directive, Label, blocks, chapter_title, directive, figure_of, labels_of, read_chapter, section_labels, sibling_chapters,
)
from .citations import bibliography, cite, reference_list

_ROLE_OR_CODE = re.compile(
    r"\{(?P<role>[a-zA-Z][\w:-]*)\}(?P<mark>`+)(?P<content>.+?)(?<!`)(?P=mark)(?!`)"
    r"|(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", re.S)
_EXPLICIT = re.compile(r"(?P<text>.+?)\s*<(?P<target>[^<>]+)>", re.S)
_INLINE_MATH = re.compile(r"(?<![\\$])\$(?!\$)(?:\\.|[^$\\])+\$", re.S)
_PREFIX = re.compile(r"[ >]*")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(align|gather)\*?\}")
_TITLES = {"note", "tip", "warning", "important", "hint", "seealso", "attention", "caution"}


def student_notebook(path: Path) -> nbformat.NotebookNode:
    """The chapter as a plain notebook, ready to be written with ``nbformat.write``."""
    path = Path(path)
    notebook = read_chapter(path)
    convert = _Converter(path)
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = convert.markdown(cell.source)
        cells.append(cell)
        if cell.cell_type == "code" and "caption" in figure_of(cell):
            cells.append(new_markdown_cell(convert.caption(figure_of(cell)), id=f"{cell['id']}-caption"))
    if convert.cited:
        text = "## References\n\n" + reference_list(convert.cited, convert.entries)
        cells.append(new_markdown_cell(text, id=f"{path.stem.replace('_', '-')}-references"))
    notebook.cells = cells
    notebook.metadata.pop("jupytext", None)
    return notebook


class _Converter:
    """Converts one chapter's MyST to plain Markdown, and remembers what it has cited and how far it has counted."""

    def __init__(self, path: Path):
        self.path = path
        self.chapter = int(path.stem[:2])
        self.labels: dict[str, Label] = {}
        chapters = sibling_chapters(path)
        for other in chapters:
            self.labels |= labels_of(other)
        for page in sorted(set(path.parent.glob("*.md")) - set(chapters)):
            self.labels |= section_labels(page)
        self.entries = bibliography(path.parent / "references.bib")
        self.cited: set[str] = set()
        self.counts: dict[str, int] = {}

    def number(self, kind: str) -> str:
        """The next number of this kind: the cells are visited in the order in which the book counts."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{self.chapter}.{self.counts[kind]}"

    def caption(self, figure: dict[str, str]) -> str:
        anchor = f'<a id="{figure["name"]}"></a>' if "name" in figure else ""
        return f"{anchor}**Figure {self.number('figure')}.** {self.inline(str(figure['caption']).strip())}"

    def markdown(self, text: str, quoted: bool = False) -> str:
        """Convert a text; in a block quote, formulas stay on one line (Jupyter would show the ``>`` of the next)."""
        lines, done, out = text.splitlines(), 0, []
        for token in blocks(text):
            first, last = token.map
            out += self._plain(lines[done:first], quoted)
            prefix = _PREFIX.match(lines[first])[0]
            quotes = quoted or ">" in prefix
            converted = self._block(token, "\n".join(line[len(prefix):] for line in lines[first:last]), quotes)
            out += [(prefix + line).rstrip() if line else prefix.rstrip() for line in converted]
            done = last
        return "\n".join(out + self._plain(lines[done:], quoted)).strip("\n")

    def _plain(self, lines: list[str], quoted: bool) -> list[str]:
        text = self.inline("\n".join(lines))
        if quoted:
            text = _INLINE_MATH.sub(lambda match: " ".join(match[0].split()), text)
        return text.split("\n") if lines else []

    def _block(self, token: Token, verbatim: str, quoted: bool) -> list[str]:
        if token.type in {"math_block", "math_block_label"}:
            return self._display(token.content, token.info if token.type == "math_block_label" else "", quoted)
        if token.type == "myst_target":
            return [f'<a id="{token.content}"></a>', ""]
        if token.type == "myst_line_comment":
            return []
        found = directive(token)
        return self._directive(found, quoted) if found else verbatim.split("\n")

    def _display(self, formula: str, label: str, quoted: bool) -> list[str]:
        lines = [line.strip() for line in formula.strip().splitlines()]
        if label:
            # plain notebooks number nothing by themselves: an environment that would count gets its quiet twin
            lines = [_ENVIRONMENT.sub(r"\\\1{\2ed}", line) for line in lines] + [f"\\tag{{{self.number('equation')}}}"]
        if quoted:
            return [f"$$ {' '.join(line for line in lines if not line.startswith('%'))} $$"]
        anchor = [f'<a id="{label}"></a>', ""] if label else []
        return [*anchor, "$$", *lines, "$$"]

    def _directive(self, found: Directive, quoted: bool) -> list[str]:
        domain, _, kind = found.name.rpartition(":")
        anchor = f'<a id="{found.options["label"]}"></a>' if "label" in found.options else ""
        title = self.inline(found.title)
        if found.name == "dropdown":
            return ["<details>", f"<summary>{title}</summary>", "", *self._body(found, quoted), "", "</details>"]
        if found.name == "math":
            return self._display(found.body, found.options.get("label", ""), quoted)
        if found.name == "prf:proof":
            return [f"{anchor}**Proof.**" + (f" {title}" if title else ""), "", *self._body(found, quoted), "", "∎"]
        if domain == "prf":
            number = "" if "nonumber" in found.options else f" {self.number(kind)}"
            heading = f"{anchor}**{kind.capitalize()}{number}**" + (f" ({title})" if title else "")
        elif found.name == "admonition" or found.name in _TITLES:
            heading = f"{anchor}**{title or found.name.capitalize()}**"
        else:
            raise ValueError(f"{self.path.name}: the directive {{{found.name}}} has no plain form; see CONTRIBUTING.md")
        body = self._body(found, quoted=True)
        return [f"> {line}".rstrip() for line in [heading, "", *body]]

    def _body(self, found: Directive, quoted: bool) -> list[str]:
        return self.markdown(found.body, quoted).split("\n")

    def inline(self, text: str) -> str:
        """Replace the roles of a text; code between backticks stays."""
        return _ROLE_OR_CODE.sub(lambda match: self._role(match) if match["role"] else match[0], text)

    def _role(self, match: re.Match) -> str:
        role, content = match["role"], " ".join(match["content"].split())
        if role in {"cite:t", "cite:p", "cite"}:
            keys = [key.strip() for key in content.split(",")]
            text = cite(keys, self.entries, textual=role == "cite:t")
            self.cited |= set(keys)
            return text
        explicit = _EXPLICIT.fullmatch(content)
        wording, target = (explicit["text"], explicit["target"]) if explicit else ("", content)
        if role == "doc":
            return wording or f"*{self._page(target)}*"
        if role not in {"eq", "math:numref", "ref", "numref", "prf:ref"}:
            raise ValueError(f"{self.path.name}: the role {{{role}}} has no plain form; see CONTRIBUTING.md")
        label = self._label(target)
        if role in {"eq", "math:numref"}:
            return f"({label.number})"
        if role == "ref":
            return wording or self.inline(label.title)
        named = f"{label.kind.capitalize()} {label.number}"
        return re.sub(r"%s|\{number\}", label.number, wording).replace("{name}", label.title) if wording else named

    def _label(self, name: str) -> Label:
        label = self.labels.get(name) or self.labels.get(name.lower())
        if label is None:
            raise ValueError(f"{self.path.name}: no chapter has the label {name!r}")
        return label

    def _page(self, target: str) -> str:
        page = (self.path.parent / target.lstrip("/")).with_suffix("")
        if page.stem in self.labels:
            return self.labels[page.stem].title
        found = next((page.with_suffix(end) for end in (".md", ".ipynb") if page.with_suffix(end).exists()), None)
        if found is None:
            raise ValueError(f"{self.path.name}: there is no page {target!r}")
        return chapter_title(found)
