"""The check of chapter 12's exercise on images and captions that find each other."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64
from .precision import wrong_dtype
from .unet_oracles import compare_closely, compare_gradients, gradients, twice


def cosines(images: Tensor, texts: Tensor) -> Tensor:
    """The cosine of the angle between every image and every text."""
    return torch.stack([torch.stack([(a @ b) / (a @ a).sqrt() / (b @ b).sqrt() for b in texts]) for a in images])


def surprise(scores: Tensor) -> Tensor:
    """The mean over rows of log sum_j exp(score_j), counted from the largest, less the score of the right one."""
    rows = [row.max() + torch.exp(row - row.max()).sum().log() - row[i] for i, row in enumerate(scores)]
    return torch.stack(rows).sum() / len(scores)


def loss_of(images: Tensor, texts: Tensor, temperature: Tensor | float) -> Tensor:
    scores = cosines(images, texts) / temperature
    return (surprise(scores) + surprise(scores.T)) / 2


class ClipLoss(Check):
    """Exercise 12.8. Oracle: cosines pair by pair, and the log of sums of exponentials of differences."""

    number = "12.8"
    parts = {"the loss": 3, "large scores": 1, "gradient": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, batch: int, d: int, temperature: float | Tensor, call: str = "clip_loss", kind: torch.dtype = F64) -> Case:
            images = draw.normal(batch, d)
            near = images.roll(1, dims=0) + 0.1 * draw.normal(batch, d)  # each text is near the image of another one
            texts = near if part == "large scores" else images + 1.5 * draw.normal(batch, d)
            arguments = {"images": (2 * images).to(kind), "texts": texts.to(kind), "temperature": temperature}
            return Case(part, call, arguments, f"{batch} pairs of {d} features, temperature = {float(temperature):.3g}")

        yield case("the loss", 4, 5, draw.number(0.2, 0.5))
        yield case("the loss", 5, 5, torch.tensor(draw.number(0.6, 0.9), dtype=F64))
        yield case("the loss", 3, 2, 1.0)
        yield case("large scores", 3, 4, 0.001)
        yield case("gradient", 3, 4, torch.tensor(draw.number(0.3, 0.8), dtype=F64), "gradients_of_clip_loss")
        yield case("dtype", 4, 3, 0.5, kind=torch.float32)

    def judge(self, case: Case, result: object) -> str | None:
        given = case.arguments
        if case.part == "gradient":
            return compare_gradients(result, gradients(lambda leaves: loss_of(**leaves), given, torch.ones((), dtype=F64)))
        first, differs = twice(result)
        if differs:
            return differs
        images, texts, temperature = given["images"].double(), given["texts"].double(), float(given["temperature"])
        expected = loss_of(images, texts, temperature)
        if case.part == "dtype":
            problem = compare(first, expected, what="the loss", rtol=1e-4, atol=1e-5)
            return problem or wrong_dtype(first, torch.float32, "images", "the loss")
        if case.part == "large scores" and isinstance(first, Tensor) and not first.isfinite().all():
            return "the loss is not finite. The exponential of a large score overflows; log_softmax or cross_entropy avoid it"

        def known() -> dict[str, Tensor]:
            all_cosines = cosines(images, texts)
            scores, plain = all_cosines / temperature, images @ texts.T / temperature
            one, other = surprise(scores), surprise(scores.T)
            whole = torch.log_softmax(scores.flatten(), 0).reshape(scores.shape)
            return {
                "Only the texts are sought for each image; the loss is the mean of both directions.": one,
                "Only the images are sought for each text; the loss is the mean of both directions.": other,
                "The two directions are summed; the loss is their mean.": one + other,
                "The losses of the rows are summed; they should be averaged.": (one + other) / 2 * len(scores),
                "The features are not brought to length 1.": (surprise(plain) + surprise(plain.T)) / 2,
                "The cosines are multiplied with the temperature; they should be divided by it.":
                    (surprise(all_cosines * temperature) + surprise(all_cosines.T * temperature)) / 2,
                "The temperature is ignored.": (surprise(all_cosines) + surprise(all_cosines.T)) / 2,
                "The softmax is over all pairs at once; each image and each text has its own.": -whole.diagonal().mean(),
                "The sign is wrong: this is the mean logarithm of the probability of the right one.": -(one + other) / 2,
                "This is the mean score of the right pairs, without the others.": -scores.diagonal().mean(),
            }

        return compare_closely(first, expected, "the loss", known)
