"""The law of a sampler on the line, without drawing a sample: its density is pushed through the steps by quadrature.

A step x -> mean(x) + sigma z turns a density p into the density y -> integral of p(x) N(y; mean(x), sigma^2) dx. On an
even grid whose spacing is at most sigma, the sum in the integral's place is exact to many digits, since a Gaussian is smooth.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.mixtures import GaussianMixture
from ddpmlib.validation import require_number, require_same_shape, require_tensor


def push_density(
    grid: Float[Tensor, "n"], density: Float[Tensor, "n"], means: Float[Tensor, "n"], variance: float
) -> Float[Tensor, "n"]:
    """The density on the grid after the step x -> mean(x) + sqrt(variance) z, where ``means[i]`` is mean(grid[i]).

    Raises
    ------
    ValueError
        if the grid is too coarse: its spacing must be at most the step's standard deviation.
    """
    require_same_shape(grid=grid, density=density, means=means)
    variance = require_number("variance", variance, above=0.0)
    spacing = (grid[1] - grid[0]).item()
    if spacing > math.sqrt(variance):
        raise ValueError(f"grid must have a spacing of at most {math.sqrt(variance):.3g}, got {spacing:.3g}")
    kernel = torch.exp(-((grid[:, None] - means) ** 2) / (2 * variance))
    return kernel @ density * spacing / math.sqrt(2 * math.pi * variance)


def mixture_cdf(mixture: GaussianMixture, x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """The distribution function of a mixture on the line."""
    if mixture.dim != 1:
        raise ValueError(f"mixture must have dimension 1, got {mixture.dim}")
    laws = torch.distributions.Normal(mixture.means[:, 0], mixture.variances.sqrt())
    return laws.cdf(x[:, None]) @ mixture.weights


def wasserstein2(
    places: Float[Tensor, "n"], masses: Float[Tensor, "n"], mixture: GaussianMixture, *, reach: float = 8.0, points: int = 40_001
) -> float:
    """The Wasserstein-2 distance from a law on the line to a mixture: the root mean square of what mass has to be moved.

    The law has ``masses[i]`` at ``places[i]``, in rising order. On the line the best plan moves quantile to quantile.
    """
    require_same_shape(places=places, masses=masses)
    require_tensor("places", places, ndim=1)
    if (places.diff() < 0).any():
        raise ValueError("places must rise, got a pair in falling order")
    masses = masses / masses.sum()
    levels = masses.cumsum(0) - masses / 2
    x = torch.linspace(-reach, reach, points, dtype=places.dtype)
    heights = mixture_cdf(mixture, x)
    right = torch.searchsorted(heights, levels).clamp(1, points - 1)
    share = (levels - heights[right - 1]) / (heights[right] - heights[right - 1])
    quantiles = x[right - 1] + share.clamp(0, 1) * (x[right] - x[right - 1])
    return (masses @ (places - quantiles) ** 2).sqrt().item()
