"""A small classifier of noisy digits, and its training (chapter 11). It is told the time, so it knows how much noise there is.

    for state in training_steps(classifier, data, schedule, steps=1000, generator=generator):
        ...  # state.step, state.loss

The loss is the function that you write in chapter 11. ``clean=True`` trains the same network on digits without noise instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from ddpmlib import guidance
from ddpmlib.images import ImageSet
from ddpmlib.models import draw_noise
from ddpmlib.schedules import Schedule
from ddpmlib.training import TrainingState
from ddpmlib.validation import require_integer, require_number, require_tensor

TIME_WAVES = 16


class NoisyClassifier(nn.Module):
    """Logits of the ten digits in noisy images: three convolutions, and two layers of 64 units that are told the time.

    Parameters
    ----------
    T
        the last time of the schedule.
    seed
        for the initial weights, which are the same on every device.
    """

    def __init__(self, T: int, *, seed: int = 0):
        super().__init__()
        self.T = require_integer("T", T, low=1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            self.first = nn.Conv2d(1, 32, 3, padding=1)
            self.second = nn.Conv2d(32, 32, 3, stride=2, padding=1)
            self.third = nn.Conv2d(32, 64, 3, stride=2, padding=1)
            self.time = nn.ModuleList([nn.Linear(TIME_WAVES, 32), nn.Linear(TIME_WAVES, 64)])
            self.hidden = nn.Linear(256, 64)
            self.logits = nn.Linear(64, 10)

    def forward(self, x_t: Float[Tensor, "batch 1 8 8"], t: Int[Tensor, "batch"]) -> Float[Tensor, "batch 10"]:
        require_tensor("x_t", x_t, ndim=4)
        turns = torch.arange(TIME_WAVES, dtype=x_t.dtype, device=x_t.device) * math.pi / self.T
        waves = torch.cos(t.to(x_t.dtype)[:, None] * turns)
        early, late = (layer(waves) for layer in self.time)
        h = functional.silu(self.first(x_t) + early[:, :, None, None])
        h = functional.silu(self.third(functional.silu(self.second(h))))
        return self.logits(functional.silu(self.hidden(h.flatten(start_dim=1)) + late))


def training_steps(
    classifier: nn.Module, data: ImageSet, schedule: Schedule, *, steps: int, generator: torch.Generator, clean: bool = False,
    batch_size: int = 128, learning_rate: float = 2e-3,
) -> Iterator[TrainingState]:
    """Take ``steps`` steps of AdamW, and yield the state after every one. Each row of a batch has a time of its own.

    What is random is drawn with the generator, on its device, so a seed trains on the same batches everywhere.
    """
    require_integer("steps", steps, low=1)
    require_number("learning_rate", learning_rate, above=0.0)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=learning_rate, weight_decay=1e-3)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1.0 / steps, total_iters=max(steps - 1, 1))
    device = next(classifier.parameters()).device
    classifier.train()
    try:
        for step in range(1, steps + 1):
            rows = torch.randint(len(data), (batch_size,), generator=generator)
            t = torch.randint(1, schedule.T + 1, (batch_size,), generator=generator).to(device)
            x0, y = data.images[rows].to(device), data.labels[rows].to(device)
            noise = draw_noise(x0, generator)
            if clean:
                loss = functional.cross_entropy(classifier(x0, t), y)
            else:
                loss = guidance.noisy_classifier_loss(classifier, x0, y, t, noise, schedule)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            decay.step()
            yield TrainingState(step, loss.item())
    finally:
        classifier.eval()
