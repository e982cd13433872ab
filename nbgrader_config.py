"""nbgrader's configuration of this course; nbgrader's commands read it when they are run in this folder.

What differs between two courses comes from the environment: ``NBGRADER_COURSE`` (the course's name), ``NBGRADER_EXCHANGE`` (the
folder that the instructor and the students share), ``NBGRADER_DB`` (the gradebook, an SQLAlchemy URL), ``NBGRADER_SANDBOX=off`` (run
students' code unprotected where there is no sandbox).
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))
# nbgrader calls alembic by its name, also where this environment has not been activated
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

# what grades must run the students' code, on one thread, and never the reference
os.environ.pop("DDPMLIB_REFERENCE", None)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

from nbgrader.preprocessors import (  # noqa: E402
    AssignLatePenalties, ClearOutput, DeduplicateIds, OverwriteCells, OverwriteKernelspec, SaveAutoGrades,
)

from grading.autograde import JudgeExercises, install  # noqa: E402
from grading.feedback import FeedbackExporter, GetMarks  # noqa: E402

c = get_config()  # noqa: F821

c.CourseDirectory.root = str(ROOT)
c.CourseDirectory.course_id = os.environ.get("NBGRADER_COURSE", "ddpm")
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.tmp", ".DS_Store", "feedback"]
if "NBGRADER_DB" in os.environ:
    c.CourseDirectory.db_url = os.environ["NBGRADER_DB"]
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", "/srv/nbgrader/exchange")
c.ExchangeFactory.collect = "grading.exchange.SafeCollect"  # nbgrader's own follows links with your rights
c.ExchangeFactory.release_feedback = "grading.exchange.SteadyReleaseFeedback"  # nbgrader's own stops at the first that it cannot release

# the written questions keep their text until they are answered
c.ClearSolutions.text_stub = "*Your answer here.*"

# vetting has taken all grading metadata from the assignment, so there are none of the student's to be checked
c.Autograde.sanitize_preprocessors = [ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells]
c.Autograde.autograde_preprocessors = [JudgeExercises, SaveAutoGrades, AssignLatePenalties]
c.CourseAutograde.sandbox = os.environ.get("NBGRADER_SANDBOX", "on") != "off"  # "off" runs students' code unprotected
install()  # nbgrader's commands and formgrader grade through grading.autograde.CourseAutograde

c.GenerateFeedback.preprocessors = [GetMarks]
c.GenerateFeedback.exporter_class = FeedbackExporter
