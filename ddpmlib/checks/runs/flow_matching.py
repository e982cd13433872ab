"""How the exercise on flow matching is run: velocities and denoisers travel as numbers, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor

from .edm import TwoPoints, _levels


class Velocity:
    """The velocity gain tanh(x) + tilt u + shift; it notes the times that it is called with."""

    def __init__(self, gain: Tensor, tilt: Tensor, shift: Tensor):
        self.gain, self.tilt, self.shift = gain, tilt, shift
        self.times: list[float] = []

    def __call__(self, x: Tensor, u: Tensor) -> Tensor:
        rows = _levels("the velocity's second argument is the time of each row", u, x)
        self.times.append(float(u[0]))
        gain, tilt, shift = (value.to(x.dtype) for value in (self.gain, self.tilt, self.shift))
        return gain * torch.tanh(x) + tilt * rows + shift


def _velocity(parts: dict[str, Tensor]) -> Velocity:
    return Velocity(parts["gain"], parts["tilt"], parts["shift"])


def flow_matching_loss(module, velocity: dict, x0: Tensor, noise: Tensor, u: Tensor) -> object:
    """The loss."""
    return module.flow_matching_loss(_velocity(velocity), x0, noise, u)


def gradient_of_loss(module, velocity: dict, x0: Tensor, noise: Tensor, u: Tensor) -> Tensor:
    """The gradients of the loss with respect to the velocity's three numbers."""
    inputs = {name: value.clone().requires_grad_() for name, value in velocity.items()}
    loss = module.flow_matching_loss(_velocity(inputs), x0, noise, u)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return torch.zeros(3, dtype=x0.dtype)
    found = torch.autograd.grad(loss.sum(), list(inputs.values()), allow_unused=True)
    return torch.stack([x0.new_zeros(()) if gradient is None else gradient for gradient in found])


def velocity_from_denoiser(module, m: Tensor, x: Tensor, u: Tensor) -> object:
    """The velocity."""
    return module.velocity_from_denoiser(TwoPoints(m), x, u)


def flow_sample(module, velocity: dict, x: Tensor, times: Tensor) -> dict:
    """Where the walk ends, and the times at which the velocity was called."""
    model = _velocity(velocity)
    return {"sample": module.flow_sample(model, x, times), "called": model.times}


def walk_and_graph(module, velocity: dict, x: Tensor, times: Tensor) -> list:
    """Where the walk ends for a velocity with parameters, and whether it could be differentiated."""
    end = module.flow_sample(_velocity(velocity | {"gain": velocity["gain"].clone().requires_grad_()}), x, times)
    return [end, bool(getattr(end, "requires_grad", False))]
