"""Judges of generated digits: two classifiers that have nothing in common but the training data.

``digits_judge()`` is a small convolutional network; its weights are shipped (``pretrained/digits-classifier.safetensors``,
made by ``python -m ddpmlib.pretrained train digits-classifier``). ``svm_judge()`` is a support vector machine, fitted in
a moment when it is first asked for. A picture that only one of them accepts is a trick on that one.

A judge takes images of shape (batch, 1, 8, 8) with values around [-1, 1], as in ``images.load_digits``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import torch
from jaxtyping import Float, Int
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.nn import functional

from ddpmlib.images import ImageSet, load_digits
from ddpmlib.training import TrainingState
from ddpmlib.validation import require_integer, require_tensor

SHAPE = (1, 8, 8)
FEATURES = 32


class DigitsClassifier(nn.Module):
    """Logits of the ten digits: two convolutions at each of two resolutions, then 32 features, then the logits."""

    def __init__(self, *, channels: int = 32, dropout: float = 0.3, seed: int = 0):
        super().__init__()
        self.settings = {"channels": channels, "dropout": dropout, "seed": seed}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            self.body = nn.Sequential(
                nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(),
                nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(channels, 2 * channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                nn.Dropout(dropout), nn.Linear(8 * channels, FEATURES),
            )
            self.head = nn.Linear(FEATURES, 10)

    def features(self, images: Float[Tensor, "batch 1 8 8"]) -> Float[Tensor, "batch 32"]:
        """The 32 numbers that the decision is made of."""
        return self.body(images)

    def forward(self, images: Float[Tensor, "batch 1 8 8"]) -> Float[Tensor, "batch 10"]:
        return self.head(functional.relu(self.features(images)))


class NetworkJudge:
    """A classifier network as a judge: it takes images of any floating dtype and needs no gradient."""

    def __init__(self, net: DigitsClassifier):
        self.net = net.eval().requires_grad_(False)

    def probabilities(self, images: Float[Tensor, "batch 1 8 8"]) -> Float[Tensor, "batch 10"]:
        """The probability of each digit."""
        return self.net(_images(images)).softmax(dim=1)

    def predict(self, images: Float[Tensor, "batch 1 8 8"]) -> Int[Tensor, "batch"]:
        """The digit that each image shows most probably."""
        return self.net(_images(images)).argmax(dim=1)

    def features(self, images: Float[Tensor, "batch 1 8 8"]) -> Float[Tensor, "batch 32"]:
        """The last layer before the logits (float32): where the Fréchet distance is measured."""
        return self.net.features(_images(images))


class VectorMachineJudge:
    """A support vector machine on the 64 pixels as a judge."""

    def __init__(self, data: ImageSet):
        self.machine = SVC(C=10.0, gamma="scale").fit(data.images.flatten(start_dim=1).numpy(), data.labels.numpy())

    def predict(self, images: Float[Tensor, "batch 1 8 8"]) -> Int[Tensor, "batch"]:
        """The digit that each image shows."""
        return torch.from_numpy(self.machine.predict(_images(images).flatten(start_dim=1).numpy()))


@cache
def digits_judge() -> NetworkJudge:
    """The shipped network that recognises digits."""
    from ddpmlib import pretrained

    return NetworkJudge(pretrained.load("digits-classifier"))


@cache
def svm_judge() -> VectorMachineJudge:
    """A support vector machine, fitted to the training digits."""
    return VectorMachineJudge(load_digits("train"))


def accuracy(judge: NetworkJudge | VectorMachineJudge, images: Float[Tensor, "batch 1 8 8"], labels: Int[Tensor, "batch"]) -> float:
    """The share of images that the judge takes for what their labels say."""
    return (judge.predict(images) == labels.cpu()).double().mean().item()


def training_steps(
    net: nn.Module, data: ImageSet, *, steps: int, generator: torch.Generator, batch_size: int = 64, learning_rate: float = 2e-3
) -> Iterator[TrainingState]:
    """Train a classifier on ``data``, and yield the state after every step.

    Every image of a batch is moved by up to one pixel each way, and gets a little noise, so that the network learns shapes.
    """
    optimizer = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=1e-2)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1.0 / steps, total_iters=max(steps - 1, 1))
    net.train()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))  # for the dropout
            for step in range(1, steps + 1):
                rows = torch.randint(len(data), (batch_size,), generator=generator)
                loss = functional.cross_entropy(net(_varied(data.images[rows], generator)), data.labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                decay.step()
                yield TrainingState(step, loss.item())
    finally:
        net.eval()


def _varied(images: Tensor, generator: torch.Generator) -> Tensor:
    """The images, each moved by -1, 0 or 1 pixel along both axes (background comes in), with noise of deviation 0.1."""
    framed = functional.pad(images, (1, 1, 1, 1), value=-1.0).unfold(2, 8, 1).unfold(3, 8, 1)  # (batch, 1, 3, 3, 8, 8)
    down, right = torch.randint(3, (2, len(images)), generator=generator)
    moved = framed[torch.arange(len(images)), :, down, right]
    return moved + 0.1 * torch.randn(images.shape, generator=generator)


def _images(images: object) -> Tensor:
    """The images as float32 on the CPU; raise unless they have the shape of digits."""
    require_tensor("images", images, ndim=4)
    if tuple(images.shape[1:]) != SHAPE:
        raise ValueError(f"images must have shape (batch, 1, 8, 8), got {tuple(images.shape)}")
    return images.detach().float().cpu()
