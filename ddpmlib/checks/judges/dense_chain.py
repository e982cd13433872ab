"""The oracle of chapter 2: a whole chain as one dense Gaussian, found by solving one linear system.

Every level of a chain is v_i = W_i v_{i-1} + b_i + s_i e_i. All levels together are M v = b + s e, with M the identity
less the W_i below its diagonal: so v is Gaussian with mean M^-1 b and covariance M^-1 diag(s^2) M^-T. No level is
sampled and no conditional density is evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from ..judging import Draw


@dataclass(frozen=True)
class Dense:
    """The Gaussian of all levels, stacked in the order in which the chain draws them; ``dims`` are their sizes."""

    mean: Tensor
    covariance: Tensor
    dims: tuple[int, ...]

    def log_prob(self, levels: list[Tensor]) -> Tensor:
        """The log-density of levels in the order of drawing; their batch shapes may differ if they broadcast."""
        batch = torch.broadcast_shapes(*(level.shape[:-1] for level in levels), self.mean.shape[:-1])
        value = torch.cat([level.expand(*batch, -1) for level in levels], dim=-1)
        return MultivariateNormal(self.mean, self.covariance).log_prob(value)

    def paths(self, noise: list[Tensor]) -> list[Tensor]:
        """The levels for the given noise: the Cholesky factor is the one triangular map with this covariance."""
        factor = torch.linalg.cholesky(self.covariance)
        return list((self.mean + torch.cat(noise, dim=-1) @ factor.T).split(self.dims, dim=-1))

    def last(self) -> MultivariateNormal:
        """The marginal of the level that is drawn last."""
        size = self.dims[-1]
        return MultivariateNormal(self.mean[..., -size:], self.covariance[-size:, -size:])


def _dense(first_mean: Tensor, first_std: Tensor, steps: list[dict]) -> Dense:
    dims = (first_mean.shape[-1], *(len(step["bias"]) for step in steps))
    system = torch.eye(sum(dims), dtype=torch.float64)
    row, column = dims[0], 0
    for before, size, step in zip(dims, dims[1:], steps):
        system[row : row + size, column : column + before] = -step["weight"]
        row, column = row + size, column + before
    batch = first_mean.shape[:-1]
    offset = torch.cat([first_mean, *(step["bias"].expand(*batch, -1) for step in steps)], dim=-1)
    std = torch.cat([first_std, *(step["std"] for step in steps)])
    root = torch.linalg.solve(system, torch.diag(std))
    return Dense(torch.linalg.solve(system, offset[..., None])[..., 0], root @ root.T, dims)


def dense_decoder(chain: list[dict]) -> Dense:
    """The Gaussian of (z_T, ..., z_1, x)."""
    top = chain[-1]["weight"].shape[1]
    return _dense(torch.zeros(top).double(), torch.ones(top).double(), chain[::-1])


def dense_encoder(chain: list[dict], x: Tensor) -> Dense:
    """The Gaussian of (z_1, ..., z_T) given x, of shape (*batch, dim)."""
    first = chain[0]
    return _dense(x @ first["weight"].T + first["bias"], first["std"], chain[1:])


def standard_normal(value: Tensor) -> Tensor:
    """The log-density of N(0, I)."""
    size = value.shape[-1]
    return MultivariateNormal(torch.zeros(size).double(), torch.eye(size).double()).log_prob(value)


def changed(chain: list[dict], **change) -> list[dict]:
    """The chain with functions applied to its parameters: ``changed(chain, std=torch.sqrt)``."""
    return [step | {name: function(step[name]) for name, function in change.items()} for step in chain]


def draw_chain(draw: Draw, dims: tuple[int, ...], *, climbs: bool) -> list[dict]:
    """Generic transitions between levels of these dimensions; standard deviations well below 1."""
    chain = []
    for lower, upper in zip(dims, dims[1:]):
        inputs, outputs = (lower, upper) if climbs else (upper, lower)
        chain.append({"weight": draw.normal(outputs, inputs), "bias": draw.normal(outputs),
                      "std": draw.uniform(0.3, 0.6, outputs)})
    return chain
