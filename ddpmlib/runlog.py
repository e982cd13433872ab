"""The log of a run: one JSON object a line, which outlives a process that is killed while it writes.

A line has either the keys "step" and "loss" (and more), or an "event": "start", "resume", "checkpoint", "stop", "end".
"""

from __future__ import annotations

import json
import os
from pathlib import Path


class RunLog:
    """Appends records to a file; ``RunLog(None)`` writes nothing, which is what all processes but one do."""

    def __init__(self, path: str | os.PathLike | None):
        self.file = None
        if path is not None:
            path = Path(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
            self.file = open(path, "a", encoding="utf-8")
            self.file.write("\n" if unfinished else "")

    def write(self, **record: object) -> None:
        """Append one record; it is in the file when this returns."""
        if self.file is not None:
            self.file.write(json.dumps(record) + "\n")
            self.file.flush()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def read_log(path: str | os.PathLike) -> list[dict]:
    """The records of the steps that are part of the run: what a killed process had done after its last checkpoint is left out.

    Lines that were not written to their end are skipped, and a file that is not there has no records.
    """
    records: list[dict] = []
    for record in all_records(path):
        if record.get("event") in ("start", "resume"):
            records = [kept for kept in records if kept["step"] <= record["step"]]
        elif "event" not in record and "step" in record:
            records.append(record)
    return records


def all_records(path: str | os.PathLike) -> list[dict]:
    """All whole lines of the file, in their order."""
    found = []
    if Path(path).exists():
        for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict):
                found.append(record)
    return found
