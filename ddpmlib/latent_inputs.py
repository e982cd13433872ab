"""Argument checks of chapter 12: latents, words, masks. What a student writes may rely on them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ddpmlib.validation import require_number, require_same_shape, require_tensor


def require_autoencoder(autoencoder: object) -> None:
    """Raise TypeError unless ``autoencoder`` has the methods ``encode`` and ``decode``."""
    if not all(callable(getattr(autoencoder, name, None)) for name in ("encode", "decode")):
        raise TypeError(f"autoencoder must have the methods encode and decode, got {type(autoencoder).__name__}")


def require_text_network(net: object) -> None:
    """Raise TypeError unless ``net`` can be called."""
    if not callable(net):
        raise TypeError(f"net must be a callable, eps = net(z_t, t, tokens), got {type(net).__name__}")


def require_attention_layer(layer: object) -> None:
    """Raise TypeError unless ``layer`` has the parts of a ``CrossAttention``."""
    missing = [name for name in ("norm", "q", "kv", "out", "heads") if not hasattr(layer, name)]
    if not isinstance(layer, nn.Module) or missing:
        raise TypeError(f"layer must be a ddpmlib.latent_layers.CrossAttention, got {type(layer).__name__}")


def require_context(context: object, x: Tensor, features: int) -> None:
    """Raise unless ``context`` has shape (batch, words, features), and the dtype of ``x``."""
    require_tensor("context", context, ndim=3)
    if len(context) != len(x) or context.shape[2] != features or not context.shape[1]:
        raise ValueError(f"context must have shape ({len(x)}, words, {features}), got {tuple(context.shape)}")
    if context.dtype != x.dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(f"context must have the dtype of x, {x.dtype}, got {context.dtype}")


def require_moments(mean: object, log_var: object) -> None:
    """Raise unless mean and log-variance are tensors of one shape (batch, ...)."""
    require_same_shape(mean=mean, log_var=log_var)
    if mean.ndim < 2:
        raise ValueError(f"mean must have shape (batch, ...), got {tuple(mean.shape)}")


def require_tokens(name: str, tokens: object, batch: int | None = None) -> Int[Tensor, "batch words"]:
    """The tokens as an int64 tensor of shape (batch, words), none of them negative."""
    if not isinstance(tokens, Tensor):
        raise TypeError(f"{name} must be an integer tensor of shape (batch, words), got {type(tokens).__name__}")
    _require_integers(name, tokens)
    if tokens.ndim != 2 or (batch is not None and len(tokens) != batch):
        raise ValueError(f"{name} must have shape ({'batch' if batch is None else batch}, words), got {tuple(tokens.shape)}")
    return tokens.long()


def require_empty(empty: object, tokens: Tensor) -> Int[Tensor, "words"]:
    """The empty caption as an int64 tensor of shape (words,), on the device of ``tokens``."""
    if not isinstance(empty, Tensor):
        raise TypeError(f"empty must be an integer tensor of shape ({tokens.shape[1]},), got {type(empty).__name__}")
    _require_integers("empty", empty)
    if empty.shape != tokens.shape[1:]:
        raise ValueError(f"empty must have shape ({tokens.shape[1]},), one entry for each word, got {tuple(empty.shape)}")
    return empty.long().to(tokens.device)


def require_dropped(dropped: object, tokens: Tensor) -> Bool[Tensor, "batch"]:
    """The mask of the dropped captions; raise unless it is a boolean tensor with an entry for each caption."""
    if not isinstance(dropped, Tensor) or dropped.dtype != torch.bool:
        found = f"dtype {dropped.dtype}" if isinstance(dropped, Tensor) else type(dropped).__name__
        raise TypeError(f"dropped must be a boolean tensor of shape ({len(tokens)},), got {found}")
    if dropped.shape != tokens.shape[:1]:
        raise ValueError(f"dropped must have shape ({len(tokens)},), an entry for each caption, got {tuple(dropped.shape)}")
    return dropped.to(tokens.device)


def require_scale(scale: object) -> float | Tensor:
    """Return the scale if it is a positive number or a tensor of shape () that holds one."""
    if isinstance(scale, Tensor):
        require_tensor("scale", scale, ndim=0)
        require_number("scale", scale.item(), above=0)
        return scale
    return require_number("scale", scale, above=0)


def require_latents(name: str, z: object, batch: int | None = None) -> Tensor:
    """Return latents if they have shape (batch, channels, h, w)."""
    require_tensor(name, z, ndim=4)
    if batch is not None and len(z) != batch:
        raise ValueError(f"{name} must have {batch} rows, one for each caption, got {len(z)}")
    return z


def require_image_batch(name: str, x: object, batch: int | None = None) -> Tensor:
    """Return images if they have shape (batch, colours, height, width)."""
    require_tensor(name, x, ndim=4)
    if batch is not None and len(x) != batch:
        raise ValueError(f"{name} must have {batch} rows, one for each caption, got {len(x)}")
    return x


def times_up_to(times: list[int], strength: object, T: int) -> float:
    """Return ``strength`` if it lies in (0, 1] and some of the times are at most ``strength`` T."""
    strength = require_number("strength", strength, above=0)
    if strength > 1:
        raise ValueError(f"strength must be at most 1, got {strength}")
    if min(times) > strength * T:
        raise ValueError(f"strength must reach the earliest of the times, {min(times)} of {T}, got {strength}")
    return strength


def require_paint(paint: object, x: Tensor) -> Bool[Tensor, "batch 1 height width"]:
    """The mask of what is painted anew, on the device of ``x``: a boolean tensor of shape (batch, 1, height, width)."""
    if not isinstance(paint, Tensor) or paint.dtype != torch.bool:
        found = f"dtype {paint.dtype}" if isinstance(paint, Tensor) else type(paint).__name__
        raise TypeError(f"paint must be a boolean tensor of shape {(len(x), 1, *x.shape[2:])}, got {found}")
    if paint.shape != (len(x), 1, *x.shape[2:]):
        raise ValueError(f"paint must have shape {(len(x), 1, *x.shape[2:])}, got {tuple(paint.shape)}")
    return paint.to(x.device)


def require_pairs(images: object, texts: object) -> None:
    """Raise unless there are as many image features as text features, of one shape (batch, d)."""
    require_same_shape(images=images, texts=texts)
    if images.ndim != 2 or not len(images):
        raise ValueError(f"images must have shape (batch, d), got {tuple(images.shape)}")


def require_temperature(temperature: object) -> float | Tensor:
    """Return the temperature if it is a positive number or a tensor of shape () that holds one (it may carry a graph)."""
    if isinstance(temperature, Tensor):
        require_tensor("temperature", temperature, ndim=0)
        require_number("temperature", temperature.item(), above=0)
        return temperature
    return require_number("temperature", temperature, above=0)


def _require_integers(name: str, tokens: Tensor) -> None:
    if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
        raise TypeError(f"{name} must hold integers, got dtype {tokens.dtype}")
    if (tokens < 0).any():
        raise ValueError(f"{name} must hold no negative number, got {tokens.min().item()}")
