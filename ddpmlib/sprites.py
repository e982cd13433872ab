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
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ddpmlib.sprite_shapes import COLOURS, SHAPES, coverage, find_object, nearest, plain_ground, require_pictures
from ddpmlib.validation import require_instance, require_integer

SIDE = 32  # pixels
SIZES = {"small": 3.6, "large": 6.2}  # the radius in pixels
PLACES = {"on the left": (-7.2, 0.0), "on the right": (7.2, 0.0), "at the top": (0.0, -7.2), "at the bottom": (0.0, 7.2),
          "in the middle": (0.0, 0.0)}
JITTER = 1.2  # pixels that an object may lie off its place, each way
GROUND = -0.6  # mean grey of the background
HELD_OUT_EVERY = 10
WORDS = 7  # in every caption


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
    require_instance("generator", generator, torch.Generator)
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
    cover = torch.stack([coverage(c.shape, centre, radius, SIDE) for c, centre, radius in zip(chosen, centres, radii)])[:, None]
    return Sprites(cover * colours[:, :, None, None] + (1 - cover) * ground, captions)


@dataclass(frozen=True)
class Seen:
    """What the detector sees: a caption, and how well the best shape fits (1: exactly); no caption if there is no one object."""

    caption: Caption | None
    fit: float


def detect(images: Float[Tensor, "n 3 32 32"]) -> list[Seen]:
    """What each picture shows."""
    require_pictures("images", images, SIDE)
    return [_detect(image.detach().cpu().float()) for image in images]


def satisfied(images: Float[Tensor, "n 3 32 32"], captions: Int[Tensor, "n"]) -> Bool[Tensor, "n"]:
    """For each picture whether it shows what its caption says, in all four respects."""
    return torch.tensor([seen.caption == all_captions()[i] for seen, i in zip(detect(images), captions.tolist(), strict=True)])


def _detect(image: Tensor) -> Seen:
    found = find_object(image, plain_ground(image))
    if found.shape is None:
        return Seen(None, found.fit)
    size = min(SIZES, key=lambda name: abs(SIZES[name] - found.radius))
    return Seen(Caption(size, nearest(COLOURS, found.colour), found.shape, nearest(PLACES, found.centre)), found.fit)
