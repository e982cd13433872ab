"""The linear-Gaussian latent-variable model, in which everything that is intractable elsewhere is exact.

The model is z ~ N(0, I) and x | z ~ N(W z + b, sigma^2 I): probabilistic PCA (Tipping and Bishop, 1999).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.validation import require_integer, require_number, require_tensor


@dataclass(frozen=True)
class LinearGaussian:
    """z ~ N(0, I), x | z ~ N(W z + b, sigma^2 I).

    ``W`` has shape (data, latent), ``b`` has shape (data,), ``sigma`` is a standard deviation.
    """

    W: Float[Tensor, "data latent"]
    b: Float[Tensor, "data"]
    sigma: float

    def __post_init__(self):
        require_tensor("W", self.W, ndim=2)
        require_tensor("b", self.b, ndim=1)
        require_number("sigma", self.sigma, above=0.0)
        if len(self.b) != len(self.W):
            raise ValueError(
                f"b must have shape ({len(self.W)},), an entry for each row of W, got {tuple(self.b.shape)}"
            )

    def log_prior(self, z: Float[Tensor, "*batch latent"]) -> Float[Tensor, "*batch"]:
        """log p(z)."""
        self._require_axis("z", z, self.W.shape[1])
        return -0.5 * (z**2).sum(-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)

    def log_likelihood(
        self, x: Float[Tensor, "*batch data"], z: Float[Tensor, "*batch latent"]
    ) -> Float[Tensor, "*batch"]:
        """log p(x | z); the batch axes of ``x`` and ``z`` broadcast."""
        self._require_axis("x", x, self.W.shape[0])
        self._require_axis("z", z, self.W.shape[1])
        squares = ((x - z @ self.W.T - self.b) ** 2).sum(-1)
        return -0.5 * squares / self.sigma**2 - 0.5 * x.shape[-1] * math.log(2 * math.pi * self.sigma**2)

    def log_joint(
        self, x: Float[Tensor, "*batch data"], z: Float[Tensor, "*batch latent"]
    ) -> Float[Tensor, "*batch"]:
        """log p(x, z) = log p(x | z) + log p(z)."""
        return self.log_likelihood(x, z) + self.log_prior(z)

    def log_marginal(self, x: Float[Tensor, "*batch data"]) -> Float[Tensor, "*batch"]:
        """log p(x), exact: x ~ N(b, W W^T + sigma^2 I)."""
        self._require_axis("x", x, self.W.shape[0])
        identity = torch.eye(len(self.W), dtype=self.W.dtype)
        root = torch.linalg.cholesky(self.W @ self.W.T + self.sigma**2 * identity)
        white = torch.linalg.solve_triangular(root, (x - self.b).unsqueeze(-1), upper=False).squeeze(-1)
        log_det = 2 * root.diagonal().log().sum()
        return -0.5 * ((white**2).sum(-1) + log_det + x.shape[-1] * math.log(2 * math.pi))

    def posterior(
        self, x: Float[Tensor, "*batch data"]
    ) -> tuple[Float[Tensor, "*batch latent"], Float[Tensor, "latent latent"]]:
        """The mean of p(z | x) for each x, and its covariance, which is the same for all x."""
        self._require_axis("x", x, self.W.shape[0])
        precision = torch.eye(self.W.shape[1], dtype=self.W.dtype) + self.W.T @ self.W / self.sigma**2
        covariance = torch.linalg.inv(precision)
        return (x - self.b) @ self.W @ covariance / self.sigma**2, covariance

    def sample(
        self, count: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "count data"], Float[Tensor, "count latent"]]:
        """Draw pairs (x, z): first z from the prior, then x given z."""
        require_integer("count", count, low=1)
        z = torch.randn(count, self.W.shape[1], dtype=self.W.dtype, generator=generator)
        noise = torch.randn(count, len(self.W), dtype=self.W.dtype, generator=generator)
        return z @ self.W.T + self.b + self.sigma * noise, z

    @staticmethod
    def _require_axis(name: str, value: Tensor, size: int) -> None:
        require_tensor(name, value)
        if value.ndim == 0 or value.shape[-1] != size:
            raise ValueError(f"{name} must have {size} entries on its last axis, got shape {tuple(value.shape)}")
