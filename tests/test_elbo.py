"""Chapter 1: the given models are what they say, and the formulas that no exercise checks hold."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from ddpmlib import elbo
from ddpmlib.data import digits
from ddpmlib.linear_gaussian import LinearGaussian
from ddpmlib.vae import VAE, train, training_steps

float64 = torch.float64


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def model() -> LinearGaussian:
    W = torch.randn(4, 2, generator=generator(), dtype=float64)
    return LinearGaussian(W, torch.randn(4, generator=generator(1), dtype=float64), 0.6)


def test_evidence_is_the_integral_of_the_joint(model):
    axis = torch.linspace(-8, 8, 801, dtype=float64)
    grid = torch.cartesian_prod(axis, axis)
    x = model.sample(3, generator(2))[0]
    integral = model.log_joint(x[:, None], grid).logsumexp(-1) + 2 * math.log(axis[1] - axis[0])
    torch.testing.assert_close(model.log_marginal(x), integral, rtol=1e-9, atol=1e-9)


def test_posterior_is_the_joint_over_the_evidence(model):
    x, z = model.sample(5, generator(3))
    mean, covariance = model.posterior(x)
    log_posterior = MultivariateNormal(mean, covariance).log_prob(z)
    torch.testing.assert_close(log_posterior, model.log_joint(x, z) - model.log_marginal(x), rtol=1e-10, atol=1e-10)


def test_samples_have_the_covariance_of_the_evidence(model):
    x, _ = model.sample(200_000, generator(4))
    expected = model.W @ model.W.T + 0.36 * torch.eye(4, dtype=float64)
    torch.testing.assert_close(torch.cov(x.T), expected, rtol=0.03, atol=0.05)
    torch.testing.assert_close(x.mean(0), model.b, rtol=0, atol=0.02)


def test_kl_of_diagonal_gaussians():
    mu, m = torch.randn(2, 5, generator=generator(5), dtype=float64)
    sigma, s = torch.rand(2, 5, generator=generator(6), dtype=float64) + 0.3
    stated = 0.5 * ((sigma**2 + (mu - m) ** 2) / s**2 - 1 + (s**2 / sigma**2).log()).sum()
    torch.testing.assert_close(stated, kl_divergence(Normal(mu, sigma), Normal(m, s)).sum())


def test_reading_off_a_gaussian():
    a, c = 2.5, -0.7
    z = torch.linspace(-12, 12, 200_001, dtype=float64)
    weights = torch.softmax(-a / 2 * z**2 + c * z, 0)
    mean = (weights * z).sum()
    assert mean.item() == pytest.approx(c / a, abs=1e-9)
    assert (weights * (z - mean) ** 2).sum().item() == pytest.approx(1 / a, abs=1e-9)


def test_score_function_has_the_mean_of_the_gradient():
    z = torch.linspace(-12, 12, 200_001, dtype=float64)
    mu, sigma = 0.4, 0.8
    weights = torch.softmax(-0.5 * ((z - mu) / sigma) ** 2, 0)
    assert (weights * (z - 2) ** 2 * (z - mu) / sigma**2).sum().item() == pytest.approx(2 * (mu - 2), abs=1e-9)


def test_torch_normal_passes_no_gradient():
    mu = torch.zeros(3, dtype=float64, requires_grad=True)
    torch.normal(mu, 1.0, generator=generator()).sum().backward()
    assert mu.grad.abs().sum() == 0


def test_the_posterior_as_proposal_needs_one_sample(model):
    x = model.sample(1, generator(7))[0][0]
    proposal = MultivariateNormal(*model.posterior(x))
    z = proposal.loc + torch.randn(1, 2, generator=generator(8), dtype=float64) @ proposal.scale_tril.T
    found = elbo.importance_log_marginal(model.log_joint(x, z), proposal.log_prob(z))
    torch.testing.assert_close(found, model.log_marginal(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("variance", [0.2, 0.9, 1.5, 4.0])
def test_a_latent_pays_if_its_direction_has_more_variance_than_the_noise(variance):
    w_squared = torch.linspace(0, 6, 60_001, dtype=float64)
    total = w_squared + 1.0
    best = w_squared[torch.argmin(total.log() + variance / total)]
    assert best.item() == pytest.approx(max(variance - 1.0, 0.0), abs=1e-3)


def test_the_conditional_mean_has_the_least_squared_error():
    probabilities = torch.rand(3, 4, generator=generator(9), dtype=float64)  # joint law of z (rows) and x (columns)
    x = torch.randn(4, generator=generator(10), dtype=float64)
    best = (probabilities * x).sum(1) / probabilities.sum(1)
    other = best + torch.randn(3, generator=generator(11), dtype=float64)
    errors = [(probabilities * (x - f[:, None]) ** 2).sum() for f in (best, other)]
    split = (probabilities.sum(1) * (other - best) ** 2).sum()
    torch.testing.assert_close(errors[1], errors[0] + split)


def test_vae_learns_and_repeats():
    images = digits()[0][:300]
    first = next(training_steps(VAE(), images, steps=1, generator=generator(1)))
    runs = []
    for _ in range(2):
        model = VAE()
        last = train(model, images, steps=60, generator=generator(1))
        runs.append(model.sample_means(2, generator(2)))
    assert last.step == 60
    assert last.reconstruction - last.prior_matching > first.reconstruction - first.prior_matching + 20
    torch.testing.assert_close(runs[0], runs[1])


def test_vae_log_likelihood_is_gaussian():
    model = VAE(sigma=0.7)
    x, z = digits()[0][:3], torch.randn(5, 3, 8, generator=generator(3), dtype=float64)
    expected = Normal(model.decode(z), 0.7).log_prob(x).sum(-1)
    torch.testing.assert_close(model.log_likelihood(x, z), expected)


@pytest.mark.parametrize(
    ("error", "names", "make"),
    [
        (ValueError, "b must have shape", lambda: LinearGaussian(torch.zeros(3, 2), torch.zeros(2), 1.0)),
        (ValueError, "sigma", lambda: LinearGaussian(torch.zeros(3, 2), torch.zeros(3), 0.0)),
        (TypeError, "W", lambda: LinearGaussian([[1.0]], torch.zeros(1), 1.0)),
        (ValueError, "z must have 2",
         lambda: LinearGaussian(torch.zeros(3, 2), torch.zeros(3), 1.0).log_prior(torch.zeros(3))),
        (ValueError, "latent", lambda: VAE(0)),
        (ValueError, "sigma", lambda: VAE(sigma=-1.0)),
        (TypeError, "x", lambda: VAE().encode([1.0])),
        (ValueError, "steps", lambda: train(VAE(), digits()[0], steps=0, generator=generator())),
        (TypeError, "images", lambda: train(VAE(), digits()[1][:, None], steps=1, generator=generator())),
    ],
)
def test_bad_input_is_named(error, names, make):
    with pytest.raises(error, match=names):
        make()
