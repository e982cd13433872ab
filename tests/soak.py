"""Kill what grades a class, many times, and see that no grade is lost and none stands twice: ``make soak``.

``python tests/soak.py [--kills N] [--seed S]``. Each round grades a class from nothing while something is killed at a random moment: a grader, the
process that the graders were forked from, a sandbox, the whole run; or, on a Dask cluster with the gradebook in PostgreSQL, a worker or the
scheduler. Then the same command is given again until it has nothing left to do, and every grade is compared.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
os.environ.update(DDPMLIB_REFERENCE="1", OMP_NUM_THREADS="1", MPLBACKEND="agg")

import postgres  # noqa: E402
from course_copy import NAMES, copy_course, run  # noqa: E402
from killing import Classroom, a_class, dask_cluster, kill, kill_one  # noqa: E402

LOCAL = ("a grader", "their parent", "a sandbox", "the whole run")
CLUSTER = ("a worker", "the scheduler")
CHAPTER = NAMES[0]
SIZE = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    options = parser.parse_args()
    chance, done = random.Random(options.seed), collections.Counter()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as name, postgres.server() as url:
        course = copy_course(Path(name) / "course")
        run(course, "grading", "assemble", CHAPTER)
        run(course, "nbgrader", "generate_assignment", CHAPTER)
        number = 0
        while sum(done.values()) < options.kills:
            number += 1
            folder = Path(name) / f"room-{number}"
            start, cluster = time.monotonic(), number % 3 == 0
            killed = (on_a_cluster if cluster else here)(course, folder, chance, url)
            done.update(killed)
            print(f"round {number:3}: killed {', '.join(killed) or 'nothing'}; all {SIZE} grades are there once "
                  f"({time.monotonic() - start:.0f} s, {sum(done.values())} kills)", flush=True)
            shutil.rmtree(folder)
    print("\n".join(f"{what:16} killed {times:3} times" for what, times in done.items()))
    print(f"{sum(done.values())} kills, {number} classes of {SIZE}: no grade lost, none twice")
    return 0


def here(course: Path, folder: Path, chance: random.Random, url: str) -> list[str]:
    """Kill twice at random moments of a run on this machine."""
    room, killed = Classroom.open(course, folder, CHAPTER, a_class(CHAPTER, SIZE)), []
    process = room.start()
    for _ in range(2):
        room.wait_for(chance.randrange(SIZE - 2), process)
        time.sleep(chance.random())
        what = chance.choice(LOCAL)
        if process.poll() is not None:
            break
        if what == "the whole run":
            kill(process.pid)
            killed.append(what)
            break
        pattern = {"a sandbox": "^bwrap"}.get(what, "grading.worker")
        oldest = what == "their parent"
        if kill_one(room, pattern, chance, oldest=oldest):
            killed.append(what)
    process.communicate()
    room.wait_until_quiet()
    finish(room)
    return killed


def on_a_cluster(course: Path, folder: Path, chance: random.Random, url: str) -> list[str]:
    """Kill a worker, then the scheduler, at random moments of a run on a cluster with PostgreSQL."""
    room, killed = Classroom.open(course, folder, CHAPTER, a_class(CHAPTER, SIZE), url, anew=True), []
    with dask_cluster(room) as (address, scheduler, workers):
        process = room.start("--scheduler", address)
        for what, victim in zip(CLUSTER, (chance.choice(workers), scheduler)):
            room.wait_for(chance.randrange(SIZE - 2), process)
            time.sleep(chance.random())
            if process.poll() is None:
                kill(victim.pid)
                killed.append(what)
        process.communicate()
    room.wait_until_quiet()
    finish(room)
    return killed


def finish(room: Classroom) -> None:
    """Give the command again until all are graded, and compare every grade."""
    for _ in range(3):
        if "\n0 graded in" in f"\n{room.grade()}".replace(f"{CHAPTER}: ", "\n"):
            break
    room.check()


if __name__ == "__main__":
    sys.exit(main())
