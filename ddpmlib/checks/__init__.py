"""Checks of the exercises: the same ones for the notebook, pytest, the command line and the grader.

In a notebook::

    from ddpmlib.checks import check, source, uses

``check("3.2")`` runs the check of an exercise and returns its points; ``source("3.2")`` shows the code it runs;
``with uses("3.2"):`` marks code that needs an exercise, and shows a note in its place while the exercise is not done.
"""

from .assess import assess, load_check
from .notebook import check, source, uses

__all__ = ["assess", "check", "load_check", "source", "uses"]
