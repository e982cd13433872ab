"""How chapter 2's exercises are run: a chain travels as a list of dictionaries, and is built here."""

from __future__ import annotations

import torch
from torch import Tensor

from ddpmlib.gaussian_chain import Decoder, Encoder, Transition

from ..plain import raised

_PARAMETERS = ("weight", "bias", "std")


def log_joint(module, chain: list[dict], path: list[Tensor]) -> object:
    """The student's log p(x, z_{1:T})."""
    return module.log_joint(Decoder(_transitions(chain)), path)


def log_posterior(module, chain: list[dict], path: list[Tensor]) -> object:
    """The student's log q(z_{1:T} | x)."""
    return module.log_posterior(Encoder(_transitions(chain)), path)


def gradient_of_log_joint(module, chain: list[dict], path: list[Tensor]) -> dict:
    """The student's log p(x, z_{1:T}), and the gradients of the batch's sum."""
    chain, path = _with_gradients(chain), _tracked(path)
    value = torch.as_tensor(log_joint(module, chain, path))
    return {"value": value, "gradients": _gradients(value.sum(), [*_parameters(chain), *path])}


def gradient_of_log_posterior(module, chain: list[dict], path: list[Tensor]) -> dict:
    """The student's log q(z_{1:T} | x), and the gradients of the batch's sum."""
    chain, path = _with_gradients(chain), _tracked(path)
    value = torch.as_tensor(log_posterior(module, chain, path))
    return {"value": value, "gradients": _gradients(value.sum(), [*_parameters(chain), *path])}


def ancestral_sample(module, chain: list[dict], noise: list[Tensor]) -> list:
    """The student's paths through the decoder in two calls with the same noise."""
    decoder = Decoder(_transitions(chain))
    return [module.ancestral_sample(decoder, [draw.clone() for draw in noise]) for _ in range(2)]


def posterior_sample(module, chain: list[dict], x: Tensor, noise: list[Tensor]) -> list:
    """The student's paths through the encoder in two calls with the same noise."""
    encoder = Encoder(_transitions(chain))
    return [module.posterior_sample(encoder, x.clone(), [draw.clone() for draw in noise]) for _ in range(2)]


def gradient_of_ancestral(module, chain: list[dict], noise: list[Tensor], weights: list[Tensor]) -> dict:
    """The student's path, and the gradients of the sum of its elements times ``weights``."""
    chain = _with_gradients(chain)
    path = module.ancestral_sample(Decoder(_transitions(chain)), noise)
    return {"path": path, "gradients": _gradients(_weighted(path, weights), _parameters(chain))}


def gradient_of_posterior(module, chain: list[dict], x: Tensor, noise: list[Tensor], weights: list[Tensor]) -> dict:
    """As ``gradient_of_ancestral``, for the encoder; the last gradient is that to x."""
    chain, (x,) = _with_gradients(chain), _tracked([x])
    path = module.posterior_sample(Encoder(_transitions(chain)), x, noise)
    return {"path": path, "gradients": _gradients(_weighted(path, weights), [*_parameters(chain), x])}


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


def restrictions(module, chain: list[dict], x: Tensor, tolerance: float) -> dict:
    """The student's report on the three restrictions, and their KL of the same chain: None where it fails."""
    encoder = Encoder(_transitions(chain))
    try:
        report = module.restrictions(encoder, x.clone(), tolerance)
    except NotImplementedError:
        raise
    except Exception as error:
        report = raised(error)
    try:
        kl = module.prior_matching_kl(encoder, x.clone())
    except Exception:
        kl = None
    return {"report": report, "kl": kl}


def _with_gradients(chain: list[dict]) -> list[dict]:
    return [step | dict(zip(_PARAMETERS, _tracked([step[name] for name in _PARAMETERS]))) for step in chain]


def _tracked(values: list[Tensor]) -> list[Tensor]:
    return [value.clone().requires_grad_() for value in values]


def _parameters(chain: list[dict]) -> list[Tensor]:
    return [step[name] for step in chain for name in _PARAMETERS]


def _weighted(path: object, weights: list[Tensor]) -> Tensor:
    if not isinstance(path, (list, tuple)) or [getattr(level, "shape", None) for level in path] != [
            weight.shape for weight in weights]:
        return torch.zeros(())
    return sum((level * weight).sum() for level, weight in zip(path, weights))


def _gradients(total: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    if not total.requires_grad:
        return [torch.zeros_like(value) for value in inputs]
    found = torch.autograd.grad(total, inputs, allow_unused=True)
    return [torch.zeros_like(value) if gradient is None else gradient for value, gradient in zip(inputs, found)]


def _transitions(chain: list[dict]) -> list[Transition]:
    return [Transition(**step | {"learnable": frozenset(step.get("learnable", ()))}) for step in chain]


def _unit_noise(dims: tuple[int, ...]) -> list[Tensor]:
    rows = torch.cat([torch.zeros(1, sum(dims)), torch.eye(sum(dims))]).double()
    return list(rows.split(list(dims), dim=1))
