"""Images with their classes, for the labs: the bundled digits, and larger sets through the same door.

    load("digits")                  scikit-learn's digits, bundled: nothing is downloaded
    load("mnist", size=32)          from the Hugging Face hub, through its package ``datasets``; so is "cifar10"
    load("folder/of/mine")          a saved data set, a folder of Parquet files or of images, or one Parquet file

Whatever the source, the images come as float32 in [-1, 1], of shape (n, channels, height, width).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from ddpmlib.data import digits
from ddpmlib.validation import require_integer

TEST_EVERY = 5  # every fifth image of a class is held out, where a set has no split of its own
HUB = {"mnist": "ylecun/mnist", "cifar10": "uoft-cs/cifar10"}
IMAGE_COLUMNS, LABEL_COLUMNS = ("image", "img"), ("label", "labels")
INSTALL = 'pip install "datasets>=3" (or, in the course\'s folder, pip install -c constraints.txt ".[data]")'


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in [-1, 1] (float32), the class of each, and how many classes there are."""

    images: Float[Tensor, "n c h w"]
    labels: Int[Tensor, "n"]
    classes: int
    name: str

    def __len__(self) -> int:
        return len(self.images)


def load_digits(split: str = "train") -> ImageSet:
    """scikit-learn's digits as images of shape (1, 8, 8): four fifths of every class to train on, one fifth held out ("test")."""
    require_split(split)
    rows, labels = digits()
    chosen = _in_split(labels, split)
    return ImageSet(rows[chosen].float().reshape(-1, 1, 8, 8), labels[chosen], 10, "digits")


def load(source: str | os.PathLike, split: str = "train", *, size: int | None = None) -> ImageSet:
    """The images of a split, with their classes.

    Parameters
    ----------
    source
        "digits", "mnist", "cifar10", or the path of a data set of the same form: a folder that ``datasets`` saved, a folder
        of Parquet files or of images (one folder for each class), or one Parquet file. It has a column of images ("image" or
        "img") and one of classes 0, 1, ... ("label").
    split
        "train" or "test". In a set that has only one split, every fifth image of a class is held out for "test".
    size
        the wanted height and width. Smaller images get a border of -1 (black); larger ones are scaled down first. A U-Net
        with n levels needs a multiple of 2^(n - 1), so MNIST, 28 pixels wide, is best loaded with size 32.

    Raises
    ------
    TypeError, ValueError
        if an argument is wrong, or the data have not the form described.
    ImportError
        if the package ``datasets`` is needed and missing; it says what to install.
    OSError
        if there is no such path, or the hub cannot be reached.
    """
    require_split(split)
    if size is not None:
        require_integer("size", size, low=1)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f'source must be "digits", "mnist", "cifar10" or a path, got {type(source).__name__}')
    found = load_digits(split) if source == "digits" else _from_datasets(source, split)
    return found if size is None else ImageSet(fitted(found.images, size), found.labels, found.classes, found.name)


def fitted(images: Float[Tensor, "n c h w"], size: int) -> Float[Tensor, "n c size size"]:
    """The images on squares of this size: scaled down where the longer side is larger, then centred on a border of -1."""
    height, width = images.shape[-2:]
    if max(height, width) > size:
        height, width = (max(1, round(side * size / max(height, width))) for side in (height, width))
        images = functional.interpolate(images, (height, width), mode="bilinear", antialias=True).clamp(-1.0, 1.0)
    above, left = (size - height) // 2, (size - width) // 2
    return functional.pad(images, (left, size - width - left, above, size - height - above), value=-1.0)


def from_pixels(pixels: UInt8[np.ndarray, "n h w"] | UInt8[np.ndarray, "n h w c"]) -> Float[Tensor, "n c h w"]:
    """Pixels 0, ..., 255, grey or with the colours last, as float32 in [-1, 1] with the channels first."""
    images = torch.from_numpy(pixels)
    images = images[:, None] if images.ndim == 3 else images.movedim(-1, 1)
    return (images.float() / 127.5 - 1.0).contiguous()


def require_split(split: object) -> None:
    """Raise ValueError unless ``split`` is one of the two."""
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}')


def _in_split(labels: Int[Tensor, "n"], split: str) -> Tensor:
    """Which rows belong to the split: every fifth one of a class is held out."""
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        held_out[(labels == label).nonzero().flatten()[::TEST_EVERY]] = True
    return held_out if split == "test" else ~held_out


def _from_datasets(source: str | os.PathLike, split: str) -> ImageSet:
    table, shared = _table(source, split)
    name = source if source in HUB else Path(source).name
    images, label = (_column(table, name, wanted) for wanted in (IMAGE_COLUMNS, LABEL_COLUMNS))
    pixels = _stacked(_pictures(table, images), f"{name}, split {split!r}")
    labels = torch.tensor(_classes(table, label, name), dtype=torch.int64)
    classes = getattr(table.features[label], "num_classes", None) or int(labels.max()) + 1
    chosen = torch.ones(len(labels), dtype=torch.bool) if not shared else _in_split(labels, split)
    return ImageSet(from_pixels(pixels)[chosen], labels[chosen], classes, name)


def _table(source: str | os.PathLike, split: str):
    """The rows of a data set, and whether they are those of both splits."""
    datasets = _package(source)
    if source in HUB:
        try:
            return datasets.load_dataset(HUB[source], split=split), False
        except Exception as error:  # the package raises many kinds
            raise OSError(f'"{source}" could not be read from the Hugging Face hub ({type(error).__name__}: {error}). Is there a '
                          "network? A copy on this disk is loaded by its path") from error
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f'source must be "digits", "mnist", "cifar10" or the path of a data set; there is no {str(path)!r}')
    if path.is_file() and path.suffix != ".parquet":
        raise ValueError(f"source must be a folder or a .parquet file, got {str(path)!r}")
    try:
        if path.is_file():
            found = datasets.Dataset.from_parquet(str(path), keep_in_memory=True)
        elif (path / "state.json").exists() or (path / "dataset_dict.json").exists():
            found = datasets.load_from_disk(str(path))
        else:
            found = datasets.load_dataset(str(path))
    except Exception as error:  # the package raises many kinds
        raise ValueError(f"{str(path)!r} is not a data set that can be read ({type(error).__name__}: {error}); expected a saved data "
                         "set, Parquet files, or folders of images, one for each class") from error
    if not isinstance(found, dict):
        return found, True
    if len(found) == 1:
        return next(iter(found.values())), True
    if split not in found:
        raise ValueError(f"{str(path)!r} has no split {split!r}; its splits are {', '.join(sorted(map(str, found)))}")
    return found[split], False


def _package(source: object):
    try:
        import datasets
    except ImportError as error:
        raise ImportError(f'images.load("{source}") needs the package datasets, which is not installed: {INSTALL}. '
                          'The bundled set, images.load("digits"), needs nothing') from error
    return datasets


def _column(table, name: str, wanted: tuple[str, ...]) -> str:
    for column in wanted:
        if column in table.features:
            return column
    raise ValueError(f"{name} has no column {' or '.join(map(repr, wanted))}; its columns are {', '.join(map(repr, table.features))}")


def _pictures(table, column: str) -> Iterable[np.ndarray]:
    """The pictures as arrays: grey ones (h, w), others (h, w, 3)."""
    from datasets import Image

    table = table.select_columns([column]).cast_column(column, Image())  # a Parquet file of other tools has plain bytes
    for row in table:
        picture = row[column]
        grey = picture.mode in ("1", "L", "LA", "I;16")
        yield np.asarray(picture.convert("L" if grey else "RGB"))


def _stacked(pictures: Iterable[np.ndarray], name: str) -> np.ndarray:
    pixels = []
    for i, picture in enumerate(pictures):
        if pixels and picture.shape != pixels[0].shape:
            raise ValueError(f"{name}: all images must have one size and one number of colours; the first has (height, width[, "
                             f"colours]) {pixels[0].shape}, number {i} has {picture.shape}")
        pixels.append(picture)
    if not pixels:
        raise ValueError(f"{name}: there are no images")
    return np.stack(pixels)


def _classes(table, column: str, name: str) -> list[int]:
    labels = list(table[column])
    for i, label in enumerate(labels):
        if isinstance(label, bool) or not isinstance(label, int) or label < 0:
            raise ValueError(f"{name}: column {column!r} must hold classes 0, 1, ...; row {i} has {label!r}")
    return labels
