"""How the exercises on EDM are run: networks and denoisers travel as numbers, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor


def _levels(name: str, levels: object, x: Tensor) -> Tensor:
    """The second argument of a network or denoiser, shaped so that it multiplies the rows of ``x``."""
    if not isinstance(levels, Tensor) or levels.shape != (len(x),) or levels.dtype != x.dtype:
        found = f"{levels.dtype} of shape {tuple(levels.shape)}" if isinstance(levels, Tensor) else type(levels).__name__
        raise ValueError(f"{name}, a tensor of shape (batch,), here ({len(x)},), in the dtype {x.dtype} of the data; got {found}")
    return levels.reshape(-1, *[1] * (x.ndim - 1))


class Net:
    """The network F(y, c) = gain tanh(y) + tilt c + shift; it counts its calls."""

    def __init__(self, gain: Tensor, tilt: Tensor, shift: Tensor):
        self.gain, self.tilt, self.shift = gain, tilt, shift
        self.calls = 0

    def __call__(self, y: Tensor, c: Tensor) -> Tensor:
        rows = _levels("the network's second argument is c_noise", c, y)
        self.calls += 1
        gain, tilt, shift = (value.to(y.dtype) for value in (self.gain, self.tilt, self.shift))
        return gain * torch.tanh(y) + tilt * rows + shift


class TwoPoints:
    """The best denoiser of data that are +m or -m, each element by itself; it notes the levels that it is called with."""

    def __init__(self, m: Tensor):
        self.m = m
        self.levels: list[float] = []

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        rows = _levels("the denoiser's second argument is the noise level of each row", sigma, x)
        self.levels.append(float(sigma[0]))
        return self.m.to(x.dtype) * torch.tanh(self.m.to(x.dtype) * x / rows**2)


def _net(parts: dict[str, Tensor]) -> Net:
    return Net(parts["gain"], parts["tilt"], parts["shift"])


def precondition(module, net: dict, x: Tensor, sigma: Tensor, sigma_data: float) -> object:
    """The denoiser's guess."""
    return module.precondition(_net(net), x, sigma, sigma_data)


def edm_loss(module, net: dict, x0: Tensor, sigma: Tensor, noise: Tensor, sigma_data: float) -> list:
    """The loss, and the loss again."""
    return [module.edm_loss(_net(net), x0, sigma, noise, sigma_data) for _ in range(2)]


def gradient_of_loss(module, net: dict, x0: Tensor, sigma: Tensor, noise: Tensor, sigma_data: float) -> Tensor:
    """The gradients of the loss with respect to the network's three numbers."""
    inputs = {name: value.clone().requires_grad_() for name, value in net.items()}
    loss = module.edm_loss(_net(inputs), x0, sigma, noise, sigma_data)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return torch.zeros(3, dtype=x0.dtype)
    found = torch.autograd.grad(loss.sum(), list(inputs.values()), allow_unused=True)
    return torch.stack([x0.new_zeros(()) if gradient is None else gradient for gradient in found])


def heun_sample(module, m: Tensor, x: Tensor, sigmas: Tensor) -> dict:
    """Where the walk ends, and the levels at which the denoiser was called."""
    denoiser = TwoPoints(m)
    return {"sample": module.heun_sample(denoiser, x, sigmas), "called": denoiser.levels}


def walk_and_graph(module, m: Tensor, x: Tensor, sigmas: Tensor) -> list:
    """Where the walk ends for a denoiser with a parameter, and whether it could be differentiated."""
    end = module.heun_sample(TwoPoints(m.clone().requires_grad_()), x, sigmas)
    return [end, bool(getattr(end, "requires_grad", False))]
