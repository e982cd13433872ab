"""Plain values: all that may cross between the process of the student's code and the process that judges it.

A plain value is None, a bool, int, float or str, a tensor, a SymPy expression as its text, the record of an
exception, or a list or a dict (with string keys) of plain values. ``pack`` writes one as JSON bytes and
``unpack`` reads it back; neither can execute code, whatever the bytes are.
"""

from __future__ import annotations

import base64
import json
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

MAX_ELEMENTS = 4_000_000
MAX_TEXT = 20_000
_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.int16,
                  torch.int8, torch.uint8, torch.bool)
}


@dataclass(frozen=True)
class Expression:
    """A SymPy expression, as the text that SymPy prints for it."""

    text: str


@dataclass(frozen=True)
class Raised:
    """An exception that the student's code raised: its type, its message, and where (``forward.py, line 12``)."""

    type: str
    message: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" + (f" ({self.where})" if self.where else "")


def raised(error: BaseException) -> Raised:
    """Record an exception, with the last line of the student's module that it passed through."""
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.parent.name == "ddpmlib" and path.name != "validation.py":
            where = f"{path.name}, line {frame.lineno}"
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{Path(error.filename).name}, line {error.lineno}"
        return Raised(type(error).__name__, str(error.msg)[:MAX_TEXT], where)
    return Raised(type(error).__name__, str(error)[:MAX_TEXT], where)


def plain(value: object) -> object:
    """Convert what a student's function returned into a plain value.

    NumPy arrays become tensors, tuples become lists, SymPy expressions become their text. Anything else raises
    TypeError, and a tensor or text that is too long raises ValueError.
    """
    if value is None or isinstance(value, (bool, int, float, Expression, Raised)):
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ValueError(f"returned a text of {len(value)} characters; {MAX_TEXT} are allowed")
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        value = torch.as_tensor(np.asarray(value))
    if isinstance(value, Tensor):
        if value.numel() > MAX_ELEMENTS:
            raise ValueError(f"returned a tensor of {value.numel()} elements; {MAX_ELEMENTS} are allowed")
        if value.dtype == torch.bfloat16:
            value = value.float()
        if str(value.dtype).removeprefix("torch.") not in _DTYPES:
            raise TypeError(f"returned a tensor of dtype {value.dtype}")
        return value.detach().cpu().resolve_conj().contiguous()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if type(value).__module__.partition(".")[0] == "sympy":
        text = str(value)
        if len(text) > MAX_TEXT:
            raise ValueError(f"returned an expression of {len(text)} characters; {MAX_TEXT} are allowed")
        return Expression(text)
    raise TypeError(f"returned a {type(value).__name__}; expected a tensor, a number or an expression")


def pack(value: object) -> bytes:
    """Write a plain value as bytes."""
    return json.dumps(_encode(value)).encode()


def unpack(data: bytes) -> object:
    """Read a plain value; raise ValueError if the bytes are anything else."""
    try:
        return _decode(json.loads(data))
    except (KeyError, TypeError, AttributeError, OverflowError, RuntimeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a packed plain value: {error}") from None


def _encode(value: object) -> object:
    if isinstance(value, Tensor):
        name = str(value.dtype).removeprefix("torch.")
        raw = value.numpy().tobytes()
        return {"tensor": name, "shape": list(value.shape), "data": base64.b64encode(raw).decode()}
    if isinstance(value, Expression):
        return {"expression": value.text}
    if isinstance(value, Raised):
        return {"raised": [value.type, value.message, value.where]}
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {"dict": {key: _encode(item) for key, item in value.items()}}
    return value


def _decode(value: object) -> object:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        raw = base64.b64decode(value["data"], validate=True)
        dtype = _DTYPES[value["tensor"]]
        array = np.frombuffer(raw, dtype=value["tensor"]).reshape([int(size) for size in value["shape"]])
        return torch.from_numpy(array.copy()).to(dtype)
    if "expression" in value:
        return Expression(str(value["expression"]))
    if "raised" in value:
        kind, message, where = value["raised"]
        return Raised(str(kind), str(message), str(where))
    return {key: _decode(item) for key, item in value["dict"].items()}
