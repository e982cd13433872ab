"""Mixtures of Gaussians: data whose law is known exactly at every time of the forward process.

A sum of Gaussian bumps can come as close to any density as one likes, and noise keeps it a sum of Gaussian bumps. So
whatever a diffusion model must learn of such data can be computed, and a sampler can be tested before any network is trained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.validation import require_integer, require_number, require_tensor


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """The law sum_k weights[k] N(means[k], variances[k] I) on R^D.

    Parameters
    ----------
    weights
        K positive numbers that sum to 1.
    means
        of shape (K, D).
    variances
        K numbers, at least 0: the variance of each coordinate within a component. With 0 the component is a point, which
        has no density, but the law diffused by some noise has one.

    Raises
    ------
    TypeError, ValueError
        if an argument is not a floating-point tensor, shapes or dtypes do not fit, weights are not positive or do not sum
        to 1, or a variance is negative.
    """

    weights: Float[Tensor, "K"]
    means: Float[Tensor, "K D"]
    variances: Float[Tensor, "K"]

    def __post_init__(self) -> None:
        require_tensor("weights", self.weights, ndim=1)
        require_tensor("means", self.means, ndim=2)
        require_tensor("variances", self.variances, ndim=1)
        count = len(self.weights)
        for name in ("means", "variances"):
            value = getattr(self, name)
            if len(value) != count or value.dtype != self.weights.dtype:
                raise ValueError(f"{name} must have {count} rows and dtype {self.weights.dtype}, as weights has; "
                                 f"got shape {tuple(value.shape)} and dtype {value.dtype}")
            if not torch.isfinite(value).all():
                raise ValueError(f"{name} must be finite, got {value}")
        if not (self.weights > 0).all() or not math.isclose(self.weights.sum().item(), 1, abs_tol=1e-6):
            raise ValueError(f"weights must be positive and sum to 1, got {self.weights}")
        if (self.variances < 0).any():
            raise ValueError(f"variances must be at least 0, got {self.variances}")

    @property
    def dim(self) -> int:
        """D, the number of coordinates."""
        return self.means.shape[1]

    @property
    def mean(self) -> Float[Tensor, "D"]:
        return self.weights @ self.means

    @property
    def covariance(self) -> Float[Tensor, "D D"]:
        """The covariance within the components plus that of their means."""
        centred = self.means - self.mean
        within = (self.weights @ self.variances) * torch.eye(self.dim, dtype=self.means.dtype)
        return within + centred.T @ (self.weights[:, None] * centred)

    def diffused(self, alpha_bar: float) -> GaussianMixture:
        """The law of x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps, for x_0 of this law and alpha_bar in [0, 1].

        The step is affine with Gaussian noise, so it acts on each component alone.
        """
        alpha_bar = require_number("alpha_bar", alpha_bar)
        if not 0 <= alpha_bar <= 1:
            raise ValueError(f"alpha_bar must be between 0 and 1, got {alpha_bar}")
        variances = alpha_bar * self.variances + (1 - alpha_bar)
        return GaussianMixture(self.weights, math.sqrt(alpha_bar) * self.means, variances)

    def component_log_probs(self, x: Float[Tensor, "batch D"]) -> Float[Tensor, "batch K"]:
        """log( weights[k] N(x; means[k], variances[k] I) ) for each row of ``x`` and each component k."""
        require_tensor("x", x, ndim=2)
        if x.shape[1] != self.dim:
            raise ValueError(f"x must have shape (batch, {self.dim}), got {tuple(x.shape)}")
        if (self.variances == 0).any():
            raise ValueError(f"variances must be positive for a density to exist, got {self.variances}")
        squares = (x[:, None, :] - self.means).square().sum(dim=-1)
        logs = squares / self.variances + self.dim * torch.log(2 * math.pi * self.variances)
        return torch.log(self.weights) - 0.5 * logs

    def log_prob(self, x: Float[Tensor, "batch D"]) -> Float[Tensor, "batch"]:
        """The logarithm of the density at each row of ``x``."""
        return self.component_log_probs(x).logsumexp(dim=1)

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n D"]:
        """``n`` independent draws."""
        require_integer("n", n, low=1)
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.dim, generator=generator, dtype=self.means.dtype)
        return self.means[chosen] + self.variances[chosen].sqrt()[:, None] * noise
