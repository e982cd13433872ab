"""The labs' training loop: Algorithm 1 on images with classes, and what makes it work well, with your own functions of chapter 9.

    generator = torch.Generator().manual_seed(0)
    for state in lab.training_steps(net, images, schedule, steps=2000, generator=generator, device="cpu"):
        ...  # state.step, state.loss, state.norm, state.ema; state.save(path)

The loop yields its state after every step, so progress, pictures, checkpoints and stopping live outside. All that is random is
drawn with the one generator, on the CPU, and then moved: a seed gives the same batches, times and noise on every device. A run that
was saved and is resumed goes on as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ddpmlib import checkpoints, ddpm, learner
from ddpmlib.images import ImageSet
from ddpmlib.models import Model, draw_noise
from ddpmlib.schedules import Schedule
from ddpmlib.tables import require_schedule
from ddpmlib.training import TrainingState
from ddpmlib.validation import require_instance, require_integer, require_number, require_times


@dataclass(frozen=True)
class LabState(TrainingState):
    """Where training stands: the last batch's loss, its gradient's norm before clipping, the learning rate, and all that a run is.

    ``net`` has the weights after ``step`` steps, and ``ema`` their moving average, which is what samples are drawn with. Both go
    on changing while the loop runs. ``per_row`` is the loss of each image of the batch, and ``times`` are their times.
    """

    norm: float
    learning_rate: float
    times: Int[Tensor, "batch"] = field(repr=False)
    per_row: Float[Tensor, "batch"] = field(repr=False)
    net: nn.Module = field(repr=False)
    ema: nn.Module = field(repr=False)
    optimizer: torch.optim.Optimizer = field(repr=False)
    generator: torch.Generator = field(repr=False)

    def save(self, path: str | os.PathLike, **facts: object) -> None:
        """Write a checkpoint, from which ``training_steps(..., resume=path)`` goes on."""
        checkpoints.save(path, self.net, ema=self.ema, optimizer=self.optimizer, step=self.step, generator=self.generator, **facts)


def training_steps(
    net: nn.Module,
    images: ImageSet,
    schedule: Schedule,
    *,
    steps: int,
    generator: torch.Generator,
    device: str | torch.device = "cpu",
    batch_size: int = 64,
    peak: float = 2e-3,
    warmup: int = 100,
    constant: bool = False,
    max_norm: float | None = 1.0,
    decay: float = 0.999,
    dropout: float = 0.1,
    resume: str | os.PathLike | None = None,
) -> Iterator[LabState]:
    """Train a class-conditional noise predictor with Adam, and yield the state after every step.

    Parameters
    ----------
    net
        ``eps = net(x_t, t, y)``, with the null class ``net.classes``. It is moved to the device and trained in its place.
    images
        images in [-1, 1] with their classes.
    schedule
        of the noise.
    steps
        the number of all steps of the run, those before ``resume`` included.
    generator
        on the CPU; for the batches, times, noise and dropped labels.
    device
        "cpu", "cuda" or "mps". On "cuda" the network computes in bfloat16 where that is safe (autocast); losses, gradients and weights
        are float32 everywhere.
    batch_size, peak, warmup, max_norm, decay, dropout
        images a step; largest learning rate, and steps until it is reached; largest norm of the gradient (None: no limit);
        decay of the moving average; share of the labels that are replaced by the null class.
    constant
        keep the learning rate at its peak after the warm-up.
    resume
        a checkpoint of the same run, to go on from; ``net`` and ``generator`` are then set to what it holds.

    Raises
    ------
    TypeError, ValueError
        at the first step, if an argument has the wrong type, or a number lies outside its range.
    FloatingPointError
        if the loss or the gradient is no longer a number: the weights are then those of the step before.
    """
    require_instance("net", net, nn.Module)
    if getattr(net, "classes", None) is None:
        raise ValueError("net must have classes, as UNet(classes=10) has; got a network that is told none")
    require_instance("images", images, ImageSet)
    require_schedule("schedule", schedule)
    require_integer("steps", steps, low=1)
    require_integer("batch_size", batch_size, low=1)
    require_instance("generator", generator, torch.Generator)
    if not 0 <= require_number("dropout", dropout) <= 1:
        raise ValueError(f"dropout must be between 0 and 1, got {dropout}")
    if generator.device.type != "cpu":
        raise ValueError(f"generator must live on the CPU, so that a seed means the same on every device; got {generator.device}")
    device = torch.device(device)
    net.to(device)
    ema = copy.deepcopy(net).requires_grad_(False).eval()
    optimizer = torch.optim.Adam(net.parameters(), lr=peak)
    first = 1
    if resume is not None:
        first = checkpoints.restore(resume, net, ema=ema, optimizer=optimizer, generator=generator).step + 1
    net.train()
    try:
        for step in range(first, steps + 1):
            rate = peak * min(1.0, step / max(warmup, 1)) if constant else learner.learning_rate(step, steps, peak=peak, warmup=warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            rows = torch.randint(len(images), (batch_size,), generator=generator)
            t = torch.randint(1, schedule.T + 1, (batch_size,), generator=generator)
            untold = torch.rand(batch_size, generator=generator) < dropout
            x0 = images.images[rows]
            noise = draw_noise(x0, generator).to(device)
            y = images.labels[rows].masked_fill(untold, net.classes).to(device)
            noted: list[Tensor] = []

            def model(x_t: Tensor, t: Tensor) -> Tensor:
                with mixed(device):
                    predicted = net(x_t, t, y).float()
                noted.append((predicted.detach() - noise).square().flatten(start_dim=1).mean(dim=1))
                return predicted

            loss = ddpm.training_loss(model, x0.to(device), t.to(device), noise, schedule)
            value, norm = learner.training_step(net, optimizer, loss, max_norm=max_norm)
            learner.ema_update(ema, net, learner.ema_decay(step, decay))
            yield LabState(step, value, norm, rate, t, noted[0], net, ema, optimizer, generator)
    finally:
        net.eval()


def mixed(device: torch.device):
    """Where the network computes: in bfloat16 on a graphics card (CUDA), with the CPU's and MPS's float32 elsewhere."""
    if device.type != "cuda":
        return contextlib.nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


def at_fewer_times(model: Model, schedule: Schedule, steps: int) -> tuple[Model, Schedule]:
    """The same model for ``steps`` long steps: a schedule with some of the times only, and the model that takes their numbers.

    The times are spread evenly over 1..T, with T the last, and 1 the first if there is room. Time k of the new schedule has the
    alpha_bar of the k-th of them, so chapter 7's samplers run on it as they are: each step is chapter 5's posterior for a jump.
    """
    require_integer("steps", steps, low=1, high=schedule.T)
    times = torch.linspace(1, schedule.T, steps).round().long() if steps > 1 else torch.tensor([schedule.T])
    left = schedule.alpha_bars[torch.cat([torch.zeros(1, dtype=torch.long), times])]
    betas = torch.cat([torch.zeros(1, dtype=torch.float64), 1 - left[1:] / left[:-1]])

    def few(x_t: Tensor, k: Tensor) -> Tensor:
        return model(x_t, times.to(k.device)[k - 1])

    return few, Schedule(T=steps, betas=betas, alphas=1 - betas, alpha_bars=left)


def draw_samples(
    net: nn.Module, labels: Int[Tensor, "n"], schedule: Schedule, *, generator: torch.Generator, steps: int = 50,
    variance: str = "small",
) -> Float[Tensor, "n c h w"]:
    """Images of the wanted classes, on the CPU and in float32: chapter 7's sampler, with ``steps`` long steps.

    The network samples as it is and where it is; all noise is drawn on the CPU with ``generator``.
    """
    require_instance("net", net, nn.Module)
    labels = require_times("labels", labels, low=0, high=net.classes)
    weight = next(net.parameters())
    y = labels.to(weight.device)

    def model(x_t: Tensor, t: Tensor) -> Tensor:
        return net(x_t, t, y)

    model, fewer = at_fewer_times(model, schedule, steps)
    shape = (len(labels), *net.settings["shape"])
    x_T = torch.randn(shape, generator=generator).to(weight)
    return ddpm.ancestral_sample(model, x_T, fewer, variance=variance, generator=generator).float().cpu()
