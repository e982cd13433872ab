"""How chapter 4's exercises are run: schedules and reverse chains travel as dictionaries of tables, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor

from ddpmlib.checks.runs.given import schedule as build
from ddpmlib.gaussian_diffusion import ReverseChain


def form1_terms(module, path: Tensor, schedule: dict, reverse: dict) -> object:
    """The student's terms of the first form."""
    return module.form1_terms(path=path, schedule=build(**schedule), reverse=ReverseChain(**reverse))


def posterior_log_prob(module, x_prev: Tensor, x_t: Tensor, x0: Tensor, t: object, schedule: dict) -> object:
    """The student's log q(x_{t-1} | x_t, x_0)."""
    return module.posterior_log_prob(x_prev=x_prev, x_t=x_t, x0=x0, t=t, schedule=build(**schedule))


def denoising_matching(module, x0: Tensor, x_t: Tensor, t: object, schedule: dict, reverse: dict) -> object:
    """The student's divergence of one reverse step."""
    return module.denoising_matching(x0=x0, x_t=x_t, t=t, schedule=build(**schedule), reverse=ReverseChain(**reverse))


def form2_terms(module, path: Tensor, schedule: dict, reverse: dict) -> object:
    """The student's terms of the second form."""
    return module.form2_terms(path=path, schedule=build(**schedule), reverse=ReverseChain(**reverse))


def gradient_of_form1(module, path: Tensor, schedule: dict, reverse: dict, weights: Tensor) -> dict[str, object]:
    """The gradients to the model of the weighted sum of the first form's terms."""
    return _gradient(module.form1_terms, {"path": path}, schedule, reverse, weights)


def gradient_of_form2(module, path: Tensor, schedule: dict, reverse: dict, weights: Tensor) -> dict[str, object]:
    """The gradients to the model of the weighted sum of the second form's terms."""
    return _gradient(module.form2_terms, {"path": path}, schedule, reverse, weights)


def gradient_of_denoising(
    module, x0: Tensor, x_t: Tensor, t: int, schedule: dict, reverse: dict, weights: Tensor
) -> dict[str, object]:
    """The gradients to the model of the weighted sum of the divergences of one step."""
    return _gradient(module.denoising_matching, {"x0": x0, "x_t": x_t, "t": t}, schedule, reverse, weights)


def optimal_reverse(module, mean: Tensor, variance: Tensor, schedule: dict) -> object:
    """The student's reverse chain as a dictionary of its tables, without their entries 0."""
    chain = module.optimal_reverse(mean=mean, variance=variance, schedule=build(**schedule))
    if not isinstance(chain, ReverseChain):
        raise TypeError(f"optimal_reverse must return a ReverseChain, got {type(chain).__name__}")
    steps = {name: getattr(chain, name)[1:] for name in ("slopes", "shifts", "variances")}
    return steps | {"prior_mean": chain.prior_mean, "prior_variance": chain.prior_variance}


def _gradient(terms, states: dict, schedule: dict, reverse: dict, weights: Tensor) -> dict[str, object]:
    inputs = {name: reverse[name].clone().requires_grad_() for name in reverse}
    result = terms(**states, schedule=build(**schedule), reverse=ReverseChain(**inputs))
    if not isinstance(result, Tensor) or result.shape != weights.shape:
        return {"terms": result}
    total = (result * weights).sum()
    found = torch.autograd.grad(total, list(inputs.values()), allow_unused=True) if total.requires_grad else [None] * 5
    gradients = {name: torch.zeros_like(value) if gradient is None else gradient
                 for (name, value), gradient in zip(inputs.items(), found)}
    return {"steps": torch.stack([gradients[name] for name in ("slopes", "shifts", "variances")]),
            "prior": torch.stack([gradients[name] for name in ("prior_mean", "prior_variance")])}
