"""Vetting: what of a submission goes on to be graded.

Nothing of a submission is read by nbgrader, or by a sandbox, before it has been through ``vet``. What comes out is always a
sound assignment: the notebook is written anew from the assignment's own, with the student's answers in it.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import nbformat
from nbgrader.utils import parse_utc

from .assemble import students_files
from .notebook_vetting import clean_notebook, official_notebook, read_notebook
from .untrusted import Entry, Folder, Refused, shown

MOST_TEXT = 1 << 20  # bytes of a module
MOST_NOTEBOOK = 32 << 20
MOST_SAMPLES = 8 << 20
_NAMED = 5  # how many names a sentence lists
# what editors, systems and nbgrader leave in a student's folder: left out without a word
_LITTER = {".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".git", ".idea", ".vscode",
           ".pytest_cache", ".gitignore", "feedback", "_build", ".jupyter_cache", ".virtual_documents"}


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
    notebook ``<chapter>.ipynb``, always, and of the student's files (``students_files``) those that were handed in. Whatever
    the submission holds, this returns: what cannot be graded is a finding of the kind "human".
    """
    target.mkdir(parents=True)
    try:
        with Folder(submission.parent.parent, submission.parent.name, submission.name) as folder:
            return _Vetting(folder, assignment, target).vet()
    except Refused as refused:
        nbformat.write(clean_notebook([], assignment)[0], target / f"{assignment.name}.ipynb")
        return [Finding("human", f"The folder that was handed in {refused}: there is nothing to grade.")]


class _Vetting:
    """The vetting of one submission: ``files`` are its plain files, ``findings`` what has been found so far."""

    def __init__(self, folder: Folder, assignment: Path, target: Path):
        self.folder, self.assignment, self.target = folder, assignment, target
        self.findings: list[Finding] = []
        entries = folder.entries()
        self.inside = self._folder_within(entries)
        entries = [Entry(entry.name.removeprefix(self.inside), entry.size, entry.refused) for entry in entries
                   if entry.name.startswith(self.inside)]
        self.files = {entry.name: entry for entry in entries if not entry.refused}
        self.refused = {entry.name: entry.refused for entry in entries if entry.refused}
        self.used: set[str] = set()

    def vet(self) -> list[Finding]:
        self._notebook()
        for name in students_files(self.assignment):
            self._students_file(name)
        self._small("timestamp.txt", self._timestamp)
        self._small("submission_secret.txt", _secret)
        self._others()
        return self.findings

    def _say(self, kind: str, says: str) -> None:
        self.findings.append(Finding(kind, says))

    def _folder_within(self, entries: list[Entry]) -> str:
        """The only folder in the submission, where the student has handed in a folder of the folder; else an empty text."""
        wanted = {name.casefold() for name in [*students_files(self.assignment), f"{self.assignment.name}.ipynb"]}
        names = [entry.name for entry in entries if not _is_litter(entry.name)]
        if any(name.casefold() in wanted or ("/" not in name and name.endswith(".ipynb")) for name in names):
            return ""
        tops = {name.partition("/")[0] + "/" for name in names if "/" in name}
        found = [top for top in sorted(tops) if any(name.startswith(top) and name[len(top):].casefold() in wanted for name in names)]
        if len(found) != 1:
            return ""
        self._say("repaired", f"Everything lies in a folder `{shown(found[0])}` of its own; it was graded from there.")
        return found[0]

    def _find(self, name: str) -> str:
        """The submitted name of an expected file: its own, or else the only one that differs in capitals alone."""
        if name in self.files or name in self.refused:
            return name
        alike = [other for other in [*self.files, *self.refused] if other.casefold() == name.casefold()]
        if len(alike) != 1:
            return ""
        self._say("repaired", f"The file `{shown(alike[0])}` was graded as `{name}`: capitals matter in names.")
        return alike[0]

    def _read(self, name: str, most: int) -> bytes:
        self.used.add(name)
        if name in self.refused:
            raise Refused(self.refused[name])
        return self.folder.read(self.inside + name, most)

    def _notebook(self) -> None:
        wanted = f"{self.assignment.name}.ipynb"
        cells: list = []
        try:
            name = self._find(wanted) or self._renamed_notebook(wanted)
            cells, says = read_notebook(self._read(name, MOST_NOTEBOOK))
            self.findings += [Finding("repaired", sentence) for sentence in says]
            official = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in official_notebook(self.assignment).cells}
            if not ({cell.metadata["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell.metadata} & official):
                raise Refused("holds none of this assignment's cells; is it the notebook of another one?")
        except Refused as refused:
            cells = []
            self._say("human", f"The notebook `{wanted}` {refused}. The assignment's own notebook stands in its place: your modules "
                               "are graded as always, and a person looks at the written answers.")
        notebook, changes = clean_notebook(cells, self.assignment)
        self.findings += [Finding(kind, says) for kind, says in (changes if cells else [])]
        nbformat.write(notebook, self.target / wanted)

    def _renamed_notebook(self, wanted: str) -> str:
        found = [name for name in self.files if "/" not in name and name.casefold().endswith(".ipynb")]
        if not found:
            raise Refused("was not handed in")
        if len(found) > 1:
            raise Refused(f"was not handed in, and which of {_listed(found)} stands for it is not to be guessed")
        self._say("repaired", f"The notebook `{shown(found[0])}` was graded as `{wanted}`.")
        return found[0]

    def _students_file(self, wanted: str) -> None:
        name = self._find(wanted)
        if not name:
            self._say("human", f"The file `{wanted}` was not handed in; what is asked for in it gets no points.")
            return
        try:
            if wanted.endswith(".safetensors"):
                data = require_safetensors(self._read(name, MOST_SAMPLES))
            else:
                data, says = _as_text(self._read(name, MOST_TEXT))
                if says:
                    self._say("repaired", f"The file `{wanted}` {says}.")
        except Refused as refused:
            self._say("human", f"The file `{wanted}` {refused}, and was left out; what is asked for in it gets no points.")
            return
        (self.target / wanted).parent.mkdir(parents=True, exist_ok=True)
        (self.target / wanted).write_bytes(data)

    def _small(self, name: str, accept: Callable[[str], str]) -> None:
        """Keep one of nbgrader's own small files if it is what it should be."""
        if name not in self.files and name not in self.refused:
            return
        try:
            (self.target / name).write_text(accept(self._read(name, 1000).decode("ascii")), encoding="ascii")
        except (Refused, UnicodeDecodeError, ValueError, OverflowError):
            what = "the time of handing in is not known, and the work was taken to be in time" if name == "timestamp.txt" else \
                "the feedback cannot be given back by nbgrader's exchange"
            self._say("human", f"nbgrader's file `{name}` cannot be used: {what}.")

    def _timestamp(self, text: str) -> str:
        text = text.strip()
        year = parse_utc(text).year if text and len(text) <= 100 else 0
        if not 2000 <= year <= 2200:
            raise ValueError
        return text

    def _others(self) -> None:
        """Say what else was handed in and is left out. Copies of the given files, and litter, go without a word."""
        extra, changed = [], []
        for name, entry in self.files.items():
            if name in self.used or _is_litter(name):
                continue
            given = self.assignment / name
            if PurePosixPath(name).suffix == ".ipynb" or not given.is_file():
                extra.append(name)
            elif not self._same(entry, given):
                changed.append(name)
        if changed:
            self._say("refused", f"Given files were changed; the assignment's own are used in their place: {_listed(changed)}.")
        if extra:
            self._say("refused", f"What is no part of the assignment was left out: {_listed(extra)}.")
        others = {name: why for name, why in self.refused.items() if name not in self.used and not _is_litter(name)}
        for why in dict.fromkeys(others.values()):
            names = [name for name in others if others[name] == why]
            self._say("refused", f"{_listed(names)} {why}, and {'was' if len(names) == 1 else 'were'} left out." if len(names) == 1
                      else f"Left out, since each {why}: {_listed(names)}.")

    def _same(self, entry: Entry, given: Path) -> bool:
        size = given.stat().st_size
        try:
            return entry.size == size and self.folder.read(self.inside + entry.name, size) == given.read_bytes()
        except Refused:
            return False


def _is_litter(name: str) -> bool:
    return bool(_LITTER & set(name.split("/"))) or name.endswith((".pyc", "~", ".tmp", ".swp"))


def _listed(names: Iterable[str]) -> str:
    names = sorted(names)
    more = len(names) - _NAMED
    return ", ".join(f"`{shown(name)}`" for name in names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _as_text(data: bytes) -> tuple[bytes, str]:
    """A module's bytes as UTF-8, and what had to be done for it."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text, says = data.decode("utf-16", errors="replace"), "is UTF-16 and was read as that; save it as UTF-8"
    else:
        try:
            text, says = data.removeprefix(codecs.BOM_UTF8).decode("utf-8"), ""
        except UnicodeDecodeError:
            text, says = data.decode("utf-8", errors="replace"), "is not UTF-8; what could not be read became \N{REPLACEMENT CHARACTER}"
    return text.encode("utf-8", errors="replace"), says


def _secret(text: str) -> str:
    if not text.isprintable() or len(text) > 200:
        raise ValueError
    return text


def require_safetensors(data: bytes) -> bytes:
    """The bytes themselves if their header is that of a safetensors file, whose tensors lie within it; else raise Refused."""
    try:
        length = int.from_bytes(data[:8], "little")
        if not 2 <= length <= min(len(data) - 8, 100_000):
            raise ValueError
        header = json.loads(data[8 : 8 + length])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        if not ends or max(ends) != len(data) - 8 - length:
            raise ValueError
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise Refused("is no safetensors file") from None
    return data
