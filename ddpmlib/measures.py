"""What the table of chapter 14 is filled with: one function for each kind of cell, the same for all four contenders."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib import classifiers, ddpm, elbo, evaluation, families, flow, objectives
from ddpmlib.contenders import GAN, Contender, CouplingFlow, Diffusion, ToldVAE
from ddpmlib.contest import Data, counting, normal
from ddpmlib.images import ImageSet, load_digits

LEVELS = 17
STRATA = 40  # times at which the bound of a diffusion model is estimated
SEARCH_STEPS, SEARCH_RATE = 200, 0.05


def pixels_of(digits: ImageSet) -> Int[Tensor, "n 64"]:
    """The digits in their levels 0, ..., 16."""
    return (8 * digits.images.flatten(1) + 8).round().long()


def digits_data(split: str = "train") -> Data:
    """The digits as rows in [-1, 1): every batch adds uniform noise as wide as a level."""
    digits = load_digits(split)
    return Data(2 * pixels_of(digits).float() / LEVELS - 1, digits.labels, 2 / LEVELS)


def to_images(rows: Float[Tensor, "n 64"]) -> Float[Tensor, "n 1 8 8"]:
    """Rows in [-1, 1) as images in the levels of the digits."""
    return (((rows + 1) * LEVELS / 2).floor().clamp(0, LEVELS - 1) / 8 - 1).reshape(-1, 1, 8, 8)


def log_density(model: Contender, x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[str, Float[Tensor, "n"] | None]:
    """What can be said of log p(x | y) in nats: ("exact", ...), ("bound", a lower bound, estimated) or ("none", None)."""
    if isinstance(model, CouplingFlow):
        return "exact", flow.flow_log_likelihood(model.layers(y), x)
    if isinstance(model, ToldVAE):
        mu, log_var = model.posterior(x, y)
        noise = normal((16, *mu.shape), x, generator)
        reconstruction, prior_matching = elbo.elbo_terms(model.bound(y), x, mu, log_var, noise)
        return "bound", reconstruction - prior_matching
    return ("bound", diffusion_bound(model, x, y, generator)) if isinstance(model, Diffusion) else ("none", None)


def diffusion_bound(model: Diffusion, x: Tensor, y: Tensor, generator: torch.Generator) -> Float[Tensor, "n"]:
    """The ELBO of chapter 4 for data with a density: prior term, terms of the times (some of them drawn), and log p(x_0 | x_1)."""
    schedule, dim = model.schedule, x.shape[1]
    variances = ddpm.reverse_variance(schedule, "large")
    weights = objectives.loss_weights("eps", schedule, variances)
    ratio = (ddpm.reverse_variance(schedule, "small") / variances)[2:]  # of the posterior's variance to the reverse step's
    spread = 0.5 * dim * (ratio - 1 - ratio.log()).sum().item()
    left = schedule.alpha_bars[-1].item()
    prior = objectives.gaussian_kl(math.sqrt(left) * x, 1 - left, torch.zeros_like(x), 1.0)

    def error(t: Int[Tensor, "n"]) -> Float[Tensor, "n"]:
        noise = normal(x.shape, x, generator)
        kept = schedule.alpha_bars[t].to(x.dtype)[:, None]
        x_t = kept.sqrt() * x + (1 - kept).sqrt() * noise
        return weights[t].to(x.dtype) * (noise - model(x_t, t, y)).square().sum(dim=1)

    nats = prior + spread + error(torch.ones(len(x), dtype=torch.int64)) + 0.5 * dim * math.log(2 * math.pi * variances[1].item())
    edges = torch.linspace(2, schedule.T + 1, STRATA + 1).long()
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist()):
        t = torch.randint(low, high, (len(x),), generator=generator)
        nats = nats + (high - low) * error(t)
    return -nats


def bits(model: Contender, digits: ImageSet, generator: torch.Generator) -> tuple[str, float]:
    """Which kind of likelihood, and the bits per pixel of held-out digits (NaN if there is none)."""
    pixels, y = pixels_of(digits), digits.labels
    noise = torch.rand((1, *pixels.shape), generator=generator)
    kind, _ = log_density(model, digits_data("test").rows[:2], y[:2], generator)
    if kind == "none":
        return kind, math.nan
    found = flow.dequantised_bits_per_dim(lambda x: log_density(model, x, y, generator)[1], pixels, LEVELS, noise)
    return kind, found.mean().item()


def searched_code(model: GAN, x: Tensor, y: Tensor) -> Float[Tensor, "n latent"]:
    """The code whose row comes nearest to x that Adam finds from 0: a GAN has no encoder."""
    z = torch.zeros(len(x), model.latent, dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.Adam([z], lr=SEARCH_RATE)
    with torch.enable_grad():
        for _ in range(SEARCH_STEPS):
            optimizer.zero_grad()
            (model.generate(z, y) - x).square().sum().backward()
            optimizer.step()
    return z.detach()


def encoded(model: Contender, x: Tensor, y: Tensor) -> Tensor:
    return searched_code(model, x, y) if isinstance(model, GAN) else model.encode(x, y)


def root_mean_square(a: Tensor, b: Tensor) -> float:
    return (a - b).double().square().mean().sqrt().item()


def there_and_back(model: Contender, x: Tensor, y: Tensor) -> float:
    """Root mean square of what a row loses on the way to its code and back."""
    return root_mean_square(model.generate(encoded(model, x, y), y), x)


def back_and_there(model: Contender, y: Tensor, generator: torch.Generator) -> float:
    """Root mean square of what a code N(0, I) loses on the way to its row and back."""
    z = torch.randn(len(y), model.latent, generator=generator)
    return root_mean_square(encoded(model, model.generate(z, y), y), z)


def rank(model: Contender, y: Int[Tensor, "1"], generator: torch.Generator, tolerance: float = 1e-4) -> int:
    """The rank of d row / d code at a random code: singular values above ``tolerance`` times the largest."""
    z = torch.randn(1, model.latent, generator=generator)
    with torch.enable_grad():
        jacobian = torch.func.jacrev(lambda code: generate_with_gradient(model, code, y)[0])(z)[:, 0]
    values = torch.linalg.svdvals(jacobian.double())
    return int((values > tolerance * values[0]).sum())


def generate_with_gradient(model: Contender, z: Tensor, y: Tensor) -> Tensor:
    """``generate``; for the diffusion model DDIM's steps are written out, since its sampler keeps no gradient."""
    if not isinstance(model, Diffusion):
        return model.generate(z, y)
    left, times = model.schedule.alpha_bars, model.times()
    for t, s in zip(times, [*times[1:], 0]):
        eps = model(z, torch.full((len(z),), t), y)
        ratio = math.sqrt(left[s] / left[t])
        z = ratio * z + (math.sqrt(1 - left[s]) - ratio * math.sqrt(1 - left[t])) * eps
    return z


def sampled(model: Contender, y: Tensor, generator: torch.Generator) -> tuple[Tensor, int, float]:
    """Rows of the classes y, the calls of networks that it took, and multiply-adds for each row."""
    z = torch.randn(len(y), model.latent, generator=generator)
    with torch.no_grad(), counting(model) as count:
        rows = model.generate(z, y)
    return rows, count.calls, count.multiply_adds / len(y)


def judged(images: Float[Tensor, "n 1 8 8"], y: Tensor) -> dict[str, float]:
    """Quality and diversity of digits, beside all real ones: in the features of the course's classifier."""
    judge, real = classifiers.digits_judge(), torch.cat([load_digits(split).images for split in ("train", "test")])
    a, b = judge.features(real), judge.features(images)
    precision, recall = families.precision_recall(a, b, 5)
    return {
        "accuracy": classifiers.accuracy(judge, images, y), "Frechet": evaluation.frechet_distance(a, b), "precision": precision,
        "recall": recall, "coverage": evaluation.coverage_and_density(a, b, 5)[0],
        "within": evaluation.class_diversity(images.flatten(1), y, 10).mean().item(),
    }


def row_of(model: Contender, *, samples: int = 500, held_out: int = 100, seed: int = 0) -> dict[str, object]:
    """All cells of a contender for digits: plain numbers and texts."""
    model = model.eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    digits, y = load_digits("test"), torch.arange(samples) % 10
    rows = digits_data("test").rows + 1 / LEVELS
    kind, found = bits(model, digits, generator)
    made, calls, work = sampled(model, y, generator)
    return {
        "parameters": model.size, "likelihood": kind, "bits": found,
        "reconstruction": there_and_back(model, rows[:held_out], digits.labels[:held_out]),
        "code": back_and_there(model, y[:held_out], generator), "latent": model.latent, "rank": rank(model, y[:1], generator),
        "calls": calls, "work": work, **judged(to_images(made), y),
    }
