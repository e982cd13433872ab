"""Real processes for the tests of training, forked from one that has imported PyTorch already: each costs a fraction of a second."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])])
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["warmed"])
PATIENCE = 120  # seconds, for a busy machine


@contextlib.contextmanager
def command(arguments: list[str], errors: Path, die_in: str | None = None) -> Iterator:
    """``python -m ddpmlib.train`` with these arguments, in a process; it is not left behind."""
    process = CONTEXT.Process(target=_command, args=(arguments, str(errors), die_in))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def run_command(arguments: list[str], errors: Path, die_in: str | None = None) -> int:
    """The same, to its end; the exit status (negative: the signal)."""
    with command(arguments, errors, die_in) as process:
        process.join(PATIENCE)
        assert process.exitcode is not None, "the command does not end"
        return process.exitcode


def _command(arguments: list[str], errors: str, die_in: str | None) -> None:
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.dup2(2, 1)
    if die_in is not None:
        _die_in(die_in)
    from ddpmlib.train import main

    raise SystemExit(main(arguments))


def _die_in(call: str) -> None:
    """Let the first call of a function kill this process: "fsync before" it does anything, "replace after" it has done its work."""
    name, when = call.split()
    real = getattr(os, name)

    def deadly(*arguments):
        if when == "after":
            real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(os, name, deadly)


def wait_until(condition: Callable[[], bool], process) -> None:
    """Return as soon as the condition holds, which the process brings about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.exitcode is None, f"the process ended with {process.exitcode} before"
        assert time.monotonic() < end, "the condition never holds"
        time.sleep(0.005)


def together(function: Callable, number: int, *arguments: object) -> list:
    """What the function returns in each of ``number`` processes that ``join_workers`` makes a group of, as torchrun would."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    pipes, processes = [], []
    for rank in range(number):
        ours, theirs = CONTEXT.Pipe()
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": number, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": store.port,
                 "TORCHELASTIC_USE_AGENT_STORE": "True"}  # the store is here, so that no port is chosen twice
        processes.append(CONTEXT.Process(target=_member, args=(theirs, place, function, arguments)))
        processes[-1].start()
        theirs.close()
        pipes.append(ours)
    try:
        results = []
        for pipe in pipes:
            assert pipe.poll(PATIENCE), "a process says nothing"
            results.append(pipe.recv())
    finally:
        for process in processes:
            process.kill()
            process.join()
    for result in results:
        assert not isinstance(result, str) or not result.startswith("Traceback"), result
    return results


def _member(pipe, place: dict, function: Callable, arguments: tuple) -> None:
    os.environ.update({name: str(value) for name, value in place.items()})
    from ddpmlib.workers import join_workers

    try:
        with join_workers("cpu") as workers:
            pipe.send(function(workers, *arguments))
    except BaseException:
        pipe.send(traceback.format_exc())
