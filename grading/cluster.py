"""What a Dask worker does for a class: it keeps a grader (``grading.worker``), and hands it the submissions that it is sent.

This module is sent to the workers as it stands, so a worker needs the course's folder and Python environment, and nothing installed of
this package. It imports nothing of ``grading``.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time

from distributed import WorkerPlugin, get_worker

START_SECONDS = 300.0


class GraderPlugin(WorkerPlugin):
    """Starts a grader with the worker, starts it anew when it has died, and ends it with the worker."""

    name = "grader"

    def __init__(self, folder: str, chapter: str, options: list[str], environment: dict[str, str], seconds: float):
        self.folder, self.chapter, self.options, self.environment, self.seconds = folder, chapter, options, environment, seconds

    def setup(self, worker) -> None:
        self.lock, self.process = threading.Lock(), None
        self._start()  # here, so that its parent is the worker's own thread, with which it then ends

    def teardown(self, worker) -> None:
        self._stop()

    def _start(self) -> None:
        self.ready = False
        self.unread = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grading.worker", self.chapter, *self.options], cwd=self.folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={**os.environ, **self.environment})

    def _stop(self) -> None:
        if self.process is not None:
            self.process.stdin.close()  # which ends it
            self.process.stdout.close()
            self.process.kill()
            self.process.wait()
            self.process = None

    def grade(self, order: dict) -> dict:
        """Have a submission graded, by a second grader if the first one dies of it."""
        with self.lock:
            for _ in range(2):
                try:
                    if self.process is None:
                        self._start()
                    if not self.ready:
                        told = self._read(START_SECONDS)
                        if "cannot" in told:
                            self._stop()
                            return {"student": order["student"], "outcome": "cannot start", "log": told["cannot"]}
                        self.ready = True
                    self.process.stdin.write(json.dumps(order).encode() + b"\n")
                    self.process.stdin.flush()
                    return self._read(self.seconds)
                except (OSError, EOFError, ValueError) as error:
                    said = f"{type(error).__name__}: {error}"
                    self._stop()
            return {"student": order["student"], "outcome": "the grader died", "log": said}

    def _read(self, seconds: float) -> dict:
        """The next line of the grader's."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise EOFError(f"the grader said nothing for {seconds:g} seconds")
                chunk = os.read(self.process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise EOFError("the grader has ended")
                self.unread += chunk
        line, _, self.unread = self.unread.partition(b"\n")
        return json.loads(line)


def grade(order: dict) -> dict:
    """The task: grade one submission with the grader of the worker that it has come to."""
    return get_worker().plugins["grader"].grade(order)
