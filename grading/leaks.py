"""Find solutions where none may be: in a release, in the student edition, in the built book."""

from __future__ import annotations

import html
import json
import re
import textwrap
from pathlib import Path

from .sources import CHAPTERS, ROOT, SOLUTIONS

RUBRICS = ROOT / "solutions" / "rubrics"
_REGION = re.compile(r"^[ ]*### BEGIN SOLUTION\n(.*?)^[ ]*### END SOLUTION\n", re.M | re.S)
_TAG = re.compile(r"<[^>]*>")
_TEXTS = {".py", ".md", ".ipynb", ".html", ".js", ".json", ".txt", ".toml", ".yml", ".bib", ".mk", ".cfg", ""}
_SHORTEST = 40  # characters of a rubric's paragraph; shorter ones are headings and points


def solution_blocks() -> dict[str, str]:
    """The text of every solution region of the reference modules, by "module.py:line"."""
    found = {}
    for path in sorted(SOLUTIONS.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for match in _REGION.finditer(text):
            found[f"{path.name}:{text[: match.start()].count(chr(10)) + 1}"] = textwrap.dedent(match[1])
    return found


def rubric_paragraphs() -> dict[str, str]:
    """The paragraphs of the model answers and marking guides that do not stand in a chapter anyway, by "file:number"."""
    public = "".join(squeezed(path.read_text(encoding="utf-8")) for path in sorted(CHAPTERS.glob("*.md")))
    found = {}
    for path in sorted(RUBRICS.glob("*.md")):
        for number, paragraph in enumerate(re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))):
            wanted = squeezed(paragraph)
            if len(wanted) >= _SHORTEST and not paragraph.startswith("#") and wanted not in public:
                found[f"{path.name}:{number}"] = paragraph
    return found


def leaks(folder: Path) -> list[str]:
    """Where a solution or a model answer occurs in the files below ``folder``, whatever its white space and markup."""
    secrets = {name: squeezed(text) for name, text in (solution_blocks() | rubric_paragraphs()).items()}
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _TEXTS:
            texts = [squeezed(text) for text in readings(path)]
            found += [f"{path.relative_to(folder)}: {name}" for name, secret in secrets.items()
                      if any(secret in text for text in texts)]
    return found


def readings(path: Path) -> list[str]:
    """A file's text as it stands, and as it reads without markup (HTML) or JSON's escapes."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".html":
        return [text, html.unescape(_TAG.sub("", text))]
    if path.suffix in {".ipynb", ".json"}:
        return [text, "".join(_strings(json.loads(text)))]
    return [text]


def squeezed(text: str) -> str:
    """The text without any white space."""
    return "".join(text.split())


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for item in value for text in _strings(item)] if isinstance(value, list) else []
