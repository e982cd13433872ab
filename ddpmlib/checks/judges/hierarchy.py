"""Checks of chapter 2's code exercises."""

from __future__ import annotations

from .chain_bounds import HierarchicalElbo
from .chain_densities import LogJoint, LogPosterior
from .chain_ends import Restrictions
from .chain_sampling import Sampling

CHECKS = [LogJoint(), LogPosterior(), Sampling(), HierarchicalElbo(), Restrictions()]
