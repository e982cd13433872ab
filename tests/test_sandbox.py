"""What a student's code can and cannot do in the sandbox, tried by code that tries."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import grading.sandbox
from ddpmlib.checks.plain import Raised, pack, unpack
from grading.assemble import assemble
from grading.inside import system
from grading.inside.submission import SCRATCH, WORK
from grading.sandbox import Answer, Limits, Sandbox, SandboxUnavailable, exercise_job, sources_job

CHAPTER, NUMBER, FILE = "03_forward", "3.1", "ddpmlib/forward.py"
QUICK = Limits(seconds=3, grace=1, memory=512 << 20, disk=16 << 20, file=8 << 20, processes=24)


@pytest.fixture(scope="module")
def assignment(tmp_path_factory) -> Path:
    return assemble([CHAPTER], target=tmp_path_factory.mktemp("source"))[0]


@pytest.fixture(scope="module")
def sandbox(assignment):
    with Sandbox(assignment) as found:
        yield found


@dataclass
class Tried:
    answer: Answer
    value: object
    notes: str


def attempt(sandbox: Sandbox, body: str, *, limits: Limits = QUICK, **arguments) -> Tried:
    """What a student's function ``answer`` with this body returns in the sandbox."""
    return attempts(sandbox, body, [arguments], limits=limits)[0]


def attempts(sandbox: Sandbox, body: str, many: list[dict], *, limits: Limits = QUICK) -> list[Tried]:
    """What the function returns in several exercises of the same submission."""
    code = f"def answer({', '.join(many[0])}):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    jobs = [exercise_job(NUMBER, pack([{"call": "answer", "arguments": arguments}])) for arguments in many]
    tried = []
    for answer in sandbox.run({FILE: code.encode()}, jobs, limits):
        (value,), notes = unpack(answer.data) if answer.ended == "returned" else ([None], "")
        tried.append(Tried(answer, value, notes))
    return tried


def still_works(sandbox: Sandbox) -> bool:
    return attempt(sandbox, "return 7").value == 7


def test_it_runs_a_students_function(sandbox):
    tried = attempt(sandbox, "print('hello')\nreturn 2 * x", x=3.5)
    assert tried.value == 7.0 and tried.answer.ended == "returned" and tried.answer.printed == "hello\n"


def test_it_cannot_judge_and_holds_no_stub(sandbox):
    found = attempt(sandbox, """
        import importlib.util
        names = ["ddpmlib.checks." + name for name in ("judges", "judging", "expressions", "run", "plain")] + ["ddpmlib.schedules", "grading"]
        return [importlib.util.find_spec(name) is not None for name in names]
        """).value
    assert found == [False, False, False, True, True, False, False]


def test_the_network_is_unreachable(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"\0ddpm-{os.getpid()}")
        local.listen()
        tried = attempt(sandbox, """
            import socket
            reached = []
            for address in [("127.0.0.1", port), ("8.8.8.8", 53), ("::1", port), "\\0" + name]:
                family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
                try:
                    with socket.socket(family) as it:
                        it.settimeout(0.5)
                        it.connect(address)
                    reached.append(str(address))
                except OSError:
                    pass
            return reached
            """, port=server.getsockname()[1], name=f"ddpm-{os.getpid()}")
    assert tried.value == []


def test_nothing_but_its_own_memory_can_be_written(sandbox, assignment):
    written = attempt(sandbox, """
        import os
        found = []
        for folder, folders, names in os.walk("/"):
            if folder.startswith(("/proc", "/sys", "/usr/share", "/usr/lib")):
                folders.clear()
                continue
            try:
                with open(os.path.join(folder, "mine"), "w") as stream:
                    stream.write("x")
                found.append(folder)
            except OSError:
                pass
        for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/usr/lib/mine", "/grading/given/ddpmlib/__init__.py"):
            try:
                with open(path, "a") as stream:
                    stream.write("x")
                found.append(path)
            except OSError:
                pass
        return found
        """, limits=Limits()).value
    own = {folder for folder in written if not folder.startswith(f"{SCRATCH}/")}  # below it, memory again: what leads to an interpreter there
    assert own in ({SCRATCH}, {SCRATCH, WORK, f"{WORK}/ddpmlib"})
    assert not [folder for folder in written if (Path(folder) / "mine").exists()]
    assert not list(assignment.rglob("mine")) and not Path("/tmp/mine").exists()


def test_a_planted_secret_is_nowhere_to_be_found(sandbox, tmp_path, monkeypatch):
    secret = f"sesame-{os.getpid()}"
    planted = [tmp_path / "gradebook.db", Path("/tmp") / f"{secret}.txt", Path(__file__).with_name(f"{secret}.txt")]
    monkeypatch.setenv("PLANTED", secret)
    try:
        for path in planted:
            path.write_text(secret)
        tried = attempt(sandbox, """
            import os, stat
            found = [name for name in paths if os.path.exists(name)]
            for folder, folders, names in os.walk("/"):
                if folder.startswith(("/sys", "/usr", "/proc/")) or "site-packages" in folder or "/lib/python" in folder:
                    folders.clear()
                    continue
                for name in names:
                    path = os.path.join(folder, name)
                    if secret in path:
                        found.append(path)
                    try:
                        if stat.S_ISREG(os.stat(path).st_mode) and "/ddpmlib/" not in path and secret.encode() in open(path, "rb").read():
                            found.append(path)
                    except OSError:
                        pass
            for name in ("1/environ", "1/cmdline", "self/environ", "self/mountinfo", "mounts"):
                try:
                    if secret.encode() in open("/proc/" + name, "rb").read():
                        found.append(name)
                except OSError:
                    pass
            return found + [name for name, value in os.environ.items() if secret in value]
            """, secret=secret, paths=[str(path) for path in planted], limits=Limits(seconds=30))
        assert tried.value == []
    finally:
        for path in planted:
            path.unlink(missing_ok=True)


def test_it_is_nobody_and_can_become_nobody_else(sandbox):
    facts = attempt(sandbox, """
        import os
        status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
        others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
        return {"user": os.getuid(), "caps": status["CapEff"].strip(), "bounds": status["CapBnd"].strip(), "nnp": status["NoNewPrivs"].strip(),
                "seccomp": status["Seccomp"].strip(), "others": others}
        """).value
    assert facts["user"] != 0
    assert int(facts["caps"], 16) == int(facts["bounds"], 16) == 0
    assert (facts["nnp"], facts["seccomp"], facts["others"]) == ("1", "2", [])


def test_it_may_not_reach_for_the_kernel_or_other_processes(sandbox):
    results = attempt(sandbox, """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        calls = {"ptrace": (16, 1, 0, 0), "mount": (b"none", b"/tmp", b"tmpfs", 0, None), "unshare": (0x10000000,), "chroot": (b"/tmp",),
                 "memfd_create": (b"x", 0), "setns": (0, 0), "shmget": (0, 4096, 0o1600), "umount2": (b"/proc", 2)}
        found = {name: getattr(libc, name)(*arguments) for name, arguments in calls.items()}
        for path in ("/proc/1/mem", "/proc/1/environ", "/proc/1/fd/0"):
            try:
                open(path, "rb").close()
                found[path] = 0
            except OSError:
                found[path] = -1
        os.kill(1, 9)
        return found
        """).value
    assert set(results.values()) == {-1}, results
    assert still_works(sandbox)


def test_the_filter_of_calls_knows_two_machines_and_no_other():
    assert len(system.filter_program("x86_64")) == len(system.filter_program("aarch64")) > 0
    assert system.filter_program("pdp11") is None


def test_an_endless_loop_ends_and_is_named(sandbox):
    tried = attempt(sandbox, "while True:\n    pass")
    assert isinstance(tried.value, Raised) and tried.value.type == "TimeLimit" and "endless loop" in tried.value.message


def test_code_that_cannot_be_interrupted_is_killed(sandbox):
    start = time.monotonic()
    tried = attempt(sandbox, "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 60))\nwhile True:\n    time.sleep(60)")
    assert tried.answer.ended == "too slow" and time.monotonic() - start < 30
    assert still_works(sandbox)


def test_a_dead_process_costs_only_its_exercise(sandbox):
    first, second, third = attempts(sandbox, "import os\nif die:\n    os._exit(1)\nreturn 5", [{"die": 0}, {"die": 1}, {"die": 0}])
    assert (first.value, third.value) == (5, 5) and second.answer.ended == "died"


def test_a_fork_bomb_is_contained(sandbox):
    tried = attempt(sandbox, """
        import os, time
        started = 0
        for _ in range(2000):
            try:
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
                started += 1
            except OSError:
                break
        return started
        """)
    assert isinstance(tried.value, int) and tried.value < QUICK.processes
    bomb = attempt(sandbox, "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass")
    assert bomb.answer.ended in {"too slow", "returned", "too much memory"}
    assert still_works(sandbox)


def test_a_memory_bomb_is_contained(sandbox):
    alone = attempt(sandbox, "import torch\nreturn float(torch.ones(2 << 30).sum())")
    assert isinstance(alone.value, Raised) or alone.answer.ended in {"too much memory", "died"}
    many = attempt(sandbox, """
        import os, time
        for _ in range(10):
            if os.fork() == 0:
                data = bytearray(100 << 20)
                for index in range(0, len(data), 4096):
                    data[index] = 1
                time.sleep(60)
        time.sleep(60)
        """, limits=Limits(seconds=20, grace=1, memory=512 << 20))
    assert many.answer.ended == "too much memory" and many.answer.seconds < 20
    assert still_works(sandbox)


def test_filling_the_disk_is_contained(sandbox):
    tried = attempt(sandbox, """
        import os
        written = 0
        try:
            for number in range(100_000):
                with open(f"/tmp/{number}", "wb") as stream:
                    written += stream.write(bytes(1 << 20))
        except OSError as error:
            return [written, error.strerror]
        """, limits=Limits(seconds=30, disk=16 << 20))
    assert tried.value[0] <= 16 << 20 and "space" in tried.value[1]
    assert still_works(sandbox)


def test_a_flood_of_output_is_cut(sandbox):
    tried = attempt(sandbox, "for line in range(20_000):\n    print('line', line, 'of a flood')\nreturn 1", limits=Limits())
    assert tried.value == 1 and len(tried.answer.printed) < 21_000
    assert tried.answer.printed.startswith("line 0 ") and tried.answer.printed.endswith("line 19999 of a flood\n")
    assert "its middle is left out" in tried.answer.printed
    endless = attempt(sandbox, "import os\nwhile True:\n    os.write(1, bytes(1 << 16))")
    assert len(endless.answer.printed) < 21_000 and still_works(sandbox)


def test_too_large_a_result_is_refused(sandbox):
    tried = attempt(sandbox, "import torch\nreturn [torch.zeros(1_000_000)] * 4")
    assert tried.answer.ended == "too large" and tried.answer.data == b""
    flood = attempt(sandbox, "import os\nwhile True:\n    os.write(3, b'\\0' * 4 + b'\\1' * 4 + b'x' * 65536)")
    assert flood.answer.ended in {"too large", "too slow"} and still_works(sandbox)


def test_a_daemon_does_not_survive(sandbox):
    marker = f"daemon-{os.getpid()}"
    tried = attempt(sandbox, """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", marker], start_new_session=True)
        return 1
        """, marker=marker)
    assert tried.value == 1
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if marker.encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_nothing_is_left_for_the_next_submission(sandbox):
    attempt(sandbox, """
        import builtins, torch
        open("/tmp/note", "w").write("hello")
        torch.allclose = lambda *_: True
        builtins.note = 1
        return 1
        """)
    left = attempt(sandbox, """
        import builtins, os, torch
        return [sorted(os.listdir("/tmp")), hasattr(builtins, "note"), torch.allclose(torch.zeros(1), torch.ones(1))]
        """).value
    assert left == [sorted({Path(folder).parts[2] for folder in grading.sandbox._kept()}), False, False]


def test_an_interpreter_in_tmp_can_be_read_and_the_rest_of_tmp_is_new(assignment, monkeypatch):
    place = Path(tempfile.mkdtemp(prefix="ddpm-", dir="/tmp"))
    place.chmod(0o755)
    try:
        for name in ("environment/lib", "other"):
            (place / name).mkdir(parents=True)
            (place / name / "text").write_text(name)
        monkeypatch.setattr(grading.sandbox, "_interpreter", lambda found=grading.sandbox._interpreter(): [*found, str(place / "environment")])
        with Sandbox(assignment) as sandbox:
            tried = attempt(sandbox, """
                import os
                def opened(path, mode):
                    try:
                        with open(path, mode) as stream:
                            return stream.read() if mode == "r" else stream.write("mine")
                    except OSError as error:
                        return type(error).__name__
                found = [opened(place + "/environment/lib/text", "r"), opened(place + "/other/text", "r")]
                return found + [opened(path, "w") for path in (place + "/environment/lib/text", place + "/environment/new", "/tmp/new")]
                """, place=str(place))
            assert tried.value == ["environment/lib", "FileNotFoundError", "OSError", "OSError", 4]
    finally:
        shutil.rmtree(place)


def test_code_that_asks_for_many_threads_makes_do_with_few(sandbox):
    tried = attempt(sandbox, """
        import torch
        torch.set_num_threads(64)
        x = torch.ones(600, 600, dtype=torch.float64)
        return [float((x @ x).sum()), float(torch.ones(3_000_000).exp().mean()), len(__import__("os").listdir("/proc/self/task"))]
        """, limits=Limits())
    assert tried.answer.ended == "returned", tried.answer.printed
    assert tried.value[0] == 600.0**3 and abs(tried.value[1] - 2.71828) < 1e-4 and tried.value[2] <= 8


def test_sources_are_shown_without_running_them(sandbox):
    code = "raise SystemExit\n\n\ndef forward_step(x):\n    return x\n"
    (answer,) = sandbox.run({FILE: code.encode()}, [sources_job([NUMBER])])
    assert unpack(answer.data) == ["def forward_step(x):\n    return x\n"]


def test_the_sandbox_ends_with_the_process_that_started_it(assignment, tmp_path):
    marker = tmp_path / "started"
    code = f"""
import pathlib, time
from grading.sandbox import Sandbox, exercise_job
from ddpmlib.checks.plain import pack
sandbox = Sandbox(pathlib.Path({str(assignment)!r}))
sandbox.start()
pathlib.Path({str(marker)!r}).write_text(str(sandbox._process.pid))
loop = b"import time\\ndef answer():\\n    time.sleep(300)\\n"
sandbox.run({{{FILE!r}: loop}}, [exercise_job({NUMBER!r}, pack([{{"call": "answer", "arguments": {{}}}}]))])
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[1])
    _until(lambda: marker.exists() and marker.read_text())
    time.sleep(0.5)
    bubblewrap = int(marker.read_text())
    inside = _descendants(bubblewrap)
    assert len(inside) >= 3
    process.kill()
    process.wait()
    _until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and _read(Path(f"/proc/{pid}/cmdline")) for pid in [bubblewrap, *inside]))


def _until(holds, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _descendants(pid: int) -> list[int]:
    children = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in _read(path).split()]
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def test_a_sandbox_that_dies_is_started_anew_and_no_submission_is_blamed(assignment):
    with Sandbox(assignment) as mortal:
        mortal.start()
        threading.Timer(0.4, mortal._process.kill).start()
        assert attempt(mortal, "import time\ntime.sleep(1.5)\nreturn 5").value == 5


def test_copies_of_a_warm_sandbox_are_apart_and_outlive_it(assignment):
    template = Sandbox(assignment)
    template.start()
    with Sandbox(assignment, template=template) as first, Sandbox(assignment, template=template) as second:
        with ThreadPoolExecutor(2) as pool:
            start = time.monotonic()
            slow = pool.submit(attempt, first, "import time\ntime.sleep(1.5)\nreturn 1")
            quick = pool.submit(attempt, second, "return 2")
            assert quick.result().value == 2 and time.monotonic() - start < 1.5
            assert slow.result().value == 1
        assert first._process is None and second._process is None
        template.close()
        assert still_works(first) and still_works(second)


def test_without_bubblewrap_grading_refuses(assignment, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SandboxUnavailable, match="bubblewrap .* not installed.*--no-sandbox"):
        Sandbox(assignment).start()


def test_unprotected_it_still_keeps_time_and_survives_death(assignment):
    with Sandbox(assignment, isolated=False) as unprotected:
        assert unprotected.name == "none"
        dead, alive = attempts(unprotected, "import os\nif die:\n    os._exit(1)\nreturn 5", [{"die": 1}, {"die": 0}])
        assert dead.answer.ended == "died" and alive.value == 5
        assert attempt(unprotected, "while True:\n    pass").value.type == "TimeLimit"
