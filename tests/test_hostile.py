"""A class full of hostile and clumsy submissions, graded in one run: everyone gets exactly the points they should, and nobody reaches anything.

Secrets are planted where a submission might look (the gradebook, the solutions, other students' work, the grader's environment and home), and
are searched for in everything that grading writes. The tree of files around the class must be the same afterwards.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import pytest
from classroom import ANSWER
from course_copy import copy_course, run
from graded_class import Page
from hostile import CHAPTER, MODULES, NEIGHBOUR, Hostile, World, collected, notebook, reference
from nbgrader.api import Gradebook

from ddpmlib.checks.catalogue import exercises

ONLY = {NEIGHBOUR, *filter(None, os.environ.get("HOSTILE_ONLY", "").split(","))}  # a few submissions, while one is being written
CLASS = [case for case in collected() if (not case.needs_root or os.geteuid() == 0) and (len(ONLY) == 1 or case.name in ONLY)]
EACH = [pytest.param(case, id=case.name) for case in CLASS]
PLANTED = {place: f"planted-{place}-{os.urandom(6).hex()}" for place in ("gradebook", "neighbour", "solutions", "environment", "home", "outside")}
SECONDS, GRACE = "2", "2"  # that a student's code may take in this class, and until what cannot be interrupted is ended


class Listener:
    """Something on this machine that must never hear of a submission."""

    def __init__(self, family: int, address):
        self.heard: list[bytes] = []
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(address)
        self.socket.listen()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            self.heard.append(line.recv(100))


def tree(folder: Path) -> dict[str, str]:
    """What a folder holds: the kind, rights and content of everything in it."""
    found = {}
    for top, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = os.path.join(top, name)
            status = os.lstat(path)
            mark = f"{status.st_mode:o} {status.st_uid} {status.st_nlink if not stat.S_ISDIR(status.st_mode) else ''}"
            if stat.S_ISLNK(status.st_mode):
                mark += os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                size = status.st_size
                mark += f"{size} " + ("" if size > 64 << 20 else hashlib.sha256(Path(path).read_bytes()).hexdigest())
            found[os.path.relpath(path, folder)] = mark
    return found


class Graded:
    """The class after grading: what was written, what was heard, what the tree was before and after."""

    def __init__(self, place: Path):
        self.place = place
        self.course, self.home, self.outside = place / "course", place / "home", place / "outside"
        self.beacon = f"beacon-{os.urandom(6).hex()}"
        self.listeners = [Listener(socket.AF_INET, ("127.0.0.1", 0)), Listener(socket.AF_UNIX, f"\0{self.beacon}"),
                          Listener(socket.AF_UNIX, str(place / "socket"))]
        self._build()
        self.before = self._trees()
        begin = time.monotonic()
        self.done = self._grade()
        self.seconds = time.monotonic() - begin
        self.after = self._trees()
        self.feedback = self._run("nbgrader", "generate_feedback", CHAPTER)
        self.records = {path.parents[1].name: json.loads(path.read_text(encoding="utf-8"))
                        for path in self.course.glob(f"autograded/*/{CHAPTER}/verdicts.json")}
        self.grades = self._read_grades()

    def _build(self) -> None:
        copy_course(self.course)
        for folder in (self.home, self.outside):
            folder.mkdir()
        (self.home / ".netrc").write_text(PLANTED["home"])
        (self.outside / "secret.txt").write_text(PLANTED["outside"])
        (self.outside / "secret.txt").chmod(0o644)
        run(self.course, "grading", "assemble", CHAPTER)
        run(self.course, "nbgrader", "generate_assignment", CHAPTER)
        path = self.course / "solutions" / "ddpmlib" / "forward.py"
        path.write_text(f"{path.read_text(encoding='utf-8')}\n# {PLANTED['solutions']}\n", encoding="utf-8")
        with Gradebook(f"sqlite:///{self.course}/gradebook.db") as gradebook:
            gradebook.add_student("absent", first_name=PLANTED["gradebook"])
        world = World(self.course, self.home, self.home / "site-packages", self.outside, self.listeners[0].socket.getsockname()[1],
                      self.beacon, self.place / "socket", self.beacon)
        for case in sorted(CLASS, key=lambda case: case.name != NEIGHBOUR):
            self._hand_in(case, world)

    def _hand_in(self, case: Hostile, world: World) -> None:
        folder = self.course / "submitted" / case.name / CHAPTER
        shutil.copytree(self.course / "release" / CHAPTER, folder)
        for module in () if case.blank else MODULES:
            (folder / "ddpmlib" / f"{module}.py").write_text(reference(module), encoding="utf-8")
        if case.name == NEIGHBOUR:
            path = folder / "ddpmlib" / "forward.py"
            path.write_text(f"{path.read_text(encoding='utf-8')}\n# {PLANTED['neighbour']}\n", encoding="utf-8")
            nb = nbformat.read(notebook(folder), as_version=4)
            for cell in nb.cells:
                if cell.metadata.get("nbgrader", {}).get("solution"):
                    cell.source = f"{ANSWER} {PLANTED['neighbour']}"
            nbformat.write(nb, notebook(folder))
        case.change(folder, world)

    def _run(self, *command: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "HOME": str(self.home), "DDPMLIB_TIME_LIMIT": SECONDS, "DDPMLIB_GRACE": GRACE, "PLANTED": PLANTED["environment"]}
        environment.pop("DDPMLIB_REFERENCE", None)
        return subprocess.run([sys.executable, "-m", *command], cwd=self.course, env=environment, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=900)

    def _grade(self) -> subprocess.CompletedProcess:
        return self._run("grading", "autograde", CHAPTER, "--workers", "2")

    def _trees(self) -> dict[str, str]:
        return {f"{folder.name}/{name}": mark for folder in (self.course, self.home, self.outside) for name, mark in tree(folder).items()
                if not (folder == self.course and name.startswith(("autograded", "gradebook.db")))}

    def _read_grades(self) -> dict[str, dict]:
        found: dict[str, dict] = {}
        with Gradebook(f"sqlite:///{self.course}/gradebook.db") as gradebook:
            for submission in gradebook.assignment_submissions(CHAPTER):
                for grade in (grade for book in submission.notebooks for grade in book.grades):
                    number = grade.name.removeprefix("ex-").replace("-", ".")
                    found.setdefault(submission.student.id, {})[number] = {
                        "auto": grade.auto_score, "manual": grade.manual_score, "by_hand": grade.needs_manual_grade}
        return found

    def outputs(self, student: str) -> dict[str, str]:
        """Every file that grading has written about a student."""
        return {str(path.relative_to(self.course)): path.read_text(encoding="utf-8", errors="replace")
                for step in ("autograded", "feedback") for path in (self.course / step / student).rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def graded():
    memory = Path("/dev/shm")  # half a gigabyte in thousands of files, which a disk is slow to take and to give up
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 3 << 30
    place = Path(tempfile.mkdtemp(prefix="hostile-", dir=memory if roomy else None))
    place.chmod(0o755)
    try:
        yield Graded(place)
    finally:
        for top, folders, _ in os.walk(place):
            for name in folders:
                if not os.path.islink(os.path.join(top, name)):
                    os.chmod(os.path.join(top, name), 0o755)
        shutil.rmtree(place, ignore_errors=True)


def test_the_batch_finishes_and_nobody_is_absent(graded):
    assert graded.done.returncode == 0, graded.done.stderr[-6000:]
    assert graded.feedback.returncode == 0, graded.feedback.stderr[-6000:]
    assert set(graded.records) == set(graded.grades) == {case.name for case in CLASS}
    print(f"{len(CLASS)} submissions in {graded.seconds:.0f} s")


@pytest.mark.parametrize("case", EACH)
def test_points(graded, case):
    assert case.name in graded.records, graded.done.stderr[-3000:]
    record = graded.records[case.name]
    said = "\n".join(entry["report"] for entry in record["exercises"])
    assert {entry["number"]: entry["points"] for entry in record["exercises"]} == case.points, said[-6000:]
    grades = graded.grades[case.name]
    assert {number: grades[number]["auto"] for number in case.points} == case.points
    assert all(grade["manual"] is None for grade in grades.values()), "nobody has marked anything by hand"


@pytest.mark.parametrize("case", EACH)
def test_what_is_said(graded, case):
    record = graded.records[case.name]
    found = "\n".join(finding["says"] for finding in record["findings"])
    said = "\n".join(entry["report"] for entry in record["exercises"])
    assert all(words in found for words in case.finds), found
    assert all(words in said for words in case.says), said[-6000:]
    assert any(finding["kind"] == "human" for finding in record["findings"]) == case.human, found
    page = graded.course / "feedback" / case.name / CHAPTER / f"{CHAPTER}.html"
    assert page.is_file() and page.stat().st_size < 3 << 20


@pytest.mark.parametrize("case", EACH)
def test_nothing_leaks(graded, case):
    for name, text in graded.outputs(case.name).items():
        found = [place for place, secret in PLANTED.items() if secret in text and not (case.name == NEIGHBOUR and place == "neighbour")]
        assert not found, name
    reports = "".join(entry["report"] for entry in graded.records[case.name]["exercises"])
    assert "PLANTED-" not in reports, "an attack says that it has succeeded"


def test_no_log_tells_a_secret(graded):
    told = "".join([graded.done.stdout, graded.done.stderr, graded.feedback.stdout, graded.feedback.stderr])
    assert not [place for place, secret in PLANTED.items() if secret in told]
    assert "\x1b[2J" not in told


def test_no_file_outside_has_changed(graded):
    changed = {name for name in graded.before.keys() | graded.after.keys() if graded.before.get(name) != graded.after.get(name)}
    assert not changed
    assert not (graded.outside / "infected").exists() and not (graded.outside / "beacon").exists()
    assert not (Path(sysconfig.get_path("purelib")) / "infected.txt").exists()


def test_no_connection_was_made(graded):
    assert [listener.heard for listener in graded.listeners] == [[], [], []]


def test_no_process_goes_on(graded):
    alive = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        if graded.beacon.encode() in command or str(graded.place).encode() in command:
            alive.append((process, command))
    assert not alive


def test_the_neighbour_is_graded_as_if_alone(graded):
    grades = graded.grades[NEIGHBOUR]
    assert sum(grade["auto"] or 0 for grade in grades.values()) == sum(
        entry.points for entry in exercises().values() if entry.chapter == CHAPTER and entry.kind != "written")
    assert grades["3.10"]["by_hand"] and graded.records[NEIGHBOUR]["findings"] == []
    page = graded.outputs(NEIGHBOUR)[f"feedback/{NEIGHBOUR}/{CHAPTER}/{CHAPTER}.html"]
    assert PLANTED["neighbour"] in page, "they see their own work"


@pytest.mark.parametrize("case", EACH)
def test_feedback_says_what_was_found_and_runs_nothing(graded, case):
    source = graded.outputs(case.name)[f"feedback/{case.name}/{CHAPTER}/{CHAPTER}.html"]
    page = Page(source)
    assert not page.loads and not page.scripts
    for finding in graded.records[case.name]["findings"]:
        assert html.escape(finding["says"]).replace("`", "") in source.replace("<code>", "").replace("</code>", "")


def test_the_grades_can_be_exported(graded):
    done = graded._run("nbgrader", "export", "--exporter", "grading.export.ExerciseExporter", "--to", "exercises.csv")
    assert done.returncode == 0, done.stderr
    with open(graded.course / "exercises.csv", newline="", encoding="utf-8") as stream:
        rows = {row["student"]: row for row in csv.DictReader(stream)}
    assert set(rows) == {case.name for case in CLASS}
