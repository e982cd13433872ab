# Stub: write your code where NotImplementedError is raised.
"""The last step: a decoder that gives probabilities to the levels of a picture's pixels (chapter 6)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.validation import require_integer, require_same_shape, require_tensor


def discretized_log_likelihood(
    x0: Float[Tensor, "batch *shape"],
    mean: Float[Tensor, "batch *shape"],
    std: float | Float[Tensor, "..."],
    levels: int,
) -> Float[Tensor, "batch"]:
    r"""Exercise 6.8. log p(x_0 | x_1) of the discretised Gaussian decoder, in nats, for each row.

    The values of x_0 lie on a grid of equally spaced levels from -1 to 1. Each level's probability is that of its bin
    under N(mean, std^2): the values closer to it than to any other level. So the bins of -1 and 1 are open to the outside.

    Parameters
    ----------
    x0
        data on the grid, of shape (batch, ...).
    mean
        the decoder's mean, of the same shape.
    std
        its standard deviation, positive: a number, or a tensor that broadcasts to the shape of ``x0``.
    levels
        the number of levels, at least 2 (256 for 8-bit images, 17 for the course's digits).

    Returns
    -------
    The sum over all dimensions of the log-probability of each value, of shape (batch,). It is finite also where the bin is
    many standard deviations away from the mean, and differentiable in ``mean`` and ``std``.

    Raises
    ------
    TypeError, ValueError
        if the shapes differ, ``std`` is not positive, or a value of ``x0`` lies on none of the levels.

    Source: Ho et al. (2020), equation 13; chapter 6, "A decoder for levels".
    """
    require_same_shape(x0=x0, mean=mean)
    if x0.ndim == 0:
        raise ValueError("x0 must have a batch axis: shape (batch, ...), got ()")
    std = _require_std(std, x0)
    require_integer("levels", levels, low=2)
    require_levels("x0", x0, levels)
    raise NotImplementedError("Exercise 6.8: write discretized_log_likelihood in ddpmlib/discretized.py")


def require_levels(name: str, x0: Tensor, levels: int) -> None:
    """Raise ValueError unless all values lie on the grid of ``levels`` equally spaced levels from -1 to 1."""
    steps = (x0.detach().double() + 1) / 2 * (levels - 1)
    off = (steps - steps.round()).abs() > 1e-3
    outside = (x0.detach().abs() > 1 + 1e-4) | x0.isnan()
    if (off | outside).any():
        value = x0.detach()[off | outside].flatten()[0].item()
        raise ValueError(f"{name} must lie on {levels} levels from -1 to 1, got {value}")


def _require_std(std: object, x0: Tensor) -> Tensor:
    """The standard deviation as a tensor, if it is positive and broadcasts to the shape of ``x0``."""
    if isinstance(std, (int, float)) and not isinstance(std, bool):
        std = x0.new_tensor(float(std))
    require_tensor("std", std)
    try:
        fits = torch.broadcast_shapes(std.shape, x0.shape) == x0.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(f"std must broadcast to the shape of x0, {tuple(x0.shape)}, got {tuple(std.shape)}")
    wrong = std.detach()[((std > 0) & std.isfinite()).logical_not()]
    if wrong.numel():
        raise ValueError(f"std must be positive and finite, got {wrong.flatten()[0].item()}")
    return std
