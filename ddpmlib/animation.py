"""Moving pictures for notebooks and for the book, which need no internet: an animated GIF is an ordinary image.

A cell that shows one is tagged ``nbval-ignore-output``: nbval, which compares a notebook's outputs, knows no GIF.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from ddpmlib import plotting


class Gif:
    """An animated GIF as a notebook shows it."""

    def __init__(self, data: bytes, frames: int):
        self.data, self.frames = data, frames

    def __repr__(self) -> str:
        return f"<animation of {self.frames} frames>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/gif": b64encode(self.data).decode(), "text/plain": repr(self)}


def animate(figures: Sequence[Figure], *, seconds: float = 0.12, last: float = 3.0, plays: int = 3) -> Gif:
    """Put figures of one size in a row: each is shown for ``seconds``, the last one for ``last``.

    The animation plays ``plays`` times and then stands still at its last frame.
    """
    if not figures:
        raise ValueError("figures must hold at least one figure, got none")
    frames = [_pixels(figure) for figure in figures]
    palette = frames[-1].quantize(32)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    times = [round(1000 * seconds)] * (len(frames) - 1) + [round(1000 * last)]
    stream = io.BytesIO()
    repeats = {"loop": plays - 1} if plays > 1 else {}
    frames[0].save(stream, format="GIF", save_all=True, append_images=frames[1:], duration=times, optimize=True, **repeats)
    return Gif(stream.getvalue(), len(frames))


def cloud_frames(
    clouds: Sequence[Float[Tensor, "n 2"]], titles: Sequence[str], *, reach: float = 3.0, color: str = plotting.MODEL
) -> list[Figure]:
    """A figure for each cloud of points in the plane."""
    figures = []
    for cloud, title in zip(clouds, titles, strict=True):
        figure, axis = plt.subplots(figsize=(4.2, 4.2), dpi=90)
        plt.close(figure)
        axis.scatter(*cloud.detach().cpu().T, s=3, color=color, linewidths=0)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal", title=title)
        figures.append(figure)
    return figures


def _pixels(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
