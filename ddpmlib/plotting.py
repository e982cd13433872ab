"""One style for all figures of the course, and the few pictures that several chapters draw."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

# the palette of Okabe and Ito, readable with colour-blind eyes: one colour for each role, in every figure
DATA = "#0072B2"
NOISE = "#D55E00"
MODEL = "#009E73"
ACCENT = "#CC79A7"
MUTED = "#767676"


def use_course_style() -> None:
    """Set the style of all figures that follow; in a notebook, draw them at twice the resolution."""
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.2),
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "axes.prop_cycle": plt.cycler(color=[DATA, NOISE, MODEL, ACCENT, "#E69F00", "#56B4E9", MUTED]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 11,
            "axes.labelsize": 10,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "legend.frameon": False,
            "legend.fontsize": 9,
            "lines.linewidth": 1.8,
            "image.cmap": "gray",
            "image.interpolation": "nearest",
        }
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    set_matplotlib_formats("retina")


def show_images(
    images: Float[Tensor, "n ..."],
    *,
    titles: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    columns: int = 10,
    axes: Sequence[Axes] | None = None,
    fontsize: float = 9,
) -> Figure:
    """Draw square images with values in [-1, 1] in rows of ``columns``, or into the given axes.

    ``images`` has shape (n, side, side), (n, 1, side, side) or (n, side * side), or (n, 3, side, side) in colour. The first images get the ``titles``,
    and the first image of each row has its label to the left.
    """
    count = len(images)
    if count == 0:
        raise ValueError("images must hold at least one image, got none")
    coloured = images[0].ndim == 3 and images[0].shape[0] == 3
    side = round((images[0].numel() / (3 if coloured else 1)) ** 0.5)
    if side * side * (3 if coloured else 1) != images[0].numel():
        raise ValueError(f"images must be square, and grey or of three colours, got shape {tuple(images.shape)}")
    if axes is None:
        rows, columns = -(-count // columns), min(columns, count)
        lines = max((title.count("\n") + 1 for title in titles), default=0)
        size = (0.72 * columns + 0.8 * bool(row_labels), 0.72 * rows + 0.2 * -(-len(titles) // columns) * lines)
        axes = plt.subplots(rows, columns, figsize=size, squeeze=False)[1].ravel()
    for axis in axes:
        axis.axis("off")
    for axis, image in zip(axes, images):
        image = image.detach()
        picture = ((image + 1) / 2).clamp(0, 1).permute(1, 2, 0) if coloured else image.reshape(side, side)
        axis.imshow(picture, vmin=-1, vmax=1)
    for axis, title in zip(axes, titles):
        axis.set_title(title, fontsize=fontsize)
    for axis, label in zip(axes[::columns], row_labels):
        axis.text(-0.15, 0.5, label, transform=axis.transAxes, ha="right", va="center", fontsize=fontsize)
    return axes[0].figure
