"""A pretended device, for tests on machines without a GPU: its tensors have values, and the rules of a GPU's are kept.

Under ``with elsewhere.rules():`` a tensor that was moved to the device ``elsewhere.DEVICE`` cannot meet one of the CPU in an operation
(but a number, of shape (), may), a table on the CPU cannot be indexed by it, and a generator of the CPU does not draw there. Those
are the mistakes that code makes which was only ever run on a CPU. The arithmetic is the CPU's, so results are compared exactly.

With ``float64=False`` the device has no float64, like Apple's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("meta")  # PyTorch's device without values; the tensors below have some
aten = torch.ops.aten


class Elsewhere(Tensor):
    """A tensor of the pretended device; ``inner`` is its twin on the CPU."""

    float64 = True

    @staticmethod
    def __new__(cls, inner: Tensor):
        if inner.dtype == torch.float64 and not cls.float64:
            raise TypeError("this device has no float64")
        made = Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype, device=DEVICE,
            requires_grad=inner.requires_grad)
        made.inner = inner
        return made

    def __repr__(self):
        return f"Elsewhere({self.inner})"

    def tolist(self) -> list:
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), options=None):
        return _call(function, arguments, options or {})


class _Rules(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        return _call(function, arguments, options or {})


@contextlib.contextmanager
def rules(*, float64: bool = True) -> Iterator[torch.device]:
    """The device is there inside this block."""
    Elsewhere.float64 = float64
    try:
        with _Rules():
            yield DEVICE
    finally:
        Elsewhere.float64 = True


def _call(function, arguments: tuple, options: dict):
    tensors = [each for each in tree_leaves((arguments, options)) if isinstance(each, Tensor)]
    there = [each for each in tensors if isinstance(each, Elsewhere)]
    wanted = options.get("device")
    if wanted is not None:
        options = {**options, "device": torch.device("cpu")}
        if options.get("generator") is not None and torch.device(wanted) == DEVICE:
            raise RuntimeError(f"Expected a generator of the device {DEVICE}, got one of the CPU")
    elif there:
        _require_one_device(function, arguments, tensors)
    inner = tree_map_only(Elsewhere, lambda each: each.inner, (arguments, options))
    out = function(*inner[0], **inner[1])
    if torch.device(wanted) == DEVICE if wanted is not None else bool(there):
        out = tree_map_only(Tensor, Elsewhere, out)
    return return_and_correct_aliasing(function, arguments, options, out) if there and wanted is None else out


def _require_one_device(function, arguments: tuple, tensors: list[Tensor]) -> None:
    if function is aten.copy_.default:
        return
    if function is aten.index.Tensor and isinstance(arguments[0], Elsewhere):
        return  # indices may be on the CPU
    strangers = [each for each in tensors if not isinstance(each, Elsewhere) and (each.ndim or function is aten.index.Tensor)]
    if strangers:
        raise RuntimeError(f"{function}: expected all tensors to be on the same device, but found {DEVICE} and cpu")
