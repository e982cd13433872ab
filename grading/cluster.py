"""What a Dask worker does for a class: it keeps the graders of its machine (``grading.worker``), and hands them what it is sent.

This module is sent to the workers as it stands, so a worker needs the course's folder and Python environment, and nothing installed of
this package. It imports nothing of ``grading``.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading

from distributed import WorkerPlugin, get_worker

START_SECONDS = 300.0


class GraderPlugin(WorkerPlugin):
    """Starts graders with the worker, as many as it has threads; starts them anew when they have died, and ends them with the worker."""

    name = "grader"

    def __init__(self, folder: str, chapter: str, options: list[str], environment: dict[str, str], seconds: float):
        self.folder, self.chapter, self.options, self.environment, self.seconds = folder, chapter, options, environment, seconds

    def setup(self, worker) -> None:
        self.count, self.lock = worker.state.nthreads, threading.Lock()
        self._start()  # here, so that its parent is the worker's own thread, with which it then ends

    def teardown(self, worker) -> None:
        """End the graders, in peace if they have nothing to do."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if not self.asked:
                self._send(b"end\n")
                self.process.wait(10)
        self._stop()

    def _start(self) -> None:
        self.asked: dict[str, queue.SimpleQueue] = {}
        self.cannot = ""
        self.ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "grading.worker", self.chapter, str(self.count), *self.options], cwd=self.folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **self.environment})
        threading.Thread(target=self._listen, args=(self.process, self.asked, self.ready), daemon=True).start()

    def _stop(self) -> None:
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def _send(self, line: bytes) -> None:
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def _listen(self, process, asked: dict[str, queue.SimpleQueue], ready: threading.Event) -> None:
        """Pass each report on to who waits for it; when there will be no more, tell all of them."""
        try:
            for line in process.stdout:
                report = json.loads(line)
                if "student" in report:
                    asked.pop(report["student"], queue.SimpleQueue()).put(report)
                else:
                    self.cannot = report.get("cannot", "")
                    ready.set()
        finally:
            for waiting in list(asked.values()):
                waiting.put(None)
            ready.set()
            process.stdout.close()

    def grade(self, order: dict) -> dict:
        """Have a submission graded, once more if the graders have died meanwhile."""
        student = order["student"]
        for _ in range(3):
            try:
                with self.lock:
                    if self.process.poll() is not None and not self.cannot:
                        self._stop()
                        self._start()
                    process, asked, ready = self.process, self.asked, self.ready
                    mine = asked[student] = queue.SimpleQueue()
                if not ready.wait(START_SECONDS) or self.cannot:
                    return {"student": student, "outcome": "cannot start", "log": self.cannot or f"not ready in {START_SECONDS:g} s"}
                with self.lock:
                    process.stdin.write(json.dumps(order).encode() + b"\n")
                    process.stdin.flush()
                if report := mine.get(timeout=self.seconds):
                    return report
            except OSError:
                pass
            except queue.Empty:
                with self.lock:
                    asked.pop(student, None)
                return {"student": student, "outcome": "no answer", "log": f"the grader said nothing for {self.seconds:g} seconds"}
            finally:
                asked.pop(student, None)
            process.wait()
        return {"student": student, "outcome": "the graders died", "log": "three times, while this submission was graded"}


def grade(order: dict) -> dict:
    """The task: grade one submission with the graders of the worker that it has come to."""
    return get_worker().plugins["grader"].grade(order)
