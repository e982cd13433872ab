"""Checks of chapter 11's code exercises."""

from __future__ import annotations

from .guidance_classifier import ClassifierGradient, NoisyClassifierLoss
from .guidance_conditioned import DroppedLabels, GuidedModel, GuidedNoise
from .guidance_steps import ClassifierGuidedModel, ClassifierGuidedStep

CHECKS = [NoisyClassifierLoss(), ClassifierGradient(), ClassifierGuidedModel(), ClassifierGuidedStep(), DroppedLabels(), GuidedNoise(),
          GuidedModel()]
