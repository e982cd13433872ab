"""What the checks of chapter 11 compare with: a small classifier differentiated by hand, and mixtures whose classes are Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..judging import Draw
from .ddpm_oracles import F64, Setting, row_values


@dataclass(frozen=True, eq=False)
class ClassifierTables:
    """The classifier with the logits tanh(x A + shift[t]) B."""

    inner: Tensor
    shift: Tensor
    outer: Tensor

    def tables(self) -> dict[str, Tensor]:
        return {"inner": self.inner, "shift": self.shift, "outer": self.outer}

    def hidden(self, x: Tensor, t: int | Tensor) -> Tensor:
        times = torch.as_tensor(t).expand(len(x))
        return torch.tanh(x.double().reshape(len(x), -1) @ self.inner + torch.stack([self.shift[time] for time in times.tolist()]))

    def logits(self, x: Tensor, t: int | Tensor) -> Tensor:
        return self.hidden(x, t) @ self.outer

    def log_probs(self, x: Tensor, t: int | Tensor) -> Tensor:
        """The logarithm of each class's share of the sum of exponentials."""
        powers = self.logits(x, t).exp()
        return (powers / powers.sum(dim=1, keepdim=True)).log()

    def pull(self, x: Tensor, t: int | Tensor, weights: Tensor) -> Tensor:
        """The gradient with respect to x of the logits weighted by ``weights``, row by row: the chain rule by hand."""
        slopes = 1 - self.hidden(x, t) ** 2
        return ((weights @ self.outer.T * slopes) @ self.inner.T).reshape(x.shape)

    def gradient(self, x: Tensor, t: int | Tensor, y: Tensor) -> Tensor:
        """The gradient of log p(y | x): a unit for the class less the probabilities, pulled back."""
        return self.pull(x, t, one_hot(y, self.outer.shape[1]) - self.log_probs(x, t).exp())


def one_hot(y: Tensor, classes: int) -> Tensor:
    return torch.eye(classes, dtype=F64)[y]


def random_classifier(draw: Draw, size: int, entries: int, classes: int = 4, hidden: int = 5) -> ClassifierTables:
    """A random classifier of rows of ``size`` numbers, with an entry for each of the times 0, ..., entries - 1."""
    return ClassifierTables(0.7 * draw.normal(size, hidden), draw.uniform(-1.0, 1.0, entries, hidden), 1.5 * draw.normal(hidden, classes))


def sure_classifier(draw: Draw, x: Tensor, entries: int, t: int, classes: int) -> tuple[ClassifierTables, Tensor]:
    """A random classifier that is sure of one class for the row ``x``, and the class that is furthest off: 300 lower in the logit.

    In float32 the probability of that class is rounded to 0, in float64 it is not.
    """
    tables = random_classifier(draw, x.shape[1], entries, classes)
    logits = tables.logits(x, t)
    factor = 300 / (logits.max() - logits.min())
    return ClassifierTables(tables.inner, tables.shift, factor * tables.outer), logits.argmin(dim=1)


def distinct_labels(draw: Draw, count: int, classes: int) -> Tensor:
    """A class for each row; the first rows have different ones. The first class of all and the last one are not among them."""
    return (torch.randperm(classes - 2, generator=draw.generator) + 1).repeat(-(-count // (classes - 2)))[:count]


def tables_of(setting: Setting) -> dict[str, Tensor]:
    """The schedule's tables alone."""
    return {name: setting.tables()[name] for name in ("betas", "alpha_bars")}


def model_of(setting: Setting) -> dict[str, Tensor]:
    """The affine model's tables alone."""
    return {"slope": setting.slope, "shift": setting.shift}


def spreads(setting: Setting) -> list[float]:
    """The standard deviation of x_t given x_0, for each t, followed step by step."""
    return [spread for _, spread in setting.moments]


def random_mixture(draw: Draw, dim: int, components: int = 3) -> dict[str, Tensor]:
    """A mixture with unequal weights and variances."""
    weights = draw.uniform(0.5, 1.5, components)
    return {"weights": weights / weights.sum(), "means": 1.5 * draw.normal(components, dim), "variances": draw.uniform(0.1, 0.6, components)}


def component_noise(setting: Setting, mixture: dict[str, Tensor], x: Tensor, t: Tensor, k: int) -> Tensor:
    """E[eps | x_t, the component is k]: the covariance of eps and x_t over the variance of x_t."""
    signals, deviations = zip(*setting.moments)
    signal, spread = row_values(signals, t, x), row_values(deviations, t, x)
    return spread / (signal**2 * mixture["variances"][k] + spread**2) * (x - signal * mixture["means"][k])


def mixture_noise(setting: Setting, mixture: dict[str, Tensor], x: Tensor, t: Tensor) -> Tensor:
    """E[eps | x_t]: the components' noises, each weighted with how probable the component is at x_t."""
    parts = [component_noise(setting, mixture, x, t, k) for k in range(len(mixture["weights"]))]
    shares = mixture_shares(setting, mixture, x, t)
    return sum(shares[:, k : k + 1] * part for k, part in enumerate(parts))


def mixture_shares(setting: Setting, mixture: dict[str, Tensor], x: Tensor, t: Tensor) -> Tensor:
    """How probable each component is at x_t, by Bayes' rule from the densities of independent normal coordinates."""
    signals, deviations = zip(*setting.moments)
    signal, spread = row_values(signals, t, x), row_values(deviations, t, x)
    densities = []
    for weight, mean, variance in zip(mixture["weights"], mixture["means"], mixture["variances"]):
        law = torch.distributions.Normal(signal * mean, (signal**2 * variance + spread**2).sqrt())
        densities.append(weight * law.log_prob(x).sum(dim=1).exp())
    joint = torch.stack(densities, dim=1)
    return joint / joint.sum(dim=1, keepdim=True)
