"""How chapter 14's exercises on flows are run: conditioners, layers and densities are rebuilt from their tensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Conditioner:
    """A small network made of tables; it counts its calls."""

    def __init__(self, tables: dict):
        self.tables, self.calls = tables, 0

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        hidden = torch.tanh(x @ self.tables["inner"].T + self.tables["shift"])
        return (hidden @ self.tables["outer"].T + self.tables["offset"]).chunk(2, dim=1)


def coupling_forward(module, tables: dict, x: Tensor, mask: Tensor) -> list:
    conditioner = Conditioner(tables)
    return [*module.coupling_forward(conditioner, x, mask), conditioner.calls]


def coupling_inverse(module, tables: dict, x: Tensor, mask: Tensor) -> list:
    conditioner = Conditioner(tables)
    return [*module.coupling_inverse(conditioner, x, mask), conditioner.calls]


def gradient_of_coupling(module, tables: dict, x: Tensor, mask: Tensor) -> Tensor:
    """The gradient of the sum of z^2 and of the log-determinants in the conditioner's last offset."""
    offset = tables["offset"].clone().requires_grad_()
    z, log_det = module.coupling_forward(Conditioner(tables | {"offset": offset}), x, mask)
    total = (z**2).sum() + log_det.sum()
    if not total.requires_grad:
        return torch.zeros_like(offset)
    return torch.autograd.grad(total, offset)[0]


def layer_of(matrix: Tensor, shift: Tensor, curved: float):
    """An affine map, and a sine added to each coordinate, with its log-determinant."""

    def layer(x: Tensor) -> tuple[Tensor, Tensor]:
        y = x @ matrix.T + shift
        bent = torch.log(1 + curved * torch.cos(y)).sum(dim=1)
        return y + curved * torch.sin(y), torch.linalg.slogdet(matrix).logabsdet + bent

    return layer


def layers_of(layers: dict) -> list:
    return [layer_of(matrix, shift, layers["curved"]) for matrix, shift in zip(layers["matrices"], layers["shifts"])]


def flow_log_likelihood(module, layers: dict, x: Tensor) -> Tensor:
    return module.flow_log_likelihood(layers_of(layers), x)


def gradient_of_likelihood(module, layers: dict, x: Tensor) -> Tensor:
    """The gradient of the sum of log p(x) in the shift of the last layer."""
    shift = layers["shifts"][-1].clone().requires_grad_()
    total = module.flow_log_likelihood(layers_of(layers | {"shifts": [*layers["shifts"][:-1], shift]}), x).sum()
    return torch.autograd.grad(total, shift)[0] if total.requires_grad else torch.zeros_like(shift)


def dequantised_bits_per_dim(module, means: Tensor, deviations: Tensor, pixels: Tensor, levels: int, noise: Tensor) -> Tensor:
    """The bits under independent Gaussians."""

    def log_prob(x: Tensor) -> Tensor:
        return (-0.5 * ((x - means) / deviations) ** 2 - deviations.log() - 0.5 * math.log(2 * math.pi)).sum(dim=1)

    return module.dequantised_bits_per_dim(log_prob, pixels, levels, noise)


def bits_of_uniform(module, pixels: Tensor, levels: int, noise: Tensor) -> Tensor:
    """The bits under the uniform density on [-1, 1)."""

    def log_prob(x: Tensor) -> Tensor:
        return torch.full((len(x),), -x.shape[1] * math.log(2), dtype=x.dtype)

    return module.dequantised_bits_per_dim(log_prob, pixels, levels, noise)
