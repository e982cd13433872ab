# Stub: write your code where NotImplementedError is raised.
"""Denoisers that need no training: the optimal denoiser of data whose law is known (chapter 6)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.mixtures import GaussianMixture
from ddpmlib.validation import require_number, require_tensor


def mixture_denoiser(
    mixture: GaussianMixture, x_t: Float[Tensor, "batch D"], alpha_bar: float | Float[Tensor, "batch"]
) -> Float[Tensor, "batch D"]:
    r"""Exercise 6.7. The optimal denoiser E[x_0 | x_t] of data that follow a mixture of Gaussians.

    Here x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps, and x_0 ~ sum_k weights[k] N(means[k], variances[k] I).

    Parameters
    ----------
    mixture
        the law of x_0: ``mixture.weights`` (K,), ``mixture.means`` (K, D), ``mixture.variances`` (K,). Variances may be 0:
        then x_0 is one of the K points ``means``.
    x_t
        noisy points, of shape (batch, D).
    alpha_bar
        in [0, 1): a number for all points, or a tensor of shape (batch,) with one value for each.

    Returns
    -------
    E[x_0 | x_t] for each row, of the shape and dtype of ``x_t``; finite for every finite x_t, also far from all components.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, dtype or shape, or alpha_bar lies outside [0, 1).

    Source: chapter 6, "The optimal denoiser of a mixture".
    """
    if not all(hasattr(mixture, name) for name in ("weights", "means", "variances")):
        raise TypeError(f"mixture must be a ddpmlib.mixtures.GaussianMixture, got {type(mixture).__name__}")
    require_tensor("x_t", x_t, ndim=2)
    if x_t.shape[1] != mixture.means.shape[1]:
        raise ValueError(f"x_t must have shape (batch, {mixture.means.shape[1]}), got {tuple(x_t.shape)}")
    alpha_bar = _require_alpha_bar(alpha_bar, len(x_t))
    raise NotImplementedError("Exercise 6.7: write mixture_denoiser in ddpmlib/denoisers.py")


def _require_alpha_bar(alpha_bar: object, batch: int) -> Tensor:
    """alpha_bar as a float64 tensor of shape () or (batch,), with values in [0, 1)."""
    if not isinstance(alpha_bar, Tensor):
        alpha_bar = torch.tensor(require_number("alpha_bar", alpha_bar), dtype=torch.float64)
    require_tensor("alpha_bar", alpha_bar)
    if alpha_bar.ndim > 0 and alpha_bar.shape != (batch,):
        raise ValueError(f"alpha_bar must have shape () or ({batch},), got {tuple(alpha_bar.shape)}")
    wrong = alpha_bar[((alpha_bar >= 0) & (alpha_bar < 1)).logical_not()]
    if wrong.numel():
        raise ValueError(f"alpha_bar must be at least 0 and less than 1, got {wrong.flatten()[0].item()}")
    return alpha_bar.double()
