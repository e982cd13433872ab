"""Vetting makes a sound assignment out of whatever was handed in, and says what it refused or put right."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from hostile import CHAPTER, NEIGHBOUR, World, collected, notebook, reference
from hostile import MODULES as NAMES

from ddpmlib.checks.catalogue import exercises
from grading.assemble import assemble, students_files
from grading.notebook_vetting import official_notebook
from grading.untrusted import Folder, Refused, shown
from grading.vetting import require_safetensors, vet

OTHERS = "belongs-to-somebody-else"
CASES = [case for case in collected() if case.change.__module__ in {"hostile.folders", "hostile.clumsy"}
         and (not case.needs_root or os.geteuid() == 0)]


@pytest.fixture(scope="module")
def assignment(tmp_path_factory) -> Path:
    return assemble([CHAPTER], target=tmp_path_factory.mktemp("source"))[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory, assignment) -> World:
    course = tmp_path_factory.mktemp("course")
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text(f"2026-01-01 {OTHERS}")
    shutil.copytree(assignment, course / "submitted" / NEIGHBOUR / CHAPTER)
    shutil.copytree(assignment / "ddpmlib", course / "solutions" / "ddpmlib")
    for path in (course / "gradebook.db", *course.glob("*/**/ddpmlib/forward.py")):
        path.write_text(f"# {OTHERS}")
    return World(course, outside, outside, outside, 1, "abstract", outside / "socket", "BEACON")


def hand_in(folder: Path, assignment: Path, *, blank: bool = False) -> Path:
    folder.parent.mkdir(parents=True)
    shutil.copytree(assignment, folder)
    for module in () if blank else NAMES:
        (folder / "ddpmlib" / f"{module}.py").write_text(reference(module), encoding="utf-8")
    return folder


def tree(folder: Path) -> dict[str, tuple]:
    return {str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in folder.rglob("*")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whatever_is_handed_in_becomes_a_sound_assignment(case, world, assignment, tmp_path):
    folder = hand_in(tmp_path / "submitted" / case.name / CHAPTER, assignment, blank=case.blank)
    case.change(folder, world)
    before, outside = tree(tmp_path), tree(world.course)
    target = tmp_path / "vetted" / case.name / CHAPTER
    findings = vet(folder, assignment, target)
    says = "\n".join(finding.says for finding in findings)
    for words in case.finds:
        assert words in says
    if not case.finds:
        assert says == ""
    assert any(finding.kind == "human" for finding in findings) == case.human, says
    assert all(finding.says.endswith(".") and len(finding.says) < 1000 and finding.says.isprintable() for finding in findings)
    assert tree(world.course) == outside
    assert {name: value for name, value in tree(tmp_path).items() if not name.startswith("vetted")} == before

    names = {path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir()}
    assert names <= {f"{CHAPTER}.ipynb", *(f"ddpmlib/{name}.py" for name in NAMES), "timestamp.txt", "submission_secret.txt"}
    assert all(stat.S_ISREG(path.lstat().st_mode) and path.stat().st_size < 3 << 20
               for path in target.rglob("*") if not path.is_dir())
    assert not any(OTHERS.encode() in path.read_bytes() for path in target.rglob("*.*") if path.is_file())
    clean = nbformat.read(target / f"{CHAPTER}.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(clean)
    official = [cell for cell in official_notebook(assignment).cells if "nbgrader" in cell.metadata]
    found = {cell.metadata.nbgrader.grade_id: cell for cell in clean.cells if "nbgrader" in cell.metadata}
    assert len(found) == sum("nbgrader" in cell.metadata for cell in clean.cells) == len(official)
    for cell in official:
        twin = found[cell.metadata.nbgrader.grade_id]
        assert twin.metadata == cell.metadata and twin.cell_type == cell.cell_type
        assert twin.source == cell.source or not cell.metadata.nbgrader.locked
    assert not any(cell.get("outputs") for cell in clean.cells)


def test_there_are_submissions_enough():
    assert len(collected()) >= 50


def test_a_written_answer_and_its_pasted_picture_survive(assignment, tmp_path):
    folder = hand_in(tmp_path / "ann" / CHAPTER, assignment)
    nb = nbformat.read(notebook(folder), as_version=4)
    answer = next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    answer.source = "My answer: $x \\le 1$.\n![drawn](attachment:image.png)"
    picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    answer["attachments"] = {"image.png": {"image/png": picture}, "evil.svg": {"image/svg+xml": "<svg onload='alert(1)'/>"},
                             "fake.png": {"image/png": "bm8gcGljdHVyZQ=="}}
    nb.cells.insert(3, nbformat.v4.new_code_cell("print('my own cell')", id="mine"))
    nbformat.write(nb, notebook(folder))
    assert vet(folder, assignment, tmp_path / "clean") == []
    clean = nbformat.read(notebook(tmp_path / "clean"), as_version=4)
    found = next(cell for cell in clean.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    assert found.source == answer.source
    assert found.attachments == {"image.png": {"image/png": picture}}
    assert "print('my own cell')" in [cell.source for cell in clean.cells]


def test_what_stands_below_a_link_is_never_read_however_fast_it_is_put_there(assignment, tmp_path):
    """A file that becomes a link again and again while it is vetted: either its own text is read, or none."""
    folder = hand_in(tmp_path / "eve" / CHAPTER, assignment)
    module, secret = folder / "ddpmlib" / "forward.py", tmp_path / "secret.py"
    secret.write_text(OTHERS)
    stop = threading.Event()

    def juggle():
        while not stop.is_set():
            (folder / "new").write_text("# mine\n")
            os.replace(folder / "new", module)
            os.symlink(secret, folder / "new")
            os.replace(folder / "new", module)

    juggler = threading.Thread(target=juggle)
    juggler.start()
    try:
        end, number = time.monotonic() + 3, 0
        while time.monotonic() < end:
            number += 1
            target = tmp_path / f"clean-{number}"
            vet(folder, assignment, target)
            found = target / "ddpmlib" / "forward.py"
            assert not found.exists() or found.read_text() in {"", "# mine\n"}
    finally:
        stop.set()
        juggler.join()
    assert number >= 5


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", ".", "..", ""])
def test_no_name_leads_out_of_the_folder(name, tmp_path):
    (tmp_path / "secret").write_text(OTHERS)
    (tmp_path / "inner").mkdir()
    with Folder(tmp_path, "inner") as folder, pytest.raises(Refused):
        folder.read(name, 100)


def test_a_file_that_grows_is_read_no_further_than_allowed(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100)
    with Folder(tmp_path) as folder:
        assert folder.read("file", 100) == b"x" * 100
        with pytest.raises(Refused, match="too large"):
            folder.read("file", 99)


def test_names_are_shown_harmlessly():
    assert shown("\x1b[2J\n`a`\u202e") == "\\x1b[2J\\x0a\\x60a\\x60\\x202e"
    assert shown("\udcff") == "\\udcff"
    assert len(shown("x" * 500)) == 80


@pytest.mark.parametrize("data", [b"", b"\x00" * 8, b"\xff" * 8 + b"{}", (10).to_bytes(8, "little") + b"[" * 10,
                                  (2).to_bytes(8, "little") + b"{}", (5000).to_bytes(8, "little") + b"[" * 5000])
def test_what_is_no_safetensors_file_is_refused(data):
    with pytest.raises(Refused):
        require_safetensors(data)


def test_a_safetensors_file_is_accepted():
    import torch
    from safetensors.torch import save

    data = save({"images": torch.zeros(2, 1, 8, 8), "labels": torch.zeros(2, dtype=torch.int64)})
    assert require_safetensors(data) == data
    with pytest.raises(Refused):
        require_safetensors(data[:-1])


_AS_NOBODY = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
import os
from grading import vetting
official = vetting.clean_notebook([], Path({assignment!r}))  # read before the rights are given up
os.setgid({group}); os.setuid({user})
for finding in vetting.vet(Path({folder!r}), Path({assignment!r}), Path({target!r})):
    print(finding.kind, finding.says)
"""


@pytest.mark.parametrize("locked", ["ddpmlib/forward.py", "ddpmlib", f"{CHAPTER}.ipynb", "."])
def test_what_may_not_be_read_is_said(locked, assignment, tmp_path):
    """Root may read everything, so that an ordinary user vets here."""
    folder = hand_in(tmp_path / "ann" / CHAPTER, assignment)
    who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    public = Path("/tmp") / f"vetting-{os.getpid()}"
    shutil.copytree(tmp_path, public)
    shutil.copytree(assignment, public / CHAPTER)
    (public / "clean").mkdir()
    try:
        os.chmod(public, 0o755)
        os.chmod(public / "clean", 0o777)
        os.chmod(public / "ann" / CHAPTER / locked, 0)
        code = _AS_NOBODY.format(path=sys.path, assignment=str(public / CHAPTER), group=who.pw_gid, user=who.pw_uid,
                                 folder=str(public / "ann" / CHAPTER), target=str(public / "clean" / "ann"))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
        assert done.returncode == 0, done.stderr
        assert "permissions" in done.stdout and "human" in done.stdout
    finally:
        os.chmod(public / "ann" / CHAPTER / locked, 0o755)
        shutil.rmtree(public)


def test_the_samples_of_a_lab_come_through_as_they_are(tmp_path_factory, tmp_path):
    """A lab is graded by the samples that it has saved: a sound file is kept, any other goes to a person."""
    import torch
    from safetensors.torch import save

    lab = next(entry for entry in exercises().values() if entry.kind == "lab")
    assignment = assemble([lab.chapter], target=tmp_path_factory.mktemp("labs"))[0]
    name = next(name for name in students_files(assignment) if name.endswith(".safetensors"))
    data = save({"images": torch.zeros(2, 1, 8, 8), "labels": torch.zeros(2, dtype=torch.int64)})
    found = {}
    for what in ("sound", "garbage", "link", "missing"):
        folder = tmp_path / what / lab.chapter
        shutil.copytree(assignment, folder)
        (folder / name).parent.mkdir(exist_ok=True)
        if what == "link":
            os.symlink(assignment / "ddpmlib" / "__init__.py", folder / name)
        elif what != "missing":
            (folder / name).write_bytes(data if what == "sound" else data[:-1])
        findings = vet(folder, assignment, tmp_path / f"clean-{what}" / lab.chapter)
        found[what] = " ".join(finding.says for finding in findings if name in finding.says)
    assert (tmp_path / "clean-sound" / lab.chapter / name).read_bytes() == data and found["sound"] == ""
    assert "is no safetensors file" in found["garbage"] and "is a symbolic link" in found["link"] and "was not handed in" in found["missing"]
    assert not [path for what in ("garbage", "link", "missing") for path in (tmp_path / f"clean-{what}").rglob("*.safetensors")]
