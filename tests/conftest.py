"""The tests run on the reference implementation, unless one asks for the stubs."""

import os

os.environ.setdefault("DDPMLIB_REFERENCE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
