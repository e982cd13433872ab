"""What must not be shipped, and the search for it in what is."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

from grading.assemble import modules_of
from grading.sources import SOLUTIONS, chapter_paths

REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.S)


def secrets(after: str) -> dict[str, str]:
    """What an assignment of chapter ``after`` must not hold: its own and later solution regions, and all model answers."""
    found = {}
    earlier = {module for path in chapter_paths() if path.stem < after for module in modules_of(path.stem)}
    for path in sorted(SOLUTIONS.glob("*.py")):
        if path.stem not in earlier:
            for index, region in enumerate(REGION.findall(path.read_text(encoding="utf-8"))):
                found[f"{path.name}, region {index}"] = region
    for path in sorted((SOLUTIONS.parent / "rubrics").glob("*.md")):
        for index, paragraph in enumerate(re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))):
            if len(paragraph) >= 60 and not paragraph.startswith("#"):
                found[f"{path.name}, paragraph {index}"] = paragraph
    return found


def squeeze(text: str) -> str:
    return "".join(text.split())


def shipped_text(folder: Path) -> str:
    """All text of a folder, notebooks as their cells' text, without blanks."""
    texts = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".ipynb":
            texts += [cell.source for cell in nbformat.read(path, as_version=4).cells]
        elif path.is_file():
            texts.append(path.read_text(encoding="utf-8", errors="replace"))  # weights are no text
    return squeeze("\n".join(texts))


def held(secret: str, text: str) -> bool:
    """Whether a text holds a secret. A region of one short line may occur in given code by right: it needs its whole line."""
    secret = squeeze(secret)
    return len(secret) >= 12 and secret in text
