"""The records that grading leaves: ``verdicts.json`` beside each graded notebook."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

RECORD = "verdicts.json"
_MOST_FILES = 10_000


def fingerprint(submission: Path) -> str:
    """A mark of what is handed in: the names, kinds, sizes and times of its files; nothing of them is opened."""
    mark, count = hashlib.sha256(), 0
    if submission.is_symlink() or not submission.is_dir():
        status = os.lstat(submission)
        return hashlib.sha256(repr((status.st_mode, status.st_size, status.st_mtime_ns)).encode()).hexdigest()
    for folder, folders, names in os.walk(submission):
        folders.sort()
        for name in sorted([*names, *folders]):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            is_folder = (status.st_mode & 0o170000) == 0o040000
            facts = (os.path.relpath(path, submission), status.st_mode & 0o170000, *(() if is_folder else (status.st_size, status.st_mtime_ns)))
            mark.update(repr(facts).encode("utf-8", errors="surrogateescape"))
            count += 1
            if count >= _MOST_FILES:
                return mark.hexdigest()
    return mark.hexdigest()


def read_record(folder: Path) -> dict:
    """The record in a folder of ``autograded/``; empty if there is none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def is_graded(submission: Path, graded: Path) -> bool:
    """Whether ``graded`` holds the verdicts on what ``submission`` holds now."""
    return read_record(graded).get("fingerprint") == fingerprint(submission)


def write_record(path: Path, record: dict[str, object]) -> None:
    """Write a record as JSON, at one stroke: it is there in full or not at all."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
