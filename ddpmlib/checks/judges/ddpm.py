"""Checks of chapter 7's code exercises."""

from __future__ import annotations

from .ddpm_samplers import AncestralSample, DenoiseRenoise
from .ddpm_steps import AncestralStep, ReverseVariance
from .ddpm_training import LossPerTime, TrainingLoss

CHECKS = [TrainingLoss(), ReverseVariance(), AncestralStep(), AncestralSample(), LossPerTime(), DenoiseRenoise()]
