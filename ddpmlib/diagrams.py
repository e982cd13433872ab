"""Pictures of networks, drawn from what passes through them."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle
from torch import nn

from ddpmlib import plotting
from ddpmlib.layers import UNet

WIDTH, HEIGHT = 1.5, 0.84  # of a box


def shapes_seen(net: UNet) -> dict[str, tuple[int, ...]]:
    """The shape of what each layer gives, without the batch axis, for one image; names are those of ``named_modules``."""
    seen: dict[str, tuple[int, ...]] = {}
    hooks = [layer.register_forward_hook(lambda layer, given, out, name=name: seen.__setitem__(name, tuple(out.shape[1:])))
             for name, layer in net.named_modules() if name]
    try:
        with torch.no_grad():
            net(torch.zeros(1, *net.settings["shape"], dtype=net.dtype), torch.ones(1, dtype=torch.int64))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def draw_unet(net: UNet, axis: Axes) -> None:
    """Draw the way of an image through a U-Net: a box for each stop, with its channels and its height and width."""
    seen = shapes_seen(net)
    levels = len(net.down)
    last, lowest = 2 * levels + 1, -levels * 1.2
    stops = [(0, 0, "first", "first")]
    stops += [(i + 1, -i * 1.2, f"down.{i}.attention", _named(net.down[i])) for i in range(levels)]
    stops += [(levels + 1, lowest, "middle.0", "middle")]
    stops += [(last - i, -i * 1.2, f"up.{levels - 1 - i}.attention", _named(net.up[levels - 1 - i])) for i in reversed(range(levels))]
    stops += [(last + 1, 0, "last", "norm, silu\nlast")]
    for x, y, name, label in stops:
        told = name not in ("first", "last")
        color = plotting.DATA if told else plotting.MUTED
        axis.add_patch(Rectangle((x * 2 - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, facecolor=color, alpha=0.16, edgecolor=color))
        axis.text(x * 2, y + 0.12, label, ha="center", va="center", fontsize=8, linespacing=1.1)
        axis.text(x * 2, y - 0.29, " x ".join(map(str, seen[name])), ha="center", va="center", fontsize=7, color="#444444")
    for (x, y, *_), (to_x, to_y, *_) in zip(stops, stops[1:]):
        _arrow(axis, (x * 2 + WIDTH / 2, y), (to_x * 2 - WIDTH / 2, to_y), "black")
    for i in range(levels):
        _arrow(axis, ((i + 1) * 2 + WIDTH / 2, -i * 1.2 + 0.25), ((last - i) * 2 - WIDTH / 2, -i * 1.2 + 0.25), plotting.NOISE)
    axis.set(xlim=(-1.1, 2 * last + 3.1), ylim=(lowest - 0.5, 0.5), xticks=[], yticks=[])
    axis.axis("off")


def _named(level: nn.Module) -> str:
    return "block" if isinstance(level.attention, nn.Identity) else "block\nattention"


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color=color, linewidth=1.2, shrinkA=1, shrinkB=1))
