"""Images with their classes, for the labs: the bundled digits, through the same door as larger sets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.data import digits

TEST_EVERY = 5  # every fifth digit of a class is held out


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
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    rows, labels = digits()
    held_out = torch.zeros(len(rows), dtype=torch.bool)
    for label in range(10):
        held_out[(labels == label).nonzero().flatten()[::TEST_EVERY]] = True
    chosen = held_out if split == "test" else ~held_out
    return ImageSet(rows[chosen].float().reshape(-1, 1, 8, 8), labels[chosen], 10, "digits")
