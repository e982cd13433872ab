"""Imported once by the process that the tests fork theirs from: what every run of training needs, and takes its time to be there."""

import torch._dynamo  # the first step of an optimizer imports it

import ddpmlib.train  # noqa: F401
from ddpmlib.data import digits

digits()  # they are remembered
