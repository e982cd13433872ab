"""Checks of chapter 9's code exercises on learning."""

from __future__ import annotations

from .learner_average import EmaUpdate
from .learner_rate import LearningRate
from .learner_step import TrainingStep

CHECKS = [TrainingStep(), EmaUpdate(), LearningRate()]
