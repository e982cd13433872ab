# Stub: write your code where NotImplementedError is raised.
"""The evidence lower bound of a latent-variable model (chapter 1)."""

from __future__ import annotations

import math  # noqa: F401  (at hand for your answers)
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.validation import require_same_shape, require_tensor


def reparameterize(
    mu: Float[Tensor, "*shape"], log_var: Float[Tensor, "*shape"], noise: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    r"""Exercise 1.1. Draw z ~ N(mu, sigma^2) as a differentiable function of mu and log sigma^2.

    Parameters
    ----------
    mu, log_var
        the mean, and the logarithm of the *variance*, of each component of z.
    noise
        eps ~ N(0, I), of the same shape.

    Returns
    -------
    z = mu + sigma * eps, with gradients to ``mu`` and ``log_var``.

    Raises
    ------
    TypeError
        if an argument is not a floating-point tensor.
    ValueError
        if the shapes differ.

    Source: Kingma and Welling (2014), section 2.4; chapter 1, "Drawing from a Gaussian so that gradients pass".
    """
    require_same_shape(mu=mu, log_var=log_var, noise=noise)
    raise NotImplementedError("Exercise 1.1: write reparameterize in ddpmlib/elbo.py")


def kl_to_standard_normal(
    mu: Float[Tensor, "*batch latent"], log_var: Float[Tensor, "*batch latent"]
) -> Float[Tensor, "*batch"]:
    r"""Exercise 1.2. KL( N(mu, diag(exp(log_var))) || N(0, I) ), in nats.

    Parameters
    ----------
    mu, log_var
        the mean, and the logarithm of the *variance*, of each component; the last axis runs over the components.

    Returns
    -------
    The sum over the last axis of (mu^2 + sigma^2 - 1 - log sigma^2) / 2: one number for each batch entry, with
    gradients to ``mu`` and ``log_var``, and finite at ``log_var = -1000`` as well.

    Raises
    ------
    TypeError
        if an argument is not a floating-point tensor.
    ValueError
        if the shapes differ, or there is no axis to sum over.

    Source: Kingma and Welling (2014), appendix B; chapter 1, "How far from the prior: the Gaussian KL".
    """
    require_same_shape(mu=mu, log_var=log_var)
    if mu.ndim == 0:
        raise ValueError("mu must have at least 1 axis (its last one is summed over), got shape ()")
    raise NotImplementedError("Exercise 1.2: write kl_to_standard_normal in ddpmlib/elbo.py")


def importance_log_marginal(
    log_joint: Float[Tensor, "samples *batch"], log_proposal: Float[Tensor, "samples *batch"]
) -> Float[Tensor, "*batch"]:
    r"""Exercise 1.4. Estimate log p(x) by importance sampling, without leaving the logarithms.

    Parameters
    ----------
    log_joint
        log p(x, z_k) for samples z_k ~ q(z | x); axis 0 runs over k = 1..K.
    log_proposal
        log q(z_k | x), of the same shape.

    Returns
    -------
    log( (1/K) sum_k p(x, z_k) / q(z_k | x) ): the mean is over axis 0. Values near -1e4 must not underflow,
    nor where another batch entry has values near 0.

    Raises
    ------
    TypeError
        if an argument is not a floating-point tensor.
    ValueError
        if the shapes differ, or there is no sample.

    Source: Burda et al. (2016), section 3; chapter 1, "Importance sampling".
    """
    require_same_shape(log_joint=log_joint, log_proposal=log_proposal)
    if log_joint.ndim == 0 or len(log_joint) == 0:
        raise ValueError(f"log_joint must have at least 1 sample on axis 0, got shape {tuple(log_joint.shape)}")
    raise NotImplementedError("Exercise 1.4: write importance_log_marginal in ddpmlib/elbo.py")


def elbo_terms(
    model: Any,
    x: Float[Tensor, "batch data"],
    mu: Float[Tensor, "batch latent"],
    log_var: Float[Tensor, "batch latent"],
    noise: Float[Tensor, "samples batch latent"],
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "batch"]]:
    r"""Exercise 1.5. The two terms of the ELBO of each data point, for the prior N(0, I); ELBO = first - second.

    Parameters
    ----------
    model
        gives ``model.log_likelihood(x, z)`` = log p(x | z), summed over the data axis: x of shape (batch, data) and z
        of shape (samples, batch, latent) broadcast, and the result has shape (samples, batch).
    x
        the data points.
    mu, log_var
        the encoder's Gaussian q(z | x) = N(mu, diag(exp(log_var))) of each data point.
    noise
        K draws from N(0, I) for each data point, on axis 0.

    Returns
    -------
    reconstruction
        (1/K) sum_k log p(x | z_k) with the reparameterised samples z_k; gradients pass to ``mu``, ``log_var`` and the
        model's parameters.
    prior_matching
        KL( q(z | x) || N(0, I) ) in closed form: no noise in it; gradients pass to ``mu`` and ``log_var``.

    Raises
    ------
    TypeError
        if ``model`` has no ``log_likelihood``, or another argument is not a floating-point tensor.
    ValueError
        if the shapes do not fit together.

    Source: Kingma and Welling (2014), equation (7); chapter 1, "Two terms".
    """
    if not callable(getattr(model, "log_likelihood", None)):
        raise TypeError(f"model must have a method log_likelihood(x, z), got {type(model).__name__}")
    require_tensor("x", x, ndim=2)
    require_tensor("mu", mu, ndim=2)
    require_same_shape(mu=mu, log_var=log_var)
    require_tensor("noise", noise, ndim=3)
    if len(x) != len(mu):
        raise ValueError(f"x must have as many rows as mu, {len(mu)}, got shape {tuple(x.shape)}")
    if noise.shape[1:] != mu.shape or len(noise) == 0:
        raise ValueError(f"noise must have shape (samples, {', '.join(map(str, mu.shape))}), got {tuple(noise.shape)}")
    raise NotImplementedError("Exercise 1.5: write elbo_terms in ddpmlib/elbo.py")
