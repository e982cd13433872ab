"""The two training loops of latent diffusion: first the autoencoder, then the noise predictor in its latents.

    for state in latent_lab.autoencoder_steps(autoencoder, images, steps=5000, generator=generator): ...
    latents, scale = latent_lab.encode_all(autoencoder, images)
    for state in latent_lab.text_steps(net, latents, tokens, schedule, steps=4000, generator=generator, device="cpu"): ...

Both yield their state after every step, so that progress, pictures and stopping live outside; what is random is drawn with the one
generator, on the CPU. They compute with your own functions of chapters 7, 9 and 12.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ddpmlib import ddim, ddpm, latent, learner
from ddpmlib.lab import mixed
from ddpmlib.latent_layers import Autoencoder, TextUNet
from ddpmlib.models import draw_noise
from ddpmlib.schedules import Schedule
from ddpmlib.tables import require_schedule
from ddpmlib.training import TrainingState
from ddpmlib.validation import require_instance, require_integer, require_number, require_tensor


@dataclass(frozen=True)
class TextState(TrainingState):
    """Where training stands: the loss of the last batch, the network, and the moving average of its weights, which draws samples."""

    net: nn.Module = field(repr=False)
    ema: nn.Module = field(repr=False)


def autoencoder_steps(
    net: Autoencoder, images: Float[Tensor, "n 3 h w"], *, steps: int, generator: torch.Generator,
    device: str | torch.device = "cpu", batch_size: int = 64, peak: float = 3e-3, kl_weight: float = 1e-3,
) -> Iterator[TrainingState]:
    """Train an autoencoder on ``latent.autoencoder_loss`` with AdamW, and yield the state after every step.

    The learning rate rises for three tenths of the run and falls to nearly 0 (``OneCycleLR``). When the loop ends, ``net.scale`` is
    the scale of its latents, measured on the first 2,000 images.

    Raises
    ------
    TypeError, ValueError
        at the first step, if an argument has the wrong type or lies outside its range.
    """
    require_instance("net", net, nn.Module)
    require_tensor("images", images, ndim=4)
    require_integer("steps", steps, low=1)
    require_integer("batch_size", batch_size, low=1)
    require_instance("generator", generator, torch.Generator)
    require_number("peak", peak, above=0)
    net.to(device).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=1e-4)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=max(steps, 2))
    try:
        for step in range(1, steps + 1):
            x = images[torch.randint(len(images), (batch_size,), generator=generator)].to(device)
            mean, log_var = net.encode(x)
            z = mean + (log_var / 2).exp() * draw_noise(mean, generator)
            loss = latent.autoencoder_loss(x, net.decode(z), mean, log_var, kl_weight)
            value, _ = learner.training_step(net, optimizer, loss, max_norm=1.0)
            rate.step()
            if step == steps:
                net.scale.copy_(encode_all(net, images[:2000])[1])
            yield TrainingState(step, value)
    finally:
        net.eval()


def encode_all(
    net: Autoencoder, images: Float[Tensor, "n 3 h w"], *, batch_size: int = 500
) -> tuple[Float[Tensor, "n z h4 w4"], Float[Tensor, ""]]:
    """The scaled latents of many images, on the CPU, and the scale, which is measured on them."""
    require_tensor("images", images, ndim=4)
    device = next(net.parameters()).device
    means = torch.cat([latent.to_latents(net, part.to(device), 1.0).cpu() for part in images.split(batch_size)])
    scale = latent.latent_scale(means)
    return scale * means, scale


def text_steps(
    net: TextUNet, latents: Float[Tensor, "n z h w"], tokens: Int[Tensor, "n words"], schedule: Schedule, *, steps: int,
    generator: torch.Generator, device: str | torch.device = "cpu", batch_size: int = 128, peak: float = 2e-3, warmup: int = 100,
    decay: float = 0.998, dropout: float = 0.1,
) -> Iterator[TextState]:
    """Train a text network on scaled latents and their captions with Adam, and yield the state after every step.

    Parameters
    ----------
    net
        ``eps = net(z_t, t, tokens)``; it is moved to the device and trained in its place.
    latents, tokens
        from ``encode_all``, and the words of the captions.
    schedule, steps, generator, device
        of the noise; how many steps; what is random, on the CPU; "cpu", "cuda" (in bfloat16 where that is safe) or "mps".
    batch_size, peak, warmup, decay, dropout
        latents a step; largest learning rate, and steps until it is reached (then it falls along half a cosine); decay of the
        moving average; share of the captions that are replaced by the empty one.

    Raises
    ------
    TypeError, ValueError
        at the first step, if an argument has the wrong type or lies outside its range.
    """
    require_instance("net", net, nn.Module)
    require_tensor("latents", latents, ndim=4)
    require_schedule("schedule", schedule)
    require_integer("steps", steps, low=1)
    require_integer("batch_size", batch_size, low=1)
    require_instance("generator", generator, torch.Generator)
    if len(tokens) != len(latents):
        raise ValueError(f"tokens must have {len(latents)} rows, one for each of the latents, got {len(tokens)}")
    device, empty = torch.device(device), torch.zeros(tokens.shape[1], dtype=torch.int64)
    net.to(device)
    ema = copy.deepcopy(net).requires_grad_(False).eval()
    optimizer = torch.optim.Adam(net.parameters(), lr=peak, betas=(0.9, 0.99))
    net.train()
    try:
        for step in range(1, steps + 1):
            for group in optimizer.param_groups:
                group["lr"] = learner.learning_rate(step, steps, peak=peak, warmup=min(warmup, steps))
            rows = torch.randint(len(latents), (batch_size,), generator=generator)
            t = torch.randint(1, schedule.T + 1, (batch_size,), generator=generator)
            dropped = torch.rand(batch_size, generator=generator) < dropout
            told = latent.drop_captions(tokens[rows], dropped, empty).to(device)
            z = latents[rows]
            noise = draw_noise(z, generator).to(device)

            def model(z_t: Tensor, t: Tensor) -> Tensor:
                with mixed(device):
                    return net(z_t, t, told).float()

            loss = ddpm.training_loss(model, z.to(device), t.to(device), noise, schedule)
            value, _ = learner.training_step(net, optimizer, loss, max_norm=1.0)
            learner.ema_update(ema, net, learner.ema_decay(step, decay))
            yield TextState(step, value, net, ema)
    finally:
        net.eval()


def draw_samples(
    net: TextUNet, autoencoder: Autoencoder, tokens: Int[Tensor, "n words"], schedule: Schedule, *, generator: torch.Generator,
    gamma: float = 2.0, steps: int = 20,
) -> Float[Tensor, "n 3 h w"]:
    """Pictures of the captions, on the CPU and in float32: ``latent.text_to_image`` with ``autoencoder.scale``.

    The networks sample as they are and where they are; the noise is drawn on the CPU with ``generator``.
    """
    weight = next(net.parameters())
    noise = torch.randn(len(tokens), *net.settings["shape"], generator=generator).to(weight)
    empty = torch.zeros(tokens.shape[1], dtype=torch.int64, device=weight.device)
    times = ddim.time_subsequence(schedule.T, steps)
    images = latent.text_to_image(
        autoencoder, net, schedule, tokens.to(weight.device), gamma, times, noise, empty=empty, scale=autoencoder.scale)
    return images.float().cpu()
