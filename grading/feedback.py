"""Feedback pages: one small HTML file a student, with everything in it, so that it is read without a network.

The page opens with the points of each exercise. Then come the exercises: the task, the student's code, what the check said,
the grader's comment. The rest of the chapter is folded. Formulas are MathML, which browsers draw by themselves.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import jinja2
import nbformat
from latex2mathml.converter import convert as to_mathml
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbconvert.exporters import Exporter
from nbconvert.filters import strip_ansi
from nbgrader.preprocessors import GetGrades
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from traitlets import default

from .records import read_record

_TAG = re.compile(r"\\tag\{([^{}]*)\}")
_EXERCISE = re.compile(r"^(?:text|source|ex)-(\d+)-(\d+)")
_FORMATTER = HtmlFormatter(style="default", nowrap=False)


def formula(latex: str, *, display: bool) -> str:
    """A formula as MathML; one that cannot be read (a student's slip) is shown as it was typed."""
    tag = _TAG.search(latex)
    try:
        mathml = to_mathml(_TAG.sub("", latex).strip(), display="block" if display else "inline")
    except Exception:  # the library raises whatever its parser meets
        return f"<code>{html.escape(latex)}</code>"
    if not display:
        return mathml
    number = f'<span class="tag">({html.escape(tag[1])})</span>' if tag else ""
    return f'<div class="display"><span class="formula">{mathml}</span>{number}</div>'


def _markdown(trusted: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": trusted}).enable("table")
    parser.use(dollarmath_plugin, double_inline=True,
               renderer=lambda content, options: formula(content, display=options["display_mode"]))
    for rule, display in (("math_inline", False), ("math_inline_double", True), ("math_block", True)):
        parser.add_render_rule(rule, lambda self, tokens, index, options, env, display=display:
                               formula(tokens[index].content, display=display))
    parser.add_render_rule("image", lambda self, tokens, index, options, env: html.escape(tokens[index].content))
    return parser


_CHAPTER, _STUDENT = _markdown(trusted=True), _markdown(trusted=False)


def render_markdown(text: str, *, trusted: bool = False) -> Markup:
    """Markdown as HTML. Only the chapter's own text may bring HTML with it (``<details>`` of the hints)."""
    return Markup((_CHAPTER if trusted else _STUDENT).render(text))


def render_code(text: str) -> Markup:
    return Markup(highlight(text, PythonLexer(), _FORMATTER))


def exercise_of(cell: nbformat.NotebookNode) -> str:
    """The number of the exercise that a cell belongs to ("3.2"), or an empty text."""
    match = _EXERCISE.match(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
    return f"{match[1]}.{match[2]}" if match else ""


def sections(nb: nbformat.NotebookNode) -> list[tuple[str, list]]:
    """The cells in runs: from the first to the last cell of an exercise (its number), and those between (an empty text)."""
    numbers = [exercise_of(cell) for cell in nb.cells]
    for number in dict.fromkeys(filter(None, numbers)):
        first, last = numbers.index(number), len(numbers) - numbers[::-1].index(number)
        numbers[first:last] = [number] * (last - first)
    runs: list[tuple[str, list]] = []
    for number, cell in zip(numbers, nb.cells):
        if not runs or runs[-1][0] != number:
            runs.append((number, []))
        runs[-1][1].append(cell)
    return runs


class GetMarks(GetGrades):
    """Get scores and comments from the gradebook, and whether an answer still waits to be marked by hand."""

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(
            cell.metadata["nbgrader"]["grade_id"], self.notebook_id, self.assignment_id, self.student_id)
        cell.metadata.nbgrader["unmarked"] = bool(grade.needs_manual_grade and grade.manual_score is None)


def _sentence(text: str) -> Markup:
    """A finding of vetting: plain text, in which what stands between back quotes is set as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text)))


class FeedbackExporter(Exporter):
    """nbgrader's feedback as a page that loads nothing."""

    @default("file_extension")
    def _file_extension_default(self):
        return ".html"

    def from_notebook_node(self, nb, resources=None, **kw):
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True,
            undefined=jinja2.StrictUndefined)
        environment.globals |= {"code": render_code, "plain": strip_ansi}
        name = resources["nbgrader"]
        official = nbformat.read(Path("source") / name["assignment"] / f"{name['notebook']}.ipynb", as_version=4)
        chapter_text = {cell.source for cell in official.cells if cell.cell_type == "markdown"}
        environment.globals["markdown"] = lambda text: render_markdown(text, trusted=text in chapter_text)
        environment.globals["sentence"] = _sentence
        graded = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        record = read_record(Path("autograded") / name["student"] / name["assignment"])
        page = environment.get_template("feedback.html.j2").render(
            sections=sections(nb), graded=graded, findings=record.get("findings", []), result=resources["nbgrader"], exercise_of=exercise_of,
            highlighting=Markup(_FORMATTER.get_style_defs(".highlight")))
        return page, resources
