"""The course's data: 8 x 8 images of handwritten digits, bundled with scikit-learn, so that nothing is downloaded."""

from __future__ import annotations

from functools import cache

import torch
from jaxtyping import Float, Int
from sklearn.datasets import load_digits
from torch import Tensor


@cache
def _digits() -> tuple[Tensor, Tensor]:
    bunch = load_digits()
    return torch.from_numpy(bunch.data) / 8.0 - 1.0, torch.from_numpy(bunch.target).long()


def digits() -> tuple[Float[Tensor, "1797 64"], Int[Tensor, "1797"]]:
    """All 1,797 digits as rows of 64 pixels in [-1, 1] (float64; scikit-learn's 0..16 divided by 8, less 1), and labels."""
    images, labels = _digits()
    return images.clone(), labels.clone()
