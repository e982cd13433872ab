"""Grade a class by the course's command, kill what grades it, and see what is left."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from classroom import Submission, basic_class
from sqlalchemy import create_engine, text

SMALLEST = 12


def a_class(chapter: str, size: int = SMALLEST) -> list[Submission]:
    """So many submissions: every kind of the basic class, and each kind again under other names."""
    kinds = basic_class(chapter)
    found = []
    for number in range(size):
        kind = kinds[number % len(kinds)]
        found.append(Submission(f"{kind.what} {number}", kind.modules, kind.points, written=kind.written, says=kind.says))
    return found


@dataclass
class Classroom:
    """A course's folder with a class that has handed in its work, and its gradebook at ``url``."""

    folder: Path
    chapter: str
    submissions: list[Submission]
    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, course: Path, target: Path, chapter: str, submissions: list[Submission], url: str = "", *, anew: bool = False) -> Classroom:
        """A copy of a course, with the submissions handed in; ``anew`` empties the gradebook at ``url`` before."""
        if anew:
            _empty(url)
        shutil.copytree(course, target)
        for submission in submissions:
            submission.hand_in(target / "release" / chapter, target / "submitted")
        room = cls(target, chapter, submissions, url or f"sqlite:///{target}/gradebook.db")
        room.environment = {**os.environ, "DDPMLIB_REFERENCE": "0", "OMP_WAIT_POLICY": "passive", **({"NBGRADER_DB": url} if url else {})}
        if url:
            done = subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", chapter, "--force"], cwd=target,
                                  env=room.environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-3000:]
        return room

    def start(self, *options: str) -> subprocess.Popen:
        """Start to grade the class."""
        return subprocess.Popen([sys.executable, "-m", "grading", "autograde", self.chapter, "--workers", "2", *options], cwd=self.folder,
                                env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def grade(self, *options: str, code: int = 0) -> str:
        """Grade the class and return what was printed."""
        process = self.start(*options)
        printed, _ = process.communicate(timeout=600)
        assert process.returncode == code, printed[-4000:]
        return printed

    def records(self) -> dict[str, dict]:
        """The record of each student who has one."""
        found = {}
        for path in self.folder.glob(f"autograded/*/{self.chapter}/verdicts.json"):
            found[path.parent.parent.name] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def scores(self) -> dict[str, dict[str, float]]:
        """The automatic scores of the gradebook by student and exercise; none may stand there twice."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = connection.execute(text(
                "SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade "
                "JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id "
                "JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id "
                "JOIN base_cell ON grade.cell_id = base_cell.id")).all()
            submissions = connection.execute(text("SELECT student_id FROM submitted_assignment")).all()
        engine.dispose()
        assert len(set(submissions)) == len(submissions), "a submission stands in the gradebook twice"
        found: dict[str, dict[str, float]] = {}
        for student, name, score in rows:
            number = name.removeprefix("ex-").replace("-", ".")
            assert number not in found.setdefault(student, {}), f"{student} has two grades for {number}"
            found[student][number] = score
        return found

    def check(self) -> None:
        """Everybody has the points that they must get, once, in the gradebook and in the record."""
        scores, records = self.scores(), self.records()
        for submission in self.submissions:
            got = scores[submission.student]
            assert {number: got[number] for number in submission.points} == submission.points, submission.student
            noted = {row["number"]: row["points"] for row in records[submission.student]["exercises"]}
            assert noted == submission.points, submission.student

    def running(self) -> list[tuple[int, str]]:
        """The processes at work for this course: all that run in its folder, or below one that does."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(path / "cwd").startswith(str(self.folder)) and int(path.name) != os.getpid():
                    found[int(path.name)] = _command(int(path.name))
        for pid in list(found):
            for child in descendants(pid):
                found[child] = _command(child)
        return list(found.items())

    def wait_for(self, count: int, process: subprocess.Popen, seconds: float = 300) -> None:
        """Wait until so many are graded, or the process has ended."""
        deadline = time.monotonic() + seconds
        while len(self.records()) < count and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def wait_until_quiet(self, seconds: float = 60) -> None:
        """Wait until nothing is at work any more."""
        deadline = time.monotonic() + seconds
        while left := self.running():
            assert time.monotonic() < deadline, f"still running: {left}"
            time.sleep(0.1)


def _empty(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    children = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += [int(child) for child in path.read_text().split()]
    return children + [grandchild for child in children for grandchild in descendants(child)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except OSError:
        return ""


def kill_one(room: Classroom, pattern: str, chance: random.Random, *, oldest: bool = False) -> bool:
    """Kill one of the course's processes whose command matches, or the first of them; whether there was one."""
    found = sorted(pid for pid, command in room.running() if re.search(pattern, command))
    if found:
        kill(found[0] if oldest else chance.choice(found))
    return bool(found)


@contextmanager
def dask_cluster(room: Classroom, workers: int = 2) -> Iterator[tuple[str, subprocess.Popen, list[subprocess.Popen]]]:
    """A scheduler and workers as on several machines: processes of their own, which know the course's folder alone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"cwd": room.folder, "env": room.environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", str(port), "--host", "127.0.0.1",
                                  "--no-dashboard"], **quiet)
    started = [subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard",
                                 "--death-timeout", "60"], **quiet) for _ in range(workers)]
    try:
        yield address, scheduler, started
    finally:
        for process in [scheduler, *started]:
            for child in [process.pid, *descendants(process.pid)]:
                kill(child)
            process.wait()

