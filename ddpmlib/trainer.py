"""A training run between two steps: what it consists of, how a step is taken, how it is saved and resumed (``train.py`` runs it).

Every process draws the same joint batch (rows, times, dropped labels, noise) with the same generator, on the CPU, and computes with
its part of it. So a seed means the same run on any device and for any number of processes, up to rounding; and the state of one
generator, in the checkpoint, is all that a resumed run needs to go on with the same draws.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import math
import os
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpmlib import checkpoints, ddpm, learner
from ddpmlib.images import ImageSet
from ddpmlib.layers import UNet
from ddpmlib.models import draw_noise
from ddpmlib.schedules import Schedule
from ddpmlib.workers import Workers

SCHEDULES = {"linear": Schedule.linear, "cosine": Schedule.cosine}
BATCH_OF_SAMPLES = 500


class TrainError(Exception):
    """Why a run cannot begin or go on, in words for the one who started it."""


@dataclass(frozen=True)
class Settings:
    """What makes a run: the same settings give the same weights. (What only watches a run is an argument of ``train``.)"""

    data: str = "digits"
    steps: int = 2000
    batch_size: int = 64
    lr: float = 2e-3
    warmup: int = 100
    max_norm: float = 1.0
    ema: float = 0.999
    label_dropout: float = 0.1
    conditional: bool = True
    channels: tuple[int, ...] = (32, 64)
    attention: tuple[int, ...] = (-1,)  # the levels that have it; -1 is the deepest
    heads: int = 4
    size: int | None = None
    schedule: str = "linear"
    timesteps: int = 1000
    seed: int = 0
    amp: str | None = None


class Training:
    """A run between two steps: the network, its average, the optimizer, the generator, and how many steps were taken.

    Parameters
    ----------
    settings
        of the run.
    data
        the images to learn from.
    workers
        this process's place among those that share the work.
    """

    def __init__(self, settings: Settings, data: ImageSet, workers: Workers | None = None):
        self.settings, self.data = settings, data
        self.workers = Workers() if workers is None else workers
        self.device = self.workers.device
        _require_possible(settings, data, self.workers)
        self.schedule = SCHEDULES[settings.schedule](settings.timesteps)
        self.net = make_net(settings, data).to(self.device)
        self.ema = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=settings.lr)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.shared = self.workers.shared(self.net)  # the same weights; its backward pass averages gradients over the processes
        self.taken = 0
        self.net.train()

    def step(self) -> float:
        """Take a step, and return the loss of this process's part of the batch.

        Raises
        ------
        FloatingPointError
            if the loss or the gradient is no number any more.
        """
        settings, number = self.settings, self.taken + 1
        for group in self.optimizer.param_groups:
            group["lr"] = learner.learning_rate(number, settings.steps, peak=settings.lr, warmup=min(settings.warmup, settings.steps))
        loss, _ = learner.training_step(self.net, self.optimizer, self.loss(), max_norm=settings.max_norm)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss}")
        learner.ema_update(self.ema, self.net, learner.ema_decay(number, settings.ema))
        self.taken = number
        return loss

    def loss(self) -> Tensor:
        """The loss of this process's part of the next batch."""
        x0, t, y, noise = self.draw()

        def model(x_t: Tensor, t: Tensor) -> Tensor:
            with self._precision():
                return self.shared(x_t, t, y).to(x_t.dtype)

        return ddpm.training_loss(model, x0, t, noise, self.schedule)

    def draw(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Images, times, classes and noise: this process's rows of the next batch. All processes draw all rows."""
        size, generator, mine = self.settings.batch_size, self.generator, self.workers.part(self.settings.batch_size)
        rows = torch.randint(len(self.data), (size,), generator=generator)
        t = torch.randint(1, self.schedule.T + 1, (size,), generator=generator)
        untold = torch.rand(size, generator=generator) < self.settings.label_dropout
        x0 = self.data.images[rows].to(self.net.dtype)
        noise = draw_noise(x0, generator)
        y = self.data.labels[rows].masked_fill(untold, self.data.classes)[mine].to(self.device) if self.settings.conditional else None
        return x0[mine].to(self.device), t[mine].to(self.device), y, noise[mine].to(self.device)

    def _precision(self):
        """Where the network computes: in bfloat16 if that was asked for. Weights, losses and gradients are float32 in any case."""
        return contextlib.nullcontext() if self.settings.amp is None else torch.autocast(self.device.type, dtype=torch.bfloat16)

    def save(self, path: str | os.PathLike, **facts: object) -> None:
        """Write a checkpoint. One process calls this."""
        checkpoints.save(path, self.net, ema=self.ema, optimizer=self.optimizer, step=self.taken, generator=self.generator,
                         run=plain(self.settings), schedule={"kind": self.settings.schedule, "T": self.schedule.T},
                         data=self.data.name, seed=self.settings.seed, **facts)

    def resume(self, path: str | os.PathLike) -> None:
        """Go on from a checkpoint of a run with the same settings. All processes call this.

        Raises
        ------
        TrainError
            if the checkpoint is of another run.
        CheckpointError, FileNotFoundError
            if it cannot be read. The run is then as it was.
        """
        theirs, ours = checkpoints.load(path).facts.get("run"), plain(self.settings)
        if theirs != ours:
            other = ["it is no run of ddpmlib.train"] if not isinstance(theirs, dict) else [
                f"{flag(name)} was {theirs.get(name)!r} and now is {ours.get(name)!r}"
                for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
            raise TrainError(f"{path} belongs to a run with other settings: {'; '.join(other)}. Resume with the settings of its "
                             "start, or begin another run with another --out")
        self.taken = checkpoints.restore(path, self.net, ema=self.ema, optimizer=self.optimizer, generator=self.generator).step


def make_net(settings: Settings, data: ImageSet) -> UNet:
    """The network that the settings ask for, for these images."""
    levels = len(settings.channels)
    attention = [level in {each % levels for each in settings.attention} for level in range(levels)]
    return UNet(tuple(data.images.shape[1:]), channels=settings.channels, attention=attention, heads=settings.heads,
                classes=data.classes if settings.conditional else None, seed=settings.seed)


def draw_samples(run: Training, number: int) -> tuple[Tensor, Tensor]:
    """``number`` samples of each class with the averaged weights, by chapter 7's sampler, and their classes; on the CPU.

    A network that is told no classes has as many samples, with -1 in place of a class.
    """
    run.ema.eval()
    generator = torch.Generator().manual_seed(run.settings.seed)
    labels = torch.arange(run.data.classes).repeat_interleave(number)
    drawn = []
    for y in labels.split(BATCH_OF_SAMPLES):
        classes = (y.to(run.device),) if run.settings.conditional else ()
        x_T = torch.randn(len(y), *run.data.images.shape[1:], generator=generator).to(run.device, run.net.dtype)
        x = ddpm.ancestral_sample(lambda x_t, t: run.ema(x_t, t, *classes), x_T, run.schedule, generator=generator)
        drawn.append(x.float().cpu())
    return torch.cat(drawn), labels if run.settings.conditional else torch.full_like(labels, -1)


def _require_possible(settings: Settings, data: ImageSet, workers: Workers) -> None:
    """Raise TrainError where a setting cannot work, with the flag that changes it."""
    height, width = data.images.shape[-2:]
    levels, fold = len(settings.channels), 2 ** (len(settings.channels) - 1)
    if height % fold or width % fold:
        wanted = math.ceil(max(height, width) / fold) * fold
        raise TrainError(f"images of {height} x {width} pixels cannot be halved {levels - 1} times; add --size {wanted}")
    if settings.batch_size % workers.size:
        raise TrainError(f"--batch-size {settings.batch_size} cannot be shared evenly by {workers.size} processes; take a multiple")
    for level in settings.attention:
        if not -levels <= level < levels:
            raise TrainError(f"--attention names level {level}, and there are the levels 0 to {levels - 1} (-1 is the deepest)")
        if settings.channels[level] % settings.heads:
            raise TrainError(f"--heads {settings.heads} does not divide the {settings.channels[level]} channels of level {level}")


def plain(settings: Settings) -> dict:
    """The settings as JSON gives them back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(settings).items()}


def flag(name: str) -> str:
    return "--unconditional" if name == "conditional" else "--" + name.replace("_", "-")
