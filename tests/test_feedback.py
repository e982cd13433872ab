"""Feedback pages say what the checks said, need no network, show formulas and leak nothing."""

from __future__ import annotations

import html
import re

import nbformat
import pytest
from classroom import coded, reference
from course_copy import NAMES, course  # noqa: F401
from graded_class import EVERYONE, Page, graded, said  # noqa: F401
from shipped import REGION, held, secrets, squeeze

from ddpmlib.checks.catalogue import exercises
from grading.feedback import formula, render_markdown
from grading.sources import CHAPTERS


@pytest.mark.parametrize(("chapter", "submission"), EVERYONE)
def test_feedback_says_what_the_check_said(graded, chapter, submission):
    text = said(graded[chapter][submission.student]["page"])
    for words in submission.says:
        assert words in text
    for number, points in submission.points.items():
        entry = exercises()[number]
        assert f"Exercise {number}, {entry.title}: " in text
        if points == entry.points:
            assert f"Exercise {number}, {entry.title}: done" in text


@pytest.mark.parametrize("chapter", NAMES)
def test_feedback_shows_the_students_code(graded, chapter):
    page = re.sub(r"<[^>]+>", "", graded[chapter]["perfect"]["page"])
    for entry in coded(chapter):
        for name in entry.functions:
            assert f"def {name}(" in page
    for region in REGION.findall("\n".join(reference(chapter).values())):
        assert squeeze(region) in squeeze(html.unescape(page)), "the submitted code is shown in full"


@pytest.mark.parametrize(("chapter", "submission"), EVERYONE)
def test_feedback_needs_no_network_and_leaves_no_formula_raw(graded, chapter, submission):
    source = graded[chapter][submission.student]["page"]
    page = Page(source)
    assert not page.loads and not page.scripts
    assert "@import" not in source and "url(" not in source
    assert "$" not in page.text and "\\begin" not in page.text and "\\frac" not in page.text
    assert len(source) < 1_500_000


@pytest.mark.parametrize("chapter", NAMES)
def test_blank_feedback_leaks_nothing(graded, chapter):
    page = squeeze(html.unescape(re.sub(r"<[^>]+>", "", graded[chapter]["blank"]["page"])))
    given = squeeze("\n".join(path.read_text(encoding="utf-8") for path in CHAPTERS.glob("*.md")))
    assert not [name for name, secret in secrets("").items() if held(secret, page) and squeeze(secret) not in given]


@pytest.mark.parametrize("chapter", NAMES)
def test_every_formula_of_a_chapter_becomes_mathml(course, chapter):
    notebook = nbformat.read(course / "source" / chapter / f"{chapter}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            rendered = str(render_markdown(cell.source, trusted=True))
            page = Page(rendered)
            assert "$" not in page.text, cell.source
            assert not re.search(r"<(mi|mtext|mo|code)[^>]*>[^<]*\\[a-zA-Z]+", rendered), "a command that was not understood"


@pytest.mark.parametrize("latex", [
    r"\begin{aligned} a &= b \\ &\le \mathbb{E}_{q}\!\left[\log \frac{p_\theta(\mathbf{x}, \mathbf{z})}{q}\right] \end{aligned}",
    r"\operatorname{KL}(q \,\|\, p) \ge 0", r"\bar\alpha_t = \prod_{s=1}^t \alpha_s", r"\underbrace{a + b}_{\text{the prior}}",
    r"\boldsymbol{\epsilon} \sim \mathcal{N}(\mathbf{0}, \mathbf{I})", r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}",
])
def test_formulas_of_the_course_are_understood(latex):
    rendered = formula(latex, display=True)
    assert "<math" in rendered and "<code>" not in rendered
    assert not re.search(r">[^<]*\\[a-zA-Z]", rendered)


def test_a_formula_with_a_number_shows_it():
    assert '<span class="tag">(3.4)</span>' in formula(r"a = b \tag{3.4}", display=True)


def test_a_students_html_is_shown_and_not_used():
    rendered = str(render_markdown('<script>alert(1)</script> <img src="https://example.org/x.png"> ![x](https://example.org/y.png)'))
    assert "<script" not in rendered and "<img" not in rendered
