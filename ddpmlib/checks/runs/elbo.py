"""How chapter 1's exercises are run where calling one function is not enough."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ddpmlib.linear_gaussian import LinearGaussian

_NODES = 5  # Gauss-Hermite nodes: exact for the mean of a polynomial of degree up to 9


def _leaves(*tensors: Tensor) -> list[Tensor]:
    return [tensor.clone().requires_grad_() for tensor in tensors]


def _copies(arguments: dict) -> dict:
    """The arguments, each tensor a copy, so that code which changes them meets the same ones in its next call."""
    return {name: value.clone() if isinstance(value, Tensor) else value for name, value in arguments.items()}


def _gradients(total: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """The gradient of a number with respect to each leaf; zeros where none arrives."""
    if not total.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(total, leaves, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(leaf) if gradient is None else gradient for leaf, gradient in zip(leaves, found)]


def gradient_of_second_moment(module, mu: Tensor, log_var: Tensor) -> Tensor:
    """The gradients of E[sum z^2] with respect to mu and log_var, stacked; the mean over eps by Gauss-Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = torch.from_numpy(weights / weights.sum())
    mu, log_var = _leaves(mu, log_var)
    total = torch.zeros((), dtype=mu.dtype)
    for node, weight in zip(nodes, weights):
        z = module.reparameterize(mu=mu, log_var=log_var, noise=torch.full_like(mu, float(node)))
        total = total + weight * (z**2).sum()
    return torch.stack(_gradients(total, [mu, log_var]))


def three_calls(module, mu: Tensor, log_var: Tensor, noise: Tensor) -> list:
    """Two calls with the same arguments, which differ only if the function draws noise of its own, and one with other noise."""
    return [module.reparameterize(**_copies({"mu": mu, "log_var": log_var, "noise": eps})) for eps in (noise, noise, noise + 1)]


def gradient_of_kl(module, mu: Tensor, log_var: Tensor) -> Tensor:
    """The gradients of the KL with respect to mu and log_var, stacked."""
    mu, log_var = _leaves(mu, log_var)
    return torch.stack(_gradients(module.kl_to_standard_normal(mu=mu, log_var=log_var).sum(), [mu, log_var]))


def elbo_terms_of_linear_gaussian(
    module, W: Tensor, b: Tensor, sigma: float, x: Tensor, mu: Tensor, log_var: Tensor, noise: Tensor
) -> object:
    """Both ELBO terms on the given linear-Gaussian model, which is built here from its tensors."""
    return module.elbo_terms(model=LinearGaussian(W, b, sigma), x=x, mu=mu, log_var=log_var, noise=noise)


def _is_pair(terms: object) -> bool:
    return isinstance(terms, (tuple, list)) and len(terms) == 2 and all(
        isinstance(term, (Tensor, np.ndarray)) for term in terms)


def difference_of_two_elbos(module, **arguments) -> object:
    """The differences of both terms between two calls with the same arguments; what came, if it is not two tensors."""
    first, second = (elbo_terms_of_linear_gaussian(module, **_copies(arguments)) for _ in range(2))
    if not _is_pair(first) or not _is_pair(second):
        return first
    return [torch.as_tensor(a) - torch.as_tensor(b) for a, b in zip(first, second)]


def gradients_of_elbo_terms(
    module, W: Tensor, b: Tensor, sigma: float, x: Tensor, mu: Tensor, log_var: Tensor, noise: Tensor
) -> object:
    """For each of the two terms, summed over the batch: the gradients with respect to mu, log_var, W and b."""
    mu, log_var, W, b = leaves = _leaves(mu, log_var, W, b)
    terms = elbo_terms_of_linear_gaussian(module, W, b, sigma, x, mu, log_var, noise)
    if not _is_pair(terms):
        return terms
    return [_gradients(torch.as_tensor(term).sum(), leaves) for term in terms]
