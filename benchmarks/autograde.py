"""How fast a class is graded: plain nbgrader and ours on the same class, in one run: ``python -m benchmarks.autograde``.

Plain nbgrader is ``nbgrader autograde`` with its own preprocessors, which execute each notebook in a kernel, in the instructor's account. It is
measured twice: executing the whole notebook, as it does by itself (on a few submissions), and executing the graded cells alone (on the whole
class), which spares it the chapter's figures; the ratio that counts is against the faster of the two. Ours is ``python -m grading
autograde`` with the sandbox. The floor is the compute of the checks themselves, in one warm process: cases, the student's functions, judging.

All take turns on the machine as it is; CPU seconds are what the command and all its processes used, memory is the peak of what they held
together (proportional set size).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "autograde.json"
sys.path.insert(0, str(ROOT / "tests"))

_PLAIN = '''
import os, sys
sys.path.insert(0, os.getcwd())
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
from nbgrader.preprocessors import Execute
from pathlib import Path
from grading.assemble import students_files


class GradedCells(Execute):
    """Execute, of the locked cells alone."""

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {{}}).get("locked"):
            return cell, resources
        return super().preprocess_cell(cell, resources, index)


c = get_config()
c.CourseDirectory.root = os.getcwd()
c.CourseDirectory.course_id = "ddpm"
c.Autograde.exclude_overwriting = {{"{chapter}": students_files(Path("source/{chapter}"))}}
if {alone}:
    from nbgrader.converters import Autograde
    c.Autograde.autograde_preprocessors = [
        GradedCells if each is Execute else each for each in Autograde.autograde_preprocessors.default_args[0]]
for each in (Execute, GradedCells):
    c[each.__name__].timeout = 300
    c[each.__name__].startup_timeout = 300
c.OverwriteCells.add_missing_cells = True
'''


def the_class(chapter: str, size: int) -> list:
    """Submissions of the kinds that plain nbgrader can grade, each kind again and again under other names."""
    from classroom import Submission, full_class

    left_out = {"endless loop", "process dies", "edits its checks", "replaces the given files", "check cell deleted", "stub deleted"}
    kinds = [kind for kind in full_class(chapter) if kind.what not in left_out]
    return [Submission(f"{kinds[n % len(kinds)].what} {n}", kinds[n % len(kinds)].modules, kinds[n % len(kinds)].points) for n in range(size)]


def a_course(folder: Path, chapter: str) -> Path:
    from course_copy import copy_course, run

    copy_course(folder)
    run(folder, "grading", "assemble", chapter)
    run(folder, "nbgrader", "generate_assignment", chapter)
    return folder


def measure(command: list[str], folder: Path) -> dict[str, float]:
    """Run a command: its seconds, the CPU seconds of it and all its processes, their peak memory."""
    environment = {**os.environ, "DDPMLIB_REFERENCE": "0", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    peak = Peak(process.pid)
    printed, _ = process.communicate()
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode == 0, printed.decode(errors="replace")[-4000:]
    return {"seconds": round(seconds, 2), "peak_memory_MiB": round(peak.stop() / 2**20),
            "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)}


class Peak:
    """Watches how much memory a process and its descendants hold together."""

    def __init__(self, pid: int, every: float = 0.5):
        self.pid, self.most, self.ended = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self._watch, args=(every,), daemon=True)
        self.thread.start()

    def _watch(self, every: float) -> None:
        while not self.ended.wait(every):
            self.most = max(self.most, sum(map(_held, self._family())))

    def _family(self) -> list[int]:
        parents: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
            except OSError:
                continue
        found = [self.pid]
        for pid in found:
            found += parents.get(pid, [])
        return found

    def stop(self) -> int:
        self.ended.set()
        self.thread.join()
        return self.most


def _held(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:")), 0)


def grade(course: Path, chapter: str, submissions: list, command: list[str], configuration: str = "") -> dict[str, float]:
    """Grade a class in a course of its own, and see that everybody has the points that they must get."""
    from killing import Classroom

    with tempfile.TemporaryDirectory() as folder:
        room = Classroom.open(course, Path(folder) / "course", chapter, submissions)
        if configuration:
            (room.folder / "nbgrader_config.py").write_text(configuration, encoding="utf-8")
        result = measure(command, room.folder)
        scores = room.scores()
        for submission in submissions:
            got = {number: scores[submission.student][number] for number in submission.points}
            if got != submission.points and not (configuration and submission.what.startswith("warnings")):  # stderr costs points in plain nbgrader
                raise AssertionError(f"{submission.student}: {got}, not {submission.points}")
    return {"submissions": len(submissions), **result, "per_minute": round(60 * len(submissions) / result["seconds"], 1),
            "cpu_seconds_each": round(result["cpu_seconds"] / len(submissions), 3)}


def floor(chapter: str, size: int) -> dict[str, float]:
    """The checks' own compute on perfect answers, in a process that has imported everything."""
    code = f"""
import time, torch
from ddpmlib.checks import assess
from ddpmlib.checks.catalogue import exercises
torch.set_num_threads(1)
numbers = [number for number, entry in exercises().items() if entry.chapter == {chapter!r} and entry.kind != "written"]
for number in numbers:
    assess(number)
start = time.process_time()
for _ in range({size}):
    for number in numbers:
        assess(number)
print((time.process_time() - start) / {size})
"""
    environment = {**os.environ, "DDPMLIB_REFERENCE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return {"cpu_seconds_each": round(float(done.stdout), 4)}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.autograde", description=__doc__.splitlines()[0])
    parser.add_argument("--chapter", default="03_forward")
    parser.add_argument("--size", type=int, default=40, help="submissions of the class that both grade")
    parser.add_argument("--whole", type=int, default=4, help="submissions whose whole notebook plain nbgrader executes")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--growth", type=int, nargs="*", default=[10, 30, 100, 300], help="sizes of class that ours grades besides")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    os.environ["DDPMLIB_REFERENCE"] = "1"
    ours = ["grading", "autograde", options.chapter, "--workers", str(options.workers)]
    plain = ["nbgrader", "autograde", options.chapter]
    facts = {"command": f"python -m benchmarks.autograde {' '.join(arguments or sys.argv[1:])}".strip(), "chapter": options.chapter,
             "hardware": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version(),
             "load_before": round(os.getloadavg()[0], 1), "workers": options.workers, "results": {}, "growth": []}
    with tempfile.TemporaryDirectory() as folder:
        course = a_course(Path(folder) / "course", options.chapter)
        submissions = the_class(options.chapter, options.size)
        results = facts["results"]
        results["floor: the checks alone"] = floor(options.chapter, 20)
        results["ours, sandbox on"] = grade(course, options.chapter, submissions, ours)
        show(results)
        results["plain nbgrader, graded cells"] = grade(
            course, options.chapter, submissions, plain, _PLAIN.format(chapter=options.chapter, alone=True))
        show(results)
        results["ours, again"] = grade(course, options.chapter, submissions, ours)
        if options.whole:
            results["plain nbgrader, whole notebook"] = grade(
                course, options.chapter, submissions[: options.whole], plain, _PLAIN.format(chapter=options.chapter, alone=False))
        facts["ratios"] = ratios(results)
        show(results)
        print(json.dumps(facts["ratios"], indent=1))
        for size in options.growth:
            facts["growth"].append(grade(course, options.chapter, the_class(options.chapter, size), ours))
            print(facts["growth"][-1], flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {options.output}")
    return 0


def ratios(results: dict[str, dict]) -> dict[str, float]:
    """Ours against plain nbgrader: the slower of our two runs against each of plain nbgrader's."""
    ours = min((results[name] for name in ("ours, sandbox on", "ours, again")), key=lambda row: row["per_minute"])
    found = {}
    for name, row in results.items():
        if name.startswith("plain"):
            found[f"speed, {name}"] = round(ours["per_minute"] / row["per_minute"], 1)
            found[f"CPU, {name}"] = round(row["cpu_seconds_each"] / ours["cpu_seconds_each"], 1)
            found[f"peak memory, {name}"] = round(ours["peak_memory_MiB"] / row["peak_memory_MiB"], 2)
    found["our CPU against the floor"] = round(ours["cpu_seconds_each"] / results["floor: the checks alone"]["cpu_seconds_each"], 1)
    return found


def show(results: dict[str, dict]) -> None:
    names = ("submissions", "seconds", "per_minute", "cpu_seconds_each", "peak_memory_MiB")
    print(f"\n{'':34}" + "".join(f"{name:>18}" for name in names))
    for title, row in results.items():
        print(f"{title:34}" + "".join(f"{row.get(name, ''):>18}" for name in names), flush=True)


if __name__ == "__main__":
    if shutil.which("bwrap") is None:
        sys.exit("bubblewrap is not installed: make sandbox")
    sys.exit(main())
