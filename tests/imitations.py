"""Samples that are not what a lab asks for: each imitation makes 50 images a class out of the training digits, or spoils real samples.

Each names the bars of ``acceptance`` that it must miss. ``honest`` samples are the shipped network's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from ddpmlib import pretrained
from ddpmlib.images import load_digits
from ddpmlib.samples import LABS
from ddpmlib.schedules import Schedule

EACH = LABS["digits"].per_class
LABELS = torch.arange(10).repeat_interleave(EACH)
SCHEDULE = Schedule.linear(1000)


@dataclass(frozen=True)
class Imitation:
    """What it is, how it is made with a generator, and the bars that it misses."""

    title: str
    make: Callable[[torch.Generator], Tensor]
    misses: tuple[str, ...]


IMITATIONS: list[Imitation] = []


def imitation(title: str, *misses: str, **options: object):
    """Note a function of a generator as an imitation; ``options`` are its other arguments."""

    def note(function):
        IMITATIONS.append(Imitation(title, lambda generator: function(generator, **options), misses))
        return function

    return note


@cache
def digits(label: int) -> Tensor:
    data = load_digits("train")
    return data.images[data.labels == label]


def by_class(make: Callable[[Tensor], Tensor]) -> Tensor:
    """What ``make`` makes of the training digits of each class, one class after the other."""
    return torch.cat([make(digits(label)) for label in range(10)])


def some(x: Tensor, generator: torch.Generator, count: int = EACH) -> Tensor:
    return x[torch.randperm(len(x), generator=generator)[:count]]


def noise(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, dtype=x.dtype)


def principal(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, standard deviations and directions of a class, in float64."""
    rows = x.flatten(start_dim=1).double()
    variances, directions = torch.linalg.eigh(torch.cov(rows.T))
    return rows.mean(dim=0), variances.clamp(min=0).sqrt(), directions


def pictures(rows: Tensor) -> Tensor:
    return rows.reshape(-1, 1, 8, 8).float()


@cache
def honest() -> Tensor:
    return pretrained.drawn(pretrained.load("digits")[0], seed=1)[0]


# ------------------------------------------------------------------------------------- laws that are too simple


@imitation("a Gaussian for each class", "pixel distance", "off the digits", "repeats")
@imitation("a Gaussian for each class, cut to the range", "pixel distance", cut=True)
@imitation("a Gaussian for each class, in ten directions", "pixel distance", rank=10, cut=True)
@imitation("a Gaussian for each class, in twenty directions", "pixel distance", rank=20, cut=True)
def gaussians(generator, rank: int = 64, cut: bool = False):
    def make(x):
        mean, deviations, directions = principal(x)
        z = torch.randn(EACH, 64, generator=generator, dtype=torch.float64)
        z[:, : 64 - rank] = 0
        made = pictures(mean + (z * deviations) @ directions.T)
        return made.clamp(-1, 1) if cut else made

    return by_class(make)


@imitation("the mean of each class", "pixel distance", "too close", "within a class", "repeats", "coverage")
@imitation("the mean of each class and noise", "pixel distance", "off the digits", "coverage", sigma=0.3)
def means(generator, sigma: float = 0.0):
    made = by_class(lambda x: x.mean(dim=0, keepdim=True).repeat(EACH, 1, 1, 1))
    return made + sigma * noise(made, generator)


@imitation("each pixel from another digit", "network accuracy", "feature distance", "off the digits", "repeats")
def shuffled_pixels(generator):
    return by_class(lambda x: pictures(x.flatten(start_dim=1).gather(0, torch.randint(len(x), (EACH, 64), generator=generator))))


# -------------------------------------------------------------------------------- the training digits, disguised


@imitation("training digits", "too close", "copies")
@imitation("training digits and noise 0.02", "too close", "copies", sigma=0.02)
@imitation("training digits and noise 0.05", "too close", "copies", sigma=0.05)
@imitation("training digits and noise 0.1", "pixel distance", "too close", sigma=0.1)
@imitation("training digits and noise 0.15", "pixel distance", "repeats", sigma=0.15)
@imitation("training digits and noise 0.2", "pixel distance", "within a class", "repeats", sigma=0.2)
@imitation("training digits and noise 0.3", "pixel distance", "off the digits", "within a class", "repeats", sigma=0.3)
@imitation("training digits and noise 0.5", "pixel distance", "off the digits", "within a class", "repeats", "coverage", sigma=0.5)
@imitation("training digits and noise 0.25, cut and rounded", "pixel distance", "repeats", sigma=0.25, cut=True)
def training(generator, sigma: float = 0.0, cut: bool = False):
    made = by_class(lambda x: some(x, generator))
    made = made + sigma * noise(made, generator)
    return (made.clamp(-1, 1) * 8).round() / 8 if cut else made


@imitation("a kernel density with the shape of each class", "too close", h=0.5)
@imitation("a wide kernel density with the shape of each class", "pixel distance", h=0.7)
def kernels(generator, h: float):
    def make(x):
        mean, deviations, directions = principal(x)
        z = torch.randn(EACH, 64, generator=generator, dtype=torch.float64)
        kept = some(x, generator).flatten(start_dim=1).double() - mean
        return pictures(mean + math.sqrt(1 - h**2) * kept + h * (z * deviations) @ directions.T).clamp(-1, 1)

    return by_class(make)


@imitation("halfway between two training digits", "pixel distance", "too close")
@imitation("somewhere between two training digits", "too close", "copies", low=0.0, high=1.0)
@imitation("between a training digit and the one most like it", "too close", near=True)
def blends(generator, low: float = 0.5, high: float = 0.5, near: bool = False):
    def make(x):
        a, b = some(x, generator), some(x, generator)
        if near:
            b = x[torch.cdist(a.flatten(start_dim=1), x.flatten(start_dim=1)).topk(2, largest=False).indices[:, 1]]
        share = low + (high - low) * torch.rand(EACH, 1, 1, 1, generator=generator)
        return share * a + (1 - share) * b

    return by_class(make)


@imitation("the mean of three training digits", "pixel distance", "too close", "within a class")
def averages(generator):
    return by_class(lambda x: sum(some(x, generator) for _ in range(3)) / 3)


@imitation("the top of one training digit, the bottom of another", "off the digits")
def halves(generator):
    return by_class(lambda x: torch.cat([some(x, generator)[:, :, :4], some(x, generator)[:, :, 4:]], dim=2))


@imitation("training digits, one pixel to the right", "vector machine accuracy", "off the digits", right=1)
@imitation("training digits, one pixel down", "vector machine accuracy", "pixel distance", "off the digits", down=1)
def moved(generator, right: int = 0, down: int = 0):
    framed = functional.pad(by_class(lambda x: some(x, generator)), (1, 1, 1, 1), value=-1.0)
    return framed[:, :, 1 - down : 9 - down, 1 - right : 9 - right]


@imitation("training digits, turned by up to 5 degrees", "too close", "copies", degrees=5)
@imitation("training digits, turned by up to 15 degrees", "pixel distance", degrees=15)
@imitation("training digits, turned, scaled and moved", "pixel distance", degrees=8, scale=0.06, shift=0.06)
def turned(generator, degrees: float, scale: float = 0.0, shift: float = 0.0):
    def within(bound: float) -> Tensor:
        return bound * (2 * torch.rand(len(LABELS), generator=generator) - 1)

    angle, size = within(degrees) * math.pi / 180, 1 + within(scale)
    rows = [torch.stack(row, dim=1) for row in ((size * angle.cos(), -size * angle.sin(), within(shift)),
                                                (size * angle.sin(), size * angle.cos(), within(shift)))]
    grid = functional.affine_grid(torch.stack(rows, dim=1), (len(LABELS), 1, 8, 8), align_corners=False)
    return functional.grid_sample(by_class(lambda x: some(x, generator)) + 1, grid, align_corners=False) - 1


@imitation("training digits, blurred", "feature distance", "pixel distance", "too close")
def blurred(generator):
    kernel = torch.tensor([[0.05, 0.1, 0.05], [0.1, 1.0, 0.1], [0.05, 0.1, 0.05]])
    return functional.conv2d(by_class(lambda x: some(x, generator)) + 1, (kernel / kernel.sum())[None, None], padding=1) - 1


@imitation("the memoriser", "too close", "copies")
@imitation("the memoriser in five steps", "too close", "copies", steps=5)
def memoriser(generator, steps: int = 20):
    """DDIM with the best possible denoiser of the training set: it knows nothing but the training digits."""
    times = torch.linspace(SCHEDULE.T, 0, steps + 1).round().long()

    def make(x):
        data = x.flatten(start_dim=1).double()
        z = torch.randn(EACH, 64, generator=generator, dtype=torch.float64)
        for a, b in SCHEDULE.alpha_bars[torch.stack([times[:-1], times[1:]], dim=1)]:
            weights = (-torch.cdist(z, a.sqrt() * data).square() / (2 * (1 - a))).softmax(dim=1)
            x0 = weights @ data
            z = b.sqrt() * x0 + ((1 - b) / (1 - a)).sqrt() * (z - a.sqrt() * x0)
        return pictures(z)

    return by_class(make)


@imitation("held-out digits", "copies", "repeats")
def held_out(generator):
    data = load_digits("test")
    return torch.cat([(own := data.images[data.labels == label])[torch.arange(EACH) % len(own)] for label in range(10)])


# ------------------------------------------------------------------------------------------ real samples, spoilt


@imitation("one training digit of each class, repeated", "too close", "copies", "repeats", "within a class", "coverage")
@imitation("one training digit of each class, repeated with noise", "too close", "repeats", "within a class", "coverage", sigma=0.1)
@imitation("five training digits of each class, repeated", "copies", "repeats", "coverage", count=5)
def repeated(generator, count: int = 1, sigma: float = 0.0):
    made = by_class(lambda x: some(x, generator, count)[torch.arange(EACH) % count])
    return made + sigma * noise(made, generator)


@imitation("one sample of each class, repeated", "feature distance", "repeats", "within a class", "coverage")
@imitation("ten samples of each class, repeated", "repeats", "coverage", count=10)
@imitation("half of the samples, each twice", "repeats", count=EACH // 2)
def repeated_samples(generator, count: int = 1):
    return honest().reshape(10, EACH, 1, 8, 8)[:, torch.arange(EACH) % count].reshape(-1, 1, 8, 8)


@imitation("samples of any class with labels attached", "network accuracy", "vector machine accuracy", "off the digits", "within a class")
def unconditional(generator):
    return honest()[torch.randperm(len(LABELS), generator=generator)]


@imitation("half of the samples replaced by training digits", "copies", share=0.5)
@imitation("a twentieth of the samples replaced by training digits", "copies", share=0.05)
def mixed(generator, share: float):
    taken = torch.rand(len(LABELS), generator=generator) < share
    return torch.where(taken[:, None, None, None], by_class(lambda x: some(x, generator)), honest())


@imitation("samples and noise", "pixel distance", "off the digits", sigma=0.2)
def noisy_samples(generator, sigma: float):
    return honest() + sigma * noise(honest(), generator)
