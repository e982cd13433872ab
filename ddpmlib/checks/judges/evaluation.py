"""Checks of chapter 9's code exercises on evaluation."""

from __future__ import annotations

from .evaluation_classes import ClassNumbers
from .evaluation_frechet import FrechetDistance
from .evaluation_neighbours import Neighbours

CHECKS = [ClassNumbers(), FrechetDistance(), Neighbours()]
