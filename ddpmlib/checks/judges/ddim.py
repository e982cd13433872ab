"""Checks of chapter 10's code exercises."""

from __future__ import annotations

from .ddim_steps import DdimSigma, DdimStep, DdimStepFromX0
from .ddim_walks import DdimInvert, DdimSample, Slerp, TimeSubsequence

CHECKS = [DdimSigma(), DdimStep(), TimeSubsequence(), DdimSample(), DdimStepFromX0(), DdimInvert(), Slerp()]
