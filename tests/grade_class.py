"""Grade submissions in a course's folder, as a process of its own: ``python grade_class.py <chapter>`` with the students on stdin.

Standard input: a JSON list of [student, environment]. Standard output: JSON, for each student the rows of the gradebook.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

sys.path.insert(0, str(Path.cwd()))  # the course that is graded is the one in this folder

from grading.autograde import CourseAutograde  # noqa: E402
from grading.sandbox import Sandbox  # noqa: E402


def main(chapter: str) -> dict[str, dict]:
    config = PyFileConfigLoader("nbgrader_config.py", path=str(Path.cwd())).load_config()
    api = NbGraderAPI(config=config)
    api.log.setLevel(logging.ERROR)
    CourseAutograde.warm = Sandbox(Path("source", chapter))  # one for all
    found = {}
    for student, environment in json.load(sys.stdin):
        os.environ.update(environment)
        graded = api.autograde(chapter, student)
        told = api.generate_feedback(chapter, student)
        for name in environment:
            del os.environ[name]
        found[student] = {"ok": graded["success"] and told["success"], "log": f"{graded}\n{told}"[-6000:]}
    CourseAutograde.warm.close()
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as gradebook:
        for student, row in found.items():
            submission = gradebook.find_submission(chapter, student)
            row["grades"] = {
                grade.name: {"auto": grade.auto_score, "of": grade.max_score, "by_hand": grade.needs_manual_grade}
                for notebook in submission.notebooks for grade in notebook.grades}
            row["score"], row["max_score"] = submission.score, submission.max_score
    return found


if __name__ == "__main__":
    answer_to = os.dup(1)
    os.dup2(2, 1)
    result = main(sys.argv[1])
    with os.fdopen(answer_to, "w") as stream:
        json.dump(result, stream)
