"""How chapter 2's exercises are run: a chain travels as a list of dictionaries, and is built here."""

from __future__ import annotations

import torch
from torch import Tensor

from ddpmlib.gaussian_chain import Decoder, Encoder, Transition


def log_joint(module, chain: list[dict], path: list[Tensor]) -> object:
    """The student's log p(x, z_{1:T})."""
    return module.log_joint(Decoder(_transitions(chain)), path)


def log_posterior(module, chain: list[dict], path: list[Tensor]) -> object:
    """The student's log q(z_{1:T} | x)."""
    return module.log_posterior(Encoder(_transitions(chain)), path)


def ancestral_sample(module, chain: list[dict], noise: list[Tensor]) -> object:
    """The student's path through the decoder, for the given noise."""
    return module.ancestral_sample(Decoder(_transitions(chain)), noise)


def posterior_sample(module, chain: list[dict], x: Tensor, noise: list[Tensor]) -> object:
    """The student's path through the encoder, for the given noise."""
    return module.posterior_sample(Encoder(_transitions(chain)), x, noise)


def ancestral_responses(module, chain: list[dict]) -> object:
    """The paths for no noise (row 0) and for one unit of each component of the noise, x's first (the other rows)."""
    decoder = Decoder(_transitions(chain))
    return module.ancestral_sample(decoder, _unit_noise(decoder.dims))


def posterior_responses(module, chain: list[dict], x: Tensor) -> object:
    """As ``ancestral_responses``, for the latents of the encoder at one x."""
    encoder = Encoder(_transitions(chain))
    return module.posterior_sample(encoder, x, _unit_noise(encoder.dims[1:]))


def gradient_of_elbo(module, log_joint: Tensor, log_posterior: Tensor) -> Tensor:
    """The gradients of the batch's sum of ELBO estimates to log_joint and log_posterior, stacked."""
    inputs = [value.clone().requires_grad_() for value in (log_joint, log_posterior)]
    total = torch.as_tensor(module.hierarchical_elbo(*inputs)).sum()
    if not total.requires_grad:
        return torch.zeros(2, *log_joint.shape, dtype=log_joint.dtype)
    gradients = torch.autograd.grad(total, inputs, allow_unused=True)
    return torch.stack([torch.zeros_like(log_joint) if g is None else g for g in gradients])


def prior_matching_kl(module, chain: list[dict], x: Tensor) -> object:
    """The student's KL(q(z_T | x) || N(0, I))."""
    return module.prior_matching_kl(Encoder(_transitions(chain)), x)


def restrictions(module, chain: list[dict], x: Tensor, tolerance: float) -> object:
    """The student's report on the three restrictions."""
    return module.restrictions(Encoder(_transitions(chain)), x, tolerance)


def _transitions(chain: list[dict]) -> list[Transition]:
    return [Transition(**step | {"learnable": frozenset(step.get("learnable", ()))}) for step in chain]


def _unit_noise(dims: tuple[int, ...]) -> list[Tensor]:
    rows = torch.cat([torch.zeros(1, sum(dims)), torch.eye(sum(dims))]).double()
    return list(rows.split(list(dims), dim=1))
