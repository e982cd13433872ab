"""Captioned pictures drawn by a program, and a program that decides whether a picture satisfies a caption.

A caption names a size, a colour, a shape and a place: "a small red circle on the left". Two sizes, six colours, four shapes and
five places make 240 captions; every tenth is held out, so that a model can be asked for combinations that it never saw. The
exact place, the size, the colour and the background vary from picture to picture. Since the picture has one object on a
plain ground, what it shows can be measured, and "satisfies its caption" is no matter of taste.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from ddpmlib.validation import require_integer, require_tensor

SIDE = 32  # pixels
SIZES = {"small": 3.6, "large": 6.2}  # the radius in pixels
COLOURS = {"red": (0.9, -0.7, -0.7), "green": (-0.6, 0.6, -0.6), "blue": (-0.6, -0.4, 0.95), "yellow": (0.9, 0.8, -0.7),
           "purple": (0.4, -0.6, 0.6), "white": (0.95, 0.95, 0.95)}
SHAPES = ("circle", "square", "triangle", "cross")
PLACES = {"on the left": (-7.2, 0.0), "on the right": (7.2, 0.0), "at the top": (0.0, -7.2), "at the bottom": (0.0, 7.2),
          "in the middle": (0.0, 0.0)}
JITTER = 1.2  # pixels that an object may lie off its place, each way
GROUND = -0.6  # mean grey of the background
HELD_OUT_EVERY = 10
WORDS = 7  # in every caption
_FINE = 4  # sub-pixels a pixel, each way
_AREAS = {"circle": 3.1416, "square": 3.24, "triangle": 1.725, "cross": 2.1504}  # of a shape of radius 1, see _inside


@dataclass(frozen=True)
class Caption:
    """What a picture shows."""

    size: str
    colour: str
    shape: str
    place: str

    def __str__(self) -> str:
        return f"a {self.size} {self.colour} {self.shape} {self.place}"


@dataclass(frozen=True, eq=False)
class Sprites:
    """Pictures in [-1, 1], of shape (n, 3, 32, 32), and the caption of each as an index into ``all_captions()``."""

    images: Float[Tensor, "n 3 32 32"]
    captions: Int[Tensor, "n"]

    def __len__(self) -> int:
        return len(self.images)


@cache
def all_captions() -> tuple[Caption, ...]:
    """All 240 captions, in a fixed order."""
    return tuple(Caption(*words) for words in itertools.product(SIZES, COLOURS, SHAPES, PLACES))


@cache
def held_out() -> tuple[int, ...]:
    """The indices of the 24 captions of which no training picture exists. Each size, colour, shape and place occurs among the others."""
    shuffled = torch.randperm(len(all_captions()), generator=torch.Generator().manual_seed(2022))
    return tuple(sorted(shuffled[: len(all_captions()) // HELD_OUT_EVERY].tolist()))


def parse(text: str) -> Caption:
    """The caption that a text says; raise ValueError, naming what can be said, for any other text."""
    for caption in all_captions():
        if str(caption) == " ".join(text.lower().split()):
            return caption
    raise ValueError(f"cannot read the caption {text!r}; say 'a [{'|'.join(SIZES)}] [{'|'.join(COLOURS)}] [{'|'.join(SHAPES)}] "
                     f"[{'|'.join(PLACES)}]'")


@cache
def vocabulary() -> tuple[str, ...]:
    """The words of all captions, in alphabetical order; the first entry, the empty word, stands for what is not told."""
    return ("", *sorted({word for caption in all_captions() for word in str(caption).split()}))


def tokens(captions: Int[Tensor, "n"]) -> Int[Tensor, "n 7"]:
    """The words of each caption as indices into ``vocabulary()``; -1 in the place of a caption gives seven empty words."""
    rows = [str(all_captions()[i]).split() if i >= 0 else [""] * WORDS for i in captions.tolist()]
    return torch.tensor([[vocabulary().index(word) for word in row] for row in rows])


def draw(n: int, generator: torch.Generator, *, captions: Int[Tensor, "n"] | None = None, seen: bool = True) -> Sprites:
    """``n`` fresh pictures; their captions are drawn evenly from those that are not held out (``seen=False``: that are), or given."""
    require_integer("n", n, low=1)
    if captions is None:
        hidden = set(held_out())
        pool = torch.tensor([i for i in range(len(all_captions())) if (i not in hidden) == seen])
        captions = pool[torch.randint(len(pool), (n,), generator=generator)]
    chosen = [all_captions()[i] for i in captions.tolist()]
    if len(chosen) != n:
        raise ValueError(f"captions must name {n} pictures, got {len(chosen)}")

    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(shape, generator=generator) - 1

    centres = torch.tensor([PLACES[c.place] for c in chosen]) + JITTER * uniform(n, 2)
    radii = torch.tensor([SIZES[c.size] for c in chosen]) * (1 + 0.08 * uniform(n))
    colours = (torch.tensor([COLOURS[c.colour] for c in chosen]) + 0.05 * uniform(n, 3)).clamp(-1, 1)
    ground = GROUND + 0.15 * uniform(n, 1, 1, 1)
    cover = torch.stack([coverage(c.shape, centre, radius) for c, centre, radius in zip(chosen, centres, radii)])[:, None]
    return Sprites(cover * colours[:, :, None, None] + (1 - cover) * ground, captions)


def coverage(shape: str, centre: Float[Tensor, "2"], radius: Float[Tensor, ""] | float) -> Float[Tensor, "32 32"]:
    """How much of each pixel a shape covers: 0 to 1. ``centre`` is (x, y) from the middle of the picture, y down."""
    fine = SIDE * _FINE
    ticks = (torch.arange(fine) + 0.5) / _FINE - SIDE / 2
    x, y = (ticks[None, :] - centre[0]) / radius, (ticks[:, None] - centre[1]) / radius
    return _inside(shape, x, y).float().reshape(SIDE, _FINE, SIDE, _FINE).mean(dim=(1, 3))


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
class Seen:
    """What the detector sees: a caption, and how well the best shape fits (1: exactly); None if there is no one object."""

    caption: Caption | None
    fit: float


def detect(images: Float[Tensor, "n 3 32 32"], *, least_fit: float = 0.7) -> list[Seen]:
    """What each picture shows. An object that fits none of the shapes to ``least_fit`` is none."""
    require_tensor("images", images, ndim=4)
    if images.shape[1:] != (3, SIDE, SIDE):
        raise ValueError(f"images must have shape (n, 3, {SIDE}, {SIDE}), got {tuple(images.shape)}")
    return [_detect(image.detach().cpu().float(), least_fit) for image in images]


def satisfied(images: Float[Tensor, "n 3 32 32"], captions: Int[Tensor, "n"]) -> Tensor:
    """For each picture whether it shows what its caption says, in all four respects."""
    return torch.tensor([seen.caption == all_captions()[i] for seen, i in zip(detect(images), captions.tolist(), strict=True)])


def _detect(image: Tensor, least_fit: float) -> Seen:
    edge = torch.cat([image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], dim=1)
    ground = edge.median(dim=1).values[:, None, None]
    far = (image - ground).square().sum(dim=0).sqrt()
    strong = far > 0.5 * far.flatten().topk(12).values.mean()
    if far.max() < 0.3 or strong.sum() < 12:
        return Seen(None, 0.0)
    colour = image[:, strong].median(dim=1).values[:, None, None]
    cover = (((image - ground) * (colour - ground)).sum(dim=0) / (colour - ground).square().sum()).clamp(0, 1)
    cover = torch.where(cover > 0.25, cover, 0.0)
    area = cover.sum()
    ticks = torch.arange(SIDE) + 0.5 - SIDE / 2
    centre = torch.stack([(cover.sum(dim=0) * ticks).sum(), (cover.sum(dim=1) * ticks).sum()]) / area
    fits = {}
    for shape in SHAPES:
        sharp = coverage(shape, centre, (area / _AREAS[shape]).sqrt())
        blurred = functional.avg_pool2d(sharp[None, None], 3, stride=1, padding=1)[0, 0]
        fits[shape] = max(_overlap(cover, sharp), _overlap(cover, blurred))
    shape = max(fits, key=fits.get)
    if fits[shape] < least_fit:
        return Seen(None, fits[shape])
    radius = (area / _AREAS[shape]).sqrt().item()
    size = min(SIZES, key=lambda name: abs(SIZES[name] - radius))
    near = min(COLOURS, key=lambda name: (torch.tensor(COLOURS[name]) - colour.flatten()).square().sum().item())
    place = min(PLACES, key=lambda name: (torch.tensor(PLACES[name]) - centre).square().sum().item())
    return Seen(Caption(size, near, shape, place), fits[shape])


def _overlap(first: Tensor, second: Tensor) -> float:
    """The intersection of two soft masks over their union."""
    return (torch.minimum(first, second).sum() / torch.maximum(first, second).sum()).item()


