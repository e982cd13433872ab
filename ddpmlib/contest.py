"""Training of the four contenders on one budget, and the counting of multiply-adds (chapter 14).

The budget is counted in multiply-adds of the linear layers, which is nearly all that such networks do. A backward pass counts as two
forward passes. Every family gets the same number of them, and takes as many steps as they pay for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ddpmlib import ddpm, elbo, flow, gan
from ddpmlib.contenders import GAN, Contender, CouplingFlow, Diffusion, ToldVAE
from ddpmlib.models import conditioned
from ddpmlib.training import TrainingState
from ddpmlib.validation import require_instance, require_integer

LEARNING_RATE = {ToldVAE: 2e-3, CouplingFlow: 1e-3, GAN: 2e-3, Diffusion: 4e-3}
BETAS = {GAN: (0.5, 0.9)}
LARGEST_NORM = 1.0  # of a gradient, but for the GAN's


@dataclass
class Count:
    """What has run: calls of networks, one for a batch however large, and multiply-adds in all rows."""

    calls: int = 0
    multiply_adds: int = 0


@contextlib.contextmanager
def counting(model: nn.Module) -> Iterator[Count]:
    """Count the calls of the networks of a model, and their multiply-adds, while the block runs."""
    count, hooks = Count(), []

    def linear(layer: nn.Linear, inputs: tuple[Tensor], output: Tensor) -> None:
        count.multiply_adds += output.numel() * layer.in_features

    def network(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        count.calls += 1

    for module in model.modules():
        if isinstance(module, nn.Linear):
            hooks.append(module.register_forward_hook(linear))
        elif isinstance(module, nn.Sequential):
            hooks.append(module.register_forward_hook(network))
    try:
        yield count
    finally:
        for hook in hooks:
            hook.remove()


@dataclass(frozen=True)
class Data:
    """Rows and their classes, and how a batch is drawn: ``spread`` is the width of the uniform noise that every draw adds."""

    rows: Float[Tensor, "n dim"]
    labels: Int[Tensor, "n"]
    spread: float = 0.0

    def batch(self, size: int, generator: torch.Generator) -> tuple[Float[Tensor, "size dim"], Int[Tensor, "size"]]:
        chosen = torch.randint(len(self.rows), (size,), generator=generator)
        x = self.rows[chosen]
        return x + self.spread * torch.rand(x.shape, generator=generator, dtype=x.dtype), self.labels[chosen]


def normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=like.dtype)


def loss_of(model: Contender, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
    """The loss of a batch: minus the ELBO, minus the log-likelihood (both in nats per coordinate), or the noise's squared error."""
    if isinstance(model, ToldVAE):
        mu, log_var = model.posterior(x, y)
        noise = normal((1, *mu.shape), x, generator)
        reconstruction, prior_matching = elbo.elbo_terms(model.bound(y), x, mu, log_var, noise)
        return (prior_matching - reconstruction).mean() / model.dim
    if isinstance(model, CouplingFlow):
        return -flow.flow_log_likelihood(model.layers(y), x).mean() / model.dim
    t = torch.randint(1, model.schedule.T + 1, (len(x),), generator=generator)
    return ddpm.training_loss(conditioned(model, y), x, t, normal(x.shape, x, generator), model.schedule)


def adversarial_step(model: GAN, optimizers: list, data: Data, batch: int, generator: torch.Generator) -> tuple[float, float]:
    """One step of the discriminator, then one of the generator; both losses."""
    discriminator, creator = optimizers
    x, y = data.batch(batch, generator)
    with torch.no_grad():
        fake = model.generate(normal((batch, model.latent), x, generator), y)
    first = gan.discriminator_loss(model.logits(x, y), model.logits(fake, y))
    discriminator.zero_grad()
    first.backward()
    discriminator.step()
    fake = model.generate(normal((batch, model.latent), x, generator), y)
    second = gan.generator_loss(model.logits(fake, y))
    creator.zero_grad()
    second.backward()
    creator.step()
    return first.item(), second.item()


def cost_of_a_step(model: Contender, data: Data, batch: int) -> int:
    """Multiply-adds of one step of training: three times those of its forward passes, one of them without a way back for the GAN."""
    generator = torch.Generator().manual_seed(0)
    x, y = data.batch(batch, generator)
    with torch.no_grad(), counting(model) as count:
        if isinstance(model, GAN):
            fake = model.generate(normal((batch, model.latent), x, generator), y)
            made = count.multiply_adds
            model.logits(fake, y)
            judged = count.multiply_adds - made
            return made + 3 * 2 * judged + 3 * made + 3 * judged
        loss_of(model, x, y, generator)
    return 3 * count.multiply_adds


def training_steps(
    model: Contender, data: Data, *, budget: int, generator: torch.Generator, batch: int = 128
) -> Iterator[TrainingState]:
    """Train a contender until the multiply-adds are spent, and yield the state after every step.

    Adam; the learning rate falls to zero along half a cosine. For the GAN the loss that is told is the generator's.

    Raises
    ------
    TypeError, ValueError
        at the first step, if an argument has the wrong type, or the budget does not pay for one step.
    """
    require_instance("model", model, Contender)
    require_instance("data", data, Data)
    require_integer("batch", batch, low=1)
    steps = require_integer("budget", budget, low=cost_of_a_step(model, data, batch)) // cost_of_a_step(model, data, batch)
    kind = type(model)
    groups = [model.discriminator, model.generator] if kind is GAN else [model]
    optimizers = [torch.optim.Adam(net.parameters(), lr=LEARNING_RATE[kind], betas=BETAS.get(kind, (0.9, 0.999))) for net in groups]
    decays = [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) for optimizer in optimizers]
    for step in range(1, steps + 1):
        if kind is GAN:
            _, loss = adversarial_step(model, optimizers, data, batch, generator)
        else:
            value = loss_of(model, *data.batch(batch, generator), generator)
            optimizers[0].zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), LARGEST_NORM)
            optimizers[0].step()
            loss = value.item()
        for decay in decays:
            decay.step()
        yield TrainingState(step, loss)


def train(model: Contender, data: Data, **options) -> list[float]:
    """Run ``training_steps`` to its end and return the losses."""
    return [state.loss for state in training_steps(model, data, **options)]
