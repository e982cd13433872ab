"""The given mixtures of Gaussians: density, moments, and what noise makes of them."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from ddpmlib.mixtures import GaussianMixture

WEIGHTS = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
MEANS = torch.tensor([[0.0, 1.0], [2.0, -1.0], [-1.5, 0.5]], dtype=torch.float64)
VARIANCES = torch.tensor([0.1, 0.4, 0.25], dtype=torch.float64)
MIXTURE = GaussianMixture(WEIGHTS, MEANS, VARIANCES)


def grid(side: int = 161, reach: float = 8.0) -> tuple[torch.Tensor, float]:
    line = torch.linspace(-reach, reach, side, dtype=torch.float64)
    return torch.cartesian_prod(line, line), (2 * reach / (side - 1)) ** 2


def test_density_is_that_of_torch_distributions():
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    components = MultivariateNormal(MEANS, VARIANCES[:, None, None] * torch.eye(2, dtype=torch.float64))
    torch.testing.assert_close(MIXTURE.log_prob(x), MixtureSameFamily(Categorical(WEIGHTS), components).log_prob(x))


@pytest.mark.parametrize("alpha_bar", [1.0, 0.6, 0.05])
def test_moments_are_those_of_the_density_at_every_time(alpha_bar):
    law = MIXTURE.diffused(alpha_bar)
    points, cell = grid()
    mass = law.log_prob(points).exp() * cell
    torch.testing.assert_close(mass.sum().item(), 1.0, rtol=1e-6, atol=1e-6)
    mean = mass @ points
    torch.testing.assert_close(law.mean, mean, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(law.covariance, (points - mean).T @ (mass[:, None] * (points - mean)), rtol=1e-5, atol=1e-5)


def test_diffusing_twice_is_diffusing_by_the_product():
    twice, once = MIXTURE.diffused(0.7).diffused(0.4), MIXTURE.diffused(0.28)
    torch.testing.assert_close(twice.means, once.means)
    torch.testing.assert_close(twice.variances, once.variances)


def test_samples_are_reproducible_and_have_the_moments():
    draw = MIXTURE.sample(40_000, torch.Generator().manual_seed(1))
    assert torch.equal(draw, MIXTURE.sample(40_000, torch.Generator().manual_seed(1)))
    torch.testing.assert_close(draw.mean(0), MIXTURE.mean, rtol=0, atol=0.05)
    torch.testing.assert_close(torch.cov(draw.T), MIXTURE.covariance, rtol=0, atol=0.1)


@pytest.mark.parametrize(("change", "error", "says"), [
    ({"weights": WEIGHTS * 2}, ValueError, "weights must be positive and sum to 1"),
    ({"weights": [0.2, 0.5, 0.3]}, TypeError, "weights must be a torch.Tensor"),
    ({"means": MEANS[:2]}, ValueError, "means must have 3 rows"),
    ({"means": MEANS.float()}, ValueError, "dtype torch.float64"),
    ({"means": MEANS.long()}, TypeError, "means must be a floating-point tensor"),
    ({"variances": -VARIANCES}, ValueError, "variances must be at least 0"),
    ({"variances": VARIANCES * torch.nan}, ValueError, "variances must be finite"),
])
def test_bad_parameters_are_named(change, error, says):
    with pytest.raises(error, match=says):
        GaussianMixture(**{"weights": WEIGHTS, "means": MEANS, "variances": VARIANCES} | change)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="alpha_bar must be between 0 and 1, got 1.5"):
        MIXTURE.diffused(1.5)
    with pytest.raises(ValueError, match=r"x must have shape \(batch, 2\), got \(4, 3\)"):
        MIXTURE.log_prob(torch.zeros(4, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        MIXTURE.sample(0, torch.Generator())
    points = GaussianMixture(WEIGHTS, MEANS, torch.zeros(3, dtype=torch.float64))
    with pytest.raises(ValueError, match="variances must be positive for a density"):
        points.log_prob(MEANS)
    assert torch.isfinite(points.diffused(0.9).log_prob(MEANS)).all()
