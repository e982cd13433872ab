"""A grader of a class: a process that grades the submissions that it is told to, with a warm sandbox, in the course's folder.

``python -m grading.worker <chapter> [figures] [unprotected]`` reads an order a line from standard input and writes a report a line to standard output,
both JSON. It ends when standard input does, also in the middle of a submission, and the sandbox ends with it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .inside import system

TRIES = 4  # of a submission, where another grader was in the way
_IN_THE_WAY = ("OperationalError", "IntegrityError", "InvalidEntry", "FlushError", "DeadlockDetected", "StaleDataError")


def skip_slow_import() -> None:
    """Let jsonschema do without a library that takes longer to import than a submission to grade: it checks addresses' syntax.

    No schema of notebooks names such a format.
    """
    sys.modules.setdefault("rfc3987_syntax", None)


class Grader:
    """Grades submissions of one chapter, one after the other."""

    def __init__(self, chapter: str, *, sandbox: bool, figures: bool):
        from .sandbox import Sandbox

        self.sandbox = Sandbox(Path("source", chapter).resolve(), isolated=sandbox, figures=figures)
        self.sandbox.begin()  # it warms up while this process does

        from nbgrader.apps import NbGraderAPI
        from traitlets.config.loader import PyFileConfigLoader

        config = PyFileConfigLoader("nbgrader_config.py", path=os.getcwd()).load_config()
        config.CourseAutograde.sandbox, config.CourseAutograde.figures = sandbox, figures

        from .autograde import CourseAutograde, keep_engine
        from .judged import warm_up

        warm_up(chapter)
        keep_engine()
        self.chapter = chapter
        self.api = NbGraderAPI(config=config)
        self.api.log.setLevel(logging.WARNING)
        self.api.log.propagate = False
        self.api.coursedir.db_url = patient(self.api.coursedir.db_url)
        CourseAutograde.warm = self.sandbox
        self.sandbox.start()

    def grade(self, order: dict) -> dict:
        """Grade one student; the report says what became of it."""
        start = time.time()
        for attempt in range(TRIES):
            with only_one(Path(self.api.coursedir.format_path(self.api.coursedir.autograded_directory, ".locks", order["student"]))):
                outcome, log = self._convert(order)
            if not any(name in log for name in _IN_THE_WAY) or outcome in {"graded", "kept"}:
                break
            time.sleep(0.2 * 3**attempt)
        report = {"student": order["student"], "outcome": outcome, "seconds": round(time.time() - start, 3), "grader": os.getpid()}
        return report if outcome in {"graded", "kept"} else {**report, "log": log[-6000:]}

    def _convert(self, order: dict) -> tuple[str, str]:
        from nbgrader.utils import capture_log, temp_attrs

        from .autograde import CourseAutograde

        with temp_attrs(self.api.coursedir, assignment_id=self.chapter):
            converter = CourseAutograde(coursedir=self.api.coursedir, parent=self.api)
            converter.students = [order["student"]]  # whose name may hold what nbgrader would read as a pattern
            for name in ("force", "only", "new_seeds"):
                if name in order:
                    setattr(converter, name, order[name])
            told = capture_log(converter)
        log = f"{told.get('log', '')}\n{told.get('error', '')}"
        return converter.outcome.get(order["student"], "failed"), log


def patient(url: str) -> str:
    """The URL of a gradebook; of an SQLite file, with the time that graders wait for one another."""
    return f"{url}?timeout=60" if url.startswith("sqlite:") and "?" not in url else url


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock of a submission, so that no two graders of this folder ever grade it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def end_with(pipe: int) -> None:
    """End this process as soon as the other end of a pipe is closed, whatever it is doing then."""
    def watch() -> None:
        poll = select.poll()
        poll.register(pipe, 0)  # nothing but the end
        poll.poll()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    if sys.platform == "linux":
        system.die_with_parent()
    end_with(0)
    skip_slow_import()
    answer_to = os.dup(1)
    os.dup2(2, 1)  # whatever is printed while grading must not get between the reports
    with os.fdopen(answer_to, "w", encoding="utf-8") as reports:
        try:
            grader = Grader(sys.argv[1], sandbox="unprotected" not in sys.argv[2:], figures="figures" in sys.argv[2:])
        except Exception as error:
            print(json.dumps({"cannot": f"{type(error).__name__}: {error}"}), file=reports, flush=True)
            return
        print(json.dumps({"ready": os.getpid(), "sandbox": grader.sandbox.name}), file=reports, flush=True)
        for line in sys.stdin:
            print(json.dumps(grader.grade(json.loads(line))), file=reports, flush=True)
        grader.sandbox.close()


if __name__ == "__main__":
    main()
