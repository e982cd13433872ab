"""A small variational autoencoder for the digits. Its loss is made of the functions that you write in chapter 1.

The prior is N(0, I). Encoder and decoder are small fully connected networks, in float64 like the data, so that a
training run with a fixed seed gives the same printed numbers on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ddpmlib import elbo
from ddpmlib.validation import require_integer, require_number, require_tensor


class VAE(nn.Module):
    """Encoder q(z | x) = N(mu(x), diag(exp(log_var(x)))), decoder p(x | z) = N(mean(z), sigma^2 I).

    Parameters
    ----------
    latent, hidden, data
        the sizes of z, of the one hidden layer of each network, and of x.
    sigma
        the decoder's standard deviation per pixel; it is fixed.
    seed
        for the initial weights.
    """

    def __init__(self, latent: int = 8, *, sigma: float = 0.4, hidden: int = 128, data: int = 64, seed: int = 0):
        super().__init__()
        for name, size in (("latent", latent), ("hidden", hidden), ("data", data)):
            require_integer(name, size, low=1)
        self.latent, self.sigma = latent, require_number("sigma", sigma, above=0.0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(require_integer("seed", seed, low=0))
            self.encoder = nn.Sequential(nn.Linear(data, hidden), nn.SiLU(), nn.Linear(hidden, 2 * latent)).double()
            self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.SiLU(), nn.Linear(hidden, data)).double()

    def encode(
        self, x: Float[Tensor, "batch data"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """The mean and the log-variance of q(z | x)."""
        mu, log_var = self.encoder(require_tensor("x", x)).chunk(2, dim=-1)
        return mu, log_var

    def decode(self, z: Float[Tensor, "*batch latent"]) -> Float[Tensor, "*batch data"]:
        """The mean of p(x | z)."""
        return self.decoder(require_tensor("z", z))

    def log_likelihood(
        self, x: Float[Tensor, "*batch data"], z: Float[Tensor, "*batch latent"]
    ) -> Float[Tensor, "*batch"]:
        """log p(x | z); the batch axes of ``x`` and ``z`` broadcast."""
        squares = ((require_tensor("x", x) - self.decode(z)) ** 2).sum(-1)
        return -0.5 * squares / self.sigma**2 - 0.5 * x.shape[-1] * math.log(2 * math.pi * self.sigma**2)

    def draw_noise(self, samples: int, batch: int, generator: torch.Generator) -> Float[Tensor, "samples batch latent"]:
        """Standard normal noise of the shape that ``elbo_terms`` wants."""
        return torch.randn(samples, batch, self.latent, dtype=torch.float64, generator=generator)

    @torch.no_grad()
    def sample_means(self, count: int, generator: torch.Generator) -> Float[Tensor, "count data"]:
        """Draw z from the prior and return the decoder's means: the pictures that papers show as samples."""
        return self.decode(self.draw_noise(1, require_integer("count", count, low=1), generator)[0])


@dataclass(frozen=True)
class TrainingState:
    """Where training stands after ``step`` steps: both ELBO terms on the last batch, in nats per image."""

    step: int
    reconstruction: float
    prior_matching: float


def training_steps(
    model: VAE,
    images: Float[Tensor, "n data"],
    *,
    steps: int,
    generator: torch.Generator,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    prior_weight: float = 1.0,
) -> Iterator[TrainingState]:
    """Maximise reconstruction - prior_weight * prior matching by Adam, and yield the state after every step.

    ``prior_weight`` 1 is the ELBO; 0 leaves an autoencoder that adds noise of its own choice to its codes.

    Raises
    ------
    ValueError
        at the first step, if steps or batch_size is below 1, or the learning rate is not positive.
    """
    require_tensor("images", images, ndim=2)
    require_integer("steps", steps, low=1)
    require_integer("batch_size", batch_size, low=1)
    require_number("learning_rate", learning_rate, above=0.0)
    require_number("prior_weight", prior_weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for step in range(1, steps + 1):
        x = images[torch.randint(len(images), (batch_size,), generator=generator)]
        mu, log_var = model.encode(x)
        noise = model.draw_noise(1, batch_size, generator)
        reconstruction, prior_matching = elbo.elbo_terms(model, x, mu, log_var, noise)
        loss = (prior_weight * prior_matching - reconstruction).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield TrainingState(step, reconstruction.mean().item(), prior_matching.mean().item())


def train(model: VAE, images: Float[Tensor, "n data"], **options) -> TrainingState:
    """Run ``training_steps`` to its end and return the last state."""
    state = None
    for state in training_steps(model, images, **options):
        pass
    return state
