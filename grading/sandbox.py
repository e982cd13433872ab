"""The sandbox: run a student's functions where they can reach nothing, and read back what they return.

A sandbox is a Python inside bubblewrap that has imported torch and the running half of the checks, and forks a process for each
submission (``grading/inside``). It sees the system's libraries and this interpreter, read-only, the given part of one assignment's
``ddpmlib`` without the judging half, and of a submission the files that are sent to it: no network, no other process, no other file. ::

    with Sandbox(Path("source/03_forward")) as sandbox:
        answers = sandbox.run({"ddpmlib/forward.py": data}, [exercise_job("3.2", requests)])

Each job of a submission runs in a process of its own, and whatever it does there is one ``Answer`` for it, with bytes of unknown making.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import importlib.util
import json
import os
import pwd
import selectors
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from .assemble import students_files
from .inside.cells import PRELOADED
from .inside.server import CLONE, DONE, LENGTH, READY, STOP
from .inside.submission import FRAME, HELD, SCRATCH, Cut

INSIDE = Path(__file__).with_name("inside")
JUDGING_HALF = ("judges", "assess.py", "judging.py", "expressions.py")  # of ddpmlib/checks; it never enters the sandbox
_NOT_GIVEN = ("__main__.py", "board.py")
_USER = 61_947  # whom submissions run as where the grader is root; any number that no user of the machine has
_START_SECONDS, _STOP_SECONDS = 180.0, 10.0
ENDED = ("returned", "died", "too slow", "too large", "too much memory", "lost")

_HELP = ("It needs user namespaces, which some containers and kernels forbid, and a Python that all users can read where the grader is root. "
         "To run students' code unprotected, say --no-sandbox (python -m grading autograde) or NBGRADER_SANDBOX=off (nbgrader autograde).")
_CHECKS = '''"""What is left of the checks where nothing is judged."""

from .notebook import source, uses


def check(number, *, seed=None):
    print(f"(exercise {number} is checked apart)")


__all__ = ["check", "source", "uses"]
'''


class SandboxUnavailable(RuntimeError):
    """No submission can be run safely here; the message says why, and what to do."""


class SandboxLost(RuntimeError):
    """The sandbox has died, and not by what a submission did: the submission has no grade, and is to be graded again."""


@dataclass(frozen=True)
class Limits:
    """What one job of a submission may use. ``seconds`` is for the student's code; after ``grace`` more the process is ended."""

    seconds: float = 20.0
    grace: float = 5.0
    memory: int = 2 << 30  # bytes of all its processes together, beyond what torch itself takes
    disk: int = 64 << 20
    file: int = 32 << 20
    processes: int = 32
    result: int = 8 << 20
    printed: int = 20_000

    @classmethod
    def usual(cls) -> Limits:
        """The limits, with the time that ``DDPMLIB_TIME_LIMIT`` gives to the checks everywhere, and ``DDPMLIB_GRACE`` beyond it."""
        return cls(seconds=float(os.environ.get("DDPMLIB_TIME_LIMIT", "20")), grace=float(os.environ.get("DDPMLIB_GRACE", "5")))


@dataclass(frozen=True)
class Answer:
    """How a job ended (one of ``ENDED``), the seconds it took, what it printed, and the bytes that it returned."""

    ended: str
    seconds: float = 0.0
    printed: str = ""
    data: bytes = b""


def exercise_job(number: str, packed_requests: bytes) -> dict:
    """The job of running an exercise on the packed list of its cases' requests; it returns packed ``[results, notes]``."""
    return {"kind": "exercise", "number": number, "cases": packed_requests.decode()}


def cells_job(cells: Sequence[str], seconds: float) -> dict:
    """The job of running a notebook's cells; it returns a packed list of each cell's outputs (``inside/cells.py``)."""
    return {"kind": "cells", "cells": list(cells), "seconds": seconds}


def sources_job(numbers: Sequence[str]) -> dict:
    """The job of finding the student's code of exercises; it returns a packed list of texts."""
    return {"kind": "sources", "numbers": list(numbers)}


class Sandbox:
    """A warm grader for the submissions of one assignment; ``isolated=False`` runs them unprotected, as this user.

    ``figures`` has what draws figures imported before. ``template`` is a sandbox of the same kind, started before, whose warm grader
    is copied at no cost; where it has gone, this one starts a grader of its own.
    """

    def __init__(self, assignment: Path, *, isolated: bool = True, figures: bool = False, template: Sandbox | None = None):
        self.assignment, self.isolated, self.figures, self.template = assignment, isolated, figures, template
        self._process: subprocess.Popen | None = None
        self._warm = False
        self._control: socket.socket | None = None
        self._folder: Path | None = None

    @property
    def name(self) -> str:
        """What protects the grader, for the record."""
        if not self.isolated:
            return "none"
        return subprocess.run(["bwrap", "--version"], capture_output=True, text=True, check=False).stdout.strip()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the grader and wait until it is warm; raise SandboxUnavailable where that cannot be had."""
        if self._warm:
            return
        if self._copy():
            self._warm = True
            return
        self.begin()
        if self._receive(_START_SECONDS) != READY or not self._self_test():
            said = self._log()
            self._stop()
            raise SandboxUnavailable(f"the sandbox does not work here: {said or 'it did not start'}\n{_HELP}")
        self._warm = True

    def _copy(self) -> bool:
        """Have the template's grader copied; whether that went well."""
        if self.template is None or self.template._control is None or self._process is not None:
            return False
        ours, theirs = socket.socketpair()
        self._control = ours
        try:
            with theirs:
                socket.send_fds(self.template._control, [CLONE], [theirs.fileno()])
            if self._folder is None and not self.isolated:
                self._folder = Path(tempfile.mkdtemp(prefix="grading-"))
            if self._receive(_STOP_SECONDS) == READY and self._self_test():
                return True
        except OSError:
            pass
        self._stop()
        return False

    def begin(self) -> None:
        """Start the grader, and do not wait for it."""
        if self._process is not None:
            return
        if self.isolated and shutil.which("bwrap") is None:
            raise SandboxUnavailable(
                "bubblewrap (the command bwrap) is not installed, so students' code cannot be kept apart from this machine. "
                f"Install it (Debian, Ubuntu: apt-get install bubblewrap). {_HELP}")
        if self._folder is None or not (self._folder / "given").exists():
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="grading-"))
            stage_library(self.assignment, self._folder / "given" / "ddpmlib")
            shutil.copytree(INSIDE, self._folder / "given" / "inside", ignore=shutil.ignore_patterns("__pycache__"))
            for path in [self._folder / "given", *(self._folder / "given").rglob("*")]:
                path.chmod(0o755 if path.is_dir() else 0o644)
        ours, theirs = socket.socketpair()
        user = _free_user() if self.isolated and os.geteuid() == 0 else None
        with theirs, open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                self._command(theirs.fileno(), user), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
                pass_fds=[theirs.fileno()])
        self._control = ours

    def close(self) -> None:
        """End the grader, which ends by itself when nobody speaks to it any more."""
        if self._control is not None and self._warm:
            self._control.close()
            self._control = None
            if self._process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_STOP_SECONDS)
        self._stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def run(self, files: dict[str, bytes], jobs: list[dict], limits: Limits | None = None) -> list[Answer]:
        """Run jobs on a submission's files; there is one answer for each job, whatever the student's code does."""
        limits = limits or Limits.usual()
        self.start()
        work = tempfile.mkdtemp(dir=self._folder) if not self.isolated else ""
        request = {"files": {name: base64.b64encode(data).decode() for name, data in files.items()}, "jobs": jobs,
                   "limits": asdict(limits), "folder": work, "kept": _kept()}
        longest = sum(job.get("seconds", limits.seconds) + limits.grace + 1 for job in jobs) + 10
        payload = json.dumps(request).encode()
        try:
            for _ in range(2):
                try:
                    answers, whole = self._ask(payload, len(jobs), limits, time.monotonic() + longest)
                except OSError:  # the server itself has died: no submission can do that, but the machine may
                    self._stop()
                    self.start()
                    continue
                if whole:
                    break
            else:
                raise SandboxLost("the sandbox died twice while this submission was graded")
        finally:
            if work:
                shutil.rmtree(work, ignore_errors=True)
        return answers + [Answer("lost")] * (len(jobs) - len(answers))

    def _ask(self, payload: bytes, count: int, limits: Limits, deadline: float) -> tuple[list[Answer], bool]:
        """The answers, and whether the submission alone is to blame where some are missing; OSError where the server has died."""
        pipe, end = os.pipe()
        try:
            socket.send_fds(self._control, [LENGTH.pack(len(payload))], [end])
        finally:
            os.close(end)
        try:
            self._control.sendall(payload)
            answers, closed = _read_answers(pipe, count, limits, deadline)
        finally:
            os.close(pipe)
        if len(answers) < count and not closed:
            self._control.sendall(STOP)
        if self._receive(_STOP_SECONDS) is None:
            raise ConnectionError("the sandbox has died")
        return answers, len(answers) == count or not closed

    def _receive(self, seconds: float) -> bytes | None:
        """One byte from the server; None if none comes in time."""
        self._control.settimeout(seconds)
        try:
            return self._control.recv(1) or None
        except OSError:
            return None
        finally:
            self._control.settimeout(None)

    def _self_test(self) -> bool:
        """Whether a submission without any job is run."""
        payload = json.dumps({"files": {}, "jobs": [], "limits": asdict(Limits()), "folder": str(self._folder or ""),
                              "kept": _kept()}).encode()
        pipe, end = os.pipe()
        socket.send_fds(self._control, [LENGTH.pack(len(payload))], [end])
        os.close(end)
        self._control.sendall(payload)
        os.close(pipe)
        return self._receive(_STOP_SECONDS * 3) == DONE

    def _stop(self) -> None:
        self._warm = False
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _log(self) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / "log").read_text(encoding="utf-8", errors="replace").strip()[-2000:]
        return ""

    def _environment(self) -> dict[str, str]:
        own = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        # OpenMP ends a process that may not have as many threads as it asks for; with a limit of its own it makes do with fewer
        return {"PATH": "/usr/bin:/bin", "HOME": SCRATCH, "TMPDIR": SCRATCH, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1",
                "OMP_THREAD_LIMIT": "4", "OMP_WAIT_POLICY": "passive", "MPLBACKEND": "agg", "MPLCONFIGDIR": SCRATCH, **own}

    def _command(self, control: int, user: int | None) -> list[str]:
        given = "/grading/given" if self.isolated else str(self._folder / "given")
        start = (f"import sys; sys.path[:0] = [{given!r}]; sys.path += {_packages()!r}; from inside.server import main; "
                 f"main({control}, {user}, {self.isolated}, {_modules_used(self.assignment)!r}, {list(PRELOADED) if self.figures else []!r})")
        python = [sys.executable, "-I", "-B", "-c", start]
        return [*_bubblewrap(self._folder / "given", self._environment()), "--", *python] if self.isolated else python


def _read_answers(pipe: int, count: int, limits: Limits, deadline: float) -> tuple[list[Answer], bool]:
    """Read the answers as they come, and stop at the first thing that is none; also, whether the keeper has closed the pipe before."""
    answers: list[Answer] = []
    data = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(answers) < count and selector.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(pipe, 1 << 20)
            if not chunk:
                return answers, True
            data += chunk
            while len(answers) < count and len(data) >= FRAME.size:
                ended, seconds, printed, returned = FRAME.unpack_from(data)
                if ended >= len(ENDED) or printed > limits.printed + len(Cut.MARK) or returned > limits.result or not 0 <= seconds < 1e6:
                    return answers, False
                if len(data) < FRAME.size + printed + returned:
                    break
                text = bytes(data[FRAME.size : FRAME.size + printed]).decode("utf-8", errors="replace")
                answers.append(Answer(ENDED[ended], seconds, text, bytes(data[FRAME.size + printed : FRAME.size + printed + returned])))
                del data[: FRAME.size + printed + returned]
    return answers, False


def stage_library(assignment: Path, target: Path) -> None:
    """Copy of an assignment's ``ddpmlib`` what a student's code is given: no judging half, none of the student's own modules."""
    shutil.copytree(assignment / "ddpmlib", target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in JUDGING_HALF:
        path = target / "checks" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (target / "checks" / "__init__.py").write_text(_CHECKS, encoding="utf-8")
    (target / "checks" / "assess.py").write_text("assess = None\n", encoding="utf-8")
    for name in [*_NOT_GIVEN, *(name.removeprefix("ddpmlib/") for name in students_files(assignment))]:
        (target / name).unlink(missing_ok=True)


def _modules_used(assignment: Path) -> list[str]:
    """The given modules that a student's modules import as they are handed out, so that they are imported but once."""
    found: set[str] = set()
    for name in students_files(assignment):
        if name.endswith(".py"):
            for node in ast.walk(ast.parse((assignment / name).read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    package, _, module = node.module.partition(".")
                    if package == "ddpmlib" and module:
                        found.add(module)
                    elif package == "ddpmlib":
                        found |= {alias.name for alias in node.names}
    return sorted(found)


def install() -> None:
    """Install bubblewrap, as root on a machine with apt."""
    if shutil.which("bwrap") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "bubblewrap"]):
            subprocess.run(["apt-get", *command], check=True, env=environment, stdin=subprocess.DEVNULL)


def _free_user() -> int:
    """A user's number that nobody has."""
    user = _USER
    while True:
        try:
            pwd.getpwuid(user)
        except KeyError:
            return user
        user += 1


def _bubblewrap(given: Path, environment: dict[str, str]) -> list[str]:
    """The command that starts a program with nothing but the system's libraries, this interpreter and what it is given."""
    command = ["bwrap", "--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
               "--unshare-cgroup-try", "--clearenv"]
    for name, value in environment.items():
        command += ["--setenv", name, value]
    command += ["--proc", "/proc", "--dev", "/dev", "--dir", "/grading", "--perms", "1777", "--tmpfs", SCRATCH]
    for name in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        path = Path(name)
        if path.is_symlink():
            command += ["--symlink", os.readlink(path), name]
        elif path.is_dir():
            command += ["--ro-bind", name, name]
    for folder in _interpreter():
        for parent in reversed(Path(folder).parents[:-1]):
            command += ["--dir", str(parent)]  # which bubblewrap would make for its own user alone
        command += ["--ro-bind", folder, folder]
    for name in ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/sys/devices/system/cpu"):
        command += ["--ro-bind-try", name, name]
    command += ["--ro-bind", str(given), "/grading/given", "--dir", "/grading/work"]
    for number in range(len(_kept())):
        command += ["--dir", f"{HELD}/{number}"]
    return command + ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def _kept() -> list[str]:
    """The folders of the interpreter that lie where a submission gets a file system of its own: they stay there to be read."""
    return [folder for folder in _interpreter() if folder.startswith(f"{SCRATCH}/")]


@cache
def _packages() -> list[str]:
    """The folders that this process imports its packages from, which need not be those of a fresh interpreter."""
    found = {}
    for name in ("torch", "numpy", "sympy", "jaxtyping", "sklearn", "safetensors", "matplotlib", "IPython"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            found[str(Path(spec.origin).parents[1])] = None
    return list(found)


@cache
def _interpreter() -> list[str]:
    """The folders of this interpreter and of its packages that do not lie in another of them, or in /usr."""
    wanted = [sys.prefix, sys.base_prefix, sys.exec_prefix, *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))]
    wanted += [str(Path(sys.executable).resolve().parents[1]), *_packages()]
    found: list[str] = []
    for folder in sorted({os.path.abspath(folder) for folder in wanted if os.path.isdir(folder)}, key=len):
        if not any(os.path.commonpath([folder, other]) == other for other in ["/usr", *found]):
            found.append(folder)
    return found
