"""Small tensors: one thread is as fast as many. No windows are opened."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")
