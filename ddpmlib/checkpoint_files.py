"""The files of checkpoints: tensors and JSON in the safetensors format, written whole or not at all, and checked when they are read.

What the tensors and the JSON mean stands in ``checkpoints.py``.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

FORMAT = 1  # a reader refuses files of a later format
KEY = "ddpmlib.checkpoint"  # of the metadata; one key, since safetensors does not order several
OLDER = "use an older checkpoint: checkpoints.latest(folder) finds the newest whole one"


class CheckpointError(ValueError):
    """A file that is no checkpoint, is damaged, or does not fit; or a state that must not become one."""


def write(path: str | os.PathLike, about: dict, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint's file, atomically. The tensors are contiguous, on the CPU, and share no memory; ``about`` is JSON."""
    about = {"format": FORMAT, **about}
    about["checksum"] = checksum(json.dumps(about), tensors)
    write_atomically(path, safetensors.torch.save(dict(tensors), {KEY: json.dumps(about)}))


def read(path: str | os.PathLike) -> tuple[dict, dict[str, Tensor]]:
    """What ``write`` wrote: the JSON and the tensors.

    Raises
    ------
    FileNotFoundError
        if there is no such file.
    CheckpointError
        if it is not a checkpoint, is truncated or damaged, or has a later format.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: " + ("a folder, not a checkpoint; checkpoints.latest(folder) finds the newest in it"
                                               if path.is_dir() else "there is no such file"))
    content = path.read_bytes()
    about = _about(path, content)
    saved = about.pop("checksum", None)
    try:
        tensors = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: its tensors cannot be read ({error}); {OLDER}") from None
    if checksum(json.dumps(about), tensors) != saved:
        raise CheckpointError(f"{path} is damaged: its content does not have the checksum that was saved with it; {OLDER}")
    return about, tensors


def write_atomically(path: str | os.PathLike, content: bytes) -> None:
    """Write a file so that under its name there is, at every moment, the old content (or no file) or the new content, whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":  # the new name is in the folder, which is to reach the disk too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _about(path: Path, content: bytes) -> dict:
    """The JSON of the file's metadata, after a look at whether the file has the length that its header announces."""
    none = f"{path} is not a checkpoint of this course"
    if not content:
        raise CheckpointError(f"{path} is truncated: it has 0 bytes; {OLDER}")
    safe = content[8:9] == b"{"  # after eight bytes, the length of the header, its JSON begins
    if not safe and (content[:4] == b"PK\x03\x04" or content[:1] == b"\x80"):
        raise CheckpointError(f"{none}: it is a pickle file, as torch.save writes it. Reading it could run code, so it is refused; "
                              "load it where you trust it and save it with checkpoints.save")
    if not safe:
        raise CheckpointError(f"{none}: it is no safetensors file; expected a file that checkpoints.save wrote")
    end = 8 + int.from_bytes(content[:8], "little")
    if end > len(content):
        raise CheckpointError(f"{path} is truncated: it has {len(content)} bytes, its header alone takes {end}; {OLDER}")
    try:
        header = json.loads(content[8:end])
        metadata = header.pop("__metadata__", {})
        length = end + max((int(each["data_offsets"][1]) for each in header.values()), default=0)
        about = json.loads(metadata[KEY]) if KEY in metadata else None
    except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
        raise CheckpointError(f"{path} is damaged: its header cannot be read ({error}); {OLDER}") from None
    if about is None:
        raise CheckpointError(f"{none}: it is a safetensors file without the metadata {KEY!r}; expected one that checkpoints.save "
                              "wrote (safetensors.torch.load_file reads the tensors of any)")
    version = about.get("format") if isinstance(about, dict) else None
    if not isinstance(version, int):
        raise CheckpointError(f"{path} is damaged: its metadata {KEY!r} names no format; {OLDER}")
    if version > FORMAT:
        raise CheckpointError(f"{path} has format {version}, and this version of the course reads up to {FORMAT}: update it, "
                              "or read the file with the version that wrote it")
    if len(content) != length:
        wrong = "is truncated" if len(content) < length else "is damaged"
        raise CheckpointError(f"{path} {wrong}: it has {len(content)} bytes, its header announces {length}; {OLDER}")
    return about


def checksum(about: str, tensors: Mapping[str, Tensor]) -> int:
    """The CRC-32 of the header's JSON and of the names, kinds and bytes of all tensors, in the order of their names."""
    total = zlib.crc32(about.encode())
    for key in sorted(tensors):
        total = zlib.crc32(f"{key} {kind(tensors[key])}".encode(), total)
        total = zlib.crc32(tensors[key].reshape(-1).view(torch.uint8).numpy(), total)
    return total


def kind(value: Tensor) -> str:
    """A tensor's dtype and shape, in words."""
    return f"{word(value.dtype)} of shape {tuple(value.shape)}"


def word(dtype: torch.dtype) -> str:
    """The name of a dtype: float32."""
    return str(dtype).removeprefix("torch.")
