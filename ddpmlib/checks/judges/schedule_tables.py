"""What the checks of the schedules share: how tables are compared, and what the noise leaves."""

from __future__ import annotations

import torch
from torch import Tensor

from ..judging import compare

DOUBLE = ("The values are right to single precision only; make the table in float64 (dtype=torch.float64) "
          "from the start.")


def compare_table(result: object, expected: Tensor, what: str, known: dict[str, Tensor]) -> str | None:
    """Compare with the digits that float32 has, relative to each entry; a table without its entry 0 is named."""
    lacking = {"The entry for time 0 is missing: index t must be time t, so the table has T + 1 entries.": expected[1:]}
    return compare(result, expected, what=what, rtol=1e-5, atol=1e-12, known=lacking | known)


def not_yet_noise(betas: Tensor) -> Tensor:
    """What the noise leaves of a variance of 1, after each step.

    The noise's variance is followed through the chain from x_0, where it is 0: a step shrinks what it finds, and blurs.
    """
    noise, found = 0.0, []
    for beta in betas.tolist():
        noise = noise - beta * noise + beta
        found.append(1.0 - noise)
    return torch.tensor(found, dtype=torch.float64)
