"""How the checks of chapter 4 judge gradients to a reverse chain: against autograd through the oracle."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..judging import Case, compare

_STEPS, _PRIOR = ("slopes", "shifts", "variances"), ("prior_mean", "prior_variance")


def judge_model_gradients(
    case: Case, result: dict[str, object], terms: Callable[[dict[str, Tensor]], Tensor], what: str
) -> str | None:
    """Compare with the gradients of the weighted sum of ``terms(reverse)``, the oracle's; ``what`` names these terms."""
    weights = case.arguments["weights"]
    if "terms" in result:
        return compare(result["terms"], torch.zeros_like(weights), what=what)
    reverse = {name: value.clone().requires_grad_() for name, value in case.arguments["reverse"].items()}
    total = (terms(reverse) * weights).sum()
    names = (*_STEPS, *_PRIOR)
    found = torch.autograd.grad(total, [reverse[name] for name in names], allow_unused=True)
    wanted = {name: torch.zeros_like(reverse[name]) if gradient is None else gradient
              for name, gradient in zip(names, found, strict=True)}
    steps, prior = (torch.stack([wanted[name] for name in group]) for group in (_STEPS, _PRIOR))
    for key, expected, says, frozen in (
        ("steps", steps, "the gradient to slopes, shifts, variances",
         "No gradient reaches the model: do not detach, and do not pass through Python numbers."),
        ("prior", prior, "the gradient to prior_mean, prior_variance",
         "No gradient reaches the prior: p(x_T) is a part of the model too."),
    ):
        problem = compare(result[key], expected, what=says, known={frozen: 0 * expected}, rtol=1e-7, atol=1e-8)
        if problem is not None:
            return problem
    return None
