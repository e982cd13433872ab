"""The layers of the U-Net: which parameters there are, and how they begin.

What is computed with them is the subject of chapter 8 and stands in ``unet.py``: the ``forward`` of each layer here calls the function
of that module that bears its name.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ddpmlib import unet
from ddpmlib.layer_inputs import groups_of, require_halving_shape, require_positive_integers, require_widths
from ddpmlib.validation import require_integer


class ResidualBlock(nn.Module):
    """Two convolutions around which the input is passed by; between them the block is told the time (and the class).

    ``conv2`` begins at 0, so a new block passes its input on unchanged (through ``skip``).

    Parameters
    ----------
    c_in, c_out
        the number of channels that come and go. Channels are normalised in 8 groups, or in fewer, of two channels each.
    dim
        the length of a row of ``emb``, which says the time (and the class).
    """

    def __init__(self, c_in: int, c_out: int, dim: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups_of(c_in), c_in)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.project = nn.Linear(dim, c_out)
        self.norm2 = nn.GroupNorm(groups_of(c_out), c_out)
        self.conv2 = zeroed(nn.Conv2d(c_out, c_out, 3, padding=1))
        self.skip = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)

    def forward(self, x: Float[Tensor, "batch c_in h w"], emb: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch c_out h w"]:
        return unet.residual_block(self, x, emb)


class SelfAttention(nn.Module):
    """Every pixel looks at every other one. ``out`` begins at 0, so a new layer changes nothing.

    Parameters
    ----------
    channels, heads
        the number of channels, and of heads among which they are shared out: it divides the channels.
    """

    def __init__(self, channels: int, heads: int):
        super().__init__()
        if require_integer("channels", channels, low=1) % require_integer("heads", heads, low=1):
            raise ValueError(f"heads must divide the {channels} channels, got {heads}")
        self.heads = heads
        self.norm = nn.GroupNorm(groups_of(channels), channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = zeroed(nn.Linear(channels, channels))

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        return unet.self_attention(self, x)


class Level(nn.Module):
    """What happens at one resolution: a residual block, perhaps attention, and the way to the next resolution."""

    def __init__(self, block: ResidualBlock, attention: nn.Module, resample: nn.Module):
        super().__init__()
        self.block, self.attention, self.resample = block, attention, resample


class UNet(nn.Module):
    """A U-Net that predicts the noise of images: ``eps = net(x_t, t)``, or ``net(x_t, t, y)`` for images with a class.

    Parameters
    ----------
    shape
        (channels, height, width) of the images; height and width must be divisible by 2^(levels - 1).
    channels
        the number of channels of each level, from the full resolution down; each level has half the resolution of the one before.
    attention
        for each level, whether its pixels attend to each other.
    heads
        the number of attention heads; it divides the channels of the levels that have attention.
    classes
        the number K of classes; the network has a row for each and one more, the null class K. None: there are no classes.
    seed
        for the initial weights, which are the same on every device.

    The network is made in float32 on the CPU; ``net.to(...)`` moves it. ``net.settings`` holds all arguments as plain values:
    ``UNet(**net.settings)`` is the same network anew. A new network answers 0, whatever it is asked, since ``last`` begins at 0.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the sizes cannot be halved often enough, or channels cannot be shared out among groups and heads.

    Source: Ho et al. (2020), appendix B, made small; chapter 8.
    """

    def __init__(
        self, shape: Sequence[int] = (1, 8, 8), *, channels: Sequence[int] = (32, 64), attention: Sequence[bool] = (False, True),
        heads: int = 4, classes: int | None = None, seed: int = 0,
    ):
        super().__init__()
        channels = require_positive_integers("channels", channels)
        shape = require_halving_shape("shape", shape, len(channels))
        attention = require_widths(channels, attention, heads)
        if classes is not None:
            require_integer("classes", classes, low=1)
        self.settings = {"shape": shape, "channels": channels, "attention": attention, "heads": heads, "classes": classes, "seed": seed}
        self.classes, self.dim = classes, 4 * channels[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            self._make(shape[0], channels, attention, heads)

    def _make(self, colours: int, channels: Sequence[int], attention: Sequence[bool], heads: int) -> None:
        dim, top, bottom = self.dim, channels[0], channels[-1]
        self.time = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, dim))
        if self.classes is not None:
            self.label = nn.Embedding(self.classes + 1, dim)
        self.first = nn.Conv2d(colours, top, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(channels):
            deeper = channels[i + 1] if i + 1 < len(channels) else None
            attend = [SelfAttention(width, heads) if attention[i] else nn.Identity() for _ in range(2)]
            halve = nn.Identity() if deeper is None else nn.Conv2d(width, deeper, 3, stride=2, padding=1)
            double = nn.Identity() if deeper is None else nn.Sequential(nn.Conv2d(deeper, width, 1), nn.Upsample(scale_factor=2.0))
            self.down.append(Level(ResidualBlock(width, width, dim), attend[0], halve))
            self.up.insert(0, Level(ResidualBlock(2 * width, width, dim), attend[1], double))
        self.middle = nn.ModuleList([ResidualBlock(bottom, bottom, dim)])
        self.norm = nn.GroupNorm(groups_of(top), top)
        self.last = zeroed(nn.Conv2d(top, colours, 3, padding=1))

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights, and of the images that the network takes."""
        return self.first.weight.dtype

    def forward(
        self, x_t: Float[Tensor, "batch c h w"], t: Int[Tensor, "batch"], y: Int[Tensor, "batch"] | None = None
    ) -> Float[Tensor, "batch c h w"]:
        """The noise in x_t that the network sees at the times t; ``y`` are classes, or K where none is told (None: no row's is)."""
        return unet.unet(self, x_t, unet.condition(self, t, y))


def zeroed(layer: nn.Module) -> nn.Module:
    """The layer with all its parameters set to 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
