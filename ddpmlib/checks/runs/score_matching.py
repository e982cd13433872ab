"""How the exercises on score matching are run: scores travel as numbers, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor

from .edm import Net, _levels, _net


class GaussianScore:
    """The score of N(m, v I) with noise of the level sigma added; it notes the levels that it is called with."""

    def __init__(self, m: Tensor, v: Tensor):
        self.m, self.v = m, v
        self.levels: list[float] = []

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        rows = _levels("the score's second argument is the noise level of each row", sigma, x)
        self.levels.append(float(sigma[0]))
        return (self.m.to(x.dtype) - x) / (self.v.to(x.dtype) + rows**2)


def dsm_loss(module, score: dict, x0: Tensor, sigma: Tensor, noise: Tensor) -> object:
    """The loss; the data must be left as they are."""
    before = x0.clone()
    loss = module.dsm_loss(_net(score), x0, sigma, noise)
    if not torch.equal(before, x0):
        raise ValueError("dsm_loss has changed x0 in place; x0 belongs to the caller")
    return loss


def gradient_of_loss(module, score: dict, x0: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    """The gradients of the loss with respect to the network's three numbers."""
    inputs = {name: value.clone().requires_grad_() for name, value in score.items()}
    loss = module.dsm_loss(Net(inputs["gain"], inputs["tilt"], inputs["shift"]), x0, sigma, noise)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return torch.zeros(3, dtype=x0.dtype)
    found = torch.autograd.grad(loss.sum(), list(inputs.values()), allow_unused=True)
    return torch.stack([x0.new_zeros(()) if gradient is None else gradient for gradient in found])


def langevin_step(module, m: Tensor, v: Tensor, x: Tensor, sigma: float, step: float, noise: Tensor) -> object:
    """The next x; the given one must be left as it is."""
    before = x.clone()
    moved = module.langevin_step(GaussianScore(m, v), x, sigma, step, noise)
    if not torch.equal(before, x):
        raise ValueError("langevin_step has changed x in place; x belongs to the caller")
    return moved


def annealed_langevin(module, m: Tensor, v: Tensor, x: Tensor, sigmas: Tensor, count: int, share: float, noise: Tensor) -> dict:
    """Where the walk ends, and the levels at which the score was called."""
    score, before = GaussianScore(m, v), x.clone()
    end = module.annealed_langevin(score, x, sigmas, count, share, noise)
    if not torch.equal(before, x):
        raise ValueError("annealed_langevin has changed x in place; x belongs to the caller")
    return {"sample": end, "called": score.levels}


def walk_and_graph(module, m: Tensor, v: Tensor, x: Tensor, sigmas: Tensor, count: int, share: float, noise: Tensor) -> list:
    """Where the walk ends for a score with a parameter, and whether it could be differentiated."""
    end = module.annealed_langevin(GaussianScore(m.clone().requires_grad_(), v), x, sigmas, count, share, noise)
    return [end, bool(getattr(end, "requires_grad", False))]
