"""Markov chains of linear-Gaussian transitions: hierarchical models in which everything can be computed exactly.

The data x is level 0 and is written z_0; the latents are z_1, ..., z_T, and z_t has ``dims[t]`` components. An encoder
climbs: its transition t draws z_t given z_{t-1}. A decoder descends: it draws z_T from N(0, I), and its
transition t draws z_{t-1} given z_t. A path is a list with ``path[t]`` = z_t, so ``path[0]`` is x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.validation import require_integer, require_number, require_tensor

PARAMETERS = frozenset({"weight", "bias", "std"})


@dataclass(frozen=True)
class Transition:
    """The conditional distribution N(weight @ u + bias, diag(std^2)) of an output, given an input u.

    ``weight`` has shape (out, in), ``bias`` and ``std`` have shape (out,). ``learnable`` names the parameters
    that training may change, out of "weight", "bias" and "std"; it is empty for a fixed transition.

    Raises
    ------
    TypeError, ValueError
        if a shape, a dtype or a name does not fit, a value is not finite, or a standard deviation is not positive.
    """

    weight: Float[Tensor, "out in"]
    bias: Float[Tensor, "out"]
    std: Float[Tensor, "out"]
    learnable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        outputs = len(require_tensor("weight", self.weight, ndim=2))
        for name in ("bias", "std"):
            value = require_tensor(name, getattr(self, name), ndim=1)
            if len(value) != outputs or value.dtype != self.weight.dtype:
                raise ValueError(f"{name} must have shape ({outputs},) and dtype {self.weight.dtype}, as weight has "
                                 f"{outputs} rows; got shape {tuple(value.shape)} and dtype {value.dtype}")
        for name in sorted(PARAMETERS):
            if not torch.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")
        if (self.std <= 0).any():
            raise ValueError(f"std must be positive, got {self.std}")
        unknown = set(self.learnable) - PARAMETERS
        if isinstance(self.learnable, str) or unknown:
            raise ValueError(f"learnable must name parameters out of {sorted(PARAMETERS)}, got {self.learnable!r}")
        object.__setattr__(self, "learnable", frozenset(self.learnable))

    def mean(self, value: Float[Tensor, "*batch in"]) -> Float[Tensor, "*batch out"]:
        """The mean of the output, weight @ u + bias, for each input u (a row of ``value``)."""
        require_tensor("value", value)
        if value.ndim == 0 or value.shape[-1] != self.weight.shape[1]:
            raise ValueError(f"value must have shape (..., {self.weight.shape[1]}), got {tuple(value.shape)}")
        return value @ self.weight.T + self.bias


@dataclass(frozen=True)
class Chain:
    """Transitions 1, ..., T between levels 0, ..., T. Use ``Encoder`` or ``Decoder``."""

    transitions: tuple[Transition, ...]
    climbs: ClassVar[bool]

    def __post_init__(self) -> None:
        object.__setattr__(self, "transitions", tuple(self.transitions))
        if not self.transitions or not all(isinstance(step, Transition) for step in self.transitions):
            raise ValueError("transitions must be a list of at least one Transition")
        ends = [step.weight.shape[::-1] if self.climbs else step.weight.shape for step in self.transitions]
        for t, (lower, upper) in enumerate(zip(ends, ends[1:]), start=1):
            if lower[1] != upper[0]:
                raise ValueError(f"transitions {t} and {t + 1} must agree on the dimension of z_{t}, "
                                 f"got {lower[1]} and {upper[0]}")

    @property
    def levels(self) -> int:
        """T, the number of latents."""
        return len(self.transitions)

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions of x, z_1, ..., z_T: ``dims[t]`` is that of z_t."""
        ends = [step.weight.shape[::-1] if self.climbs else step.weight.shape for step in self.transitions]
        return (ends[0][0], *(upper for _, upper in ends))

    def transition(self, t: int) -> Transition:
        """Transition t, for t = 1, ..., T: between z_{t-1} and z_t."""
        return self.transitions[require_integer("t", t, low=1, high=self.levels) - 1]

    def require_levels(self, name: str, values: Sequence[Tensor], *, first: int = 0) -> None:
        """Raise unless ``values`` are tensors for the levels ``first``, ..., T whose leading axes broadcast."""
        if not isinstance(values, (list, tuple)):
            raise TypeError(f"{name} must be a list of tensors, got {type(values).__name__}")
        wanted = self.dims[first:]
        if len(values) != len(wanted):
            raise ValueError(f"{name} must hold {len(wanted)} tensors, for the levels {first} to {self.levels}, "
                             f"got {len(values)}")
        for level, (value, dim) in enumerate(zip(values, wanted), start=first):
            require_tensor(f"{name}[{level - first}]", value)
            if value.ndim == 0 or value.shape[-1] != dim:
                raise ValueError(f"{name}[{level - first}] must have shape (..., {dim}), as z_{level} has {dim} "
                                 f"components; got {tuple(value.shape)}")
        try:
            torch.broadcast_shapes(*(value.shape[:-1] for value in values))
        except RuntimeError:
            raise ValueError(f"the batch shapes in {name} must broadcast, got "
                             f"{[tuple(value.shape[:-1]) for value in values]}") from None


class Encoder(Chain):
    """q(z_{1:T} | x): transition t draws z_t given z_{t-1}, where z_0 = x."""

    climbs: ClassVar[bool] = True


class Decoder(Chain):
    """p(x, z_{1:T}): z_T is drawn from N(0, I), and transition t draws z_{t-1} given z_t, where z_0 = x."""

    climbs: ClassVar[bool] = False

    def marginals(self) -> list[tuple[Float[Tensor, "dim"], Float[Tensor, "dim dim"]]]:
        """The mean and the covariance of each level under the decoder: entry t is those of z_t, entry 0 of x."""
        top = self.transitions[-1].weight
        mean, covariance = top.new_zeros(top.shape[1]), torch.eye(top.shape[1], dtype=top.dtype)
        found = [(mean, covariance)]
        for step in reversed(self.transitions):
            mean = step.mean(mean)
            covariance = step.weight @ covariance @ step.weight.T + torch.diag(step.std**2)
            found.append((mean, covariance))
        return found[::-1]

    def log_marginal(self, x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        """The exact log p(x): x is Gaussian, as a linear map of Gaussian noise."""
        mean, covariance = self.marginals()[0]
        return torch.distributions.MultivariateNormal(mean, covariance).log_prob(x)

    def exact_encoder(self) -> Encoder:
        """The exact posterior p(z_{1:T} | x) as an encoder, for a chain whose levels are numbers (all dims 1).

        Read upwards, the decoder's chain is Markov too: p(z_t | z_{t-1}, x) = p(z_t | z_{t-1}), a Gaussian that
        Bayes' rule gives from p(z_t) and p(z_{t-1} | z_t).

        Raises
        ------
        ValueError
            if a level has more than one component: its posterior's covariance need not be diagonal then.
        """
        if set(self.dims) != {1}:
            raise ValueError(f"exact_encoder needs levels of dimension 1, got dims {self.dims}")
        marginals = self.marginals()
        steps = []
        for t, down in enumerate(self.transitions, start=1):
            (low_mean, low_variance), (mean, variance) = marginals[t - 1], marginals[t]
            weight = variance * down.weight / low_variance
            left = variance - weight * down.weight * variance
            steps.append(Transition(weight, mean - weight[0] * low_mean, left.diagonal().sqrt()))
        return Encoder(tuple(steps))


def scalar_transition(weight: float, std: float, bias: float = 0.0) -> Transition:
    """The transition N(weight * u + bias, std^2) between numbers (dimension 1, float64)."""
    values = [require_number("weight", weight), require_number("bias", bias), require_number("std", std, above=0.0)]
    weight, bias, std = (torch.tensor([value], dtype=torch.float64) for value in values)
    return Transition(weight[None], bias, std)


def fixed_transition(dim: int, weight: float, std: float) -> Transition:
    """The fixed transition N(weight * u, std^2 I) between levels of the same dimension (float64)."""
    dim = require_integer("dim", dim, low=1)
    eye = torch.eye(dim, dtype=torch.float64)
    std = require_number("std", std, above=0.0)
    return Transition(require_number("weight", weight) * eye, eye.new_zeros(dim), eye.new_full((dim,), std))
