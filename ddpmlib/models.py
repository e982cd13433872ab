"""What a noise predictor is, and the checks of the arguments that go with one.

A *model* is a callable ``eps = model(x_t, t)``. It gets noisy data of shape (batch, ...) and an integer tensor of shape
(batch,), the time of each row, and returns its guess of the noise in x_t, of the shape and dtype of x_t. A network is
one, and so is a formula.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.validation import require_choice, require_tensor, require_times

Model = Callable[[Tensor, Tensor], Tensor]


def draw_noise(x: Float[Tensor, "*shape"], generator: torch.Generator) -> Float[Tensor, "*shape"]:
    """Standard normal noise of the shape, dtype and device of ``x``. It is drawn where the generator lives."""
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=generator.device).to(x.device)


def conditioned(net: Callable[[Tensor, Tensor, Tensor], Tensor], y: Int[Tensor, "batch"]) -> Model:
    """The model of one wanted class for each row: ``net(x_t, t, y)`` with this ``y``, of shape (batch,)."""
    return lambda x, t: net(x, t, y)


def require_model(model: object) -> None:
    """Raise TypeError unless ``model`` can be called."""
    if not callable(model):
        raise TypeError(f"model must be a callable, eps = model(x_t, t), got {type(model).__name__}")


def require_kind(name: str, kind: object) -> None:
    """Raise unless ``kind`` names one of the two reverse variances."""
    require_choice(name, kind, "small", "large")


def row_times(name: str, t: object, x: Tensor, T: int) -> Int[Tensor, "batch"]:
    """The times as an integer tensor with one for each row of ``x``."""
    if x.ndim == 0:
        raise ValueError("the data must have a batch axis: shape (batch, ...), got ()")
    return require_times(name, t, low=1, high=T, batch=len(x)).to(x.device).expand(len(x))


def require_variances(name: str, variance: object, T: int) -> None:
    """Raise unless ``variance`` is a table of T + 1 numbers, none of them negative."""
    require_tensor(name, variance)
    if variance.shape != (T + 1,):
        raise ValueError(f"{name} must have shape ({T + 1},): index t is time t; got {tuple(variance.shape)}")
    if not (variance >= 0).all():
        raise ValueError(f"{name} must hold no negative number and no NaN, got {variance.min().item()}")


def require_noises(noise: object, generator: object, x_T: Tensor, T: int) -> None:
    """Raise unless there is either the noise of all steps, for data like ``x_T``, or a generator to draw it with."""
    if x_T.ndim == 0:
        raise ValueError("x_T must have a batch axis: shape (batch, ...), got ()")
    if noise is None and not isinstance(generator, torch.Generator):
        raise TypeError("noise must be a tensor, or generator must be a torch.Generator; "
                        f"got {type(noise).__name__} and {type(generator).__name__}")
    if noise is not None:
        require_tensor("noise", noise)
        if noise.shape != (T + 1, *x_T.shape):
            raise ValueError(f"noise must have shape {(T + 1, *x_T.shape)}: noise[t] belongs to the step from t; "
                             f"got {tuple(noise.shape)}")
