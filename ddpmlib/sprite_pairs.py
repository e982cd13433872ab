"""The larger setting: 64 x 64 pictures of two objects, "a red circle left of a blue square".

Six colours and four shapes make 24 objects; two of different colours stand beside or above each other. Of the 1,920 captions every tenth is
held out. The functions are those of ``sprites``, so whatever trains on the one trains on the other (``train_pairs``).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from ddpmlib.sprite_shapes import COLOURS, SHAPES, coverage, find_object, nearest, plain_ground, require_pictures
from ddpmlib.sprites import Sprites
from ddpmlib.validation import require_instance, require_integer

SIDE = 64
RELATIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}  # where the first object lies
APART = 16.0  # pixels from the middle to each object
RADIUS, JITTER, GROUND = 8.0, 3.0, -0.6
HELD_OUT_EVERY = 10
WORDS = 8  # in the longest captions; the others end in an empty word


@dataclass(frozen=True)
class PairCaption:
    """What a picture shows: two objects, and where the first lies."""

    colour: str
    shape: str
    relation: str
    other_colour: str
    other_shape: str

    def __str__(self) -> str:
        return f"a {self.colour} {self.shape} {self.relation} a {self.other_colour} {self.other_shape}"

    def turned(self) -> PairCaption:
        """The same picture, told from the other object."""
        x, y = RELATIONS[self.relation]
        relation = next(name for name, way in RELATIONS.items() if way == (-x, -y))
        return PairCaption(self.other_colour, self.other_shape, relation, self.colour, self.shape)


@cache
def all_captions() -> tuple[PairCaption, ...]:
    """All 1,920 captions, in a fixed order."""
    every = itertools.product(COLOURS, SHAPES, RELATIONS, COLOURS, SHAPES)
    return tuple(PairCaption(*words) for words in every if words[0] != words[3])


@cache
def held_out() -> tuple[int, ...]:
    """The indices of the captions of which no training picture exists, neither as they are nor told from the other object."""
    index = {caption: i for i, caption in enumerate(all_captions())}
    pairs = sorted({tuple(sorted((i, index[caption.turned()]))) for caption, i in index.items()})
    shuffled = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(2022))[: len(pairs) // HELD_OUT_EVERY]
    return tuple(sorted(i for k in shuffled.tolist() for i in pairs[k]))


@cache
def vocabulary() -> tuple[str, ...]:
    """The words of all captions, in alphabetical order, after the empty word."""
    return ("", *sorted({word for caption in all_captions() for word in str(caption).split()}))


def parse(text: str) -> PairCaption:
    """The caption that a text says; raise ValueError, naming what can be said, for any other text."""
    for caption in all_captions():
        if str(caption) == " ".join(text.lower().split()):
            return caption
    thing = f"a [{'|'.join(COLOURS)}] [{'|'.join(SHAPES)}]"
    raise ValueError(f"cannot read the caption {text!r}; say '{thing} [{'|'.join(RELATIONS)}] {thing}', of two colours")


def tokens(captions: Int[Tensor, "n"]) -> Int[Tensor, "n 8"]:
    """The words of each caption as indices into ``vocabulary()``; -1 in the place of a caption gives empty words."""
    rows = [str(all_captions()[i]).split() if i >= 0 else [] for i in captions.tolist()]
    return torch.tensor([[vocabulary().index(word) for word in [*row, *[""] * (WORDS - len(row))]] for row in rows])


def draw(n: int, generator: torch.Generator, *, captions: Int[Tensor, "n"] | None = None, seen: bool = True) -> Sprites:
    """``n`` fresh pictures; their captions are drawn evenly from those that are not held out (``seen=False``: that are), or given."""
    require_integer("n", n, low=1)
    require_instance("generator", generator, torch.Generator)
    if captions is None:
        hidden = set(held_out())
        pool = torch.tensor([i for i in range(len(all_captions())) if (i not in hidden) == seen])
        captions = pool[torch.randint(len(pool), (n,), generator=generator)]
    if len(captions) != n:
        raise ValueError(f"captions must name {n} pictures, got {len(captions)}")
    return Sprites(torch.stack([_drawn(all_captions()[i], generator) for i in captions.tolist()]), captions)


def _drawn(caption: PairCaption, generator: torch.Generator) -> Float[Tensor, "3 64 64"]:
    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(shape, generator=generator) - 1

    picture = (GROUND + 0.15 * uniform(1)).expand(3, SIDE, SIDE)
    way = torch.tensor(RELATIONS[caption.relation], dtype=torch.float32)
    for side, colour, shape in ((1, caption.colour, caption.shape), (-1, caption.other_colour, caption.other_shape)):
        cover = coverage(shape, APART * side * way + JITTER * uniform(2), RADIUS * (1 + 0.15 * uniform(1)), SIDE)
        ink = (torch.tensor(COLOURS[colour]) + 0.05 * uniform(3)).clamp(-1, 1)[:, None, None]
        picture = cover * ink + (1 - cover) * picture
    return picture


def detect(images: Float[Tensor, "n 3 64 64"]) -> list[PairCaption | None]:
    """What each picture shows: of the two captions that are true the one in which the first object lies left or above; None if none is."""
    require_pictures("images", images, SIDE)
    return [_detect(image.detach().cpu().float()) for image in images]


def satisfied(images: Float[Tensor, "n 3 64 64"], captions: Int[Tensor, "n"]) -> Bool[Tensor, "n"]:
    """For each picture whether it shows what its caption says: both objects, and how they lie."""
    seen = detect(images)
    wanted = [all_captions()[i] for i in captions.tolist()]
    return torch.tensor([found is not None and caption in (found, found.turned()) for found, caption in zip(seen, wanted, strict=True)])


def _detect(image: Tensor) -> PairCaption | None:
    ground = plain_ground(image)
    far = (image - ground).square().sum(dim=0).sqrt()
    labels = _islands(far > 0.25)
    large = [k for k in labels.unique().tolist() if k and (labels == k).sum() >= 25]
    if len(large) != 2:
        return None
    found = [find_object(torch.where(labels == k, image, ground), ground) for k in large]
    if any(thing.shape is None for thing in found):
        return None
    colours = [nearest(COLOURS, thing.colour) for thing in found]
    x, y = (a - b for a, b in zip(found[0].centre, found[1].centre))
    if colours[0] == colours[1] or max(abs(x), abs(y)) < APART:
        return None
    relation = nearest(RELATIONS, (x / abs(x or 1), 0) if abs(x) > abs(y) else (0, y / abs(y or 1)))
    caption = PairCaption(colours[0], found[0].shape, relation, colours[1], found[1].shape)
    return caption if relation in ("left of", "above") else caption.turned()


def _islands(mask: Bool[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """A number for each connected part of the mask, and 0 outside: numbers spread to their neighbours until nothing changes."""
    labels, before = (torch.arange(mask.numel()) + 1.0).reshape(mask.shape) * mask, None
    while before is None or not torch.equal(labels, before):
        before, labels = labels, functional.max_pool2d(labels[None, None], 3, stride=1, padding=1)[0, 0] * mask
    return labels
