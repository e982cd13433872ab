"""Markovian hierarchical VAEs: densities of paths, sampling, the ELBO, and the three restrictions (chapter 2).

A path is a list with ``path[t]`` = z_t for t = 0, ..., T, where z_0 is the data x.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Normal

from ddpmlib.gaussian_chain import Decoder, Encoder
from ddpmlib.validation import require_instance, require_number, require_same_shape, require_tensor


def log_joint(decoder: Decoder, path: Sequence[Float[Tensor, "*batch dim_t"]]) -> Float[Tensor, "*batch"]:
    r"""Exercise 2.1. The logarithm of the joint density p(x, z_1, ..., z_T) of a hierarchical model.

    log p(z_T) + sum over t = 1..T of log p(z_{t-1} | z_t), where p(z_T) = N(0, I).

    Parameters
    ----------
    decoder
        ``decoder.transition(t)`` is p(z_{t-1} | z_t) = N(mean(z_t), diag(std^2)): use its ``mean(...)`` and ``std``.
    path
        T + 1 tensors; ``path[t]`` is z_t, of shape (*batch, decoder.dims[t]), and ``path[0]`` is x. The batch
        shapes may differ if they broadcast.

    Returns
    -------
    One number for each path: the shape is the (broadcast) batch shape. It is differentiable in the path and in the
    chain's parameters.

    Raises
    ------
    TypeError, ValueError
        if the path does not have the decoder's levels.

    Source: Luo (2022), "Hierarchical Variational Autoencoders"; chapter 2, section "A chain of latents".
    """
    require_instance("decoder", decoder, Decoder)
    decoder.require_levels("path", path)
    ### BEGIN SOLUTION
    total = Normal(0.0, 1.0).log_prob(path[-1]).sum(-1)
    for t in range(1, decoder.levels + 1):
        step = decoder.transition(t)
        total = total + Normal(step.mean(path[t]), step.std).log_prob(path[t - 1]).sum(-1)
    return total
    ### END SOLUTION


def log_posterior(encoder: Encoder, path: Sequence[Float[Tensor, "*batch dim_t"]]) -> Float[Tensor, "*batch"]:
    r"""Exercise 2.2. The logarithm of the encoder's density q(z_1, ..., z_T | x).

    The sum over t = 1..T of log q(z_t | z_{t-1}), where z_0 = x.

    Parameters
    ----------
    encoder
        ``encoder.transition(t)`` is q(z_t | z_{t-1}) = N(mean(z_{t-1}), diag(std^2)).
    path
        T + 1 tensors; ``path[t]`` is z_t, of shape (*batch, encoder.dims[t]), and ``path[0]`` is x. The batch
        shapes may differ if they broadcast.

    Returns
    -------
    One number for each path: the shape is the (broadcast) batch shape. It is differentiable in the path and in the
    chain's parameters.

    Raises
    ------
    TypeError, ValueError
        if the path does not have the encoder's levels.

    Source: Luo (2022), "Hierarchical Variational Autoencoders"; chapter 2, section "A chain of latents".
    """
    require_instance("encoder", encoder, Encoder)
    encoder.require_levels("path", path)
    ### BEGIN SOLUTION
    terms = []
    for t in range(1, encoder.levels + 1):
        step = encoder.transition(t)
        terms.append(Normal(step.mean(path[t - 1]), step.std).log_prob(path[t]).sum(-1))
    return sum(terms)
    ### END SOLUTION


def ancestral_sample(decoder: Decoder, noise: Sequence[Float[Tensor, "*batch dim_t"]]) -> list[Tensor]:
    r"""Exercise 2.3. Draw a path from the decoder, from the top level down to x.

    z_T = noise[T], then z_{t-1} = mean(z_t) + std * noise[t-1] for t = T, ..., 1, with the mean and the standard
    deviation of ``decoder.transition(t)``.

    Parameters
    ----------
    noise
        T + 1 tensors of draws from N(0, I); ``noise[t]``, of shape (*batch, decoder.dims[t]), is for z_t.

    Returns
    -------
    The path, a list of T + 1 tensors: ``path[t]`` is z_t, and ``path[0]`` is the sampled x. It is differentiable in
    the decoder's parameters.

    Raises
    ------
    TypeError, ValueError
        if the noise does not have the decoder's levels.

    Source: Luo (2022), "Hierarchical Variational Autoencoders"; chapter 2, section "Sampling a chain".
    """
    require_instance("decoder", decoder, Decoder)
    decoder.require_levels("noise", noise)
    ### BEGIN SOLUTION
    path = [noise[-1]]
    for t in range(decoder.levels, 0, -1):
        step = decoder.transition(t)
        path.insert(0, step.mean(path[0]) + step.std * noise[t - 1])
    return path
    ### END SOLUTION


def posterior_sample(
    encoder: Encoder, x: Float[Tensor, "*batch dim_0"], noise: Sequence[Float[Tensor, "*batch dim_t"]]
) -> list[Tensor]:
    r"""Exercise 2.3. Draw a path from the encoder, from x up to the top level, by the reparameterisation trick.

    z_t = mean(z_{t-1}) + std * noise_t for t = 1, ..., T, with the mean and the standard deviation of
    ``encoder.transition(t)``, and z_0 = x.

    Parameters
    ----------
    x
        the data, of shape (*batch, encoder.dims[0]).
    noise
        T tensors of draws from N(0, I), for z_1, ..., z_T in this order: the *first* is noise_1, for z_1. Their
        batch shapes and that of x may differ if they broadcast.

    Returns
    -------
    The path, a list of T + 1 tensors: ``path[0]`` is x as it was given, and ``path[t]`` is z_t. It is differentiable in
    x and in the encoder's parameters.

    Raises
    ------
    TypeError, ValueError
        if x or the noise does not have the encoder's levels.

    Source: Kingma and Welling (2014), section 2.4; chapter 2, section "Sampling a chain".
    """
    require_instance("encoder", encoder, Encoder)
    require_tensor("x", x)
    encoder.require_levels("noise", noise, first=1)
    encoder.require_levels("[x, *noise]", [x, *noise])
    ### BEGIN SOLUTION
    path = [x]
    for step, draw in zip(encoder.transitions, noise):
        path.append(step.mean(path[-1]) + step.std * draw)
    return path
    ### END SOLUTION


def hierarchical_elbo(
    log_joint: Float[Tensor, "samples *batch"], log_posterior: Float[Tensor, "samples *batch"]
) -> Float[Tensor, "*batch"]:
    r"""Exercise 2.4. Estimate the ELBO of a hierarchical model from K paths that were drawn from the encoder.

    (1/K) sum over k of [log p(x, z_{1:T}^k) - log q(z_{1:T}^k | x)].

    Parameters
    ----------
    log_joint, log_posterior
        log p(x, z_{1:T}^k) and log q(z_{1:T}^k | x); the first axis is k = 1..K, the other axes are the batch.

    Returns
    -------
    One estimate for each element of the batch, with gradients to both arguments.

    Raises
    ------
    TypeError, ValueError
        if the arguments are not floating-point tensors of one shape, or there is no axis of samples.

    Source: Luo (2022), "Hierarchical Variational Autoencoders"; chapter 2, section "The ELBO of a hierarchy".
    """
    require_same_shape(log_joint=log_joint, log_posterior=log_posterior)
    if log_joint.ndim == 0 or len(log_joint) == 0:
        raise ValueError(f"log_joint must have at least one sample along its first axis, got {tuple(log_joint.shape)}")
    ### BEGIN SOLUTION
    return (log_joint - log_posterior).mean(0)
    ### END SOLUTION


def prior_matching_kl(encoder: Encoder, x: Float[Tensor, "batch dim_0"]) -> Float[Tensor, "batch"]:
    r"""Exercise 2.6. KL(q(z_T | x) || N(0, I)) in nats, for each row of x.

    The chain is linear and Gaussian, so q(z_T | x) is a Gaussian: carry its mean and its covariance matrix up
    the chain, then use KL(N(m, S) || N(0, I)) = (trace S + m^T m - d - log det S) / 2.

    Raises
    ------
    TypeError, ValueError
        if x does not have the shape (batch, encoder.dims[0]).

    Source: Ho et al. (2020), equation (5), the term L_T; chapter 2, section "The third restriction".
    """
    require_instance("encoder", encoder, Encoder)
    _require_data(encoder, x)
    ### BEGIN SOLUTION
    mean, covariance = x, x.new_zeros(x.shape[1], x.shape[1])
    for step in encoder.transitions:
        mean = step.mean(mean)
        covariance = step.weight @ covariance @ step.weight.T + torch.diag(step.std**2)
    return 0.5 * (covariance.trace() + (mean**2).sum(-1) - mean.shape[1] - torch.logdet(covariance))
    ### END SOLUTION


def restrictions(encoder: Encoder, x: Float[Tensor, "batch dim_0"], tolerance: float) -> dict[str, bool]:
    r"""Exercise 2.6. Which of the three restrictions of a diffusion model an encoder meets.

    Parameters
    ----------
    x
        the data for which the third restriction is tested, of shape (batch, encoder.dims[0]).
    tolerance
        the largest KL, in nats, that passes for "q(z_T | x) is N(0, I)".

    Returns
    -------
    A dictionary of three truth values:

    - ``"same dimension"``: all of x, z_1, ..., z_T have the same number of components;
    - ``"fixed encoder"``: no transition has a learnable parameter, and each is centred at a multiple of the previous
      latent: its bias is 0, its weight 0 off the diagonal and constant on it (a weight that is not square keeps,
      or pads with zeros, the first components). The standard deviations may be any fixed numbers;
    - ``"standard normal end"``: KL(q(z_T | x) || N(0, I)) is at most ``tolerance`` for *every* row of x.

    Raises
    ------
    TypeError, ValueError
        if x does not have the shape (batch, encoder.dims[0]), or the tolerance is not positive.

    Source: Luo (2022), "Variational Diffusion Models"; chapter 2, section "Three restrictions".
    """
    require_instance("encoder", encoder, Encoder)
    _require_data(encoder, x)
    require_number("tolerance", tolerance, above=0.0)
    ### BEGIN SOLUTION
    fixed = True
    for step in encoder.transitions:
        multiple = step.weight[0, 0] * torch.eye(*step.weight.shape, dtype=step.weight.dtype)
        fixed &= not step.learnable and torch.equal(step.weight, multiple) and not step.bias.any()
    return {
        "same dimension": len(set(encoder.dims)) == 1,
        "fixed encoder": bool(fixed),
        "standard normal end": bool((prior_matching_kl(encoder, x) <= tolerance).all()),
    }
    ### END SOLUTION


def _require_data(encoder: Encoder, x: Tensor) -> None:
    require_tensor("x", x, ndim=2)
    if x.shape[1] != encoder.dims[0]:
        raise ValueError(f"x must have shape (batch, {encoder.dims[0]}), got {tuple(x.shape)}")
