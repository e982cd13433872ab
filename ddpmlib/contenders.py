"""Four small generative models of one size: a VAE, a flow, a GAN and a diffusion model, made of fully connected networks (chapter 14).

All are told the class of a row as ``y``, of shape (batch,); with ``classes=0`` there are none, and ``y`` is ignored. Each has

    latent                       the number of coordinates of its code z
    generate(z, y)               the row that belongs to a code
    encode(x, y)                 the code of a row (the GAN has none)

Their losses are made of the functions that you write in chapters 1, 7 and 14; training is in ``contest.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from ddpmlib import ddim, flow
from ddpmlib.models import conditioned
from ddpmlib.schedules import Schedule
from ddpmlib.validation import require_integer

TIME_WAVES = 16
LARGEST_LOG_SCALE = 2.0  # of one coupling


def fully_connected(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers of these sizes, with SiLU between them."""
    layers = [layer for size in zip(sizes, sizes[1:]) for layer in (nn.Linear(*size), nn.SiLU())]
    return nn.Sequential(*layers[:-1])


class Contender(nn.Module):
    """What the four have in common: the sizes, and how a network is told the class."""

    def __init__(self, dim: int, classes: int, seed: int, make: Callable[[], None]):
        super().__init__()
        self.dim, self.classes = require_integer("dim", dim, low=1), require_integer("classes", classes, low=0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            make()

    def told(self, x: Float[Tensor, "batch n"], y: Int[Tensor, "batch"]) -> Float[Tensor, "batch m"]:
        """The rows, and beside each its class as zeros and a one."""
        if not self.classes:
            return x
        return torch.cat([x, functional.one_hot(y, self.classes).to(x.dtype)], dim=1)

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())


class ToldVAE(Contender):
    """Encoder q(z | x, y), a diagonal Gaussian; decoder p(x | z, y) = N(mean, sigma^2 I), whose sigma is learned."""

    def __init__(self, dim: int = 64, classes: int = 10, *, latent: int = 16, hidden: int = 128, seed: int = 0):
        def make() -> None:
            self.encoder = fully_connected([dim + classes, hidden, hidden, 2 * latent])
            self.decoder = fully_connected([latent + classes, hidden, hidden, dim])
            self.log_sigma = nn.Parameter(torch.tensor(-1.0))

        super().__init__(dim, classes, seed, make)
        self.latent = latent

    def posterior(self, x: Tensor, y: Tensor) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """The mean and the log-variance of q(z | x, y)."""
        mu, log_var = self.encoder(self.told(x, y)).chunk(2, dim=-1)
        return mu, log_var

    def encode(self, x: Tensor, y: Tensor) -> Float[Tensor, "batch latent"]:
        return self.posterior(x, y)[0]

    def generate(self, z: Tensor, y: Tensor) -> Float[Tensor, "batch dim"]:
        """The mean of p(x | z, y): the picture without the decoder's noise."""
        return self.decoder(self.told(z, y))

    def bound(self, y: Tensor) -> _Likelihood:
        """The model as ``elbo_terms`` of chapter 1 wants it, for rows of these classes."""
        return _Likelihood(self, y)


class _Likelihood:
    """log p(x | z, y) for fixed classes."""

    def __init__(self, vae: ToldVAE, y: Tensor):
        self.vae, self.y = vae, y

    def log_likelihood(self, x: Tensor, z: Float[Tensor, "samples batch latent"]) -> Float[Tensor, "samples batch"]:
        flat, y = z.flatten(0, -2), self.y.repeat(z.shape[:-1].numel() // len(self.y))
        mean = self.vae.generate(flat, y).unflatten(0, z.shape[:-1])
        log_sigma, dim = self.vae.log_sigma, x.shape[-1]
        squares = (x - mean).square().sum(-1)
        return -0.5 * squares * torch.exp(-2 * log_sigma) - dim * (log_sigma + 0.5 * math.log(2 * math.pi))


class Coupling(nn.Module):
    """An affine coupling with a small network as its conditioner; it begins as the identity."""

    def __init__(self, owner: CouplingFlow, mask: Tensor, hidden: int):
        super().__init__()
        self.register_buffer("mask", mask)
        self.net = fully_connected([owner.dim + owner.classes, hidden, hidden, 2 * owner.dim])
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def conditioner(self, told: Callable[[Tensor], Tensor]) -> flow.Conditioner:
        """The network as a conditioner; no logarithm of a scale is larger than ``LARGEST_LOG_SCALE``."""

        def scales_and_shifts(x: Tensor) -> tuple[Tensor, Tensor]:
            log_scale, shift = self.net(told(x)).chunk(2, dim=1)
            return LARGEST_LOG_SCALE * torch.tanh(log_scale / LARGEST_LOG_SCALE), shift

        return scales_and_shifts


class CouplingFlow(Contender):
    """Affine couplings (your functions of chapter 14); the halves are drawn at random, and two layers after one another swap them."""

    def __init__(self, dim: int = 64, classes: int = 10, *, depth: int = 6, hidden: int = 64, seed: int = 0):
        def make() -> None:
            self.dim, self.classes = dim, classes
            masks = []
            while len(masks) < depth:
                half = torch.zeros(dim, dtype=torch.bool)
                half[torch.randperm(dim)[: dim // 2]] = True
                masks += [half, ~half]
            self.couplings = nn.ModuleList([Coupling(self, mask, hidden) for mask in masks[:depth]])

        super().__init__(dim, classes, seed, make)
        self.latent = dim

    def layers(self, y: Tensor) -> list[flow.Layer]:
        """The layers from data to noise, for rows of these classes."""
        def layer(coupling: Coupling) -> flow.Layer:
            return lambda x: flow.coupling_forward(coupling.conditioner(lambda a: self.told(a, y)), x, coupling.mask)

        return [layer(coupling) for coupling in self.couplings]

    def encode(self, x: Tensor, y: Tensor) -> Float[Tensor, "batch dim"]:
        for layer in self.layers(y):
            x, _ = layer(x)
        return x

    def generate(self, z: Tensor, y: Tensor) -> Float[Tensor, "batch dim"]:
        for coupling in reversed(self.couplings):
            z, _ = flow.coupling_inverse(coupling.conditioner(lambda a: self.told(a, y)), z, coupling.mask)
        return z


class GAN(Contender):
    """A generator G(z, y), and a discriminator of nearly the same size that returns a logit for a row and its class."""

    def __init__(self, dim: int = 64, classes: int = 10, *, latent: int = 16, hidden: int = 128, seed: int = 0):
        def make() -> None:
            self.generator = fully_connected([latent + classes, hidden, hidden, dim])
            self.discriminator = fully_connected([dim + classes, hidden, hidden, 1])

        super().__init__(dim, classes, seed, make)
        self.latent = latent

    def generate(self, z: Tensor, y: Tensor) -> Float[Tensor, "batch dim"]:
        return self.generator(self.told(z, y))

    def logits(self, x: Tensor, y: Tensor) -> Float[Tensor, "batch"]:
        return self.discriminator(self.told(x, y))[:, 0]


class Diffusion(Contender):
    """A noise predictor, model(x_t, t, y); ``generate`` is DDIM with ``calls`` calls, ``encode`` its inversion (chapter 10).

    The network says the velocity v of chapter 6, and eps = sqrt(alpha_bar) v + sqrt(1 - alpha_bar) x_t: with much noise eps is nearly
    x_t, which so small a network could not pass on.
    """

    def __init__(self, dim: int = 64, classes: int = 10, *, hidden: int = 128, T: int = 1000, calls: int = 20, seed: int = 0):
        def make() -> None:
            self.net = fully_connected([dim + TIME_WAVES + classes, hidden, hidden, hidden, dim])

        super().__init__(dim, classes, seed, make)
        self.latent, self.schedule, self.calls = dim, Schedule.linear(T), calls

    def forward(self, x_t: Tensor, t: Int[Tensor, "batch"], y: Tensor) -> Float[Tensor, "batch dim"]:
        """The noise in x_t that the network sees at the times t."""
        turns = torch.arange(TIME_WAVES, dtype=x_t.dtype, device=x_t.device) * math.pi / self.schedule.T
        waves = torch.cos(t.to(x_t.dtype)[:, None] * turns)
        kept = self.schedule.alpha_bars.to(x_t.device)[t].to(x_t.dtype)[:, None]
        velocity = self.net(self.told(torch.cat([x_t, waves], dim=1), y))
        return kept.sqrt() * velocity + (1 - kept).sqrt() * x_t

    def times(self) -> list[int]:
        return ddim.time_subsequence(self.schedule.T, self.calls)

    def encode(self, x: Tensor, y: Tensor) -> Float[Tensor, "batch dim"]:
        return ddim.ddim_invert(conditioned(self, y), x, self.schedule, self.times())

    def generate(self, z: Tensor, y: Tensor) -> Float[Tensor, "batch dim"]:
        return ddim.ddim_sample(conditioned(self, y), z, self.schedule, self.times())


KINDS = {"VAE": ToldVAE, "flow": CouplingFlow, "GAN": GAN, "diffusion": Diffusion}


def of_size(kind: str, parameters: int, **options) -> Contender:
    """The contender of this kind whose number of parameters is nearest to ``parameters``: its hidden layers are chosen so."""
    require_integer("parameters", parameters, low=1)
    low, high = 1, 4096
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if KINDS[kind](hidden=middle, **options).size <= parameters else (low, middle)
    pair = [KINDS[kind](hidden=hidden, **options) for hidden in (low, high)]
    return min(pair, key=lambda model: abs(model.size - parameters))
