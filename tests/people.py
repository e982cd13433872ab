"""People at one machine: an instructor and students, as Unix users of their own where the tests run as root.

Without root all of them are the user who runs the tests, each in a home of their own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

AS_ROOT = os.geteuid() == 0


@dataclass(frozen=True)
class Person:
    """A user with a home; ``run`` runs a Python module, or any command, as this user."""

    name: str
    home: Path
    environment: dict[str, str]

    def run(self, *command: str, cwd: Path | None = None, check: bool = True, **more: str) -> subprocess.CompletedProcess:
        drop = {}
        if AS_ROOT:
            user = pwd.getpwnam(self.name)
            drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        done = subprocess.run(command, cwd=cwd or self.home, env={**self.environment, **more}, text=True, capture_output=True, **drop)
        assert done.returncode == 0 or not check, f"{self.name}: {command}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
        return done

    def python(self, *command: str, **options) -> subprocess.CompletedProcess:
        return self.run(self.environment["PYTHON"], "-m", *command, **options)


def create(names: list[str], base: Path) -> dict[str, Person]:
    """Create the people, with private homes in ``base``, which all of them can reach; remove them with ``remove``."""
    base.chmod(0o755)
    python = _readable_python(base) if AS_ROOT else {"PYTHON": sys.executable, "PATH": os.environ["PATH"]}
    people = {}
    for name in names:
        home = base / name
        home.mkdir(mode=0o700)
        if AS_ROOT:
            subprocess.run(["useradd", "--no-create-home", "--home-dir", str(home), "--user-group", name], check=True)
            shutil.chown(home, name, name)
        environment = {**python, "HOME": str(home), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        people[name] = Person(name, home, environment)
    return people


def remove(people: dict[str, Person]) -> None:
    if AS_ROOT:
        for name in people:
            subprocess.run(["userdel", name], check=False, capture_output=True)


def give(folder: Path, person: Person) -> None:
    """Make a folder, with all that is in it, a person's own."""
    if AS_ROOT:
        for path in [folder, *folder.rglob("*")]:
            shutil.chown(path, person.name, person.name)


def _reachable(path: Path) -> bool:
    """Whether any user may go to this folder and read it."""
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in [path, *path.parents])


def _readable(path: Path, base: Path, name: str) -> Path:
    """The folder itself if all users can read it, else a copy in ``base`` that they can (of links, where links can be made)."""
    path = path.resolve()
    if _reachable(path):
        return path

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    copy = base / name
    shutil.copytree(path, copy, copy_function=link, symlinks=True,
                    ignore=shutil.ignore_patterns("test", "site-packages") if name == "python" else None)
    for folder, _, _ in os.walk(copy):
        os.chmod(folder, 0o755)
    return copy


def _readable_python(base: Path) -> dict[str, str]:
    """This interpreter with its packages, for users who may not enter the folders in which it lies (such as /root)."""
    executable = Path(sys.executable).resolve()
    prefix = _readable(Path(sys.base_prefix), base, "python")
    packages = _readable(Path(sysconfig.get_path("purelib")), base, "packages")
    share = _readable(Path(sys.prefix) / "share" / "jupyter", base, "jupyter")
    scripts = base / "bin"  # nbgrader calls alembic by its name
    scripts.mkdir()
    python = prefix / executable.relative_to(Path(sys.base_prefix).resolve())
    (scripts / "alembic").write_text(f'#!/bin/sh\nexec "{python}" -m alembic "$@"\n')
    (scripts / "alembic").chmod(0o755)
    return {"PYTHON": str(python), "PYTHONHOME": str(prefix), "LD_LIBRARY_PATH": str(prefix / "lib"), "PYTHONPATH": str(packages),
            "JUPYTER_PATH": str(share), "PATH": f"{scripts}:/usr/bin:/bin"}
