"""The instructor's guide: its commands are run here as they stand, in their order, and what it says of tests and messages exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from classroom import reference
from course_copy import copy_course
from hostile import collected

import ddpmlib

CHAPTER = "03_forward"
GUIDE = (ddpmlib.ROOT / "chapters" / "instructor_guide.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", GUIDE, re.M | re.S)
APART = ("# needs a cluster", "# once, in the clone", "c = get_config()")
RUN = [text for language, text in BLOCKS if not text.startswith(APART)]


def hand_in(course: Path, folder: Path) -> None:
    shutil.copytree(course / "release" / CHAPTER, folder)
    for module, text in reference(CHAPTER).items():
        (folder / "ddpmlib" / f"{module}.py").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def done():
    """What each of the guide's commands answers; between them, students hand in what they must."""
    place = Path(tempfile.mkdtemp(prefix="guide-"))
    place.chmod(0o755)
    course, exchange = copy_course(place / "course"), place / "exchange"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "NBGRADER_EXCHANGE": str(exchange),
                   "HOME": str(place), "DDPMLIB_REFERENCE": "0"}
    told: dict[str, str] = {}
    try:
        for text in RUN:
            if "nbgrader collect" in text:
                folder = exchange / "ddpm" / "inbound" / f"ben+{CHAPTER}+2026-02-03 10:00:00 UTC+secret"
                hand_in(course, folder)
                (folder / "timestamp.txt").write_text("2026-02-03 10:00:00 UTC")
                (folder / "submission_secret.txt").write_text("secret")
            ran = subprocess.run(["bash", "-e", "-c", text.replace("/srv/nbgrader/exchange", str(exchange))], cwd=course, env=environment,
                                 capture_output=True, text=True, stdin=subprocess.DEVNULL)
            assert ran.returncode == 0, f"{text}\n{ran.stdout[-3000:]}\n{ran.stderr[-6000:]}"
            told[text] = ran.stdout + ran.stderr
            if "generate_assignment" in text:
                hand_in(course, course / "submitted" / "ann" / CHAPTER)
        yield course, told
    finally:
        shutil.rmtree(place, ignore_errors=True)


def test_every_command_is_run_or_marked():
    assert len(RUN) >= 9 and all(language == "bash" or text.startswith(APART) for language, text in BLOCKS)
    commands = [line for text in RUN for line in text.splitlines()]
    assert all(re.match(r"python -m grading|nbgrader |export |mkdir ", line) for line in commands)


def test_the_commands_do_what_the_guide_says(done):
    course, told = done
    for name in (f"reports/{CHAPTER}.html", "reports/names.html", "exercises.csv", "canvas.csv", "moodle.csv",
                 f"feedback/ann/{CHAPTER}/{CHAPTER}.html", f"feedback/ben/{CHAPTER}/{CHAPTER}.html", f"autograded/ben/{CHAPTER}/verdicts.json"):
        assert (course / name).is_file(), name
    assert "ann" in (course / "reports" / "names.html").read_text(encoding="utf-8")
    answers = "".join(told.values())
    assert "keeps students' code apart from this machine" in answers
    assert "1 submission; on average 31.00 of 31 points" in answers


def test_the_tests_that_it_names_exist():
    tests = {path.name: path.read_text(encoding="utf-8") for path in (ddpmlib.ROOT / "tests").glob("test_*.py")}
    hostile = {case.name for case in collected()}
    claims = GUIDE[GUIDE.index("**Points come from answers.**") : GUIDE.index("Some things are **not**")]
    named = [name for paragraph in claims.split("\n\n") if ":" in paragraph for name in re.findall(r"`([^`]+)`", paragraph.split(":", 1)[1])]
    number = int(re.search(r"The (\d+) submissions of `tests/hostile/`", GUIDE)[1])
    assert abs(number - len(collected())) < 10
    assert len(named) > 20
    for name in named:
        file, _, test = name.partition("::")
        if name.startswith("hostile/"):
            assert (ddpmlib.ROOT / "tests" / name).is_file(), name
        elif file in tests:
            assert re.search(rf"^def {test.replace('...', '')}", tests[file], re.M) or not test, name
        elif name.startswith("test_"):
            assert any(f"def {name.replace('...', '')}" in text for text in tests.values()), name
        else:
            assert any(case.startswith(name.replace("...", "")) for case in hostile), name


def test_the_messages_that_it_explains_exist():
    sources = "".join(path.read_text(encoding="utf-8") for folder in ("grading", "ddpmlib/checks") for path in (ddpmlib.ROOT / folder).rglob("*.py"))
    table = GUIDE[GUIDE.index("| message |") :]
    named = re.findall(r"`([^`]+)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    assert len(named) > 14
    for message in named:
        for piece in re.split(r"\.\.\.|03_forward|20|timestamp\.txt", message):
            assert piece.strip() in re.sub(r'"\n\s*f?"', "", sources), message


@pytest.mark.parametrize("name", re.findall(r"\{ref\}`[^<]*<([^>]+)>`", GUIDE))
def test_its_references_lead_somewhere(name):
    assert f"({name})=" in GUIDE
