"""Argument checks of chapter 8: layers, their images, embeddings, classes. What a student writes may rely on them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ddpmlib.validation import require_instance, require_integer, require_tensor, require_times

GROUPS = 8  # of channels that are normalised together


def groups_of(channels: int) -> int:
    """How many groups the layers make of their channels: 8, or fewer, so that a group has two channels at least.

    In a group of one channel the normalisation would take away what a block adds to the channel: it would be told nothing.
    """
    return max(1, min(GROUPS, channels // 2))


def require_layer(name: str, layer: object, kind: str) -> None:
    """Raise TypeError unless ``layer`` is an object of the class ``kind`` of ``ddpmlib.layers``."""
    from ddpmlib import layers  # layers.py imports unet.py, which imports this module

    require_instance(name, layer, getattr(layers, kind))


def require_row_times(name: str, t: object) -> Tensor:
    """Return the times as an int64 tensor of shape (batch,), none of them negative."""
    t = require_times(name, t, low=0)
    if t.ndim != 1:
        raise ValueError(f"{name} must have shape (batch,), one time for each row, got {tuple(t.shape)}")
    return t


def require_dtype(name: str, dtype: object) -> torch.dtype:
    """Return ``dtype`` if it is a floating-point dtype of PyTorch."""
    if not isinstance(dtype, torch.dtype):
        raise TypeError(f"{name} must be a torch.dtype, got {type(dtype).__name__}")
    if not dtype.is_floating_point:
        raise ValueError(f"{name} must be a floating-point dtype, got {dtype}")
    return dtype


def require_even(name: str, value: object) -> int:
    """Return ``value`` if it is an even number, 2 at least."""
    value = require_integer(name, value, low=2)
    if value % 2:
        raise ValueError(f"{name} must be even, got {value}")
    return value


def require_images(name: str, x: object, channels: int, weight: Tensor) -> None:
    """Raise unless ``x`` has shape (batch, channels, h, w), and the dtype of the weights that it meets (autocast may change it)."""
    require_tensor(name, x, ndim=4)
    if x.shape[1] != channels:
        raise ValueError(f"{name} must have shape (batch, {channels}, h, w), got {tuple(x.shape)}")
    if x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(f"{name} must have the dtype of the weights, {weight.dtype}, got {x.dtype}")


def require_embedding(name: str, emb: object, batch: int, dim: int) -> None:
    """Raise unless ``emb`` has a row of ``dim`` numbers for each of the ``batch`` images."""
    require_tensor(name, emb)
    if emb.shape != (batch, dim):
        raise ValueError(f"{name} must have shape {(batch, dim)}, a row for each image, got {tuple(emb.shape)}")


def require_groups(x: object, groups: object, weight: object, bias: object) -> None:
    """Raise unless the channels of ``x`` fall into ``groups`` equal groups, with a weight and a bias for each channel."""
    for name, value in {"x": x, "weight": weight, "bias": bias}.items():
        require_tensor(name, value)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (batch, channels, ...), got {tuple(x.shape)}")
    channels = x.shape[1]
    if channels % require_integer("groups", groups, low=1):
        raise ValueError(f"groups must divide the {channels} channels of x, got {groups}")
    for name, value in {"weight": weight, "bias": bias}.items():
        if value.shape != (channels,):
            raise ValueError(f"{name} must have shape ({channels},), a number for each channel, got {tuple(value.shape)}")


def require_queries(q: object, k: object, v: object) -> None:
    """Raise unless the axes of queries, keys and values fit: (..., n, d), (..., m, d) and (..., m, e)."""
    for name, value in {"q": q, "k": k, "v": v}.items():
        require_tensor(name, value)
        if value.ndim < 2:
            raise ValueError(f"{name} must have shape (..., number, features), got {tuple(value.shape)}")
    if k.shape[:-2] != q.shape[:-2] or k.shape[-1] != q.shape[-1]:
        raise ValueError(f"k must have shape {(*q.shape[:-2], 'm', q.shape[-1])}, to fit q, got {tuple(k.shape)}".replace("'m'", "m"))
    if v.shape[:-1] != k.shape[:-1]:
        raise ValueError(f"v must have shape {(*k.shape[:-1], 'e')}, a row for each key, got {tuple(v.shape)}".replace("'e'", "e"))


def require_classes(name: str, y: object, classes: int | None, batch: int) -> Tensor | None:
    """Return the classes as an int64 tensor of shape (batch,) with entries in 0..K, where K is the null class; None stays None.

    Raises
    ------
    TypeError
        if ``y`` is neither None nor a tensor of integers.
    ValueError
        if the network has no classes, there is not one for each row, or one lies outside 0..K.
    """
    if y is None:
        return None
    if not isinstance(y, Tensor):
        raise TypeError(f"{name} must be an integer tensor of shape (batch,), or None, got {type(y).__name__}")
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, got dtype {y.dtype}")
    if classes is None:
        raise ValueError(f"{name} must be None, since the network has no classes, got a tensor of shape {tuple(y.shape)}")
    if y.shape != (batch,):
        raise ValueError(f"{name} must have shape ({batch},), a class for each row, got {tuple(y.shape)}")
    if ((y < 0) | (y > classes)).any():
        wrong = y[(y < 0) | (y > classes)][0].item()
        raise ValueError(f"{name} must be between 0 and {classes} ({classes} is the null class), got {wrong}")
    return y.long()


def require_halvings(name: str, x: Tensor, levels: int) -> None:
    """Raise unless height and width can be halved ``levels - 1`` times."""
    step = 2 ** (levels - 1)
    if x.shape[-2] % step or x.shape[-1] % step or 0 in x.shape[-2:]:
        raise ValueError(f"{name} must have a height and a width divisible by {step}, for {levels} levels, got {tuple(x.shape)}")


def require_positive_integers(name: str, values: object, length: int | None = None) -> list[int]:
    """Return a list of positive integers (``length`` of them)."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a sequence of integers, got {type(values).__name__}")
    if not values or (length is not None and len(values) != length):
        wanted = "at least one entry" if length is None else f"{length} entries"
        raise ValueError(f"{name} must have {wanted}, got {list(values)}")
    return [require_integer(f"{name}[{i}]", value, low=1) for i, value in enumerate(values)]


def require_widths(channels: list[int], attention: object, heads: object) -> list[bool]:
    """Raise unless every level's channels fall into groups, and into heads where there is attention; return ``attention`` as a list."""
    if isinstance(attention, str) or not isinstance(attention, Sequence):
        raise TypeError(f"attention must be a sequence of booleans, got {type(attention).__name__}")
    if len(attention) != len(channels):
        raise ValueError(f"attention must have {len(channels)} entries, one for each level, got {list(attention)}")
    require_integer("heads", heads, low=1)
    for i, (width, attends) in enumerate(zip(channels, attention)):
        if width % groups_of(width) or 2 * width % groups_of(2 * width):
            raise ValueError(f"channels[{i}] must be a multiple of 8, or one of 1, 2, 3, 4, 6 and 12, for the groups of the "
                             f"normalisation, got {width}")
        if attends and width % heads:
            raise ValueError(f"heads must divide channels[{i}] = {width}, as that level has attention, got {heads}")
    return [bool(attends) for attends in attention]


def require_halving_shape(name: str, shape: object, levels: int) -> list[int]:
    """Return (channels, height, width) as a list, if the sizes can be halved ``levels - 1`` times."""
    shape = require_positive_integers(name, shape, 3)
    step = 2 ** (levels - 1)
    if shape[1] % step or shape[2] % step:
        raise ValueError(f"{name} must have a height and a width divisible by {step}, for {levels} levels, got {shape}")
    return shape
