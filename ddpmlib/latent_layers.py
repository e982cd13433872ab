"""The three networks of latent diffusion: an autoencoder, a text encoder, and a U-Net that attends to words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from ddpmlib import latent, unet
from ddpmlib.layer_inputs import groups_of
from ddpmlib.layers import UNet, zeroed
from ddpmlib.validation import require_integer


class PlainBlock(nn.Module):
    """A residual block that is told nothing."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups_of(channels), channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(groups_of(channels), channels), zeroed(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        h = self.conv1(functional.silu(self.norm1(x)))
        return x + self.conv2(functional.silu(self.norm2(h)))


class Autoencoder(nn.Module):
    """Images (3, 4h, 4w) to the mean and log-variance of latents (z, h, w), and back.

    Pixels are first put together in squares of two by two (``PixelUnshuffle``): a convolution at full resolution would cost four
    times as much.
    """

    def __init__(self, *, wide: int = 48, deep: int = 96, latent_channels: int = 4, seed: int = 0):
        super().__init__()
        self.settings = {"wide": wide, "deep": deep, "latent_channels": latent_channels, "seed": seed}
        self.register_buffer("scale", torch.ones(()))  # what latents are multiplied with; set when training ends
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            self.encoder = nn.Sequential(
                nn.PixelUnshuffle(2), nn.Conv2d(12, wide, 3, padding=1), PlainBlock(wide),
                nn.Conv2d(wide, deep, 3, stride=2, padding=1), PlainBlock(deep),
                nn.GroupNorm(groups_of(deep), deep), nn.SiLU(), nn.Conv2d(deep, 2 * latent_channels, 1))
            self.decoder = nn.Sequential(
                nn.Conv2d(latent_channels, deep, 3, padding=1), PlainBlock(deep), PlainBlock(deep),
                nn.Conv2d(deep, 4 * wide, 1), nn.PixelShuffle(2), PlainBlock(wide),
                nn.GroupNorm(groups_of(wide), wide), nn.SiLU(), nn.Conv2d(wide, 12, 3, padding=1), nn.PixelShuffle(2))

    def encode(self, x: Float[Tensor, "batch 3 h4 w4"]) -> tuple[Float[Tensor, "batch z h w"], Float[Tensor, "batch z h w"]]:
        """Mean and log-variance of q(z | x)."""
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        return mean, log_var.clamp(-20, 5)

    def decode(self, z: Float[Tensor, "batch z h w"]) -> Float[Tensor, "batch 3 h4 w4"]:
        """The image of a latent."""
        return self.decoder(z)


class CrossAttention(nn.Module):
    """Every pixel looks at the words. ``out`` begins at 0, so a new layer changes nothing."""

    def __init__(self, channels: int, context: int, heads: int):
        super().__init__()
        if require_integer("channels", channels, low=1) % require_integer("heads", heads, low=1):
            raise ValueError(f"heads must divide the {channels} channels, got {heads}")
        self.heads = heads
        self.norm = nn.GroupNorm(groups_of(channels), channels)
        self.q, self.kv = nn.Linear(channels, channels), nn.Linear(context, 2 * channels)
        self.out = zeroed(nn.Linear(channels, channels))

    def forward(self, x: Float[Tensor, "batch c h w"], context: Float[Tensor, "batch words d"]) -> Float[Tensor, "batch c h w"]:
        return latent.cross_attention(self, x, context)


class TextEncoder(nn.Module):
    """Words to vectors: an embedding of each word and of its position, and transformer layers in which they look at each other."""

    def __init__(self, words: int, *, length: int = 7, dim: int = 64, layers: int = 1, heads: int = 4):
        super().__init__()
        self.word, self.position = nn.Embedding(words, dim), nn.Parameter(torch.randn(length, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, tokens: Int[Tensor, "batch words"]) -> Float[Tensor, "batch words dim"]:
        return self.layers(self.word(tokens) + self.position)


class TextUNet(UNet):
    """A U-Net for latents that is told a caption: ``eps = net(z_t, t, tokens)``; without tokens it is told empty words."""

    def __init__(
        self, shape: Sequence[int] = (4, 8, 8), *, channels: Sequence[int] = (64, 128), words: int, dim: int = 64, heads: int = 4,
        length: int = 7, seed: int = 0,
    ):
        super().__init__(shape, channels=channels, attention=[False, *[True] * (len(channels) - 1)], heads=heads, seed=seed)
        self.settings |= {"words": words, "dim": dim, "length": length}
        del self.settings["attention"], self.settings["classes"]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 1)
            self.text = TextEncoder(words, length=length, dim=dim, heads=heads)
            self.pooled = nn.Linear(dim, self.dim)
            self.down_words = nn.ModuleList([CrossAttention(width, dim, heads) for width in channels])
            self.up_words = nn.ModuleList([CrossAttention(width, dim, heads) for width in reversed(channels)])

    def forward(
        self, x_t: Float[Tensor, "batch c h w"], t: Int[Tensor, "batch"], tokens: Int[Tensor, "batch words"] | None = None
    ) -> Float[Tensor, "batch c h w"]:
        """The noise in x_t that the network sees."""
        if tokens is None:
            tokens = torch.zeros(len(x_t), self.text.position.shape[0], dtype=torch.int64, device=x_t.device)
        context = self.text(tokens)
        emb = unet.condition(self, t) + self.pooled(context.mean(dim=1))
        h, skips = self.first(x_t), []
        for level, look in zip(self.down, self.down_words, strict=True):
            h = look(level.attention(level.block(h, emb)), context)
            skips.append(h)
            h = level.resample(h)
        for block in self.middle:
            h = block(h, emb)
        for level, look in zip(self.up, self.up_words, strict=True):
            h = level.resample(h)
            h = look(level.attention(level.block(torch.cat([h, skips.pop()], dim=1), emb)), context)
        return self.last(functional.silu(self.norm(h)))
