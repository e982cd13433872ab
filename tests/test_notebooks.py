"""The student notebooks: every MyST construct has a plain form, and no chapter keeps any MyST."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import nbformat
import pytest

import ddpmlib
from book.chapter import blocks, read_chapter
from book.notebooks import student_notebook

CHAPTERS = sorted((ddpmlib.ROOT / "chapters").glob("[0-9][0-9]_*.md"))
HEADER = """\
---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

"""
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.S)


def convert(folder: Path, text: str, name: str = "03_test") -> nbformat.NotebookNode:
    (folder / f"{name}.md").write_text(HEADER + textwrap.dedent(text), encoding="utf-8")
    return student_notebook(folder / f"{name}.md")


def markdown(folder: Path, text: str) -> str:
    return "\n\n".join(cell.source for cell in convert(folder, text).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_myst_survives_in_a_chapter(path):
    notebook = student_notebook(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\{[\w:-]+\}`", cell.source), "a role"
            bare = _CODE.sub("", cell.source)
            assert not re.search(r"^[ >]*(:{3,}|`{3,}\{)", bare, re.M), "a directive's fence"
            assert not re.search(r"^[ >]*\([\w-]+\)=[ ]*$", bare, re.M), "a label"
            assert not re.search(r"\$\$[ ]*\([\w-]+\)[ ]*$", bare, re.M), "an equation's label"
            assert not [token for token in blocks(cell.source) if token.type == "math_block_label"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_code_metadata_and_order_are_kept(path):
    original = {cell["id"]: cell for cell in read_chapter(path).cells}
    kept = [cell for cell in student_notebook(path).cells if cell["id"] in original]
    assert [cell["id"] for cell in kept] == list(original)
    for cell in kept:
        assert cell.metadata == original[cell["id"]].metadata
        if cell.cell_type == "code":
            assert cell.source == original[cell["id"]].source


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_code_fits_beside_the_contents_of_the_page(path):
    cells = [cell for cell in read_chapter(path).cells if cell.cell_type == "code"]
    assert not [line for cell in cells for line in cell.source.splitlines() if len(line) > 86]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_conversion_is_deterministic_and_ids_are_unique(path):
    first, second = student_notebook(path), student_notebook(path)
    assert nbformat.writes(first) == nbformat.writes(second)
    assert len({cell["id"] for cell in first.cells}) == len(first.cells)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_tags_count_from_one(path):
    text = "\n".join(cell.source for cell in student_notebook(path).cells if cell.cell_type == "markdown")
    tags = re.findall(r"\\tag\{(\d+)\.(\d+)\}", text)
    assert tags == [(str(int(path.stem[:2])), str(index)) for index in range(1, len(tags) + 1)]


def test_equations_are_numbered_in_order_and_referred_to(tmp_path):
    text = markdown(tmp_path, r"""
        By {eq}`eq-b` and {eq}`eq-a`.

        $$
        a = 1
        $$ (eq-a)

        $$ c = 3 $$

        $$ b = 2 $$ (eq-b)
        """)
    assert "By (3.2) and (3.1)." in text
    assert "a = 1\n\\tag{3.1}\n$$" in text and "b = 2\n\\tag{3.2}\n$$" in text
    assert "$$\nc = 3\n$$" in text


def test_an_environment_that_counts_becomes_a_quiet_one(tmp_path):
    text = markdown(tmp_path, "$$\n\\begin{align}\na &= b\n\\end{align}\n$$ (eq-a)\n")
    assert "\\begin{aligned}\na &= b\n\\end{aligned}\n\\tag{3.1}" in text


def test_proof_blocks(tmp_path):
    text = markdown(tmp_path, """
        ::::{prf:theorem} The bound
        :label: thm-a

        For all $x
        > 0$ it holds:

        $$
        a
        = b
        $$ (eq-a)
        ::::

        :::{prf:definition}
        A thing.
        :::

        :::{prf:proof}
        By {prf:ref}`thm-a`,

        $$
        a
        = b
        $$
        :::

        :::{prf:theorem}
        :label: thm-b
        Also, {prf:ref}`the other one <thm-a>` and {prf:ref}`thm-b`.
        :::
        """)
    assert '> <a id="thm-a"></a>**Theorem 3.1** (The bound)' in text
    assert "> $$ a = b \\tag{3.1} $$" in text, "one line: Jupyter would show the quote marks inside a formula"
    assert "> For all $x" in text and "\n> > 0$" not in text
    assert "> **Definition 3.1**" in text
    assert "**Proof.**\n\nBy Theorem 3.1,\n\n$$\na\n= b\n$$\n\n∎" in text
    assert "> Also, the other one and Theorem 3.2." in text


def test_hints_and_admonitions_also_in_lists(tmp_path):
    text = markdown(tmp_path, """
        1. Step

           :::{dropdown} Hint 1
           A *nudge*.

           $$ x $$
           :::

        :::{admonition} Why
        :class: tip

        Because.
        :::
        """)
    assert "   <details>\n   <summary>Hint 1</summary>\n\n   A *nudge*.\n\n   $$\n   x\n   $$\n\n   </details>" in text
    assert "> **Why**\n>\n> Because." in text


def test_labels_headings_pages_and_other_chapters(tmp_path):
    (tmp_path / "02_other.md").write_text(HEADER + "# The other\n\n$$ a $$ (eq-far)\n", encoding="utf-8")
    (tmp_path / "facts.md").write_text("# An appendix\n\n(fact-sum)=\n## A sum\n", encoding="utf-8")
    text = markdown(tmp_path, """
        # Mine

        (sec-a)=
        ## A section

        {ref}`sec-a`, {ref}`here <sec-a>`, {doc}`02_other`, {doc}`there <02_other>`, {eq}`eq-far`, {ref}`fact-sum`, {doc}`facts`; `{eq}` and `(a)=` stay.

        % a comment
        """)
    assert '<a id="sec-a"></a>\n\n## A section' in text
    assert "A section, here, *The other*, there, (2.1), A sum, *An appendix*; `{eq}` and `(a)=` stay." in text
    assert "comment" not in text


def test_figures_get_their_captions(tmp_path):
    notebook = convert(tmp_path, """
        See {numref}`fig-a` and {numref}`Fig. %s <fig-a>`.

        ```{code-cell} ipython3
        ---
        mystnb:
          figure:
            caption: What $x_t$ does.
            name: fig-a
          image:
            alt: A curve.
        ---
        draw()
        ```
        """)
    assert "See Figure 3.1 and Fig. 3.1." in notebook.cells[0].source
    assert notebook.cells[1].source == "draw()"
    assert notebook.cells[2].source == '<a id="fig-a"></a>**Figure 3.1.** What $x_t$ does.'


def test_citations_and_the_list_of_references(tmp_path):
    (tmp_path / "references.bib").write_text(
        "@article{a2020, author={Ho, Jo and Jain, A. and Abbeel, P.}, title={On {X}}, journal={J}, year={2020}}\n"
        "@book{b2019, author={S{\\o}nderby, C.}, title={Y}, publisher={P}, year={2019}, url={https://example.org/y}}\n"
        "@book{c2018, author={Not, Cited}, title={Z}, publisher={P}, year={2018}}\n", encoding="utf-8")
    text = markdown(tmp_path, "{cite:t}`a2020` and {cite:p}`b2019,a2020`.")
    assert "Ho et al. (2020) and (Sønderby, 2019; Ho et al., 2020)." in text
    assert "## References\n\n- Jo Ho, A. Jain, P. Abbeel. *On X*. J, 2020.\n- C. Sønderby. *Y*. P, 2019. <https://example.org/y>" in text
    assert "Not, Cited" not in text and "Z" not in text


@pytest.mark.parametrize(("text", "says"), [
    ("{eq}`nowhere`", "no chapter has the label 'nowhere'"),
    ("{cite:t}`nobody2000`", "no entry nobody2000"),
    ("{doc}`nopage`", "no page 'nopage'"),
    ("{abbr}`x (y)`", "the role {abbr}"),
    (":::{tab-set}\nx\n:::", "the directive {tab-set}"),
])
def test_what_cannot_be_converted_is_named(tmp_path, text, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        convert(tmp_path, text + "\n")
