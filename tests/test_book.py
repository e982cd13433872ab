"""The book builds without a warning; what changes is executed anew and nothing else; no page tells a solution."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from built_book import ROOT, strict_build

from ddpmlib.checks.catalogue import exercises
from grading.leaks import leaks, rubric_paragraphs, solution_blocks, squeezed
from grading.sources import chapter_paths

sys.path.insert(0, str(ROOT / "book" / "extensions"))
from course.closure import Finder, chapter_exercises, closure, code_trees, fingerprint  # noqa: E402

@pytest.fixture(scope="module")
def book():
    return strict_build()


def test_book_builds_with_warnings_as_errors(book):
    assert book.status == 0, book.log[-6000:]


def test_every_chapter_is_a_page_and_offers_its_notebook(book):
    for path in chapter_paths():
        page = (book.pages / "chapters" / f"{path.stem}.html").read_text(encoding="utf-8")
        (link,) = re.findall(r'<a class="course-notebook-link" href="([^"]+)" download="([^"]+)"', page)
        assert link == (f"../notebooks/{path.stem}.ipynb", f"{path.stem}.ipynb")
        notebook = nbformat.read(book.pages / "chapters" / link[0], as_version=4)
        nbformat.validate(notebook)
        asked = {cell.metadata.nbgrader.grade_id for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")}
        assert asked == {
            f"ex-{number.replace('.', '-')}" for number, entry in exercises().items() if entry.chapter == path.stem
        }


def test_exercises_stand_in_blocks_that_end_with_their_check(book):
    for path in chapter_paths():
        page = (book.pages / "chapters" / f"{path.stem}.html").read_text(encoding="utf-8")
        entries = [entry for entry in exercises().values() if entry.chapter == path.stem]
        assert len(re.findall(r'class="course-exercise course-exercise-\w+ ', page)) == len(entries)
        assert page.count("course-check") == sum(entry.kind != "written" for entry in entries)


def test_figures_and_equations_are_numbered_by_chapter(book):
    for path in chapter_paths():
        page = (book.pages / "chapters" / f"{path.stem}.html").read_text(encoding="utf-8")
        number = str(int(path.stem[:2]))
        source = path.read_text(encoding="utf-8")
        figures = re.findall(r"^    name: fig-", source, re.M)
        equations = re.findall(r"\$\$ \([\w-]+\)", source)
        assert re.findall(r'<span class="caption-number">Fig\. ([\d.]+) ?</span>', page) == [
            f"{number}.{index}" for index in range(1, len(figures) + 1)
        ]
        assert re.findall(r'<span class="eqno">\(([\d.]+)\)', page) == [
            f"{number}.{index}" for index in range(1, len(equations) + 1)
        ]


def test_no_solution_is_in_the_built_book(book):
    assert len(solution_blocks()) >= sum(bool(entry.functions) for entry in exercises().values())
    assert leaks(book.pages) == []


def test_the_search_for_solutions_finds_them_in_every_disguise(tmp_path):
    secrets = list(solution_blocks().items())[:3] + list(rubric_paragraphs().items())[:1]
    for index, (_, text) in enumerate(secrets):
        spans = "".join(f"<span class='n'>{part}</span> " for part in re.split(r"(?=\s)", text.replace("&", "&amp;").replace("<", "&lt;")))
        (tmp_path / f"{index}.html").write_text(f"<pre>{spans}</pre>")
        cell = nbformat.v4.new_code_cell("x = 1\n" + text)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{index}.ipynb")
        (tmp_path / f"{index}.py").write_text("if True:\n" + "\n".join(f"    {line}" for line in text.splitlines()))
    found = leaks(tmp_path)
    for index, (name, _) in enumerate(secrets):
        for ending in ("html", "ipynb", "py"):
            assert f"{index}.{ending}: {name}" in found


def test_the_pages_name_no_other_host(book):
    for path in book.pages.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe|source)[^>]*\ssrc="([^"]+)"', text)
        loaded += re.findall(r'<link(?![^>]*rel="(?:canonical|next|prev)")[^>]*\shref="([^"]+)"', text)
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)]


def closure_of(chapter: Path, *, reference: bool) -> set[str]:
    trees = code_trees(chapter)
    files = closure(trees, chapter_exercises(trees, chapter.stem, ROOT), Finder(ROOT, reference))
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_a_chapter_depends_on_what_it_imports_and_on_its_checks():
    first = closure_of(ROOT / "chapters" / "01_elbo.md", reference=True)
    assert {
        "ddpmlib/__init__.py", "ddpmlib/validation.py", "ddpmlib/checks/notebook.py", "ddpmlib/checks/judging.py",
        "ddpmlib/checks/judges/elbo.py", "ddpmlib/checks/runs/elbo.py", "solutions/ddpmlib/elbo.py",
    } <= first
    assert not first & {"ddpmlib/elbo.py", "ddpmlib/board.py", "ddpmlib/__main__.py", "ddpmlib/checks/catalogue.json"}
    assert "ddpmlib/elbo.py" in closure_of(ROOT / "chapters" / "01_elbo.md", reference=False)
    index = closure_of(ROOT / "chapters" / "index.md", reference=True)
    assert "ddpmlib/data.py" in index
    assert not {path for path in index if "elbo" in path}


def test_fingerprint_follows_the_exercises_of_the_chapter_only(tmp_path):
    shutil.copytree(ROOT / "ddpmlib", tmp_path / "ddpmlib")
    chapter = ROOT / "chapters" / "01_elbo.md"
    catalogue = tmp_path / "ddpmlib" / "checks" / "catalogue.json"
    rows = json.loads(catalogue.read_text())
    before = fingerprint(chapter, tmp_path, reference=False)
    catalogue.write_text(json.dumps([*rows, rows[0] | {"number": "99.1", "chapter": "99_other"}]))
    assert fingerprint(chapter, tmp_path, reference=False) == before
    rows[0]["points"] += 1
    catalogue.write_text(json.dumps(rows))
    assert fingerprint(chapter, tmp_path, reference=False) != before


def test_squeezed_text_has_no_white_space():
    assert squeezed(" a\n\tb c ") == "abc"
