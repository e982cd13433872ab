"""Checks of chapter 13's exercises on EDM's code."""

from __future__ import annotations

from .edm_training import Preconditioning, ScheduleAndLoss
from .edm_walks import HeunSample

CHECKS = [Preconditioning(), ScheduleAndLoss(), HeunSample()]
