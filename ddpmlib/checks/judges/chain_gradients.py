"""How the checks of chapter 2 judge derivatives by a chain's parameters: against autograd through the oracle."""

from __future__ import annotations

import torch
from torch import Tensor

from ..judging import compare

_PARAMETERS = ("weight", "bias", "std")


def tracked(chain: list[dict]) -> list[dict]:
    """The chain with parameters by which the oracle can be differentiated."""
    return [step | {name: step[name].clone().requires_grad_() for name in _PARAMETERS} for step in chain]


def parameters(chain: list[dict]) -> dict[str, Tensor]:
    """The parameters by the name that a student reads, in the order in which the running half returns gradients."""
    return {f"the {name} of transition {t}": step[name]
            for t, step in enumerate(chain, start=1) for name in _PARAMETERS}


def judge_gradients(gradients: list[Tensor], total: Tensor, inputs: dict[str, Tensor]) -> str | None:
    """Compare gradients with those of ``total``, the oracle's, by the named inputs."""
    if not any(gradient.any() for gradient in gradients):
        return "no gradient reaches the inputs: stay with torch's functions, and detach nothing"
    wanted = torch.autograd.grad(total, list(inputs.values()))
    for name, gradient, expected in zip(inputs, gradients, wanted, strict=True):
        lost = {"No gradient reaches it: is it detached, or used as a plain number?": torch.zeros_like(expected)}
        problem = compare(gradient, expected, what=f"the gradient to {name}", rtol=1e-3, atol=1e-3, known=lost)
        if problem is not None:
            return problem
    return None
