"""The samples of a lab: a file of generated images with their classes, which is what a lab is graded by.

    samples.save(samples.path("digits"), images, labels)

A lab trains for minutes, and no grader repeats that. So a lab saves what it has generated to a file in the folder
``samples`` beside ``ddpmlib``; the file is handed in with the rest, and the lab's check reads it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

import ddpmlib
from ddpmlib.validation import require_tensor

MAX_BYTES = 4_000_000  # of a file that is read


@dataclass(frozen=True)
class Lab:
    """What a lab asks for: ``per_class`` images of this shape of every class 0, ..., classes - 1."""

    shape: tuple[int, ...]
    classes: int
    per_class: int

    @property
    def count(self) -> int:
        return self.classes * self.per_class


LABS = {"digits": Lab((1, 8, 8), 10, 50)}


def path(lab: str) -> Path:
    """Where the samples of a lab are kept: ``samples/<lab>.safetensors`` in the folder that holds ``ddpmlib``.

    The environment variable ``DDPMLIB_SAMPLES`` names another folder.
    """
    if lab not in LABS:
        raise ValueError(f"there is no lab {lab!r}; the labs are {', '.join(LABS)}")
    return Path(os.environ.get("DDPMLIB_SAMPLES") or ddpmlib.ROOT / "samples") / f"{lab}.safetensors"


def save(path: str | Path, images: Float[Tensor, "n c h w"], labels: Int[Tensor, "n"]) -> Path:
    """Write images (as float32) and their classes to a file, and return its path; an earlier file is replaced at one stroke.

    Raises
    ------
    TypeError, ValueError
        if the images are not a floating-point tensor with four axes, hold a value that is not finite, or the labels are
        not one integer for each image.
    """
    require_tensor("images", images, ndim=4)
    _require_labels(labels, len(images))
    if not images.isfinite().all():
        raise ValueError(f"images must be finite, got {int((~images.isfinite()).sum())} values that are not")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {"images": images.detach().float().cpu().contiguous(), "labels": labels.detach().long().cpu().contiguous()}
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    unfinished.write_bytes(to_bytes(tensors))
    os.replace(unfinished, path)
    return path


def load(path: str | Path) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, "n"]]:
    """The images and labels of a file that ``save`` has written.

    Raises
    ------
    FileNotFoundError
        if there is no such file.
    ValueError
        if the file is too large, is no safetensors file, or holds anything but finite float32 images and their int64 labels.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes; a file of samples has at most {MAX_BYTES:,}")
    try:
        with safe_open(path, framework="pt") as file:
            found = {key: file.get_tensor(key) for key in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path.name} cannot be read as safetensors ({error}); write it with samples.save") from None
    if set(found) != {"images", "labels"}:
        raise ValueError(f'{path.name} must hold the tensors "images" and "labels", got {", ".join(sorted(found)) or "none"}')
    images, labels = found["images"], found["labels"]
    if images.dtype != torch.float32 or images.ndim != 4:
        raise ValueError(f"images must be float32 of shape (n, c, h, w), got {images.dtype} of shape {tuple(images.shape)}")
    if not images.isfinite().all():
        raise ValueError(f"images must be finite, got {int((~images.isfinite()).sum())} values that are not")
    _require_labels(labels, len(images))
    return images, labels


def _require_labels(labels: object, count: int) -> None:
    if not isinstance(labels, Tensor):
        raise TypeError(f"labels must be a torch.Tensor, got {type(labels).__name__}")
    if labels.dtype not in (torch.int64, torch.int32) or labels.shape != (count,):
        raise ValueError(f"labels must be integers of shape ({count},), one for each image, got {labels.dtype} of shape {tuple(labels.shape)}")
