"""How chapter 1's exercises are run where calling one function is not enough."""

from __future__ import annotations

import torch
from torch import Tensor

from ddpmlib.linear_gaussian import LinearGaussian

_NODES = 5  # Gauss-Hermite nodes: exact for the mean of a polynomial of degree up to 9


def gradient_of_second_moment(module, mu: Tensor, log_var: Tensor) -> Tensor:
    """The gradients of E[sum z^2] with respect to mu and log_var, stacked; the mean over eps by Gauss-Hermite."""
    import numpy as np

    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = torch.from_numpy(weights / weights.sum())
    mu, log_var = mu.clone().requires_grad_(), log_var.clone().requires_grad_()
    total = torch.zeros((), dtype=mu.dtype)
    for node, weight in zip(nodes, weights):
        z = module.reparameterize(mu=mu, log_var=log_var, noise=torch.full_like(mu, float(node)))
        total = total + weight * (z**2).sum()
    if not total.requires_grad:
        return torch.zeros(2, *mu.shape, dtype=mu.dtype)
    gradients = torch.autograd.grad(total, [mu, log_var], allow_unused=True)
    return torch.stack([torch.zeros_like(mu) if g is None else g for g in gradients])


def difference_of_two_calls(module, mu: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """The difference of two calls with the same arguments; 0 unless the function draws noise of its own."""
    first, second = (module.reparameterize(mu=mu, log_var=log_var, noise=noise.clone()) for _ in range(2))
    return torch.as_tensor(first) - torch.as_tensor(second)


def gradient_of_kl(module, mu: Tensor, log_var: Tensor) -> Tensor:
    """The gradients of the KL with respect to mu and log_var, stacked."""
    mu, log_var = mu.clone().requires_grad_(), log_var.clone().requires_grad_()
    total = module.kl_to_standard_normal(mu=mu, log_var=log_var).sum()
    if not total.requires_grad:
        return torch.zeros(2, *mu.shape, dtype=mu.dtype)
    gradients = torch.autograd.grad(total, [mu, log_var], allow_unused=True)
    return torch.stack([torch.zeros_like(mu) if g is None else g for g in gradients])


def elbo_terms_of_linear_gaussian(
    module, W: Tensor, b: Tensor, sigma: float, x: Tensor, mu: Tensor, log_var: Tensor, noise: Tensor
) -> object:
    """Both ELBO terms on the given linear-Gaussian model, which is built here from its tensors."""
    return module.elbo_terms(model=LinearGaussian(W, b, sigma), x=x, mu=mu, log_var=log_var, noise=noise)
