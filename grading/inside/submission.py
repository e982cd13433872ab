"""Run the jobs of one submission, each in a process of its own, and send what they returned to the grader.

The grader's server has forked this process, and nothing here has imported a student's code yet: it is the keeper, which watches
the processes that do. In the sandbox it is the first process of namespaces of its own, so that nothing outlives it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import resource
import selectors
import signal
import struct
import sys
import time
import traceback
from pathlib import Path

from . import system

WORK, SCRATCH = "/grading/work", "/tmp"  # where the submission's files are, and where its code may write
HELD = "/grading/held"  # an empty folder in here for each thing that is kept where ``SCRATCH`` hides it
FRAME = struct.Struct(">BdIQ")  # how it ended, seconds, the lengths of what was printed and of what was returned
LENGTH = struct.Struct(">Q")
OUT_OF_MEMORY = 71  # the exit status of a process that could not have as much as it asked for
RETURNED, DIED, TOO_SLOW, TOO_LARGE, TOO_MUCH_MEMORY = range(5)
_CHUNK = 1 << 16
_LOOK = 0.1  # seconds between two looks at the memory in use


def enter_namespaces() -> None:
    """Go on as the first process of new namespaces: no other process is seen from there, and none outlives it."""
    user, group = os.getuid(), os.getgid()
    system.unshare(system.NEWUSER | system.NEWNS | system.NEWPID | system.NEWIPC | system.NEWUTS)
    for name, text in (("setgroups", "deny"), ("gid_map", f"{group} {group} 1"), ("uid_map", f"{user} {user} 1")):
        Path(f"/proc/self/{name}").write_text(text)
    alive, ours = os.pipe()
    first = os.fork()
    if first:
        os.close(alive)
        os._exit(0 if os.waitpid(first, 0)[1] == 0 else 1)
    os.close(ours)
    system.die_with_parent()
    _end_if_closed(alive)


def _end_if_closed(pipe: int) -> None:
    """End here if the process that holds the other end has gone meanwhile."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        if selector.select(0):
            os._exit(1)


def private_disk(size: int, kept: list[str]) -> None:
    """Mount an own /proc, and memory of limited size as the folder to write in and as the folder of the submission.

    The read-only folders ``kept`` lie in the folder to write in, and are mounted there again.
    """
    guarded = system.MS_NOSUID | system.MS_NODEV
    system.make_mounts_private()
    system.mount("proc", "/proc", guarded | system.MS_NOEXEC)
    for number, folder in enumerate(kept):
        system.bind(folder, f"{HELD}/{number}")
    for folder, mode in ((SCRATCH, "1777"), (WORK, "755")):
        system.mount("tmpfs", folder, guarded, f"size={size},nr_inodes=4096,mode={mode}")
    for number, folder in enumerate(kept):
        os.makedirs(folder)
        system.bind(f"{HELD}/{number}", folder)


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write the student's files (in base64) below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(text))


def confine(limits: dict, memory_before: int) -> None:
    """Limits and prohibitions for this process and all that it starts."""
    processes = limits["processes"] if memory_before else None
    for kind, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, limits["file"]), (resource.RLIMIT_NOFILE, 256),
                        (resource.RLIMIT_NPROC, processes), (resource.RLIMIT_AS, memory_before and memory_before + limits["memory"])):
        if value is not None and (value or kind == resource.RLIMIT_CORE):
            with contextlib.suppress(ValueError, OSError):  # a lower limit stands already
                resource.setrlimit(kind, (value, value))


def memory_of(process: str | int, field: int) -> int:
    """Bytes of address space (field 0) or in use (field 1) of a process; 0 where /proc does not say."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[field]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


class Keeper:
    """Has the jobs done by a process of its own, reads what it prints and returns, and stops it at its limits.

    The process goes on to the next job as long as it lives; where it has died or was stopped, another one takes the rest.
    """

    def __init__(self, answer: int, limits: dict, *, isolated: bool):
        self.answer, self.limits, self.isolated = answer, limits, isolated
        self.usual = memory_of("self", 1)
        self.child = 0
        self.woken, wake = os.pipe()
        for end in (self.woken, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def run(self, jobs: list[dict]) -> None:
        """Do the jobs, in order, and send an answer for each."""
        for index, job in enumerate(jobs):
            if not self.child:
                self._start(jobs[index:])
            start = time.monotonic()
            ended, returned, said = self._watch(start + self._seconds(job) + self.limits["grace"])
            if ended != RETURNED:
                self._stop()
            _write_all(self.answer, FRAME.pack(ended, time.monotonic() - start, len(said), len(returned)) + said + returned)
        self._stop()

    def _seconds(self, job: dict) -> float:
        return job.get("seconds", self.limits["seconds"])

    def _start(self, jobs: list[dict]) -> None:
        self.result, result_end = os.pipe()
        self.printed, printed_end = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            self._become(jobs, result_end, printed_end)
        os.close(result_end)
        os.close(printed_end)
        for end in (self.result, self.printed):
            os.set_blocking(end, False)
        self.gone, self.status, self.pending = False, 0, bytearray()

    def _become(self, jobs: list[dict], result: int, printed: int) -> None:
        """The process that does jobs: nothing of it returns."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            seconds = int(sum(self._seconds(job) + self.limits["grace"] for job in jobs)) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for end in (1, 2):
                os.dup2(printed, end)
            result = os.dup2(result, 3)
            os.closerange(4, 256)
            if self.isolated:
                system.set_dumpable(True)
            for job in jobs:
                data = do(job, self._seconds(job))
                with contextlib.suppress(Exception):
                    sys.stdout.flush()
                _write_all(result, LENGTH.pack(len(data)) + data)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(0)

    def _watch(self, deadline: float) -> tuple[int, bytes, bytes]:
        """Read until a job is done or a limit broken: how it ended, what it returned, what it printed."""
        said = Cut(self.limits["printed"])
        with selectors.DefaultSelector() as selector:
            for end in (self.result, self.printed, self.woken):
                selector.register(end, selectors.EVENT_READ)
            looked = time.monotonic()
            while True:
                if (now := time.monotonic()) >= deadline:
                    return TOO_SLOW, b"", said.text()
                if now - looked > _LOOK:
                    looked = now
                    if self._memory() > self.limits["memory"]:
                        return TOO_MUCH_MEMORY, b"", said.text()
                ended, returned = self._returned()
                for _ in range(64):  # what a job prints stands in its pipe before what it returns
                    chunk = _read(self.printed)
                    said.add(chunk)
                    if not chunk:
                        break
                if ended is not None:
                    return ended, returned, said.text()
                selector.select(min(_LOOK, deadline - now))
                _read(self.woken)

    def _returned(self) -> tuple[int | None, bytes]:
        """How the job has ended, and its bytes; None as long as it has not."""
        if not self.gone:  # asked before reading: all that it wrote is in the pipes when it has gone
            self.gone, self.status = os.waitpid(self.child, os.WNOHANG)
        for _ in range(64):
            if len(self.pending) >= LENGTH.size:
                length = LENGTH.unpack_from(self.pending)[0]
                if length > self.limits["result"]:
                    return TOO_LARGE, b""
                if len(self.pending) >= LENGTH.size + length:
                    returned = bytes(self.pending[LENGTH.size : LENGTH.size + length])
                    del self.pending[: LENGTH.size + length]
                    return RETURNED, returned
            chunk = _read(self.result)
            self.pending += chunk
            if not chunk:
                if not self.gone:
                    return None, b""
                if os.WIFSIGNALED(self.status):
                    return (TOO_SLOW if os.WTERMSIG(self.status) == signal.SIGXCPU else DIED), b""
                return (TOO_MUCH_MEMORY if os.WEXITSTATUS(self.status) == OUT_OF_MEMORY else DIED), b""
        return None, b""

    def _memory(self) -> int:
        """Bytes in use by the processes of the job, beyond what each of them shares with this one."""
        if not self.isolated:
            return 0
        found = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        return sum(max(0, memory_of(name, 1) - self.usual) for name in found)

    def _stop(self) -> None:
        """End the process, and whatever it has started in the background."""
        if not self.child:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.isolated:
                os.kill(-1, signal.SIGKILL)
            else:
                os.killpg(self.child, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            if not self.gone:
                os.kill(self.child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            if self.isolated:
                while True:
                    os.waitpid(-1, 0)
            elif not self.gone:
                os.waitpid(self.child, 0)
        os.close(self.result)
        os.close(self.printed)
        self.child = 0


class Cut:
    """The beginning and the end of a text, however long it is."""

    MARK = "\n... (the output is longer; its middle is left out) ...\n".encode()

    def __init__(self, most: int):
        self.half = most // 2
        self.head, self.tail, self.longer = bytearray(), bytearray(), False

    def add(self, chunk: bytes) -> None:
        room = self.half - len(self.head)
        self.head += chunk[:room] if room > 0 else b""
        self.tail += chunk[max(room, 0):]
        if len(self.tail) > self.half:
            self.longer = True
            del self.tail[: -self.half]

    def text(self) -> bytes:
        return bytes(self.head) + (self.MARK if self.longer else b"") + bytes(self.tail)


def _read(end: int) -> bytes:
    try:
        return os.read(end, _CHUNK)
    except BlockingIOError:
        return b""


def _write_all(end: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(end, view):]


def do(job: dict, seconds: float) -> bytes:
    """What a job returns, packed: the results and notes of an exercise, or the source texts of exercises."""
    from ddpmlib.checks import plain, run

    run.TIME_LIMIT = seconds
    if job["kind"] == "exercise":
        cases = plain.unpack(job["cases"].encode())
        try:
            results, notes = run.run_exercise(job["number"], cases)
        except BaseException as error:
            results, notes = [plain.raised(error)] * len(cases), ""
        return plain.pack([results, notes])
    if job["kind"] == "sources":
        return plain.pack([_source(number) for number in job["numbers"]])
    from . import cells

    return plain.pack(cells.run(job["cells"], job["seconds"]))


def _source(number: str) -> str:
    from ddpmlib.checks import notebook

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        notebook.source(number)
    return text.getvalue()


def point_library_at(folder: Path) -> None:
    """Let ``ddpmlib`` find the student's modules, which are in this folder; the given ones stay where they are."""
    import ddpmlib

    ddpmlib.ROOT = folder
    ddpmlib.__file__ = str(folder / "ddpmlib" / "__init__.py")
    ddpmlib.__path__.insert(0, str(folder / "ddpmlib"))


def run_submission(request: dict, answer: int, *, isolated: bool, memory_before: int) -> None:
    """All jobs of a submission, in order; the answers go into the pipe ``answer``."""
    limits = request["limits"]
    if isolated:
        enter_namespaces()
        private_disk(limits["disk"], request["kept"])
        folder = Path(WORK)
        os.chdir(SCRATCH)
    else:
        folder = Path(request["folder"])
        os.chdir(folder)
    write_files(request["files"], folder)
    if isolated:
        system.set_dumpable(False)
        system.no_new_privileges()
        system.drop_capabilities()
        system.filter_calls()
    confine(limits, memory_before if isolated else 0)
    point_library_at(folder)
    Keeper(answer, limits, isolated=isolated).run(request["jobs"])
