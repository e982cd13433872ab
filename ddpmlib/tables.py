"""Argument checks for the tables that are indexed by time (the index convention is stated in ``schedules.py``)."""

from __future__ import annotations

import torch
from torch import Tensor

from ddpmlib.validation import require_tensor


def require_betas(name: str, betas: object) -> Tensor:
    """Return ``betas`` if it is a table (0, beta_1, ..., beta_T) with every beta_t strictly between 0 and 1.

    Raises
    ------
    TypeError
        if it is not a floating-point tensor.
    ValueError
        if it is not one-dimensional with T + 1 >= 2 entries, does not begin with 0, or holds a beta outside (0, 1).
    """
    _require_table(name, betas, first=0.0)
    wrong = ((betas[1:] > 0) & (betas[1:] < 1)).logical_not().nonzero().flatten()
    if len(wrong):
        t = wrong[0].item() + 1
        raise ValueError(f"{name}[{t}] must be strictly between 0 and 1, got {betas[t].item()}")
    return betas


def require_alpha_bars(name: str, alpha_bars: object) -> Tensor:
    """Return ``alpha_bars`` if it is a table (1, alpha_bar_1, ..., alpha_bar_T) with values in [0, 1] that never rise.

    Raises
    ------
    TypeError
        if it is not a floating-point tensor.
    ValueError
        if it is not one-dimensional with T + 1 >= 2 entries, does not begin with 1, rises, or leaves [0, 1].
    """
    _require_table(name, alpha_bars, first=1.0)
    wrong = ((alpha_bars[1:] >= 0) & (alpha_bars.diff() <= 0)).logical_not().nonzero().flatten()
    if len(wrong):
        t = wrong[0].item() + 1
        raise ValueError(
            f"{name}[{t}] must be between 0 and {name}[{t - 1}] = {alpha_bars[t - 1].item()}, "
            f"got {alpha_bars[t].item()}"
        )
    return alpha_bars


def require_fractions(name: str, values: object) -> Tensor:
    """Return ``values`` if it is a floating-point tensor of numbers in [0, 1], of any shape."""
    require_tensor(name, values)
    outside = values[((values >= 0) & (values <= 1)).logical_not()]
    if outside.numel():
        raise ValueError(f"{name} must be between 0 and 1, got {outside.flatten()[0].item()}")
    return values


def _require_table(name: str, table: object, *, first: float) -> None:
    require_tensor(name, table)
    if table.ndim != 1 or len(table) < 2:
        raise ValueError(f"{name} must have shape (T + 1,) with T at least 1, got {tuple(table.shape)}")
    if not torch.equal(table[0].double(), torch.tensor(first, dtype=torch.float64)):
        raise ValueError(
            f"{name}[0] must be {first:g} (index t is time t, and nothing has happened at time 0), "
            f"got {table[0].item()}"
        )


def require_schedule(name: str, schedule: object) -> None:
    """Raise TypeError unless ``schedule`` has a schedule's tables: ``T``, ``betas``, ``alphas``, ``alpha_bars``.

    The tables are looked for, not the class: a notebook that has loaded ``schedules.py`` anew holds objects of the old class too.
    """
    if not all(hasattr(schedule, table) for table in ("betas", "alphas", "alpha_bars", "T")):
        raise TypeError(
            f"{name} must be a ddpmlib.schedules.Schedule (for instance Schedule.linear(1000)), got {type(schedule).__name__}"
        )


def at_times(table: Tensor, t: Tensor, x: Tensor) -> Tensor:
    """The entries ``table[t]``, in the dtype and on the device of ``x``, shaped so that they multiply the rows of ``x``.

    ``t`` has shape () or (batch,), ``x`` has shape (batch, ...). The root or the quotient of a table's entries is best
    taken before, in the table's float64.
    """
    entries = table[t.to(table.device)].to(x.dtype).to(x.device)  # in this order: some devices have no float64
    return entries.reshape(-1, *[1] * (x.ndim - 1)) if entries.ndim else entries
