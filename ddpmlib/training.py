"""Algorithm 1 as a loop that yields its state, so that progress, pictures and stopping live outside.

    for state in training_steps(model, data, schedule, steps=3000, generator=generator):
        ...  # state.step, state.loss

The loop draws all that is random with the generator that it gets, on the generator's device, and moves it to the
data's: the same seed trains on the same batches everywhere. The loss is the function that you write in chapter 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ddpmlib import ddpm
from ddpmlib.models import draw_noise
from ddpmlib.schedules import Schedule
from ddpmlib.tables import require_schedule
from ddpmlib.validation import require_instance, require_integer, require_number, require_tensor


@dataclass(frozen=True)
class TrainingState:
    """Where training stands after ``step`` steps, and the loss of the last batch."""

    step: int
    loss: float


def training_steps(
    model: nn.Module,
    data: Float[Tensor, "n *shape"],
    schedule: Schedule,
    *,
    steps: int,
    generator: torch.Generator,
    batch_size: int = 256,
    learning_rate: float = 4e-3,
) -> Iterator[TrainingState]:
    """Take ``steps`` steps of Adam on the training loss, and yield the state after every one.

    A step draws rows of ``data``, a time for each, uniformly in 1..T, and one noise for each. The learning rate falls
    linearly, from ``learning_rate`` to almost 0 in the last step. The model is in training mode meanwhile, and in evaluation
    mode when the loop ends or is left.

    Raises
    ------
    TypeError, ValueError
        at the first step, if an argument has the wrong type, or a number lies outside its range.
    """
    require_instance("model", model, nn.Module)
    require_tensor("data", data)
    require_schedule("schedule", schedule)
    require_integer("steps", steps, low=1)
    require_integer("batch_size", batch_size, low=1)
    require_number("learning_rate", learning_rate, above=0.0)
    require_instance("generator", generator, torch.Generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1.0 / steps, total_iters=max(steps - 1, 1))
    model.train()
    try:
        for step in range(1, steps + 1):
            rows = torch.randint(len(data), (batch_size,), generator=generator, device=generator.device)
            t = torch.randint(1, schedule.T + 1, (batch_size,), generator=generator, device=generator.device)
            x0 = data[rows.to(data.device)]
            loss = ddpm.training_loss(model, x0, t.to(data.device), draw_noise(x0, generator), schedule)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            decay.step()
            yield TrainingState(step, loss.item())
    finally:
        model.eval()
