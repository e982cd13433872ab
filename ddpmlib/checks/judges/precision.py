"""Comparing to nearly all digits of float64, so that a float32 table inside an answer is seen, and is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..judging import compare

SINGLE = ("The values are right to single precision only: somewhere a table or a coefficient is float32. "
          "Compute with the schedule's float64 tables, and do not convert them before the end.")


def compare_exactly(
    result: object, expected: Tensor, *, what: str, known: Callable[[], Mapping[str, Tensor]] | None = None,
    digits: int = 10, floor: float = 0.0,
) -> str | None:
    """Compare to ``digits`` digits, those of small entries counted from the largest one, or from ``floor`` if that is larger.

    ``known`` makes the values of misconceptions, and is called for a wrong result only.
    """
    expected = torch.as_tensor(expected, dtype=torch.float64)
    finite = expected[expected.isfinite()].abs()
    size = max(finite.max().item() if finite.numel() else 0.0, floor) or 1.0
    rtol, atol = 10.0**-digits, 10.0 ** -(digits + 1) * size
    problem = compare_lazily(result, expected, what=what, known=known, rtol=rtol, atol=atol)
    if problem is None or "\n" in problem:
        return problem
    if compare(result, expected, rtol=2e-5, atol=2e-5 * size) is None:
        return f"{problem}\n{SINGLE}"
    return problem


def compare_lazily(
    result: object, expected: Tensor, *, what: str, known: Callable[[], Mapping[str, Tensor]] | None, rtol: float, atol: float
) -> str | None:
    """``compare``, in which ``known`` is called for a wrong result only."""
    if compare(result, expected, what=what, rtol=rtol, atol=atol) is None:
        return None
    return compare(result, expected, what=what, rtol=rtol, atol=atol, known=known() if known else None)


def wrong_dtype(result: Tensor, expected: torch.dtype, given: str, what: str) -> str | None:
    """A sentence if the result's dtype is another one than that of the argument ``given``."""
    if result.dtype == expected:
        return None
    return f"{given} is {str(expected).removeprefix('torch.')}, and {what} should be; got {result.dtype}"
