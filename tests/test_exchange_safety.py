"""``nbgrader collect`` brings in plain files alone, and no student stops or robs another, also where feedback goes back."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from unittest.mock import patch

import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from traitlets.config.loader import PyFileConfigLoader

import ddpmlib
from grading.exchange import SafeCollect, SteadyReleaseFeedback

CHAPTER = "03_forward"
TIME = "2026-02-03 10:00:00 UTC"


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "exchange" / "ddpm" / "inbound").mkdir(parents=True)
    (tmp_path / "exchange").chmod(0o777)
    (tmp_path / "course").mkdir()
    (tmp_path / "secret.py").write_text("SECRET = 1")
    with Gradebook(f"sqlite:///{tmp_path}/course/gradebook.db") as gradebook:
        gradebook.add_assignment(CHAPTER)
    return tmp_path


def hand_in(place: Path, name: str, **files: str) -> Path:
    folder = place / "exchange" / "ddpm" / "inbound" / name
    folder.mkdir()
    for file, text in {"timestamp.txt": TIME, **files}.items():
        (folder / file).write_text(text)
    return folder


def collect(place: Path, **options) -> dict[str, str]:
    """What has come in, by its path below ``submitted``."""
    coursedir = CourseDirectory(root=str(place / "course"), course_id="ddpm", assignment_id=CHAPTER, **options)
    collector = SafeCollect(coursedir=coursedir, root=str(place / "exchange"), log=logging.getLogger("collect"))
    collector.check_owner = False
    collector.start()
    submitted = place / "course" / "submitted"
    assert not any(path.is_symlink() for path in submitted.rglob("*"))
    return {path.relative_to(submitted).as_posix(): path.read_text() for path in submitted.rglob("*") if path.is_file()}


def test_a_submission_comes_in_as_it_is(place):
    hand_in(place, f"ann+{CHAPTER}+{TIME}+abc", **{"forward.py": "answer"})
    assert collect(place) == {f"ann/{CHAPTER}/forward.py": "answer", f"ann/{CHAPTER}/timestamp.txt": TIME}


def test_no_link_is_followed(place, caplog):
    folder = hand_in(place, f"eve+{CHAPTER}+{TIME}+abc", mine="mine")
    os.symlink(place / "secret.py", folder / "forward.py")
    os.symlink(place, folder / "ddpmlib")
    os.mkfifo(folder / "pipe")
    with caplog.at_level(logging.WARNING):
        assert set(collect(place)) == {f"eve/{CHAPTER}/mine", f"eve/{CHAPTER}/timestamp.txt"}
    assert "forward.py" in caplog.text and "is a symbolic link" in caplog.text and "is a named pipe" in caplog.text


def test_a_submission_that_is_a_link_to_anothers_comes_in_empty(place):
    ann = hand_in(place, f"ann+{CHAPTER}+{TIME}+abc", **{"forward.py": "answer"})
    os.symlink(ann, ann.with_name(f"eve+{CHAPTER}+{TIME}+def"))
    assert not [name for name in collect(place) if name.startswith("eve")]
    assert (place / "course" / "submitted" / "eve" / CHAPTER).is_dir(), "grading says that there is nothing to grade"


@pytest.mark.parametrize("name", [f"eve+{CHAPTER}+no time at all+x", f"..+{CHAPTER}+{TIME}+x", f"+{CHAPTER}+{TIME}+x",
                                  f"-rf+{CHAPTER}+{TIME}+x", f"\x1b[2J+{CHAPTER}+{TIME}+x"])
def test_a_name_that_nbgrader_does_not_give_stops_nobody(place, name, caplog):
    hand_in(place, name, evil="evil")
    hand_in(place, f"ann+{CHAPTER}+{TIME}+abc", **{"forward.py": "answer"})
    with caplog.at_level(logging.WARNING):
        assert set(collect(place)) == {f"ann/{CHAPTER}/forward.py", f"ann/{CHAPTER}/timestamp.txt"}
    assert "is not one that nbgrader gives" in caplog.text or name.startswith(".")  # nbgrader's pattern passes over these
    assert "\x1b" not in caplog.text
    assert not (place / "course" / CHAPTER).exists()


def test_what_is_too_large_is_left_out(place):
    folder = hand_in(place, f"eve+{CHAPTER}+{TIME}+abc", small="small")
    (folder / "large").write_bytes(b"x" * 20_000)
    assert set(collect(place, max_file_size=10)) == {f"eve/{CHAPTER}/small", f"eve/{CHAPTER}/timestamp.txt"}


def test_the_courses_configuration_collects_so():
    with patch.dict(os.environ):  # which the configuration of nbgrader's commands changes: they run on the students' code
        config = PyFileConfigLoader("nbgrader_config.py", path=str(ddpmlib.ROOT)).load_config()
    assert ExchangeFactory(config=config).collect is SafeCollect
    assert ExchangeFactory(config=config).release_feedback is SteadyReleaseFeedback


def test_feedback_goes_back_also_where_some_cannot(place, caplog):
    for student, names in (("ann", ()), ("ben", ("timestamp.txt", "submission_secret.txt")), ("cyd", ("submission_secret.txt",)), ("dan", ("timestamp.txt",))):
        folder = place / "course" / "feedback" / student / CHAPTER
        folder.mkdir(parents=True)
        (folder / f"{CHAPTER}.html").write_text(f"page of {student}")
        for name in names:
            (folder / name).write_text(TIME if name == "timestamp.txt" else f"secret of {student}")
    coursedir = CourseDirectory(root=str(place / "course"), course_id="ddpm", assignment_id=CHAPTER)
    with caplog.at_level(logging.WARNING):
        SteadyReleaseFeedback(coursedir=coursedir, root=str(place / "exchange"), log=logging.getLogger("release")).start()
    released = {path.read_text() for path in (place / "exchange" / "ddpm" / "feedback").glob("*.html")}
    assert released == {"page of ben", "page of cyd"}
    assert "feedback of ann" in caplog.text and "feedback of dan" in caplog.text
