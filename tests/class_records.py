"""Records of a class as grading writes them, for tests of what is made of them; nothing is run."""

from __future__ import annotations

import json
from pathlib import Path

from ddpmlib.checks.catalogue import exercises

CHAPTER = "03_forward"
NUMBERS = [entry.number for entry in exercises().values() if entry.chapter == CHAPTER and entry.kind != "written"]
VARIANCE = "This is beta_t, the variance; the noise is multiplied by its square root."
PART = "the coefficients"


def exercise(number: str, *, share: float = 1.0, cause: str = "", status: str = "", failure: str = "") -> dict:
    of = float(exercises()[number].points)
    problems = [{"part": PART, "weight": 1.0, "case": "T = 10, t = 3", "cause": cause}] if cause else []
    return {"number": number, "points": round(of * share, 2), "of": of, "status": status or ("done" if share == 1 else "failing"),
            "seed": 7, "seconds": 0.1, "failure": failure, "problems": problems, "notes": "", "report": "", "source": ""}


def record(student: str, changed: dict[str, dict] | None = None, findings: tuple[tuple[str, str], ...] = ()) -> dict:
    entries = [(changed or {}).get(number) or exercise(number) for number in NUMBERS]
    return {"student": student, "chapter": CHAPTER, "submitted": None, "fingerprint": student, "sandbox": "bubblewrap",
            "graded_at": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "findings": [dict(kind=kind, says=says) for kind, says in findings],
            "exercises": entries}


def off_by(value: float) -> str:
    return f"x_t has the right shape (3,) (float64), but 3 of 3 values differ: [0] should be {value}, got {value + 1}"


def a_class() -> list[dict]:
    """Twelve students: seven have the same misconception in 3.1 in other numbers, one raises, one has not begun, one needs a person."""
    found = [record(f"stud{number:02d}", {"3.1": exercise("3.1", share=0.5, cause=f"{off_by(number / 7)}\n{VARIANCE}")}) for number in range(7)]
    found.append(record("raiser", {"3.1": exercise("3.1", share=0, cause="your code raised ValueError: I am raiser <b>x</b> (forward.py, line 9)")}))
    found.append(record("idler", {number: exercise(number, share=0, status="not started", cause="Exercise: write it") for number in NUMBERS}))
    found.append(record("looper", {"3.6": exercise("3.6", share=0, cause="your code did not finish within 20 seconds", failure="too slow")}))
    found.append(record("broken", findings=(("human", "The notebook `03_forward.ipynb` is damaged: it cannot be read as JSON."),)))
    found.append(record("renamer", findings=(("repaired", "The notebook `renamer <script>.ipynb` was graded as `03_forward.ipynb`."),)))
    return found


def write(root: Path, records: list[dict]) -> None:
    for row in records:
        folder = root / "autograded" / row["student"] / row["chapter"]
        folder.mkdir(parents=True)
        (folder / "verdicts.json").write_text(json.dumps(row), encoding="utf-8")
