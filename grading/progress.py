"""A progress bar: how many are done, how fast, how long it will take, how many failed."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30
EVERY = 10.0  # seconds between two lines where the output is no terminal


class Progress:
    """``show`` draws the bar: over itself on a terminal, a line from time to time elsewhere."""

    def __init__(self, title: str, stream: TextIO | None = None):
        self.title, self.stream = title, stream or sys.stderr
        self.start, self.drawn, self.last = time.monotonic(), 0.0, ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.last:
            self.stream.write("\n" if self.stream.isatty() else "")
            self.stream.flush()

    def show(self, done: int, failed: int, of: int) -> None:
        """Draw ``done`` of ``of``, of which ``failed`` need a person."""
        now = time.monotonic()
        if not self.stream.isatty() and now - self.drawn < EVERY and done < of:
            return
        self.drawn, self.last = now, line(self.title, done, failed, of, now - self.start)
        self.stream.write(f"\r\x1b[K{self.last}" if self.stream.isatty() else f"{self.last}\n")
        self.stream.flush()


def line(title: str, done: int, failed: int, of: int, seconds: float) -> str:
    """The bar as text."""
    full = WIDTH * done // of if of else WIDTH
    rate = done / seconds if seconds else 0.0
    left = clock((of - done) / rate) if rate and done < of else clock(seconds)
    what = "left" if done < of else "in all"
    return (f"{title} [{'#' * full}{'.' * (WIDTH - full)}] {done}/{of}  {60 * rate:.0f}/min  {left} {what}"
            + (f"  {failed} failed" if failed else ""))


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
