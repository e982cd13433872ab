"""How long each check takes on the reference: ``DDPMLIB_REFERENCE=1 python -m benchmarks.checks``.

Prints the median and the longest of ``REPEATS`` assessments of each exercise, on one thread, and the share of
the two seconds that a check may take. The first assessment, which builds what a check keeps, is counted apart.
"""

from __future__ import annotations

import statistics
import time

import torch

from ddpmlib.checks import assess
from ddpmlib.checks.catalogue import exercises

REPEATS = 9
ALLOWED = 2.0


def seconds(number: str, seed: int) -> float:
    start = time.perf_counter()
    assess(number, seed=seed)
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'exercise':44} {'first':>8} {'median':>8} {'longest':>8} {'of 2 s':>7}")
    for number, entry in exercises().items():
        if entry.kind != "written":
            first = seconds(number, 0)
            times = [seconds(number, seed) for seed in range(1, REPEATS + 1)]
            longest = max(first, *times)
            print(f"{number:5} {entry.title:38.38} {first:8.3f} {statistics.median(times):8.3f} {longest:8.3f} {longest / ALLOWED:7.0%}")


if __name__ == "__main__":
    main()
