"""The oracles of chapter 4: a forward and a reverse chain, each as one dense Gaussian of all its levels.

A conditional density is the quotient of two joint densities of this Gaussian; a conditional law is found by conditioning it
on everything else. No kernel of the chains is ever evaluated at a path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..judging import Draw, compare
from .precision import SINGLE

STRICT = {"rtol": 1e-9, "atol": 1e-9}


def compare_strictly(result: object, expected: Tensor, *, what: str, known: dict[str, Tensor]) -> str | None:
    """``compare`` to nearly all digits of float64; values that are right to single precision are named so."""
    problem = compare(result, expected, what=what, known=known, **STRICT)
    if problem is None or "\n" in problem:
        return problem
    nearly = 2e-6 * max(expected.abs().max().item(), 1.0)
    return f"{problem}\n{SINGLE}" if compare(result, expected, rtol=2e-6, atol=nearly) is None else problem


@dataclass(frozen=True)
class Dense:
    """The Gaussian of the levels 0, ..., T of a chain, for each component: ``mean`` (..., D, T + 1), ``covariance`` (D, T + 1, T + 1)."""

    mean: Tensor
    covariance: Tensor

    def log_prob(self, path: Tensor, levels: list[int]) -> Tensor:
        """The joint log-density of some levels of a path (T + 1, ..., D), a number for each component."""
        if not levels:
            return torch.zeros_like(path[0])
        block = self.covariance[:, levels][:, :, levels]
        away = path[levels].movedim(0, -1) - self.mean[..., levels]
        distance = torch.einsum("...dk,dkl,...dl->...d", away, torch.linalg.inv(block), away)
        return -0.5 * (distance + torch.logdet(block) + len(levels) * math.log(2 * math.pi))

    def log_conditional(self, path: Tensor, level: int, given: list[int]) -> Tensor:
        """The log-density of one level given others, as a quotient of joint densities."""
        return self.log_prob(path, [level, *given]) - self.log_prob(path, given)

    def conditional(self, path: Tensor, level: int, given: list[int]) -> tuple[Tensor, Tensor]:
        """Mean (..., D) and variance (D,) of one level given others, from the precision matrix of the levels involved."""
        levels = [level, *given]
        precision = torch.linalg.inv(self.covariance[:, levels][:, :, levels])
        moved = path[given].movedim(0, -1) - self.mean[..., given]
        pull = torch.einsum("dk,...dk->...d", precision[:, 0, 1:], moved)
        return self.mean[..., level] - pull / precision[:, 0, 0], 1 / precision[:, 0, 0]


def tables(betas: Tensor) -> dict[str, Tensor]:
    """A schedule's two tables, as the running half gets them; alpha-bar is multiplied up step by step."""
    kept = [1.0]
    for beta in betas[1:].tolist():
        kept.append(kept[-1] * (1 - beta))
    return {"betas": betas, "alpha_bars": torch.tensor(kept, dtype=torch.float64)}


def dense_forward(betas: Tensor, mean: Tensor, variance: Tensor) -> Dense:
    """The forward chain from x_0 ~ N(mean, diag(variance)): each level as a linear map of the noises, the first being x_0's.

    ``mean`` is (..., D), ``variance`` (D,). A variance of 0 gives the chain from one point: then x_0 must not be asked for.
    """
    T = len(betas) - 1
    level = torch.zeros(len(variance), T + 1, dtype=torch.float64)
    level[:, 0] = variance.sqrt()
    levels, means = [level], [mean]
    for t, beta in enumerate(betas[1:].tolist(), start=1):
        level = math.sqrt(1 - beta) * levels[-1]
        level[:, t] = math.sqrt(beta)
        levels.append(level)
        means.append(math.sqrt(1 - beta) * means[-1])
    maps = torch.stack(levels, dim=1)
    return Dense(torch.stack(means, dim=-1), maps @ maps.transpose(1, 2))


def dense_reverse(reverse: dict[str, Tensor]) -> Dense:
    """The reverse chain: x_{t-1} - slope_t x_t = noise is one linear system for all levels, with gradients."""
    slopes = reverse["slopes"][1:].T
    system = torch.eye(slopes.shape[1] + 1, dtype=torch.float64) - torch.diag_embed(slopes, offset=1)
    offsets = torch.cat([reverse["shifts"][1:].T, reverse["prior_mean"][:, None]], dim=1)
    variances = torch.cat([reverse["variances"][1:].T, reverse["prior_variance"][:, None]], dim=1)
    root = torch.linalg.solve(system, torch.diag_embed(variances.sqrt()))
    return Dense(torch.linalg.solve(system, offsets[..., None])[..., 0], root @ root.transpose(1, 2))


def draw_betas(draw: Draw, T: int) -> Tensor:
    """A table of betas between 0.1 and 0.5, all different, in no order."""
    steps = torch.linspace(0.1, 0.5, T, dtype=torch.float64) + draw.uniform(0.0, 0.2 / T, T)
    return torch.cat([torch.zeros(1, dtype=torch.float64), steps[torch.randperm(T, generator=draw.generator)]])


def draw_reverse(draw: Draw, T: int, dim: int) -> dict[str, Tensor]:
    """A generic reverse chain, all of whose steps and components differ; entry 0 of its tables is misleading on purpose."""
    return {
        "slopes": draw.uniform(0.5, 1.3, T + 1, dim), "shifts": draw.uniform(0.2, 1.0, T + 1, dim),
        "variances": draw.uniform(0.1, 0.7, T + 1, dim),
        "prior_mean": draw.uniform(0.2, 1.0, dim), "prior_variance": draw.uniform(0.4, 2.0, dim),
    }


def kl(mean: Tensor, variance: Tensor, other_mean: Tensor, other_variance: Tensor) -> Tensor:
    """The divergence of two Gaussians by Gauss-Hermite quadrature, exact since the log-ratio is quadratic."""
    nodes = torch.tensor([-math.sqrt(3), 0.0, math.sqrt(3)], dtype=torch.float64)
    weights = torch.tensor([1 / 6, 2 / 3, 1 / 6], dtype=torch.float64)
    x = mean[..., None] + variance[..., None].sqrt() * nodes
    twice = [-((x - m[..., None]) ** 2) / v[..., None] - v[..., None].log()
             for m, v in ((mean, variance), (other_mean, other_variance))]
    return 0.5 * ((twice[0] - twice[1]) * weights).sum(-1)


def misshapen(table: Tensor) -> dict[str, Tensor]:
    """What a table of terms (time, batch ..., component) becomes by sums and means that are not asked for."""
    summed = table.sum(-1)
    return {
        "The terms are added up already; one row for each t is asked for.": summed.sum(0),
        "The components are not added up: sum over the last axis.": table,
        "The batch is averaged; one number for each path is asked for.": summed.flatten(1).mean(1),
        "The batch is added up; one number for each path is asked for.": summed.flatten(1).sum(1),
    }
