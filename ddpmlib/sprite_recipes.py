"""How the shipped networks of chapter 12 are trained and measured; ``pretrained.py`` lists them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ddpmlib import latent, latent_lab, sprites
from ddpmlib.schedules import Schedule
from ddpmlib.training import TrainingState

PICTURES = 20_000
GAMMA, STEPS = 2.0, 20  # of the samples that are measured
HELD_OUT = 480  # samples: 20 of each of the 24 captions that no training picture has
AUTOENCODER = {"wide": 48, "deep": 96, "latent_channels": 4}
TEXT = {"shape": (4, 8, 8), "channels": (64, 64), "words": len(sprites.vocabulary()), "dim": 64, "heads": 4}
ABOUT_DATA = f"{PICTURES:,} pictures of sprites.draw with seed 0, of the 216 captions that are not held out"


@cache
def pictures() -> sprites.Sprites:
    """The training pictures."""
    return sprites.draw(PICTURES, torch.Generator().manual_seed(0))


def train_autoencoder(net: nn.Module, data: sprites.Sprites, *, steps: int, generator: torch.Generator) -> Iterator[TrainingState]:
    """The loop of ``latent_lab``."""
    return latent_lab.autoencoder_steps(net, data.images, steps=steps, generator=generator)


def train_text(net: nn.Module, data: sprites.Sprites, *, steps: int, generator: torch.Generator) -> Iterator[TrainingState]:
    """The loop of ``latent_lab`` in the latents of the shipped autoencoder; when it ends, ``net`` holds the moving average."""
    autoencoder = shipped_autoencoder()
    latents = torch.cat([latent.to_latents(autoencoder, part, autoencoder.scale) for part in data.images.split(500)])
    words = sprites.tokens(data.captions)
    for state in latent_lab.text_steps(net, latents, words, Schedule.linear(1000), steps=steps, generator=generator):
        yield state
    net.load_state_dict(state.ema.state_dict())


def measure_autoencoder(net: nn.Module) -> dict[str, float]:
    """How many reconstructions of pictures with held-out captions still satisfy them, and the mean squared error."""
    test = sprites.draw(HELD_OUT, torch.Generator().manual_seed(99), seen=False)
    again = latent.from_latents(net, latent.to_latents(net, test.images, 1.0), 1.0)
    return {"held-out reconstructions satisfy": sprites.satisfied(again, test.captions).float().mean().item(),
            "squared error": (again - test.images).square().mean().item()}


def measure_text(net: nn.Module) -> dict[str, float]:
    """How many samples satisfy the held-out captions that they were asked for."""
    captions = torch.tensor(sprites.held_out()).repeat(HELD_OUT // len(sprites.held_out()))
    return {"held-out captions satisfied": satisfied_share(net, captions)}


def satisfied_share(net: nn.Module, captions: Int[Tensor, "n"], *, gamma: float = GAMMA, steps: int = STEPS, seed: int = 0) -> float:
    """The share of the samples that satisfy their captions, always from the same noise."""
    return sprites.satisfied(samples(net, captions, gamma=gamma, steps=steps, seed=seed), captions).float().mean().item()


def samples(net: nn.Module, captions: Int[Tensor, "n"], *, gamma: float, steps: int, seed: int) -> Float[Tensor, "n 3 32 32"]:
    """A picture of each caption: DDIM from noise of this seed."""
    generator = torch.Generator().manual_seed(seed)
    return latent_lab.draw_samples(
        net, shipped_autoencoder(), sprites.tokens(captions), Schedule.linear(1000), generator=generator, gamma=gamma, steps=steps)


@cache
def shipped_autoencoder() -> nn.Module:
    """The autoencoder that comes with the course."""
    from ddpmlib import pretrained  # it imports this module

    return pretrained.load("sprites-autoencoder")
