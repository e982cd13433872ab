"""The classes of all chapters, graded by nbgrader, and what their feedback pages hold."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest
from classroom import Submission, basic_class, full_class, partial_answers
from course_copy import NAMES, once

from ddpmlib.checks.catalogue import exercises


def richness(chapter: str) -> tuple:
    kinds = {entry.kind for entry in exercises().values() if entry.chapter == chapter and entry.kind != "lab"}
    return len(kinds), len(partial_answers(chapter))


RICHEST = max(NAMES, key=richness)


def class_of(chapter: str) -> list[Submission]:
    return full_class(chapter) if chapter == RICHEST else basic_class(chapter)


EVERYONE = [pytest.param(chapter, submission, id=f"{chapter}-{submission.student}")
            for chapter in NAMES for submission in class_of(chapter)]


@pytest.fixture(scope="session")
def graded(course, tmp_path_factory) -> dict[str, dict]:
    """All classes graded, once for all tests of a run."""
    return once(tmp_path_factory, "graded-classes", lambda folder: grade_all(course, folder))


def grade_all(course: Path, target: Path) -> dict[str, dict]:
    """Grade all classes by two processes, each in course folders of its own below ``target``."""
    jobs = []
    for chapter in NAMES:
        submissions = class_of(chapter)
        halves = [submissions[::2], submissions[1::2]] if len(submissions) > 6 else [submissions]
        for number, half in enumerate(halves):
            folder = target / f"{chapter}-{number}"
            shutil.copytree(course, folder)
            for submission in half:
                submission.hand_in(folder / "release" / chapter, folder / "submitted")
            jobs.append((chapter, folder, [[submission.student, submission.environment] for submission in half]))

    def grade(job):
        chapter, folder, students = job
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        environment.pop("DDPMLIB_SAMPLES", None)  # each submission has its own
        done = subprocess.run([sys.executable, str(Path(__file__).with_name("grade_class.py")), chapter], cwd=folder, text=True,
                              input=json.dumps(students), capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr[-6000:]
        pages = {student: (folder / "feedback" / student / chapter / f"{chapter}.html").read_text(encoding="utf-8")
                 for student, _ in students if (folder / "feedback" / student / chapter).is_dir()}
        return chapter, {student: {**row, "page": pages.get(student)} for student, row in json.loads(done.stdout).items()}

    results: dict[str, dict] = {chapter: {} for chapter in NAMES}
    with ThreadPoolExecutor(2) as pool:
        for chapter, rows in pool.map(grade, sorted(jobs, key=lambda job: -len(job[2]))):
            results[chapter] |= rows
    return results


def said(page: str) -> str:
    """What the checks said on a feedback page, and before them the vetting."""
    blocks = re.findall(r'<ul class="findings">.*?</ul>|<div class="said.*?</div>', page or "", re.S)
    return "\n".join(html.unescape(re.sub(r"<[^>]+>", "", block)) for block in blocks)


class Page(HTMLParser):
    """What a page would load, what could run in it, and its text outside code and formulas."""

    def __init__(self, text: str):
        super().__init__()
        self.loads, self.scripts, self.formulas, self.text, self.inside = [], 0, 0, "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.scripts += tag in {"script", "iframe", "object", "embed"} or any(name.startswith("on") for name in given)
        if tag == "link" or (given.get("src") or given.get("srcset") or "data:").partition(":")[0] != "data":
            self.loads.append((tag, attributes))
        self.formulas += tag == "math"
        if tag in {"pre", "code", "math", "style"}:
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.text += data
