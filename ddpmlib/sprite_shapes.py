"""Shapes of one colour: how they are drawn, and how a program finds the one that a picture shows.

The detector measures an object's colour, area and centre of mass, draws each shape with this area at this place, and takes the one that
overlaps best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ddpmlib.validation import require_tensor

COLOURS = {"red": (0.9, -0.7, -0.7), "green": (-0.6, 0.6, -0.6), "blue": (-0.6, -0.4, 0.95), "yellow": (0.9, 0.8, -0.7),
           "purple": (0.4, -0.6, 0.6), "white": (0.95, 0.95, 0.95)}
SHAPES = ("circle", "square", "triangle", "cross")
LEAST_FIT = 0.7  # an object that overlaps with no shape as much as this is none
_FINE = 4  # sub-pixels a pixel, each way
_AREAS = {"circle": 3.1416, "square": 3.24, "triangle": 1.725, "cross": 2.1504}  # of a shape of radius 1, see _inside


def coverage(shape: str, centre: Float[Tensor, "2"], radius: Float[Tensor, ""] | float, side: int) -> Float[Tensor, "side side"]:
    """How much of each pixel a shape covers: 0 to 1. ``centre`` is (x, y) from the middle of the picture, y down."""
    fine = side * _FINE
    ticks = (torch.arange(fine) + 0.5) / _FINE - side / 2
    x, y = (ticks[None, :] - centre[0]) / radius, (ticks[:, None] - centre[1]) / radius
    return _inside(shape, x, y).float().reshape(side, _FINE, side, _FINE).mean(dim=(1, 3))


def _inside(shape: str, x: Tensor, y: Tensor) -> Tensor:
    """Whether a point lies in the shape of radius 1 about the origin (its centre of mass)."""
    if shape == "circle":
        return x**2 + y**2 <= 1
    if shape == "square":
        return torch.maximum(x.abs(), y.abs()) <= 0.9
    if shape == "triangle":  # tip up, base 2, height 1.725; the centre of mass lies two thirds of it below the tip
        return (y <= 0.575) & (x.abs() <= (y + 1.15) / 1.725)
    if shape == "cross":
        return ((x.abs() <= 1) & (y.abs() <= 0.32)) | ((y.abs() <= 1) & (x.abs() <= 0.32))
    raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {shape!r}")


@dataclass(frozen=True)
class Found:
    """An object: its shape (None: there is none), how well that fits (1: exactly), colour, centre (x, y) and radius in pixels."""

    shape: str | None
    fit: float
    colour: tuple[float, ...] = ()
    centre: tuple[float, ...] = ()
    radius: float = 0.0


def plain_ground(image: Float[Tensor, "3 side side"]) -> Float[Tensor, "3 1 1"]:
    """The colour of the background: the median along the picture's edge."""
    edge = torch.cat([image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], dim=1)
    return edge.median(dim=1).values[:, None, None]


def find_object(image: Float[Tensor, "3 side side"], ground: Float[Tensor, "3 1 1"]) -> Found:
    """The one object of a picture."""
    far = (image - ground).square().sum(dim=0).sqrt()
    strong = far > 0.5 * far.flatten().topk(12).values.mean()
    if not far.max() >= 0.3 or strong.sum() < 12:
        return Found(None, 0.0)
    colour = image[:, strong].median(dim=1).values[:, None, None]
    cover = (((image - ground) * (colour - ground)).sum(dim=0) / (colour - ground).square().sum()).clamp(0, 1)
    cover = torch.where(cover > 0.25, cover, 0.0)
    area = cover.sum()
    ticks = torch.arange(len(cover)) + 0.5 - len(cover) / 2
    centre = torch.stack([(cover.sum(dim=0) * ticks).sum(), (cover.sum(dim=1) * ticks).sum()]) / area
    fits = {shape: _fit(cover, coverage(shape, centre, (area / _AREAS[shape]).sqrt(), len(cover))) for shape in SHAPES}
    shape = max(fits, key=fits.get)
    if not fits[shape] >= LEAST_FIT:
        return Found(None, fits[shape])
    return Found(shape, fits[shape], tuple(colour.flatten().tolist()), tuple(centre.tolist()), (area / _AREAS[shape]).sqrt().item())


def nearest(table: Mapping[str, Sequence[float]], point: Sequence[float]) -> str:
    """The name of the entry that is nearest to a point."""
    return min(table, key=lambda name: sum((a - b) ** 2 for a, b in zip(table[name], point)))


def require_pictures(name: str, images: object, side: int) -> None:
    """Raise unless ``images`` has shape (n, 3, side, side)."""
    require_tensor(name, images, ndim=4)
    if images.shape[1:] != (3, side, side):
        raise ValueError(f"{name} must have shape (n, 3, {side}, {side}), got {tuple(images.shape)}")


def _fit(cover: Tensor, sharp: Tensor) -> float:
    """How well a drawn shape overlaps with a soft mask, as it is or a little blurred: their intersection over their union."""
    blurred = functional.avg_pool2d(sharp[None, None], 3, stride=1, padding=1)[0, 0]
    return max((torch.minimum(cover, drawn).sum() / torch.maximum(cover, drawn).sum()).item() for drawn in (sharp, blurred))
