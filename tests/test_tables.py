"""The helpers for tables that are indexed by time."""

from __future__ import annotations

import pytest
import torch

from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule

TABLE = torch.tensor([0.0, 0.1, 0.2, 0.3], dtype=torch.float64)


def test_an_entry_multiplies_the_row_that_has_its_time():
    x = torch.ones(3, 2, 4)
    scaled = at_times(TABLE, torch.tensor([3, 1, 0]), x) * x
    assert scaled.dtype == torch.float32
    for row, expected in zip(scaled, (0.3, 0.1, 0.0)):
        torch.testing.assert_close(row, torch.full((2, 4), expected))


def test_one_time_multiplies_all_rows():
    x = torch.ones(3, 2, dtype=torch.float64)
    assert torch.equal(at_times(TABLE, torch.tensor(2), x) * x, 0.2 * x)


def test_a_schedule_is_known_by_its_tables():
    require_schedule("schedule", Schedule.linear(3))
    with pytest.raises(TypeError, match=r"schedule must be a ddpmlib.schedules.Schedule .* got Tensor"):
        require_schedule("schedule", TABLE)
