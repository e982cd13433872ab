"""Whatever is killed while a class is graded, no grade is lost and none stands twice. ``make soak`` kills many more times."""

from __future__ import annotations

import random
import time

import postgres
import pytest
from course_copy import NAMES, course  # noqa: F401
from killing import Classroom, a_class, dask_cluster, kill, kill_one

CHAPTER = NAMES[0]


def test_killing_a_grader_a_sandbox_and_the_whole_run(course, tmp_path):
    chance = random.Random(time.time_ns())
    room = Classroom.open(course, tmp_path / "course", CHAPTER, a_class(CHAPTER, 12))
    run = room.start()
    room.wait_for(2, run)
    assert kill_one(room, "grading.worker", chance)
    room.wait_for(4, run)
    assert kill_one(room, "^bwrap", chance)
    room.wait_for(6, run)
    run.kill()
    run.communicate()
    room.wait_until_quiet()
    assert len(room.records()) >= 6
    printed = room.grade()
    assert "graded before" in printed and " 0 failed" in printed
    room.check()
    assert "0 graded in" in room.grade()


@pytest.mark.skipif(not postgres.available(), reason="there is no PostgreSQL server on this machine, nor the wheel pgserver")
def test_several_machines_with_postgresql_and_kills_of_a_worker_and_the_scheduler(course, tmp_path):
    with postgres.server() as url:
        room = Classroom.open(course, tmp_path / "course", CHAPTER, a_class(CHAPTER, 12), url)
        with dask_cluster(room) as (address, scheduler, workers):
            run = room.start("--scheduler", address)
            room.wait_for(2, run)
            kill(workers[0].pid)
            room.wait_for(4, run)
            kill(scheduler.pid)
            printed, _ = run.communicate(timeout=300)
            assert run.returncode == 1 and "The scheduler has gone" in printed, printed
        room.wait_until_quiet()
        with dask_cluster(room) as (address, _, _):
            assert " 0 failed" in room.grade("--scheduler", address)
        room.check()
