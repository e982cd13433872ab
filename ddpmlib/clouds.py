"""Points in the plane whose law is known exactly, and a distance between two clouds of points."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.mixtures import GaussianMixture
from ddpmlib.validation import require_integer, require_number, require_tensor


def two_moons(bumps: int = 10, spread: float = 0.15) -> GaussianMixture:
    """Two interlocking half circles, each made of round Gaussian bumps, shifted and scaled to mean 0 and variance 1.

    ``spread`` is the standard deviation of a bump before the scaling; the circles have radius 1. The variance is the mean
    of the two coordinates'.
    """
    require_integer("bumps", bumps, low=2)
    require_number("spread", spread, above=0.0)
    angles = torch.linspace(0, math.pi, bumps, dtype=torch.float64)
    upper = torch.stack([angles.cos(), angles.sin()], dim=1)
    lower = torch.stack([1 - angles.cos(), 0.5 - angles.sin()], dim=1)
    weights = torch.full((2 * bumps,), 1 / (2 * bumps), dtype=torch.float64)
    return standardized(GaussianMixture(weights, torch.cat([upper, lower]), torch.full_like(weights, spread**2)))


def standardized(mixture: GaussianMixture) -> GaussianMixture:
    """The mixture shifted to mean 0 and scaled to variance 1 (the mean over its coordinates)."""
    scale = (mixture.covariance.trace() / mixture.dim).sqrt()
    return GaussianMixture(mixture.weights, (mixture.means - mixture.mean) / scale, mixture.variances / scale**2)


def energy_distance(a: Float[Tensor, "n D"], b: Float[Tensor, "m D"]) -> float:
    """The energy distance of the laws of two clouds, 2 E|a - b| - E|a - a'| - E|b - b'|, estimated without bias.

    It is 0 for two clouds of one law, on average: an estimate can be negative. For two laws it is positive. Both clouds
    need at least two rows.
    """
    require_tensor("a", a, ndim=2)
    require_tensor("b", b, ndim=2)
    for name, cloud in (("a", a), ("b", b)):
        if len(cloud) < 2 or cloud.shape[1] != a.shape[1]:
            raise ValueError(f"{name} must have shape (n, {a.shape[1]}) with n at least 2, got {tuple(cloud.shape)}")
    within = [torch.cdist(cloud, cloud).sum() / (len(cloud) * (len(cloud) - 1)) for cloud in (a, b)]
    return (2 * torch.cdist(a, b).mean() - within[0] - within[1]).item()
