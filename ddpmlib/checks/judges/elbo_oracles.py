"""What the checks of chapter 1 compare with: quadrature, many-digit sums, conditioning of the joint Gaussian."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal, Normal

from ..judging import Case


def kl_by_quadrature(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) || N(0, 1)) of each entry."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    total = torch.zeros_like(mu)
    standard = Normal(0.0, 1.0)
    for node, weight in zip(torch.from_numpy(nodes), weights / weights.sum()):
        log_q = standard.log_prob(node) - log_var / 2  # of z = mu + sigma node, by the change of variables
        total = total + weight * (log_q - standard.log_prob(mu + (log_var / 2).exp() * node))
    return total


def log_mean_exp(values: Tensor, axis: int) -> Tensor:
    """log mean exp over an axis, with 40 digits."""
    rows = values.movedim(axis, -1)
    with mpmath.workdps(40):
        found = [
            float(mpmath.log(sum(mpmath.exp(value) for value in row) / len(row)))
            for row in rows.reshape(-1, rows.shape[-1]).tolist()
        ]
    return torch.tensor(found, dtype=torch.float64).reshape(rows.shape[:-1])


def sigma_points(latent: int, batch: int) -> Tensor:
    """2 * latent points of mean 0 and covariance I, the same for every data point."""
    points = math.sqrt(latent) * torch.eye(latent, dtype=torch.float64)
    return torch.cat([points, -points])[:, None, :].repeat(1, batch, 1)


def moments(case: Case) -> tuple[Tensor, Tensor]:
    return case.arguments["mu"], case.arguments["log_var"]


def encoder(case: Case) -> MultivariateNormal:
    mu, log_var = moments(case)
    return MultivariateNormal(mu, covariance_matrix=torch.diag_embed(log_var.exp()))


def log_likelihood(case: Case, z: Tensor) -> Tensor:
    W, b, sigma, x = (case.arguments[name] for name in ("W", "b", "sigma", "x"))
    return Independent(Normal(torch.einsum("dl,...l->...d", W, z) + b, sigma), 1).log_prob(x)


def covariances(case: Case) -> tuple[Tensor, Tensor]:
    """Cov(x) and Cov(z, x) of the joint Gaussian."""
    W, sigma = case.arguments["W"], case.arguments["sigma"]
    return W @ W.T + sigma**2 * torch.eye(len(W), dtype=W.dtype), W.T


def log_marginal(case: Case) -> Tensor:
    normal = MultivariateNormal(case.arguments["b"], covariance_matrix=covariances(case)[0])
    return normal.log_prob(case.arguments["x"])


def posterior(case: Case) -> MultivariateNormal:
    covariance, cross = covariances(case)
    gain = cross @ torch.linalg.inv(covariance)
    remaining = torch.eye(len(cross), dtype=cross.dtype) - gain @ cross.T
    mean = (case.arguments["x"] - case.arguments["b"]) @ gain.T
    return MultivariateNormal(mean, covariance_matrix=(remaining + remaining.T) / 2)


def expected_log_likelihood(case: Case) -> Tensor:
    """E_q[log p(x | z)]: the value at the mean, less the spread that the decoder sees."""
    mu, log_var = moments(case)
    spread = torch.einsum("dl,bl->b", case.arguments["W"] ** 2, log_var.exp())
    return log_likelihood(case, mu) - spread / (2 * case.arguments["sigma"] ** 2)
