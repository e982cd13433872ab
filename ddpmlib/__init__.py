"""The library that the course's students complete.

Some modules are given and written by hand; the others are stubs, generated from the reference
implementation and marked so on their first line. With ``DDPMLIB_REFERENCE=1`` in the environment
the reference modules stand in front of the stubs, so that ``import ddpmlib.forward`` is the whole
reference module: this is how the book, the tests and the reference notebooks are run.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = os.environ.get("DDPMLIB_REFERENCE") == "1"

if REFERENCE:
    _solutions = ROOT / "solutions" / "ddpmlib"
    if not _solutions.is_dir():
        raise ImportError(
            f"DDPMLIB_REFERENCE=1 asks for the reference implementation, but {_solutions} does not exist; "
            "unset the variable to use your own code"
        )
    __path__.insert(0, str(_solutions))
