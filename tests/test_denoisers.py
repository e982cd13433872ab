"""Chapter 6: the optimal denoiser, the discretised decoder and the whole bound."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from ddpmlib.denoisers import mixture_denoiser
from ddpmlib.discretized import discretized_log_likelihood
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.objectives import loss_weights
from ddpmlib.schedules import Schedule

F64 = torch.float64


def mixture(variances: list[float], seed: int = 0, dim: int = 2) -> GaussianMixture:
    generator = torch.Generator().manual_seed(seed)
    count = len(variances)
    weights = torch.rand(count, generator=generator, dtype=F64) + 0.2
    means = torch.randn(count, dim, generator=generator, dtype=F64)
    return GaussianMixture(weights / weights.sum(), means, torch.tensor(variances, dtype=F64))


# the denoiser


@pytest.mark.parametrize("variances", [[0.3], [0.1, 0.5, 0.2], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("alpha_bar", [0.05, 0.5, 0.95])
def test_tweedies_formula(variances, alpha_bar):
    law = mixture(variances)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=F64).requires_grad_()
    (score,) = torch.autograd.grad(law.diffused(alpha_bar).log_prob(x).sum(), x)
    expected = (x + (1 - alpha_bar) * score) / alpha_bar**0.5
    assert torch.allclose(mixture_denoiser(law, x, alpha_bar), expected, atol=1e-10)


def test_denoiser_by_quadrature_and_orthogonality():
    law, alpha_bar = mixture([0.04, 0.25], dim=1), 0.4
    x0 = torch.linspace(-8, 8, 8001, dtype=F64)
    x_t = torch.linspace(-6, 6, 601, dtype=F64)
    joint = law.log_prob(x0[:, None]).exp() * Normal(alpha_bar**0.5 * x0, (1 - alpha_bar) ** 0.5).log_prob(x_t[:, None]).exp()
    best = mixture_denoiser(law, x_t[:, None], alpha_bar)[:, 0]
    assert torch.allclose((joint * x0).sum(1) / joint.sum(1), best, atol=1e-9)
    joint = joint / joint.sum()
    error = x0 - best[:, None]
    for other in (torch.sin(x_t), x_t**2, x_t / alpha_bar**0.5):
        assert abs((joint * error * other[:, None]).sum()) < 1e-9
        miss = (joint * (x0 - other[:, None]) ** 2).sum()
        assert miss.item() == pytest.approx(((joint * error**2).sum() + (joint * (best - other)[:, None] ** 2).sum()).item())


def test_error_of_a_gaussian_falls_with_the_ratio():
    for variance in (0.3, 2.0):
        law = GaussianMixture(torch.ones(1, dtype=F64), torch.zeros(1, 1, dtype=F64), torch.tensor([variance], dtype=F64))
        for snr in (0.1, 1.0, 20.0):
            alpha_bar = snr / (1 + snr)
            gain = mixture_denoiser(law, torch.ones(1, 1, dtype=F64), alpha_bar).item()
            error = (1 - gain * alpha_bar**0.5) ** 2 * variance + gain**2 * (1 - alpha_bar)
            assert error == pytest.approx(variance / (1 + variance * snr))


def test_denoiser_far_away_at_the_ends_and_in_float32():
    points = mixture([0.0, 0.0, 0.0])
    far = torch.tensor([[1e8, -1e8], [-1e150, 0.0]], dtype=F64)
    assert torch.isfinite(mixture_denoiser(points, far, 0.5)).all()
    assert torch.allclose(mixture_denoiser(points, 100 * points.means, 0.0), points.mean)
    near = points.means + 1e-4
    assert torch.allclose(mixture_denoiser(points, near, 1 - 1e-9), points.means)
    assert mixture_denoiser(points, near.float(), torch.tensor(0.5)).dtype == torch.float32
    rows = torch.tensor([0.2, 0.5, 0.9], dtype=F64)
    each = torch.cat([mixture_denoiser(points, near[k : k + 1], rows[k].item()) for k in range(3)])
    assert torch.allclose(mixture_denoiser(points, near, rows), each)


# the decoder


@pytest.mark.parametrize("levels", [2, 3, 17, 256])
@pytest.mark.parametrize("std", [1e-3, 0.05, 1.0, 100.0])
def test_levels_have_probabilities_that_sum_to_one(levels, std):
    grid = torch.linspace(-1, 1, levels, dtype=F64)[:, None]
    for mean in (-3.0, -0.2, 0.0, 0.9, 1.0):
        logs = discretized_log_likelihood(grid, torch.full_like(grid, mean), std, levels)
        assert torch.isfinite(logs).all() and logs.logsumexp(0).item() == pytest.approx(0, abs=1e-9)


def test_decoder_is_the_squared_error_for_a_wide_law_and_rounding_for_a_narrow_one():
    grid = torch.linspace(-1, 1, 17, dtype=F64)[:, None]
    inner, width = grid[1:-1], 2 / 16
    for std in (1.0, 2.0, 4.0):
        logs = discretized_log_likelihood(inner, torch.full_like(inner, 0.3), std, 17)
        density = Normal(0.3, std).log_prob(inner)[:, 0] + math.log(width)
        bound = width**2 * (1 + (inner[:, 0] - 0.3) ** 2 / std**2) / std**2
        assert ((logs - density).abs() < bound).all()
    narrow = discretized_log_likelihood(grid, torch.full_like(grid, 0.3), 1e-3, 17)
    assert grid[narrow.argmax()].item() == 0.25 and narrow.max().item() > -1e-9


def test_256_levels_in_float32_and_gradients_far_away():
    x0 = (torch.tensor([[0, 1, 128, 254, 255]]) / 255 * 2 - 1).requires_grad_(False)
    mean = torch.zeros_like(x0, requires_grad=True)
    logs = discretized_log_likelihood(x0, mean, 0.01, 256)
    logs.sum().backward()
    assert logs.dtype == torch.float32 and torch.isfinite(logs).all() and torch.isfinite(mean.grad).all()
    assert (mean.grad.sign() == x0.sign()).all() and mean.grad[0, 0].abs() > 1000


# the whole bound


def bound(schedule: Schedule, law: GaussianMixture, nodes: torch.Tensor, density: torch.Tensor) -> tuple[float, float, float]:
    """L_T, the sum of L_{t-1} and L_0 in nats, for points on the line and the posterior's variances."""
    left, values, weights = schedule.alpha_bars, law.means[:, 0], law.weights
    tilde = schedule.betas.clone()
    tilde[1:] *= (1 - left[:-1]) / (1 - left[1:])
    factors, middle, last = loss_weights("x0", schedule, tilde), 0.0, 0.0
    for t in range(1, schedule.T + 1):
        noisy = left[t].sqrt() * values[:, None] + (1 - left[t]).sqrt() * nodes
        guess = mixture_denoiser(law, noisy.reshape(-1, 1), left[t].item()).reshape(len(values), -1)
        if t == 1:
            x0 = values[:, None].expand_as(guess).reshape(-1, 1)
            logs = discretized_log_likelihood(x0, guess.reshape(-1, 1), schedule.betas[1].sqrt().item(), len(values))
            last = -(weights @ logs.reshape(len(values), -1) @ density).item()
        else:
            middle += (factors[t] * (weights @ (values[:, None] - guess) ** 2 @ density)).item()
    prior = 0.5 * (left[-1] * (weights @ values**2) - left[-1] - torch.log1p(-left[-1])).item()
    return prior, middle, last


def test_bound_lies_above_the_entropy_and_refinement_lowers_it():
    weights = torch.tensor([0.5, 0.1, 0.1, 0.1, 0.2], dtype=F64)
    law = GaussianMixture(weights, torch.linspace(-1, 1, 5, dtype=F64)[:, None], torch.zeros(5, dtype=F64))
    entropy = -(weights * weights.log()).sum().item()
    nodes = torch.linspace(-7, 7, 281, dtype=F64)
    density = torch.exp(-0.5 * nodes**2) / torch.exp(-0.5 * nodes**2).sum()
    ratios = torch.linspace(math.log(1e3), math.log(1e-5), 257, dtype=F64)
    found = []
    for stride in (32, 16, 8, 4, 2, 1):
        left = torch.cat([torch.ones(1, dtype=F64), torch.sigmoid(ratios[::stride])])
        betas = torch.cat([torch.zeros(1, dtype=F64), 1 - left[1:] / left[:-1]])
        found.append(bound(Schedule.from_betas(betas), law, nodes, density))
    totals = [sum(terms) for terms in found]
    assert all(total > entropy for total in totals)
    assert totals == sorted(totals, reverse=True)
    assert all(terms[0] == pytest.approx(found[0][0]) and terms[2] == pytest.approx(found[0][2]) for terms in found)
    gaps = [total - entropy for total in totals]
    assert gaps[-2] / gaps[-1] == pytest.approx(2, abs=0.1)


# bad input

LAW = mixture([0.1, 0.2])
X = torch.zeros(3, 2, dtype=F64)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: mixture_denoiser(LAW, X, 1.0), ValueError, "alpha_bar must be at least 0 and less than 1, got 1.0"),
        (lambda: mixture_denoiser(LAW, X, -0.1), ValueError, "alpha_bar must be at least 0"),
        (lambda: mixture_denoiser(LAW, X, torch.tensor([0.1, math.nan, 0.2])), ValueError, "alpha_bar must be .* got nan"),
        (lambda: mixture_denoiser(LAW, X, torch.ones(2) / 2), ValueError, r"alpha_bar must have shape \(\) or \(3,\)"),
        (lambda: mixture_denoiser(LAW, X[:, :1], 0.5), ValueError, r"x_t must have shape \(batch, 2\)"),
        (lambda: mixture_denoiser(LAW.means, X, 0.5), TypeError, "mixture must be a ddpmlib.mixtures.GaussianMixture, got Tensor"),
        (lambda: discretized_log_likelihood(X, X, 0.0, 17), ValueError, "std must be positive and finite, got 0.0"),
        (lambda: discretized_log_likelihood(X, X, torch.ones(3), 17), ValueError, r"std must broadcast to the shape of x0, \(3, 2\)"),
        (lambda: discretized_log_likelihood(X, X[:2], 1.0, 17), ValueError, "mean must have the shape of x0"),
        (lambda: discretized_log_likelihood(X, X, 1.0, 1), ValueError, "levels must be at least 2, got 1"),
        (lambda: discretized_log_likelihood(X, X, 1.0, 256), ValueError, "x0 must lie on 256 levels from -1 to 1, got 0.0"),
        (lambda: discretized_log_likelihood(X + 1.5, X, 1.0, 5), ValueError, "x0 must lie on 5 levels from -1 to 1, got 1.5"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
