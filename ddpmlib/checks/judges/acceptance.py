"""What is measured of generated digits, and the bars that honest samples clear and imitations do not.

No number alone tells a sampler from a trick: a Gaussian for each class has the right label nearly always, the training images
themselves have the best distance of all. Each number below refuses some tricks, and together they refuse all that were
tried; ``benchmarks/lab_acceptance.py`` prints the table. The bars stand at least three standard deviations away from what
short honest runs of ten seeds reach (2,000 steps of 64, four samplers), so a run that does what the lab asks does not fail by bad luck.

Distances to real images are given in units of what real images have among themselves: 1 means "as held-out digits".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ddpmlib import classifiers
from ddpmlib.images import ImageSet, load_digits

CLASSES = 10
NEIGHBOURS = 5
TOO_NEAR = 0.3  # of the usual distance between a held-out digit and the training digit nearest to it


@dataclass(frozen=True)
class Bar:
    """The range in which a number must lie, and what is said of one that does not (``{value}`` and ``{bar}`` are filled in)."""

    low: float | None
    high: float | None
    below: str = ""
    above: str = ""

    def problem(self, value: float) -> str | None:
        """What is wrong with a value; None if it lies in the range."""
        if self.low is not None and not value >= self.low:
            return self.below.format(value=_shown(value), bar=f"{self.low:g}")
        if self.high is not None and not value <= self.high:
            return self.above.format(value=_shown(value), bar=f"{self.high:g}")
        return None


def _shown(value: float) -> str:
    return f"{value:.3g}"


BARS = {
    "network accuracy": Bar(0.88, None, "the network judge takes a share of {value} of the images for what their labels say; at least {bar} is asked"),
    "vector machine accuracy": Bar(0.88, None, "the support vector machine takes a share of {value} of the images for what their labels say; at least {bar} is asked"),
    "feature distance": Bar(None, 90.0, above="the Fréchet distance to the training digits, in the network judge's features, is {value}; at most {bar} is allowed"),
    "pixel distance": Bar(
        None, 0.24, above="the values of the pixels are not distributed as in digits: the Fréchet distance of the images' sorted pixels is {value}, "
        "at most {bar} is allowed. Blurred and noisy images fail here, and images that are averages"),
    "off the digits": Bar(
        None, 1.15, above="the images lie {value} times as far from the training digits of their class as held-out digits do (at most {bar} "
        "is allowed): they are noisy, or not what their labels say"),
    "too close": Bar(
        0.78, None, "the images lie {value} times as far from the training digits of their class, and from blends of two of these, as held-out "
        "digits do; at least {bar} is asked. They are training digits, or made of training digits"),
    "copies": Bar(
        None, 0.02, above="a share of {value} of the images are copies of real digits, or nearly (at most {bar} is allowed)"),
    "within a class": Bar(
        0.55, 1.1, "within a class the mean squared distance of two images is {value} times that of real digits; at least {bar} is asked: too "
        "few different images", "within a class the mean squared distance of two images is {value} times that of real digits, at most {bar} is "
        "allowed: classes are mixed, or the images are noisy"),
    "repeats": Bar(
        0.6, 1.08, "the image most like an image of the same class is only {value} times as far away as among real digits; at least {bar} is "
        "asked: images are repeated", "the image most like an image of the same class is {value} times as far away as among real digits, at most "
        "{bar} is allowed: the images differ as real ones do not, by noise or distortions"),
    "coverage": Bar(
        0.8, None, "only a share of {value} of the held-out digits have a generated one in their neighbourhood, in the network judge's features; at "
        "least {bar} is asked: some ways of writing a digit never come up"),
}


@dataclass(frozen=True)
class _Real:
    """What is needed of the real digits."""

    train: ImageSet
    test: ImageSet
    train_features: Tensor
    test_features: Tensor
    radii: Tensor
    nearest: float
    residual: float
    spread: float
    repeats: float


@cache
def _real() -> _Real:
    train, test, judge = load_digits("train"), load_digits("test"), classifiers.digits_judge()
    features = judge.features(test.images).double()
    among = torch.cdist(features, features).fill_diagonal_(torch.inf)
    radii = among.kthvalue(NEIGHBOURS, dim=1).values
    generator = torch.Generator().manual_seed(0)
    rows = [(train.labels == k).nonzero().flatten() for k in range(CLASSES)]
    rows = torch.cat([own[torch.randperm(len(own), generator=generator)[:50]] for own in rows])
    some, labels = train.images[rows], train.labels[rows]  # as many of each class as the lab asks for
    return _Real(
        train, test, judge.features(train.images).double(), features, radii,
        nearest=_nearest(test.images, train.images).median().item(),
        residual=_residuals(test.images, test.labels, train).median().item(),
        spread=_spread(some, labels), repeats=_repeats(some, labels),
    )


def measure(images: Tensor, labels: Tensor) -> dict[str, float]:
    """All numbers of generated digits, by the names of their bars."""
    real, judge = _real(), classifiers.digits_judge()
    images = images.float()
    features = judge.features(images).double()
    every = torch.cat([real.train.images, real.test.images])
    residual = _residuals(images, labels, real.train).median().item() / real.residual
    return {
        "network accuracy": classifiers.accuracy(judge, images, labels),
        "vector machine accuracy": classifiers.accuracy(classifiers.svm_judge(), images, labels),
        "feature distance": _frechet(features, real.train_features),
        "pixel distance": _frechet(_sorted(images), _sorted(every)),
        "off the digits": residual,
        "too close": residual,
        "copies": (_nearest(images, every) < TOO_NEAR * real.nearest).double().mean().item(),
        "within a class": _spread(images, labels) / real.spread,
        "repeats": _repeats(images, labels) / real.repeats,
        "coverage": (torch.cdist(real.test_features, features).amin(dim=1) <= real.radii).double().mean().item(),
    }


def problems(numbers: dict[str, float]) -> dict[str, str]:
    """What is wrong with the numbers: a sentence for each bar that is missed."""
    found = {name: bar.problem(numbers[name]) for name, bar in BARS.items()}
    return {name: problem for name, problem in found.items() if problem}


def _rows(images: Tensor) -> Tensor:
    return images.flatten(start_dim=1).double()


def _sorted(images: Tensor) -> Tensor:
    """The pixels of each image in rising order: how dark, how bright and how sharp it is, wherever that may be."""
    return _rows(images).sort(dim=1).values


def _frechet(a: Tensor, b: Tensor) -> float:
    """The squared Fréchet distance of the Gaussians with the moments of two sets of rows, by the eigenvalues of the product AB."""
    A, B = torch.cov(a.T), torch.cov(b.T)
    overlap = torch.linalg.eigvals(A @ B).real.clamp(min=0).sqrt().sum()
    return ((a.mean(dim=0) - b.mean(dim=0)).square().sum() + A.trace() + B.trace() - 2 * overlap).item()


def _nearest(images: Tensor, reference: Tensor) -> Tensor:
    """The distance of each image to the nearest one of a reference set."""
    return torch.cdist(_rows(images), _rows(reference)).amin(dim=1)


def _residuals(images: Tensor, labels: Tensor, data: ImageSet) -> Tensor:
    """The distance of each image to the nearest blend of two data of its class.

    A blend is a point of the segment between the two, its ends included: a copy has distance 0, and so has any average of two.
    """
    found = torch.empty(len(images), dtype=torch.float64)
    for k in range(CLASSES):
        ends, x = _rows(data.images[data.labels == k]), _rows(images[labels == k])
        i, j = torch.triu_indices(len(ends), len(ends), offset=1)
        inner, ahead = ends @ ends.T, x @ ends.T
        square = inner.diagonal()
        length = (square[i] + square[j] - 2 * inner[i, j]).clamp(min=1e-12)
        start = x.square().sum(dim=1, keepdim=True) - 2 * ahead[:, i] + square[i]
        along = ahead[:, j] - ahead[:, i] - inner[i, j] + square[i]
        share = (along / length).clamp(0, 1)
        found[labels == k] = (start - 2 * share * along + share.square() * length).clamp(min=0).amin(dim=1).sqrt()
    return found


def _spread(images: Tensor, labels: Tensor) -> float:
    """The mean squared distance of two different images of a class, averaged over the classes."""
    return torch.stack([2 * torch.cov(_rows(images[labels == k]).T).trace() for k in range(CLASSES)]).mean().item()


def _repeats(images: Tensor, labels: Tensor) -> float:
    """The distance of an image to the one of its class most like it: the median of each class, averaged over the classes."""
    medians = []
    for k in range(CLASSES):
        own = _rows(images[labels == k])
        apart = torch.cdist(own, own, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
        medians.append(apart.amin(dim=1).median())
    return torch.stack(medians).mean().item()
