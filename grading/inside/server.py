"""The warm grader: a process that has imported torch, and forks a keeper for each submission that it is sent.

It speaks to the grading process over one Unix socket. A message is its length and its JSON; with the message of a submission comes a
pipe, into which the keeper answers, so that nothing that a student's code has made passes through this process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import traceback

from . import submission, system
from .submission import LENGTH

READY, DONE, FAILED = b"r", b"d", b"f"
STOP = LENGTH.pack(0)  # the message that ends the submission that is running
CLONE = LENGTH.pack(2**64 - 1)  # the message, with a socket, that asks for another server as warm as this one
PRELOADED = ("numpy", "torch", "sympy", "ddpmlib.checks.run", "ddpmlib.checks.notebook")


def become(user: int) -> None:
    """Go on as an ordinary user, with a /proc that hides nothing, which the namespaces of submissions need."""
    system.mount("proc", "/proc", system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    system.set_dumpable(True)


def preload(modules: list[str], others: list[str]) -> None:
    """Import what submissions need, as far as it imports nothing of theirs."""
    for name in [*PRELOADED, *others]:
        importlib.import_module(name)
    import torch

    from ddpmlib.checks import runs

    torch.set_num_threads(1)
    runners = [found.name for found in pkgutil.iter_modules(runs.__path__)]
    for name in [f"ddpmlib.checks.runs.{name}" for name in runners] + [f"ddpmlib.{name}" for name in modules]:
        _try(name)
    _warm_up()


def _warm_up() -> None:
    """Use what most exercises use, since torch and SymPy put much off until its first use."""
    import sympy
    import torch

    x = torch.rand(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = (x @ x + x.cumprod(0).exp().log()).sqrt() * torch.randn(4, 4) / x.mean() - x.flip(0)
    y.square().sum().backward()
    torch.allclose(torch.distributions.Normal(x, 1.0).log_prob(y).cumsum(0), torch.where(x > 0.5, x, y.clamp(0, 1)))
    a, b = sympy.symbols("a b", positive=True)
    str(sympy.simplify(sympy.sqrt(a) * sympy.exp(-b) / sympy.log(a + b) ** 2))


def _try(name: str) -> None:
    """Import a module; forget all of ``ddpmlib`` that was begun for it if it needs a student's module."""
    before = set(sys.modules)
    try:
        importlib.import_module(name)
    except ImportError:
        for other in set(sys.modules) - before:
            if other.partition(".")[0] == "ddpmlib":
                del sys.modules[other]
                package, _, last = other.rpartition(".")
                vars(sys.modules[package]).pop(last, None) if package in sys.modules else None


def serve(control: socket.socket, *, isolated: bool) -> None:
    """Grade what comes over the socket, one submission after the other, until it is closed."""
    memory = submission.memory_of("self", 0)
    gc.collect()
    gc.freeze()  # what is there already is shared with all submissions: collecting it would copy it
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    control.sendall(READY)
    while message := _receive(control):
        payload, answer = message
        if payload is None:
            if os.fork() == 0:
                control.close()
                with socket.socket(fileno=answer) as mine:
                    serve(mine, isolated=isolated)
                os._exit(0)
            os.close(answer)
            continue
        child = os.fork()
        if child == 0:
            _keep(control, payload, answer, isolated=isolated, memory=memory)
        os.close(answer)
        del payload, message
        status = _wait(control, child, woken)
        control.sendall(DONE if status == 0 else FAILED)


def _receive(control: socket.socket) -> tuple[bytes | None, int] | None:
    """The next message, and what came with it: a pipe, or a socket where there is no message; None when the other side has gone."""
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # servers that have ended
                pass
        head, pipes, _, _ = socket.recv_fds(control, LENGTH.size, 1)
        while head and len(head) < LENGTH.size:
            more = control.recv(LENGTH.size - len(head))
            if not more:
                return None
            head += more
        if not head:
            return None
        if head == CLONE:
            return None, pipes[0]
        length = LENGTH.unpack(head)[0]
        if length:  # else it would end a submission that has ended already
            break
    payload = bytearray()
    while len(payload) < length:
        more = control.recv(min(1 << 20, length - len(payload)))
        if not more:
            return None
        payload += more
    return bytes(payload), pipes[0]


def _wait(control: socket.socket, child: int, woken: int) -> int:
    """Wait until a submission has ended; end it if the other side says so, or has gone."""
    while True:
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            return status
        ready, _, _ = select.select([control, woken], [], [], 1.0)
        if woken in ready:
            os.read(woken, 1 << 12)
        if control in ready:
            control.recv(LENGTH.size)
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1]


def _keep(control: socket.socket, payload: bytes, answer: int, *, isolated: bool, memory: int) -> None:
    """The keeper's process: nothing of it returns."""
    try:
        signal.set_wakeup_fd(-1)
        control.close()
        if sys.platform == "linux":
            system.die_with_parent()
        submission.run_submission(json.loads(payload), answer, isolated=isolated, memory_before=memory)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(control: int, user: int | None, isolated: bool, modules: list[str], others: list[str]) -> None:
    """Serve over the socket ``control``, as this user if one is named, with these modules of ``ddpmlib`` and others imported before."""
    os.umask(0o022)
    if sys.platform == "linux":
        system.die_with_parent()
    if user is not None:
        become(user)
    preload(modules, others)
    with socket.socket(fileno=control) as channel:
        serve(channel, isolated=isolated)
