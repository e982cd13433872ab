"""A small CLIP: an image encoder and a text encoder whose features meet, trained on your own ``latent.clip_loss``.

    net = latent_clip.Clip(words=len(sprites.vocabulary()))
    for state in latent_clip.clip_steps(net, data, steps=600, generator=generator): ...
    latent_clip.retrieval(net, test.images, test.captions)
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ddpmlib import latent, learner, sprites
from ddpmlib.latent_layers import TextEncoder
from ddpmlib.layer_inputs import groups_of
from ddpmlib.training import TrainingState
from ddpmlib.validation import require_instance, require_integer, require_number


class Clip(nn.Module):
    """Images (3, 32, 32) and captions of seven words to features of one length; ``temperature`` is trained with them."""

    def __init__(self, *, words: int, width: int = 32, dim: int = 64, seed: int = 0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            self.image = nn.Sequential(
                nn.PixelUnshuffle(2), _half(12, width), _half(width, 2 * width), _half(2 * width, 4 * width), nn.Flatten(),
                nn.Linear(4 * width * 4, dim))
            self.text = TextEncoder(words, dim=dim)
            self.project = nn.Linear(dim, dim)
        self.log_temperature = nn.Parameter(torch.tensor(0.1).log())

    @property
    def temperature(self) -> Float[Tensor, ""]:
        """At least 0.01, as in CLIP."""
        return self.log_temperature.exp().clamp(min=0.01)

    def of_images(self, images: Float[Tensor, "batch 3 32 32"]) -> Float[Tensor, "batch dim"]:
        """Features of images."""
        return self.image(images)

    def of_texts(self, tokens: Int[Tensor, "batch 7"]) -> Float[Tensor, "batch dim"]:
        """Features of captions."""
        return self.project(self.text(tokens).mean(dim=1))


def _half(c_in: int, c_out: int) -> nn.Module:
    """A convolution to half the resolution."""
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, stride=2, padding=1), nn.GroupNorm(groups_of(c_out), c_out), nn.SiLU())


def clip_steps(
    net: Clip, data: sprites.Sprites, *, steps: int, generator: torch.Generator, device: str | torch.device = "cpu",
    batch_size: int = 64, peak: float = 2e-3,
) -> Iterator[TrainingState]:
    """Train on ``latent.clip_loss`` with Adam, and yield the state after every step.

    No caption occurs twice in a batch: two pictures of one caption could not be told apart.

    Raises
    ------
    TypeError, ValueError
        at the first step, if an argument has the wrong type or lies outside its range.
    """
    require_instance("net", net, nn.Module)
    require_instance("data", data, sprites.Sprites)
    require_integer("steps", steps, low=1)
    require_instance("generator", generator, torch.Generator)
    require_number("peak", peak, above=0)
    rows_of = [(data.captions == caption).nonzero().flatten() for caption in data.captions.unique().tolist()]
    require_integer("batch_size", batch_size, low=2, high=len(rows_of))
    net.to(device).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=peak)
    try:
        for step in range(1, steps + 1):
            for group in optimizer.param_groups:
                group["lr"] = learner.learning_rate(step, steps, peak=peak, warmup=min(50, steps))
            chosen = torch.randperm(len(rows_of), generator=generator)[:batch_size].tolist()
            picks = torch.rand(batch_size, generator=generator).tolist()
            rows = torch.stack([rows_of[k][int(pick * len(rows_of[k]))] for k, pick in zip(chosen, picks)])
            words = sprites.tokens(data.captions[rows]).to(device)
            features = net.of_images(data.images[rows].to(device)), net.of_texts(words)
            loss = latent.clip_loss(*features, net.temperature)
            value, _ = learner.training_step(net, optimizer, loss, max_norm=1.0)
            yield TrainingState(step, value)
    finally:
        net.eval()


@torch.no_grad()
def similarities(net: Clip, images: Float[Tensor, "n 3 32 32"], captions: Int[Tensor, "m"]) -> Float[Tensor, "n m"]:
    """The cosine of each image with each caption, on the CPU."""
    device = net.log_temperature.device
    pair = net.of_images(images.to(device)), net.of_texts(sprites.tokens(captions).to(device))
    a, b = (nn.functional.normalize(features, dim=1) for features in pair)
    return (a @ b.T).cpu()


def retrieval(net: Clip, images: Float[Tensor, "n 3 32 32"], captions: Int[Tensor, "n"], among: Int[Tensor, "m"] | None = None) -> float:
    """The share of the images that find their caption among all 240, or ``among`` these."""
    among = torch.arange(len(sprites.all_captions())) if among is None else among
    return (among[similarities(net, images, among).argmax(dim=1)] == captions).float().mean().item()
