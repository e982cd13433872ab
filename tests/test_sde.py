"""What chapter 13's first half claims of scores, SDEs and likelihoods, on mixtures whose law is known at each time."""

from __future__ import annotations

import functools
import math

import pytest
import torch

from ddpmlib.clouds import standardized, two_moons
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.pushforward import push_density, wasserstein2
from ddpmlib.score_matching import dsm_loss
from ddpmlib.sde import (
    at, divergence, log_likelihood, probability_flow_drift, reverse_sde_step, rk4_step, ve_coefficients, vp_coefficients,
)

F64 = torch.float64
VP = functools.partial(vp_coefficients, beta_min=0.1, beta_max=20.0)
VE = functools.partial(ve_coefficients, sigma_min=0.05, sigma_max=10.0)
PEAKS = standardized(GaussianMixture(torch.tensor([0.3, 0.7], dtype=F64), torch.tensor([[-1.2], [0.7]], dtype=F64),
                                     torch.tensor([0.04, 0.09], dtype=F64)))


def law(mixture, process, t):
    _, _, mean, std = at(process, t)
    return GaussianMixture(mixture.weights, mean * mixture.means, mean**2 * mixture.variances + std**2)


def score_of(mixture, process):
    """The score by hand, so that it can be differentiated."""

    def score(x, t):
        now = law(mixture, process, t[0].item())
        pulls = (now.means - x[:, None]) / now.variances[:, None]
        return (now.component_log_probs(x).softmax(dim=1)[..., None] * pulls).sum(dim=1)

    return score


def flow(score, process):
    return lambda x, t: probability_flow_drift(score, x, t, process)


@pytest.mark.parametrize("process", [VP, VE], ids=["VP", "VE"])
def test_the_densities_solve_the_continuity_equation_of_the_flow(process):
    mixture, t, h = two_moons(), 0.4, 1e-5
    x = mixture.sample(20, torch.Generator().manual_seed(0))
    field = flow(score_of(mixture, process), process)
    change = (law(mixture, process, t + h).log_prob(x) - law(mixture, process, t - h).log_prob(x)) / (2 * h)
    carried = (field(x, t) * score_of(mixture, process)(x, torch.full((20,), t, dtype=F64))).sum(dim=1)
    assert torch.allclose(change, -divergence(field, x, t) - carried, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("process", [VP, VE], ids=["VP", "VE"])
def test_the_flow_carries_the_noise_to_the_data(process):
    last = law(PEAKS, process, 1.0)
    x = torch.linspace(-4, 4, 1001, dtype=F64)[:, None] * last.covariance.sqrt().item()
    masses, field = last.log_prob(x).exp(), flow(score_of(PEAKS, process), process)
    times = torch.linspace(1, 0, 201, dtype=F64).tolist()
    for t, s in zip(times, times[1:]):
        x = rk4_step(field, x, t, s)
    assert wasserstein2(x[:, 0], masses, law(PEAKS, process, 0.0)) < 5e-3


def distance(lam, steps):
    """The exact W2 of the reverse SDE's law from the law at the end, with an evenly spaced walk on the line."""
    last, grid = 0.05, torch.linspace(-5, 5, 601, dtype=F64)
    density, score = law(PEAKS, VP, 1.0).log_prob(grid[:, None]).exp(), score_of(PEAKS, VP)
    times = torch.linspace(1, last, steps + 1, dtype=F64).tolist()
    for t, s in zip(times, times[1:]):
        means = reverse_sde_step(score, grid[:, None], t, s, VP, torch.zeros(601, 1, dtype=F64), lam)[:, 0]
        density = push_density(grid, density, means, lam**2 * at(VP, t)[1] ** 2 * (t - s))
    return wasserstein2(grid, density, law(PEAKS, VP, last))


@pytest.mark.parametrize("lam", [0.5, 1.0])
def test_the_reverse_sde_has_the_law_of_the_data_up_to_its_steps(lam):
    coarse, fine = distance(lam, 100), distance(lam, 200)
    assert fine < 0.1
    assert fine < 0.7 * coarse


def test_the_likelihood_is_that_of_the_mixture_to_order_four():
    x = torch.linspace(-2, 2, 9, dtype=F64)[:, None]
    exact = law(PEAKS, VP, 0.05).log_prob(x)
    errors = [(log_likelihood(score_of(PEAKS, VP), x, torch.linspace(0.05, 1, n + 1, dtype=F64), VP, 1.0) - exact).abs().max().item()
              for n in (50, 100, 200)]
    assert errors[2] < 1e-5
    for coarse, fine in zip(errors, errors[1:]):
        assert 12 < coarse / fine < 40


def test_the_likelihood_in_the_plane_is_that_of_the_moons():
    mixture = two_moons()
    x = mixture.sample(5, torch.Generator().manual_seed(1))
    found = log_likelihood(score_of(mixture, VP), x, torch.linspace(0.05, 1, 101, dtype=F64), VP, 1.0)
    assert torch.allclose(found, law(mixture, VP, 0.05).log_prob(x), atol=1e-2)


def test_the_right_score_has_the_least_denoising_loss():
    x0 = PEAKS.sample(20_000, torch.Generator().manual_seed(2))
    noise, sigma = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(3), dtype=F64), torch.tensor(0.4, dtype=F64)

    def score(x, sigma):
        wide = GaussianMixture(PEAKS.weights, PEAKS.means, PEAKS.variances + sigma[0] ** 2)
        return (wide.component_log_probs(x).softmax(dim=1)[..., None] * (wide.means - x[:, None]) / wide.variances[:, None]).sum(dim=1)

    losses = [dsm_loss(lambda x, s, share=share: share * score(x, s), x0, sigma, noise).item() for share in (0.8, 1.0, 1.2)]
    assert losses[1] == min(losses)


def test_small_times_keep_their_digits():
    t = torch.tensor([1e-12], dtype=F64)
    assert vp_coefficients(t, 0.1, 20.0)[3].item() == pytest.approx(math.sqrt(0.1e-12), rel=1e-9)
