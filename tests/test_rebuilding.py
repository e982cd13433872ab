"""What has changed is executed anew and nothing else; an error on the reference stops the build."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from built_book import ROOT, build

CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# {title}

## A section

```{{code-cell}} ipython3
{code}
```
"""


@pytest.fixture(scope="module")
def small_book(tmp_path_factory) -> Path:
    """A book of two chapters on the course's own library: one uses ddpmlib.elbo, the other only the data."""
    root = tmp_path_factory.mktemp("small") / "book"
    root.mkdir()
    for name in ("book", "ddpmlib", "solutions"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "_config.yml", root)
    chapters = root / "chapters"
    chapters.mkdir()
    shutil.copy(ROOT / "chapters" / "references.bib", chapters)
    (root / "_toc.yml").write_text("format: jb-book\nroot: chapters/one\nchapters:\n- file: chapters/two\n")
    (chapters / "one.md").write_text(
        CHAPTER.format(title="One", code="from ddpmlib import elbo\nprint(elbo.__doc__, getattr(elbo, 'NEW', 'as it was'))")
    )
    (chapters / "two.md").write_text(
        CHAPTER.format(title="Two", code="from ddpmlib.data import digits\nprint(len(digits()[0]))")
    )
    return root


def executed(log: str) -> list[str]:
    return re.findall(r"chapters/(\w+)\.md: Executed notebook", log)


def test_a_changed_module_executes_anew_only_what_uses_it(small_book):
    first = build(small_book, "-W", "-n", DDPMLIB_REFERENCE=None)
    assert first.status == 0, first.log
    assert executed(first.log) == ["one", "two"]
    assert "as it was" in (first.pages / "chapters" / "one.html").read_text()

    again = build(small_book, "-W", "-n", DDPMLIB_REFERENCE=None)
    assert again.status == 0
    assert executed(again.log) == []

    with (small_book / "solutions" / "ddpmlib" / "elbo.py").open("a") as file:
        file.write('\nNEW = "changed"\n')
    changed = build(small_book, "-W", "-n", DDPMLIB_REFERENCE=None)
    assert changed.status == 0, changed.log
    assert executed(changed.log) == ["one"]
    assert "changed" in (changed.pages / "chapters" / "one.html").read_text()

    strict = build(small_book, "--all", "-W", "-n", "--keep-going", DDPMLIB_REFERENCE=None)
    assert strict.status == 0
    assert executed(strict.log) == []

    own_code = build(small_book, "-W", "-n", DDPMLIB_REFERENCE="0")
    assert own_code.status == 0, own_code.log
    assert "one" in executed(own_code.log)
    assert "as it was" in (own_code.pages / "chapters" / "one.html").read_text()


def test_an_error_on_the_reference_stops_the_build(small_book):
    chapter = small_book / "chapters" / "two.md"
    before = chapter.read_text()
    chapter.write_text(before.replace("print(", "1 / 0; print("))
    assert build(small_book, DDPMLIB_REFERENCE="1").status != 0
    chapter.write_text(before)
    assert build(small_book, DDPMLIB_REFERENCE="1").status == 0
