"""Checks of the labs, by the samples that they have saved (the bars are in ``acceptance``)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ddpmlib.samples import LABS

from ..catalogue import exercises
from ..judging import Case, Check, Draw
from . import acceptance

# A part is passed when all its bars are. Images that are copies or repeats earn nothing, and nothing else counts of images that do
# not look like digits of their class: it is easy to be different from the training digits, and from each other, with noise.
ACCURACY, DISTANCE, DIVERSITY, COVERAGE, ORIGINAL = (
    "show the digits that they should", "close to real digits", "different from each other", "cover the ways to write a digit", "not copied")
FIRST = ("copies", "too close", "repeats")
BARS = {
    ACCURACY: ("network accuracy", "vector machine accuracy"),
    DISTANCE: ("feature distance", "pixel distance", "off the digits"),
    DIVERSITY: ("within a class",),
    COVERAGE: ("coverage",),
    ORIGINAL: (),
}


class DigitsLab(Check):
    """A lab whose samples are digits of all ten classes."""

    parts = {ACCURACY: 2, DISTANCE: 2, DIVERSITY: 1, COVERAGE: 1, ORIGINAL: 1}

    def __init__(self, number: str, lab: str):
        self.number, self.lab = number, lab
        self._measured: tuple[Tensor, Tensor, dict[str, str]] | None = None  # the same samples come once for every part

    def cases(self, draw: Draw):
        for part in self.parts:
            yield Case(part, "saved", {"lab": self.lab})

    def judge(self, case: Case, result: object) -> str | None:
        problem = self.misshapen(result)
        if problem:
            return problem
        missed = self._missed(result["images"], result["labels"])
        relevant = (*FIRST, *BARS[case.part])
        if case.part not in (ACCURACY, DISTANCE):
            relevant += BARS[DISTANCE]
        return next((missed[name] for name in relevant if name in missed), None)

    def _missed(self, images: Tensor, labels: Tensor) -> dict[str, str]:
        """The bars that the samples miss, and what is said of each."""
        known = self._measured
        if known is None or not (torch.equal(known[0], images) and torch.equal(known[1], labels)):
            self._measured = (images, labels, acceptance.problems(acceptance.measure(images, labels)))
        return self._measured[2]

    def misshapen(self, result: object) -> str | None:
        """What is wrong with the shape of the samples, before anything is measured; the file may come from anybody."""
        lab, file = LABS[self.lab], f"samples/{self.lab}.safetensors"
        images, labels = (result.get("images"), result.get("labels")) if isinstance(result, dict) else (None, None)
        if not isinstance(images, Tensor) or not isinstance(labels, Tensor):
            return f'{file} should hold the tensors "images" and "labels"'
        if images.shape != (lab.count, *lab.shape) or not images.is_floating_point():
            return f"images should be floating-point of shape {(lab.count, *lab.shape)}, got {tuple(images.shape)} ({images.dtype})"
        if labels.shape != (lab.count,) or labels.is_floating_point() or labels.dtype == torch.bool:
            return f"labels should be integers of shape {(lab.count,)}, got {tuple(labels.shape)} ({labels.dtype})"
        if not images.isfinite().all() or images.abs().max() > 10:
            return "images should be finite, with values around [-1, 1]"
        if not ((labels >= 0) & (labels < lab.classes)).all():
            return f"labels should be between 0 and {lab.classes - 1}"
        counts = torch.bincount(labels.long(), minlength=lab.classes).tolist()
        if counts != [lab.per_class] * lab.classes:
            return f"there should be {lab.per_class} images of each class 0 to {lab.classes - 1}, got {counts}"
        return None


CHECKS = [DigitsLab(number, Path(entry.file).stem) for number, entry in exercises().items() if entry.kind == "lab"]
