"""The graders of one machine: processes that have imported everything, and grade the submissions that they are told to.

``python -m grading.worker <chapter> <count> [figures] [unprotected]``, in the course's folder, warms up once and then forks as many graders;
each has a copy of one warm sandbox. The process that forked them reads orders from standard input and writes reports to standard output, a
line of JSON each, and hands them on. It ends at the line ``end``, and when standard input does, at once; all others end with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .inside import system

TRIES = 4  # of a submission, where another grader was in the way
SECONDS = 900.0  # for one submission, after which its grader is ended
LOOK = 5.0  # seconds between two looks at the clock
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

        self.chapter = chapter
        self.kind = {"assignment": Path("source", chapter).resolve(), "isolated": sandbox, "figures": figures}
        self.template = Sandbox(**self.kind)
        self.template.begin()  # it warms up while this process does

        from nbgrader.apps import NbGraderAPI
        from traitlets.config.loader import PyFileConfigLoader

        config = PyFileConfigLoader("nbgrader_config.py", path=os.getcwd()).load_config()
        config.CourseAutograde.sandbox, config.CourseAutograde.figures = sandbox, figures

        from .autograde import keep_engine
        from .judged import warm_up

        warm_up(chapter)
        keep_engine()
        self.api = NbGraderAPI(config=config)
        self.api.log.setLevel(logging.WARNING)
        self.api.log.propagate = False
        self.api.coursedir.db_url = patient(self.api.coursedir.db_url)
        self.template.start()

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
        from .sandbox import Sandbox

        if CourseAutograde.warm is None:
            CourseAutograde.warm = Sandbox(**self.kind, template=self.template)
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


class Hand:
    """A forked grader, as the process that forked it sees it: what it has to do, and where its reports come from."""

    def __init__(self, grader: Grader, others: list[Hand]):
        orders, self.orders = os.pipe()
        self.reports, reports = os.pipe()
        self.order: dict | None = None
        self.since = 0.0
        self.unread = b""
        self.pid = os.fork()
        if self.pid == 0:
            for end in [0, self.orders, self.reports, *(end for hand in others for end in (hand.orders, hand.reports))]:
                os.close(end)
            _work(grader, orders, reports)
        os.close(orders)
        os.close(reports)

    def give(self, order: dict) -> None:
        self.order, self.since = order, time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it has died, which its closed pipe of reports will tell
            os.write(self.orders, json.dumps(order).encode() + b"\n")

    def read(self) -> dict | None:
        """The report on its order when it is complete; EOFError when the grader has died."""
        chunk = os.read(self.reports, 1 << 16)
        if not chunk:
            raise EOFError
        self.unread += chunk
        if not self.unread.endswith(b"\n"):
            return None
        report, self.unread, self.order = json.loads(self.unread), b"", None
        return report

    def end(self) -> None:
        """End it after what it is doing, or at once where it has died."""
        os.close(self.orders)
        os.close(self.reports)
        os.waitpid(self.pid, 0)


def _work(grader: Grader, orders: int, reports: int) -> None:
    """The process of a forked grader: nothing of it returns."""
    try:
        if sys.platform == "linux":
            system.die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with open(orders, encoding="utf-8") as lines:
            for line in lines:
                report = json.dumps(grader.grade(json.loads(line))).encode() + b"\n"
                while report:
                    report = report[os.write(reports, report):]
        from .autograde import CourseAutograde

        if CourseAutograde.warm is not None:
            CourseAutograde.warm.close()
    finally:
        os._exit(0)


def hand_out(grader: Grader, count: int, answer_to: int) -> None:
    """Hand out the orders to graders that are free; a grader that dies is replaced, and its order is tried once more."""
    hands: list[Hand] = []
    waiting: deque[dict] = deque()
    unread, ending = b"", False
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)

    def tell(report: dict) -> None:
        os.write(answer_to, json.dumps(report).encode() + b"\n")

    while not (ending and not waiting and all(hand.order is None for hand in hands)):
        ready = selector.select(LOOK)
        for hand in hands:
            if hand.order is not None and time.monotonic() - hand.since > SECONDS:
                os.kill(hand.pid, signal.SIGKILL)  # its closed pipe tells the rest
        for key, _ in ready:
            if key.fileobj == 0:
                chunk = os.read(0, 1 << 16)
                if not chunk:
                    os._exit(1)  # whoever gave the orders has gone
                *lines, unread = (unread + chunk).split(b"\n")
                ending = ending or b"end" in lines
                waiting += [json.loads(line) for line in lines if line not in {b"", b"end"}]
                continue
            hand = key.data
            try:
                report = hand.read()
            except EOFError:
                selector.unregister(hand.reports)
                hands.remove(hand)
                hand.end()
                if hand.order is None:
                    report = None
                elif hand.order.get("again"):
                    report = {"student": hand.order["student"], "outcome": "the grader died", "log": "twice, of this submission"}
                else:
                    report = None
                    waiting.appendleft({**hand.order, "again": True})
            if report is not None:
                tell(report)
        while waiting:
            free = next((hand for hand in hands if hand.order is None), None)
            if free is None and len(hands) < count:
                free = Hand(grader, hands)
                hands.append(free)
                selector.register(free.reports, selectors.EVENT_READ, free)
            if free is None:
                break
            free.give(waiting.popleft())
    for hand in hands:
        hand.end()


def main() -> None:
    if sys.platform == "linux":
        system.die_with_parent()
    skip_slow_import()
    answer_to = os.dup(1)
    os.dup2(2, 1)  # whatever is printed while grading must not get between the reports
    chapter, count, *options = sys.argv[1:]
    try:
        grader = Grader(chapter, sandbox="unprotected" not in options, figures="figures" in options)
    except Exception as error:
        os.write(answer_to, json.dumps({"cannot": f"{type(error).__name__}: {error}"}).encode() + b"\n")
        return
    os.write(answer_to, json.dumps({"ready": os.getpid(), "sandbox": grader.template.name}).encode() + b"\n")
    hand_out(grader, int(count), answer_to)
    grader.template.close()


if __name__ == "__main__":
    main()
