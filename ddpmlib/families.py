# Stub: write your code where NotImplementedError is raised.
"""What samples cover and how good they are, where the modes are known, and where only data are (chapter 14)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.validation import require_integer, require_number, require_tensor


def modes_covered(
    samples: Float[Tensor, "n D"], means: Float[Tensor, "K D"], radius: float, least: int = 1
) -> tuple[int, float]:
    r"""Exercise 14.8. How many of the known modes the samples reach, and the share of samples that lie near some mode.

    A sample belongs to its nearest mean. It is *near* if it lies at most ``radius`` away from it. A mode is covered if at least
    ``least`` near samples belong to it.

    Parameters
    ----------
    samples
        of shape (n, D).
    means
        the places of the modes, of shape (K, D); no two are equal.
    radius
        how far from its mean a sample may lie, positive.
    least
        how many near samples a mode needs, at least 1.

    Returns
    -------
    The number of covered modes, an int in 0..K; and the share of near samples among all n, a float.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, a set is empty, or a number lies outside its range.

    Source: Srivastava et al. (2017), section 4.1, counts modes so; chapter 14, "Modes that are lost".
    """
    require_rows(samples=samples, means=means)
    radius = require_number("radius", radius, above=0.0)
    least = require_integer("least", least, low=1)
    raise NotImplementedError("Exercise 14.8: write modes_covered in ddpmlib/families.py")


def precision_recall(real: Float[Tensor, "n D"], samples: Float[Tensor, "m D"], k: int) -> tuple[float, float]:
    r"""Exercise 14.8. The share of samples that look like data, and the share of data that look like samples.

    The support of a set is the union of the balls around its rows, whose radius is the distance to the row's k-th nearest *other*
    row of the set. The edge of a ball belongs to it.

    Parameters
    ----------
    real, samples
        rows of features, of shape (n, D) and (m, D), both more than k.
    k
        the number of neighbours, at least 1.

    Returns
    -------
    The precision, the share of samples in the support of the data; and the recall, the share of data in the support of the samples.
    Two floats.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a set has not more than k rows.

    Source: Kynkäänniemi et al. (2019), equations 1 and 2; chapter 14, "Good samples, and all of them".
    """
    require_rows(real=real, samples=samples)
    k = require_integer("k", k, low=1, high=min(len(real), len(samples)) - 1)
    raise NotImplementedError("Exercise 14.8: write precision_recall in ddpmlib/families.py")


def distances(a: Float[Tensor, "n D"], b: Float[Tensor, "m D"]) -> Float[Tensor, "n m"]:
    """All Euclidean distances of rows of ``a`` to rows of ``b``, in float64 and from differences (given)."""
    return torch.cdist(a.detach().double(), b.detach().double(), compute_mode="donot_use_mm_for_euclid_dist")


def require_rows(**sets: object) -> None:
    """Raise unless two sets, given by name, hold rows of one length, and at least one row each."""
    for name, rows in sets.items():
        require_tensor(name, rows, ndim=2)
        if not len(rows):
            raise ValueError(f"{name} must hold at least one row, got shape {tuple(rows.shape)}")
    (first, a), (second, b) = sets.items()
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"{second} must have rows of {a.shape[1]} entries, as {first} has, got shape {tuple(b.shape)}")
