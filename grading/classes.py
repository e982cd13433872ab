"""Grade a class: many submissions at the same time, on this machine or on a Dask cluster.

The submissions are tasks of Dask distributed; a worker has a grader, a process of its own, which goes through nbgrader's converter. What a
submission got stands in its record and in the gradebook as soon as it is graded, so a run that is stopped at any point loses nothing that
was done, and the next one does the rest.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .progress import Progress
from .records import is_graded, read_record
from .sources import ROOT

PASSED_ON = ("NBGRADER_DB", "NBGRADER_COURSE", "NBGRADER_EXCHANGE", "DDPMLIB_TIME_LIMIT", "DDPMLIB_GRACE")
SUBMISSION_SECONDS = 2400.0  # for a submission and those before it, after which no answer is waited for any more


@dataclass
class Outcome:
    """What became of a class: the students graded in this run, those whose verdicts stood already, and why others have none."""

    chapter: str
    graded: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    unfinished: int = 0

    def records(self) -> list[dict]:
        """The records of all that is graded, in the students' order."""
        return [read_record(ROOT / "autograded" / student / self.chapter) for student in sorted([*self.graded, *self.kept])]


def students_of(chapter: str, wanted: Sequence[str] = ()) -> list[str]:
    """The students who have handed something in for a chapter; raise ValueError for one of ``wanted`` who has not."""
    found = sorted(path.parent.name for path in (ROOT / "submitted").glob(f"*/{chapter}"))
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise ValueError(f"{', '.join(missing)} handed in nothing for {chapter}")
    if not found:
        raise ValueError(f"nobody has handed in anything for {chapter}: there is no folder submitted/*/{chapter}")
    return sorted(wanted) or found


def grade_class(
    chapter: str, *, students: Sequence[str] = (), exercises: Sequence[str] = (), workers: int | None = None, scheduler: str | None = None,
    sandbox: bool = True, force: bool = False, new_seeds: bool = False, figures: bool = False, progress: Callable[[int, int, int], None] | None = None,
) -> Outcome:
    """Grade a class; ``progress(done, failed, of)`` is called as it goes on.

    ``students`` and ``exercises`` name whom and what to grade (all by default; exercises that are named are graded again, and the verdicts
    on the others stay). Submissions whose verdicts stand are left alone unless ``force`` says otherwise. ``scheduler`` is the address of a Dask
    cluster; without it the class is graded here by ``workers`` processes.
    """
    start = time.monotonic()
    if not (ROOT / "source" / chapter).is_dir():
        raise ValueError(f"there is no source/{chapter}; run python -m grading assemble {chapter} first")
    outcome = Outcome(chapter)
    everybody = students_of(chapter, students)
    standing = set() if force or exercises else {student for student in everybody if is_graded(
        ROOT / "submitted" / student / chapter, ROOT / "autograded" / student / chapter)}
    options = [name for name, chosen in (("figures", figures), ("unprotected", not sandbox)) if chosen]
    how = {"only": list(exercises), "new_seeds": new_seeds}
    with ExitStack() as stack:
        client = None
        if len(standing) < len(everybody):  # the graders warm up while the gradebook is prepared
            client = stack.enter_context(_graders(chapter, min(workers or os.cpu_count() or 1, len(everybody)), scheduler, options))
        outcome.kept = sorted(standing & prepare_gradebook(chapter))
        orders = [{"student": student, "force": True, **how} for student in everybody if student not in set(outcome.kept)]
        if orders:
            client = client or stack.enter_context(_graders(chapter, workers or os.cpu_count() or 1, scheduler, options))
            _distribute(client, orders, outcome, progress or (lambda *_: None))
    outcome.seconds = time.monotonic() - start
    return outcome


def prepare_gradebook(chapter: str) -> set[str]:
    """Make what all graders need before they race for it; return the students who have grades on this chapter."""
    from nbgrader.api import Assignment, Gradebook, Grade, Student, SubmittedAssignment, SubmittedNotebook
    from nbgrader.apps import NbGraderAPI
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    api = NbGraderAPI(config=config)
    for course in ("default_course", api.coursedir.course_id):  # nbgrader's preprocessors name none
        Gradebook(api.coursedir.db_url, course).close()
    with Gradebook(api.coursedir.db_url, api.coursedir.course_id) as gradebook:
        if not gradebook.db.query(Assignment).filter(Assignment.name == chapter).count():
            raise ValueError(f"the gradebook does not know {chapter}; run nbgrader generate_assignment {chapter} first")
        rows = (gradebook.db.query(Student.id).join(SubmittedAssignment).join(Assignment).join(SubmittedNotebook).join(Grade)
                .filter(Assignment.name == chapter, Grade.auto_score.isnot(None)).distinct().all())
    return {row[0] for row in rows}


@contextmanager
def _graders(chapter: str, workers: int, scheduler: str | None, options: list[str]) -> Iterator:
    """A client of the cluster whose workers have graders: the cluster at an address, or one of this process's own."""
    import cloudpickle
    import dask
    from distributed import Client, LocalCluster

    from . import cluster

    cloudpickle.register_pickle_by_value(cluster)
    logging.disable(logging.CRITICAL)  # what goes wrong is told in the end, submission by submission
    dask.config.set({"distributed.scheduler.allowed-failures": 20, "distributed.comm.timeouts.connect": "30s"})
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    with ExitStack() as stack:
        # the graders are processes of their own: a local worker is but a thread for each of them
        local = None if scheduler else stack.enter_context(
            LocalCluster(n_workers=1, threads_per_worker=workers, processes=False, dashboard_address=None))
        client = stack.enter_context(Client(scheduler or local, set_as_default=False))
        if scheduler:
            refuse_shared_sqlite(client)
        client.register_plugin(cluster.GraderPlugin(str(ROOT), chapter, options, environment, SUBMISSION_SECONDS))
        yield client


def _distribute(client, orders: list[dict], outcome: Outcome, progress: Callable) -> None:
    """Send the orders to the graders and note what comes back."""
    from distributed import as_completed

    from . import cluster

    run = time.time_ns()
    unfinished = {client.submit(cluster.grade, order, key=f"{outcome.chapter}-{order['student']}-{run}"): order["student"] for order in orders}
    for future in as_completed(list(unfinished), loop=client.loop, raise_errors=False):
        student = unfinished.pop(future)
        if future.status == "cancelled":
            outcome.unfinished += 1
        elif future.status == "error":
            outcome.failed[student] = f"lost with the machine that graded it: {future.exception()}"
        else:
            try:
                report = future.result()
            except (CancelledError, OSError):  # the scheduler has gone before it could hand the report on
                outcome.unfinished += 1
                continue
            _note(outcome, report)
            future.release()
        progress(len(orders) - len(unfinished) - outcome.unfinished, len(outcome.failed), len(orders))


def _note(outcome: Outcome, report: dict) -> None:
    if report["outcome"] == "graded":
        outcome.graded.append(report["student"])
    elif report["outcome"] == "kept":
        outcome.kept.append(report["student"])
    elif report["outcome"] == "cannot start":
        raise ValueError(report["log"])
    else:
        outcome.failed[report["student"]] = f"{report['outcome']}: {report.get('log', '').strip()}"


def refuse_shared_sqlite(client) -> None:
    """Refuse several machines with a gradebook in a file, which they would damage."""
    hosts = {worker["host"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()}
    if len(hosts) > 1 and not os.environ.get("NBGRADER_DB", "sqlite").startswith("postgresql"):
        raise ValueError(f"the graders are on {len(hosts)} machines, and an SQLite file cannot be shared between machines: "
                         "put the gradebook into PostgreSQL (NBGRADER_DB=postgresql+psycopg2://user@host/database)")


def run(arguments) -> int:
    """The command ``python -m grading autograde``."""
    if not arguments.sandbox:
        print("NO SANDBOX: students' code runs in your account, and can read and change whatever you can.", file=sys.stderr)
    with Progress(f"{arguments.chapter}") as progress:
        outcome = grade_class(
            arguments.chapter, students=arguments.students, exercises=arguments.exercise, workers=arguments.workers,
            scheduler=arguments.scheduler, sandbox=arguments.sandbox, force=arguments.force, new_seeds=arguments.new_seeds,
            figures=arguments.figures, progress=progress.show)
    from .summary import summary

    print(summary(outcome))
    return 1 if outcome.failed or outcome.unfinished else 0
