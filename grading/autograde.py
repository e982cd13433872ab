"""What nbgrader does with a submission here: vet it, put back what is not the student's, judge it, and write it all down.

``nbgrader autograde``, formgrader's button and ``python -m grading autograde`` all go through ``CourseAutograde``. A graded cell of a
chapter calls the check of an exercise; grading does not run the cell, it has the exercise judged (``grading.judged``) and writes the report
and the points as the cell's output, where nbgrader and its feedback look for them.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import shutil
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import nbgrader.api
import nbgrader.apps.api
import nbgrader.apps.autogradeapp
from nbformat.v4 import new_output
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Dict, List

from .assemble import students_files
from .records import RECORD, fingerprint, is_graded, read_record, write_record
from .restoring import grade_id
from .sandbox import Limits, Sandbox, SandboxUnavailable
from .vetting import Finding, vet

_UNPROTECTED = """\
************************************************************************************************
*  NO SANDBOX: students' code runs in your account, and can read and change whatever you can.  *
************************************************************************************************"""


def exercise_of(cell: nbformat.NotebookNode) -> str:
    """The number of the exercise that a code cell checks ("3.2") or shows, or an empty text."""
    match = re.fullmatch(r"(?:ex|source)-(\d+)-(\d+)", grade_id(cell) or "")
    return f"{match[1]}.{match[2]}" if match and cell.cell_type == "code" else ""


class JudgeExercises(NbGraderPreprocessor):
    """Write the verdict on each exercise into its graded cell, and the student's code into the cell that shows it."""

    def preprocess(self, nb, resources):
        converter, folder = self.parent.parent, Path(resources["metadata"]["path"])
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        graded = converter.judge([exercise_of(cell) for cell in code if _is_graded(cell)], folder)
        for cell in code:
            number, cell.outputs, cell.execution_count = exercise_of(cell), [], None
            if number in graded:
                cell.outputs = _outputs(cell, graded[number])
        if converter.figures:
            others = [cell for cell in code if not exercise_of(cell) and "long" not in cell.metadata.get("tags", [])]
            for cell, outputs in zip(others, converter.run_cells([cell.source for cell in others], folder), strict=True):
                cell.outputs = outputs
        return nb, resources


def _is_graded(cell) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("grade")) and bool(exercise_of(cell))


def _outputs(cell, record: dict) -> list:
    """The outputs of a cell that belongs to an exercise: the report and the points, or the student's code."""
    if not _is_graded(cell):
        return [new_output("stream", name="stdout", text=record["source"])]
    points = f"{record['points']:g}"
    return [new_output("stream", name="stdout", text=record["report"]),
            new_output("execute_result", data={"text/plain": points}, execution_count=None)]


class CourseAutograde(Autograde):
    """nbgrader's ``Autograde`` with vetting before it, and judging in the place of executing.

    A submission counts as graded when its record, ``verdicts.json``, lies beside the graded notebook and is of what is handed in now; the
    record is written last. Whatever stops a run halfway, the next one grades what has no such record, and nothing twice.
    """

    sandbox = Bool(True, help="Run the students' code in a sandbox; without one it runs in your account.").tag(config=True)
    new_seeds = Bool(False, help="Draw new cases where the same submission is graded again.").tag(config=True)
    only = List([], help="Grade these exercises anew and keep the verdicts on the others.").tag(config=True)
    students = List([], help="Grade these students only (all by default).").tag(config=True)
    figures = Bool(False, help="Also run the notebook's other cells, except those tagged `long`, in the sandbox.").tag(config=True)
    outcome = Dict({}, help="What became of each student's submission: 'graded', 'kept', or an error.")
    warm: Sandbox | None = None  # a sandbox that outlives a converter: the workers of a class set it

    @property
    def _input_directory(self) -> str:
        return str(self._clean) if self._sanitizing else self.coursedir.autograded_directory

    def start(self) -> None:
        self.outcome = {}
        if not self.sandbox:
            self.log.warning(_UNPROTECTED)
        self._clean = Path(tempfile.mkdtemp(prefix="vetted-"))
        self._sandbox = type(self).warm or Sandbox(self._source, isolated=self.sandbox, figures=self.figures)
        try:
            self._sandbox.start()
            super().start()
            self._complain()
        except SandboxUnavailable as error:
            self.log.error(str(error))
            raise NbGraderException(str(error)) from None
        finally:
            if self._sandbox is not type(self).warm:
                self._sandbox.close()
            shutil.rmtree(self._clean, ignore_errors=True)

    def _complain(self) -> None:
        """Let nbgrader's command fail where a submission has no grade."""
        failed = [f"{student} ({what})" for student, what in self.outcome.items() if what not in {"graded", "kept"}]
        if failed:
            raise NbGraderException(f"no grade for {', '.join(failed)}")

    @property
    def exclude_overwriting(self) -> dict[str, list[str]]:
        """The assignment's given files stay out of ``autograded/``: no code is run there, and each student would get a hundred."""
        names = [path.relative_to(self._source).as_posix() for path in self._source.rglob("*") if path.is_file()]
        return {self.coursedir.assignment_id: names}

    @property
    def _source(self) -> Path:
        return Path(self.coursedir.format_path(self.coursedir.source_directory, ".", self.coursedir.assignment_id))

    def _folder(self, step: str, student: str) -> Path:
        return Path(self.coursedir.format_path(step, student, self.coursedir.assignment_id))

    def init_notebooks(self) -> None:
        """Vet the submissions that are to be graded; nbgrader then sees the clean copies alone."""
        self.assignments, self.notebooks, self._vetted = {}, [], {}
        pattern = self.coursedir.format_path(self.coursedir.submitted_directory, self.coursedir.student_id, self.coursedir.assignment_id)
        submissions = [Path(path) for path in sorted(glob.glob(pattern))]  # also what is no folder: vetting says so
        excluded = set(self.coursedir.student_id_exclude.split(","))
        for submission in submissions:
            student = submission.parent.name
            if student in excluded or (self.students and student not in self.students):
                continue
            if not self.force and is_graded(submission, self._folder(self.coursedir.autograded_directory, student)):
                self.log.info("Already graded: %s", submission)
                self.outcome[student] = "kept"
                continue
            target = self._clean / student / self.coursedir.assignment_id
            try:
                mark = fingerprint(submission)
                self._vetted[student] = (mark, vet(submission, self._source, target))
                self.assignments[str(target)] = [str(target / f"{self.coursedir.assignment_id}.ipynb")]
            except Exception:
                self.log.error("The submission %s could not be vetted:\n%s", submission, traceback.format_exc())
                self.outcome[student] = "could not be vetted"
        if not submissions:
            message = f"there is no submission {pattern}"
            self.log.error(message)
            raise NbGraderException(message)

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Remember the verdicts of before, and remove what an earlier run has left."""
        self._began, self._student = time.time(), student_id
        folder = self._folder(self.coursedir.autograded_directory, student_id)
        mark, _ = self._vetted[student_id]
        self._before = read_record(folder)
        if self._before.get("fingerprint") != mark:
            self._before = {}
        if folder.is_symlink():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        return True

    def _files(self, folder: Path) -> dict[str, bytes]:
        """The student's own files of the submission that is being converted."""
        return {name: (folder / name).read_bytes() for name in students_files(self._source) if (folder / name).is_file()}

    def run_cells(self, cells: list[str], folder: Path) -> list[list]:
        """What a notebook's cells show when the sandbox runs them."""
        from .figures import run_cells

        return run_cells(self._sandbox, self._files(folder), cells)

    def judge(self, numbers: list[str], folder: Path) -> dict[str, dict]:
        """The records of exercises of the submission that is being converted; those asked for are judged anew."""
        from .judged import grade_exercises  # here, since it imports torch

        former = {row["number"]: row for row in self._before.get("exercises", [])}
        wanted = [number for number in numbers if not self.only or number in self.only or number not in former]
        seeds = {} if self.new_seeds else {number: row["seed"] for number, row in former.items()}
        graded = grade_exercises(self._sandbox, self._files(folder), wanted, seeds=seeds, limits=Limits.usual()) if wanted else []
        new = {number: _record(result) for number, result in zip(wanted, graded)}
        self._exercises = {number: new.get(number) or former[number] for number in numbers}
        return self._exercises

    def run_post_convert_hook(self) -> None:
        """Write the record: nbgrader calls this when everything else is written."""
        super().run_post_convert_hook()
        mark, findings = self._vetted[self._student]
        folder = self._folder(self.coursedir.autograded_directory, self._student)
        submitted = self.coursedir.get_existing_timestamp(str(folder))
        write_record(folder / RECORD, {
            "student": self._student, "chapter": self.coursedir.assignment_id, "submitted": str(submitted) if submitted else None,
            "fingerprint": mark, "sandbox": self._sandbox.name, "graded_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - self._began, 3), "findings": [vars(finding) for finding in findings],
            "exercises": list(self._exercises.values())})
        self.outcome[self._student] = "graded"


def _record(graded) -> dict:
    return {**graded.record(), "report": graded.report(), "source": graded.source}


def keep_engine() -> None:
    """Let all gradebooks of this process share the engine of their database, which keeps what it has compiled."""
    nbgrader.api.create_engine = functools.cache(nbgrader.api.create_engine)


def install() -> None:
    """Have nbgrader's own commands, and formgrader, grade through ``CourseAutograde``."""
    nbgrader.apps.autogradeapp.Autograde = CourseAutograde
    nbgrader.apps.api.Autograde = CourseAutograde
