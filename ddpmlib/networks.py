"""A small network that predicts the noise of points. How a network is told the time is the subject of chapter 8."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ddpmlib.validation import require_integer, require_tensor

WAVES = 4  # of each coordinate
TIME_WAVES = 16


def precision(device: str | torch.device) -> torch.dtype:
    """The dtype of the labs on this device: float64, so that printed numbers agree between machines; float32 where there is no other."""
    return torch.float32 if torch.device(device).type == "mps" else torch.float64


class PointNetwork(nn.Module):
    """A noise predictor for points with few coordinates: three hidden layers on waves of the coordinates and of the time.

    A plain network of coordinates learns coarse shapes quickly and fine ones slowly. So it gets sin(k x) and cos(k x) of
    every coordinate x too, for k = 1, ..., 4, and cos(pi k t/T) for k = 0, ..., 15.

    Parameters
    ----------
    T
        the last time of the schedule.
    dim, hidden
        the number of coordinates, and of units in each hidden layer.
    seed
        for the initial weights, which are the same on every device.
    dtype
        of the weights; data of another dtype are refused by PyTorch.
    """

    def __init__(self, T: int, *, dim: int = 2, hidden: int = 128, seed: int = 0, dtype: torch.dtype = torch.float64):
        super().__init__()
        self.T = require_integer("T", T, low=1)
        require_integer("dim", dim, low=1)
        require_integer("hidden", hidden, low=1)
        sizes = [dim * (1 + 2 * WAVES) + TIME_WAVES, hidden, hidden, hidden]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            layers = [layer for size in zip(sizes, sizes[1:]) for layer in (nn.Linear(*size), nn.SiLU())]
            self.layers = nn.Sequential(*layers, nn.Linear(hidden, dim)).to(dtype)

    def forward(self, x_t: Float[Tensor, "batch dim"], t: Int[Tensor, "batch"]) -> Float[Tensor, "batch dim"]:
        """The noise in x_t that the network sees at the times t."""
        require_tensor("x_t", x_t, ndim=2)
        k = torch.arange(1, WAVES + 1, dtype=x_t.dtype, device=x_t.device)
        waves = (x_t[:, :, None] * k).flatten(start_dim=1)
        turns = torch.arange(TIME_WAVES, dtype=x_t.dtype, device=x_t.device) * math.pi / self.T
        times = torch.cos(t.to(x_t.dtype)[:, None] * turns)
        return self.layers(torch.cat([x_t, waves.sin(), waves.cos(), times], dim=1))
