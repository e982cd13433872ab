"""How the exercises on SDEs are run: the SDE, the scores and the fields travel as numbers, and are built here.

The SDE of the checks is one that no paper has: its mean is 1/(1 + k t), its standard deviation c t + b. The rate and the diffusion follow.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .edm import _levels


class TestSDE:
    """The SDE with mean 1/(1 + k t) and standard deviation b + c t; it notes the times that it is asked for."""

    __test__ = False

    def __init__(self, k: Tensor, b: Tensor, c: Tensor):
        self.k, self.b, self.c = k, b, c

    def __call__(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        if not isinstance(t, Tensor) or not t.is_floating_point():
            raise ValueError(f"the SDE is asked for a tensor of times, got {type(t).__name__}")
        mean, std = 1 / (1 + self.k * t), self.b + self.c * t
        rate = -self.k * mean
        return rate, (2 * std * self.c - 2 * rate * std**2).sqrt(), mean, std


class TwoPointScore:
    """The score of data that are +m or -m, each element by itself, after the SDE; it notes the times of its calls."""

    def __init__(self, m: Tensor, sde: TestSDE):
        self.m, self.sde = m, sde
        self.times: list[float] = []

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        rows = _levels("the score's second argument is the time of each row", t, x)
        self.times.append(float(t[0]))
        _, _, mean, std = (value.to(x.dtype) for value in self.sde(rows.double()))
        m = self.m.to(x.dtype) * mean
        return (m * torch.tanh(m * x / std**2) - x) / std**2


class GaussianScore:
    """The score of data N(m, C) after the SDE."""

    def __init__(self, m: Tensor, C: Tensor, sde: TestSDE):
        self.m, self.C, self.sde = m, C, sde

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        _levels("the score's second argument is the time of each row", t, x)
        _, _, mean, std = (value.to(x.dtype) for value in self.sde(t[0].double()))
        law = mean**2 * self.C.to(x.dtype) + std**2 * torch.eye(len(self.C), dtype=x.dtype)
        return (mean * self.m.to(x.dtype) - x) @ torch.linalg.inv(law)


def _score(parts: dict[str, Tensor], sde: TestSDE) -> TwoPointScore | GaussianScore:
    return GaussianScore(parts["m"], parts["C"], sde) if "C" in parts else TwoPointScore(parts["m"], sde)


def _unchanged(name: str, before: Tensor, x: Tensor) -> None:
    if not torch.equal(before, x) or x.requires_grad:
        raise ValueError(f"{name} has changed the tensor x that was passed in; it belongs to the caller")


def vp_coefficients(module, t: Tensor, beta_min: float, beta_max: float) -> list:
    """The four tensors as a list."""
    return _four(module.vp_coefficients(t, beta_min, beta_max))


def ve_coefficients(module, t: Tensor, sigma_min: float, sigma_max: float) -> list:
    """The four tensors as a list."""
    return _four(module.ve_coefficients(t, sigma_min, sigma_max))


def _four(result: object) -> list:
    if not isinstance(result, (tuple, list)) or len(result) != 4:
        raise ValueError("the function should return four tensors: rate, diffusion, mean, std")
    return list(result)


def reverse_sde_step(module, score: dict, sde: dict, x: Tensor, t: float, s: float, noise: Tensor, lam: float) -> list:
    """The step, and the step again."""
    process, before = TestSDE(**sde), x.clone()
    found = [module.reverse_sde_step(_score(score, process), x, t, s, process, noise, lam) for _ in range(2)]
    _unchanged("reverse_sde_step", before, x)
    return found


def probability_flow_drift(module, score: dict, sde: dict, x: Tensor, t: float) -> object:
    """The velocity."""
    process, before = TestSDE(**sde), x.clone()
    found = module.probability_flow_drift(_score(score, process), x, t, process)
    _unchanged("probability_flow_drift", before, x)
    return found


class Field:
    """The field tanh(x M) (1 + w t) + u; it counts its calls, and can be followed by autograd."""

    def __init__(self, M: Tensor, w: Tensor, u: Tensor):
        self.M, self.w, self.u = M, w, u
        self.calls = 0

    def __call__(self, x: Tensor, t: float) -> Tensor:
        if isinstance(t, Tensor):
            t = t.item()
        self.calls += 1
        M, w, u = (value.to(x.dtype) for value in (self.M, self.w, self.u))
        return torch.tanh(x @ M) * (1 + w * t) + u


def rk4_step(module, field: dict, x: Tensor, t: float, s: float) -> object:
    """Where the step ends."""
    before = x.clone()
    found = module.rk4_step(Field(**field), x, t, s)
    _unchanged("rk4_step", before, x)
    return found


def divergence(module, field: dict, x: Tensor, t: float) -> list:
    """The divergence, whether it carries a graph, and the divergence under no_grad, where a sampler may ask for it."""
    before = x.clone()
    found = module.divergence(Field(**field), x, t)
    with torch.no_grad():
        again = module.divergence(Field(**field), x, t)
    _unchanged("divergence", before, x)
    return [found, bool(getattr(found, "requires_grad", False)), again]


def log_likelihood(module, score: dict, sde: dict, x: Tensor, times: Tensor, prior_std: float) -> list:
    """The log-densities, and whether they carry a graph."""
    process, before = TestSDE(**sde), x.clone()
    found = module.log_likelihood(_score(score, process), x, times, process, prior_std)
    _unchanged("log_likelihood", before, x)
    return [found, bool(getattr(found, "requires_grad", False))]
