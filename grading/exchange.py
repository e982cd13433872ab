"""nbgrader's exchange, where students write to it themselves.

nbgrader collects with the instructor's rights and follows every link on the way: a module that is a link to the solutions comes
in as a copy of the solutions. Here plain files come in, and nothing else; and nothing that one student has handed in stops the others' work or
their feedback.
"""

from __future__ import annotations

import datetime
import glob
import re
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback

from .untrusted import Folder, Refused, shown

_STUDENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
_UNREADABLE = datetime.datetime(1970, 1, 1)


class SafeCollect(ExchangeCollect):
    """nbgrader's ``collect``, which follows no link and is stopped by no submission."""

    def _path_to_record(self, path: str) -> dict:
        try:
            return super()._path_to_record(path)
        except Exception:  # what a stranger's folder is called; nbgrader would stop the whole collection
            return {"username": "", "filename": Path(path).name, "timestamp": _UNREADABLE}

    def copy_files(self) -> None:
        known = [record for record in self.src_records if _STUDENT.fullmatch(record["username"])]
        for record in self.src_records:
            if record not in known:
                self.log.warning("Not collected: the name of %s is not one that nbgrader gives", shown(record["filename"], 200))
        self.src_records = known
        super().copy_files()

    def do_copy(self, src: str, dest: str, log=None) -> None:
        """Copy the plain files; what is refused is told. An empty folder is left where nothing can be read: grading then says so."""
        source, target = Path(src), Path(dest)
        target.mkdir(parents=True, exist_ok=True)
        most = self.coursedir.max_file_size * 1000
        left = self.coursedir.max_dir_size * 1000
        try:
            with Folder(source.parent, source.name) as folder:
                for entry in folder.entries():
                    try:
                        if entry.refused:
                            raise Refused(entry.refused)
                        data = folder.read(entry.name, min(most, left))
                    except Refused as refused:
                        self.log.warning("Not collected: %s of %s %s", shown(entry.name), shown(source.name, 200), refused)
                        continue
                    left -= len(data)
                    (target / entry.name).parent.mkdir(parents=True, exist_ok=True)
                    (target / entry.name).write_bytes(data)
        except Refused as refused:
            self.log.warning("Not collected: %s %s", shown(source.name, 200), refused)


class SteadyReleaseFeedback(ExchangeReleaseFeedback):
    """nbgrader's ``release_feedback``, which goes on where a submission came by another way, or has lost its time or its secret."""

    def copy_files(self) -> None:
        excluded = [self.coursedir.student_id_exclude] if self.coursedir.student_id_exclude else []
        for path in sorted(Path(page) for page in glob.glob(str(Path(self.src_path) / "*.html"))):
            student = path.parents[1].name
            if not (path.parent / "submission_secret.txt").is_file():
                self.log.warning("The exchange cannot carry the feedback of %s, whose submission came without nbgrader's submission_secret.txt; "
                                 "give them %s", student, path)
                excluded.append(student)
            elif not (path.parent / "timestamp.txt").is_file():
                (path.parent / "timestamp.txt").touch()  # nbgrader only prints what it says
        self.coursedir.student_id_exclude = ",".join(excluded)
        super().copy_files()
