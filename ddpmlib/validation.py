"""Argument checks shared by all public functions.

Every error names the argument, says what was expected and what came. The functions are called above
the part that a student writes, so a student's code may rely on them.
"""

from __future__ import annotations

import numbers

import torch
from torch import Tensor


def require_tensor(name: str, value: object, *, ndim: int | None = None) -> Tensor:
    """Return ``value`` if it is a floating-point tensor (with ``ndim`` axes).

    Raises
    ------
    TypeError
        if ``value`` is not a tensor, or holds integers or booleans.
    ValueError
        if the number of axes is another one.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(
            f"{name} must be a floating-point tensor, got dtype {value.dtype}; "
            f"convert it first, for instance with {name}.double()"
        )
    if ndim is not None and value.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {tuple(value.shape)}")
    return value


def require_same_shape(**tensors: Tensor) -> None:
    """Raise ValueError unless all tensors (given by name) have the same shape; check that they are tensors first."""
    for name, tensor in tensors.items():
        require_tensor(name, tensor)
    (first, reference), *others = tensors.items()
    for name, tensor in others:
        if tensor.shape != reference.shape:
            raise ValueError(
                f"{name} must have the shape of {first}, {tuple(reference.shape)}, got {tuple(tensor.shape)}"
            )


def require_instance(name: str, value: object, kind: type) -> None:
    """Raise TypeError unless ``value`` is an object of the class ``kind``."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__module__}.{kind.__name__}, got {type(value).__name__}")


def require_choice(name: str, value: object, first: str, second: str) -> None:
    """Raise TypeError or ValueError, naming both, unless ``value`` is one of two texts."""
    if not isinstance(value, str):
        raise TypeError(f'{name} must be "{first}" or "{second}", got {type(value).__name__}')
    if value not in (first, second):
        raise ValueError(f'{name} must be "{first}" or "{second}", got {value!r}')


def require_integer(name: str, value: object, *, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int if it is an integer with ``low <= value`` (and ``value <= high``).

    Raises
    ------
    TypeError
        if it is not an integer (a bool is not one).
    ValueError
        if it lies outside the range.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__} {value!r}")
    if value < low or (high is not None and value > high):
        wanted = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} must be {wanted}, got {value}")
    return int(value)


def require_number(
    name: str, value: object, *, above: float | None = None, below: float | None = None
) -> float:
    """Return ``value`` as a float if it is a finite real number strictly between ``above`` and ``below``.

    Raises
    ------
    TypeError
        if it is not a real number.
    ValueError
        if it lies outside the open interval, or is NaN or infinite.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {type(value).__name__} {value!r}")
    if not torch.isfinite(torch.tensor(float(value))):
        raise ValueError(f"{name} must be finite, got {value}")
    if (above is not None and value <= above) or (below is not None and value >= below):
        bounds = [f"greater than {above}"] * (above is not None) + [f"less than {below}"] * (below is not None)
        raise ValueError(f"{name} must be {' and '.join(bounds)}, got {value}")
    return float(value)


def require_times(
    name: str, t: object, *, low: int, high: int | None = None, batch: int | None = None
) -> Tensor:
    """Return the time indices ``t`` as an int64 tensor with ``low <= t`` (and ``t <= high``).

    ``t`` is an int (the same time for a whole batch) or an integer tensor of shape () or (batch,).

    Raises
    ------
    TypeError
        if ``t`` holds anything but integers.
    ValueError
        if a time lies outside the range, or the shape does not match the batch.
    """
    if isinstance(t, numbers.Integral) and not isinstance(t, bool):
        t = torch.tensor(int(t))
    if not isinstance(t, Tensor):
        raise TypeError(f"{name} must be an int or an integer tensor, got {type(t).__name__}")
    if t.is_floating_point() or t.is_complex() or t.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, got dtype {t.dtype}")
    if t.ndim > 1 or (t.ndim == 1 and batch is not None and len(t) != batch):
        wanted = "()" if batch is None else f"() or ({batch},)"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(t.shape)}")
    outside = t[(t < low) | (t > high)] if high is not None else t[t < low]
    if outside.numel():
        wanted = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} must be {wanted}, got {outside.flatten()[0].item()}")
    return t.long()
