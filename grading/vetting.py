"""Vetting: what of a submission goes on to be graded.

Nothing of a submission is read by nbgrader, or by a sandbox, before it has been through ``vet``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .assemble import students_files


@dataclass(frozen=True)
class Finding:
    """Something that vetting refused or repaired, as a sentence for the student and the instructor.

    ``kind`` is "repaired" (the grade is what it would have been), "refused" (a file was left out) or "human" (a person has to
    look at the submission).
    """

    kind: Literal["repaired", "refused", "human"]
    says: str


def vet(submission: Path, assignment: Path, target: Path) -> list[Finding]:
    """Write the clean copy of a submission into ``target``, which does not exist yet; say what was refused or repaired.

    ``submission`` is ``submitted/<student>/<chapter>``, ``assignment`` is ``source/<chapter>``. The clean copy holds the
    notebook ``<chapter>.ipynb``, always, and of the student's files (``students_files``) those that were handed in.
    """
    target.mkdir(parents=True)
    notebook = f"{assignment.name}.ipynb"
    for name in (notebook, *students_files(assignment), "timestamp.txt", "submission_secret.txt"):
        path = submission / name
        if path.is_file() and not path.is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
    if (target / notebook).exists():
        return []
    shutil.copyfile(assignment / notebook, target / notebook)
    return [Finding("human", f"There is no notebook {notebook}; the assignment's own was graded in its place.")]
