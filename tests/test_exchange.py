"""The whole way of an assignment through nbgrader's own commands, between an instructor and two students.

Run as root, the three are Unix users of their own around one shared exchange folder; otherwise one user with separate homes.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from classroom import full, reference
from course_copy import NAMES, copy_course
from people import AS_ROOT, Person, create, give, remove

CHAPTER = NAMES[0]
TAG = f"{os.getpid() % 100_000:05d}"
INSTRUCTOR, ANN, BEN = f"teach{TAG}", f"ann{TAG}", f"ben{TAG}"


@pytest.fixture(scope="module")
def place():
    """A folder that all users of the machine can reach (pytest's own temporary folders are private)."""
    folder = Path(tempfile.mkdtemp(prefix="exchange-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def people(place):
    found = create([INSTRUCTOR, ANN, BEN], place)
    yield found
    remove(found)


@pytest.fixture(scope="module")
def exchange(place) -> Path:
    folder = place / "exchange"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def instructor(people, exchange) -> Person:
    """The instructor, with the course in a private home."""
    person = people[INSTRUCTOR]
    give(copy_course(person.home / "course"), person)
    person.environment["NBGRADER_EXCHANGE"] = str(exchange)
    return person


@pytest.fixture(scope="module")
def students(people, exchange) -> list[Person]:
    """The students, with the one configuration file that the README asks of them."""
    found = [people[ANN], people[BEN]] if AS_ROOT else [people[ANN]]
    for person in found:
        jupyter = person.home / ".jupyter"
        jupyter.mkdir()
        (jupyter / "nbgrader_config.py").write_text(
            f'c = get_config()\nc.Exchange.root = "{exchange}"\nc.CourseDirectory.course_id = "ddpm"\n')
        give(jupyter, person)
    return found


def name_of(person: Person) -> str:
    """The name under which the exchange knows a person."""
    return person.name if AS_ROOT else person.run("id", "-un").stdout.strip()


@pytest.fixture(scope="module")
def played(instructor, students) -> dict[str, Path]:
    """Everything up to the feedback in the students' hands: the first student solves the chapter, the second nothing."""
    course = instructor.home / "course"

    def teach(*command: str):
        return instructor.python(*command, cwd=course)

    teach("grading", "assemble", CHAPTER)
    teach("nbgrader", "generate_assignment", CHAPTER)
    teach("nbgrader", "release_assignment", CHAPTER)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, students, [reference(CHAPTER), {}]))
    teach("nbgrader", "collect", CHAPTER)
    teach("nbgrader", "autograde", CHAPTER)
    teach("nbgrader", "generate_feedback", CHAPTER)
    teach("nbgrader", "release_feedback", CHAPTER)
    teach("nbgrader", "export")
    with ThreadPoolExecutor(2) as pool:
        return dict(zip([student.name for student in students], pool.map(read_feedback, students)))


def work(student: Person, answers: dict[str, str]) -> None:
    """Fetch the assignment, write the answers into its stubs, and hand it in."""
    student.python("nbgrader", "fetch_assignment", CHAPTER)
    for module, text in answers.items():
        (student.home / CHAPTER / "ddpmlib" / f"{module}.py").write_text(text, encoding="utf-8")
    student.python("nbgrader", "submit", CHAPTER)


def read_feedback(student: Person) -> Path:
    student.python("nbgrader", "fetch_feedback", CHAPTER)
    return next((student.home / CHAPTER / "feedback").rglob("*.html"))


def test_the_gradebook_has_the_points_of_each_student(played, instructor, students):
    with open(instructor.home / "course" / "grades.csv", newline="") as stream:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(stream)}
    best = sum(full(CHAPTER).values())
    assert rows == {name_of(student): best if index == 0 else 0.0 for index, student in enumerate(students)}


def test_each_student_gets_their_own_feedback(played, students):
    pages = [played[student.name].read_text(encoding="utf-8") for student in students]
    best = f"{sum(full(CHAPTER).values()):g}"
    assert f"<h1>{CHAPTER}: {best} of " in pages[0]
    for page in pages[1:]:
        assert f"<h1>{CHAPTER}: 0 of " in page and "not started" in page


def test_students_see_what_is_released(played, students):
    assert CHAPTER in students[0].python("nbgrader", "list").stderr


def test_students_cannot_see_each_others_work_nor_the_course(played, instructor, students, exchange):
    if len(students) == 1:
        assert (students[0].home / CHAPTER).is_dir()
        return
    ann, ben = students
    inbound, told = exchange / "ddpm" / "inbound", exchange / "ddpm" / "feedback"
    for path in [ann.home / CHAPTER, inbound, told, instructor.home / "course"]:
        assert ben.run("ls", str(path), check=False).returncode != 0, path
    # a submission in the exchange is protected by its folder's unguessable name, in a folder that cannot be listed
    assert all("+" in path.name and len(path.name.rpartition("+")[2]) >= 12 for path in inbound.iterdir())
    for path in [ann.home / CHAPTER / f"{CHAPTER}.ipynb", instructor.home / "course" / "gradebook.db"]:
        assert path.is_file()
        assert ben.run("cat", str(path), check=False).returncode != 0, path
