"""How chapter 6's denoiser is run: the mixture travels as its tensors and is built here."""

from __future__ import annotations

from torch import Tensor

from . import given


def mixture_denoiser(module, weights: Tensor, means: Tensor, variances: Tensor, **arguments) -> object:
    """The student's denoiser of this mixture."""
    return module.mixture_denoiser(mixture=given.mixture(weights, means, variances), **arguments)
