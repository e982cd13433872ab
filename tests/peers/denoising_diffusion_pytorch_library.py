"""denoising-diffusion-pytorch, made ready for the adapters beside this file.

What differs from the course: the library counts T steps from 0, so its time t is our time t + 1, and its tables have no
entry for our time 0. It computes its tables in float64 and keeps them in float32; within ``with unrounded():`` they are
kept as they were computed, or in the dtype of the data that they meet.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


@contextlib.contextmanager
def _torchvision() -> Iterator[None]:
    """Have an empty torchvision where none is installed: the library imports two of its modules for its trainer."""
    if importlib.util.find_spec("torchvision"):
        yield
        return
    empty = types.ModuleType("torchvision")
    empty.__spec__, empty.transforms, empty.utils = ModuleSpec("torchvision", None), None, None
    sys.modules["torchvision"] = empty
    try:
        yield
    finally:
        del sys.modules["torchvision"]


with _torchvision():
    from denoising_diffusion_pytorch import denoising_diffusion_pytorch as library
    from denoising_diffusion_pytorch import learned_gaussian_diffusion as learned

_unrounded: ContextVar[bool] = ContextVar("unrounded", default=False)


@contextlib.contextmanager
def unrounded() -> Iterator[None]:
    """Let the library's tables have the dtype of the data."""
    token = _unrounded.set(True)
    try:
        yield
    finally:
        _unrounded.reset(token)


class _WithoutRounding(TorchFunctionMode):
    """Leaves a tensor as it is where it would be rounded to float32."""

    def __torch_function__(self, function, kinds, args=(), kwargs=None):
        if function is Tensor.to and args[1:] == (torch.float32,):
            return args[0]
        return function(*args, **(kwargs or {}))


@dataclass
class Network:
    """What the library asks of a network, around a function of x_t and the library's times."""

    predict: Callable[[Tensor, Tensor], Tensor] | None = None
    channels: int = 1
    out_dim: int = 1
    self_condition: bool = False

    def __call__(self, x: Tensor, t: Tensor, x_self_cond: None = None) -> Tensor:
        return self.predict(x, t)


def diffusion(
    betas: Tensor, x: Tensor | None = None, *, kind: type = library.GaussianDiffusion, network: Network | None = None,
    **options: object,
) -> library.GaussianDiffusion:
    """The library's diffusion object of one of our tables of betas, for the data x.

    It takes schedules by name only, so ours stands in the place of its linear one while the object is made.
    """
    ours = mock.patch.object(library, "linear_beta_schedule", lambda timesteps: betas[1:].double())
    exact = _unrounded.get()
    with ours, _WithoutRounding() if exact else contextlib.nullcontext():
        made = kind(network or Network(), image_size=1, timesteps=len(betas) - 1, beta_schedule="linear",
                    auto_normalize=False, **options)
    return made.to(x.dtype) if exact and x is not None else made


def betas_of(alpha_bars: Tensor) -> Tensor:
    """The table of betas with these products."""
    return torch.cat([torch.zeros(1, dtype=torch.float64), 1 - alpha_bars[1:].double() / alpha_bars[:-1].double()])


def with_time_0(table: Tensor, first: float) -> Tensor:
    """A table of the library with our entry for time 0 before it."""
    return torch.cat([table.new_tensor([first]), table])


def their_times(t: int | Tensor, x: Tensor) -> Tensor:
    """Our times of the rows of x, in the library's count."""
    return torch.as_tensor(t).expand(len(x)) - 1
