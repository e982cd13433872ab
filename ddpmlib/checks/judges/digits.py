"""Digits and dtypes: what a comparison to six digits does not see."""

from __future__ import annotations

import torch
from torch import Tensor

from ..judging import compare

SINGLE = "The values are right to single precision only, though all that came in is float64."
LATER = "not judged until the values are right"


def compare_digits(
    result: object, expected: Tensor, *, what: str, why: str, rtol: float = 1e-12, atol: float = 1e-12
) -> str | None:
    """Compare with nearly all digits of float64 (or as many as asked); ``why`` is said where only these are wrong.

    A result that is wrong in its first digits is left to the other parts of a check.
    """
    coarse = compare(result, expected, what=what, rtol=1e-3, atol=1e-6)
    if coarse is not None and getattr(result, "shape", None) == expected.shape:
        return f"{LATER}: they are off by up to {(result.double() - expected).abs().max():.2g}"
    if coarse is not None:
        return coarse
    problem = compare(result, expected, what=what, rtol=rtol, atol=atol)
    return problem and f"{problem}\n{why}"


def compare_kept(result: object, expected: Tensor, given: Tensor, *, what: str, of: str) -> str | None:
    """Compare with the digits of the tensor ``given``, which is called ``of``, and with its dtype."""
    if given.dtype == torch.float32:
        problem = compare_digits(result, expected, what=what, why="These are fewer digits than float32 has.",
                                 rtol=1e-5, atol=1e-6)
    else:
        problem = compare_digits(result, expected, what=what, why=SINGLE)
    return problem or _compare_dtype(result, given, what=what, of=of)


def _compare_dtype(result: Tensor, given: Tensor, *, what: str, of: str) -> str | None:
    wanted, got = (str(kind).removeprefix("torch.") for kind in (given.dtype, result.dtype))
    if got == wanted:
        return None
    problem = f"{of} is {wanted}, and {what} should be; got {got}"
    if got == "float64":
        problem += f": what {of} was multiplied with is float64, and that carries over"
    return problem
