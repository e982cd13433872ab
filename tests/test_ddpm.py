"""Chapter 7: the formulas of the text that no exercise checks, what the samplers promise, and bad input."""

from __future__ import annotations

import itertools
import math

import pytest
import sympy
import torch

from ddpmlib import ddpm_formulas
from ddpmlib.ddpm import (
    ancestral_sample, ancestral_step, denoise_renoise_sample, loss_per_time, reverse_variance, training_loss,
)
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.models import draw_noise
from ddpmlib.schedules import Schedule

F64 = torch.float64
SCHEDULE = Schedule.linear(12, 0.02, 0.4)
LEFT = SCHEDULE.alpha_bars


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def gaussian_model(c: float, schedule: Schedule = SCHEDULE):
    """The best noise predictor for data N(0, c)."""
    slope = (1 - schedule.alpha_bars).sqrt() / (1 + schedule.alpha_bars * (c - 1))
    return lambda x, t: slope[t].reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype) * x


def impulses(sample, schedule: Schedule, **options) -> torch.Tensor:
    """What one unit of x_T (entry 0) and of the noise of each step adds to the output."""
    T = schedule.T
    x_T, noise = torch.zeros(T + 1, 1, dtype=F64), torch.eye(T + 1, dtype=F64)[:, :, None].clone()
    x_T[0], noise[0] = 1, 0
    return sample(x_T=x_T, schedule=schedule, noise=noise, **options)[:, 0]


def value(formula: sympy.Expr, **values: float) -> float:
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


# two points at -1 and 1: data for which everything is an integral over one or two numbers

GRID = torch.linspace(-9, 9, 3001, dtype=F64)
STEP = (GRID[1] - GRID[0]).item()
TWO = GaussianMixture(torch.tensor([0.5, 0.5], dtype=F64), torch.tensor([[-1.0], [1.0]], dtype=F64), torch.zeros(2, dtype=F64))


def density(t: int) -> torch.Tensor:
    return TWO.diffused(LEFT[t].item()).log_prob(GRID[:, None]).exp()


def guess(t: int) -> torch.Tensor:
    """E[x_0 | x_t] on the grid."""
    return torch.tanh(LEFT[t].sqrt() * GRID / (1 - LEFT[t]))


@pytest.mark.parametrize("t", [3, 7, 12])
def test_best_variance_is_the_mean_conditional_variance(t):
    beta, alpha = SCHEDULE.betas[t], SCHEDULE.alphas[t]
    before = density(t - 1)
    kernel = torch.exp(-((GRID[:, None] - alpha.sqrt() * GRID) ** 2) / (2 * beta)) / (2 * math.pi * beta).sqrt()
    joint = kernel * before * STEP  # rows: x_t, columns: x_{t-1}
    now = joint.sum(1)
    means = joint @ GRID / now
    conditional = (before * GRID**2).sum() * STEP - (now * means**2).sum() * STEP
    open_variance = (density(t) * (1 - guess(t) ** 2)).sum() * STEP
    weight = LEFT[t - 1].sqrt() * beta / (1 - LEFT[t])
    best = reverse_variance(SCHEDULE, "small")[t] + weight**2 * open_variance
    assert torch.allclose(best, conditional, rtol=1e-6)
    assert reverse_variance(SCHEDULE, "small")[t] < best < beta  # data of variance 1
    mean = ancestral_step(two_points_model, GRID[:, None], t, SCHEDULE, torch.zeros(len(GRID), 1, dtype=F64), SCHEDULE.betas)[:, 0]
    inside = GRID.abs() < 4
    assert torch.allclose(mean[inside], means[inside], atol=1e-6)


def two_points_model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    left = LEFT[t][:, None]
    return (x - left.sqrt() * torch.tanh(left.sqrt() * x / (1 - left))) / (1 - left).sqrt()


@pytest.mark.parametrize("t", [2, 6, 12])
def test_renoising_lacks_what_the_posterior_leaves_open(t):
    law = density(t) * STEP
    mean_square = (law * guess(t) ** 2).sum()
    lacking = LEFT[t - 1] * (law * (1 - guess(t) ** 2)).sum()
    after = LEFT[t - 1] * mean_square + 1 - LEFT[t - 1]
    assert abs((law * guess(t)).sum()) < 1e-10
    assert torch.allclose(after, 1 - lacking, rtol=1e-8)  # x_{t-1} of the data has variance 1


@pytest.mark.parametrize("c", [0.3, 1.0, 2.5])
def test_bounds_of_the_best_variance_for_gaussian_data(c):
    v = 1 + LEFT * (c - 1)
    small = reverse_variance(SCHEDULE, "small")
    for t in range(1, 13):
        shortfall = value(ddpm_formulas.shortfall_formula(), alpha_t=SCHEDULE.alphas[t].item(), abar_prev=LEFT[t - 1].item(), c=c)
        assert small[t].item() + shortfall == pytest.approx((SCHEDULE.betas[t] * v[t - 1] / v[t]).item())
        assert (SCHEDULE.betas[t] * v[t - 1] / v[t] <= SCHEDULE.betas[t] * (1 + 1e-12)) == (c <= 1)


@pytest.mark.parametrize("c", [0.3, 1.0, 2.5])
def test_with_the_best_variance_the_walk_has_the_law_of_the_data(c):
    v = 1 + LEFT * (c - 1)
    best = torch.cat([torch.zeros(1, dtype=F64), SCHEDULE.betas[1:] * v[:-1] / v[1:]])
    found = impulses(ancestral_sample, SCHEDULE, model=gaussian_model(c), variance=best)
    expected = c - best[1] + (1 - v[12]) * found[0] ** 2  # without the last noise, and from N(0, 1) in the place of q(x_T)
    assert torch.allclose(found.square().sum(), expected)


def test_grouped_draws_have_the_variance_of_the_proposition():
    table = normal(3, 4)  # three values of what is shared, four of what each draw has for itself
    shared, own = table.mean(1).var(correction=0), table.var(1, correction=0).mean()
    for k in (1, 2, 3):
        means = torch.stack([torch.stack(row).mean() for part in table for row in itertools.product(part, repeat=k)])
        n = 6 * k
        assert torch.allclose(means.var(correction=0) / (n / k), (k * shared + own) / n)


def test_renoised_walk_rests_at_half_of_the_variance():
    abar, c = sympy.symbols("abar c", positive=True)
    rest = ddpm_formulas.renoise_rest_formula()
    assert sympy.limit(rest, abar, 1) == c / 2
    v = abar * c + 1 - abar
    assert sympy.simplify(rest - v / (1 + abar * c / v)) == 0
    for T, size in ((100, 0.03), (1600, 0.006)):
        schedule = Schedule.linear(T, 0.1 / T, 20 / T)
        ratio = impulses(denoise_renoise_sample, schedule, model=gaussian_model(1.0, schedule)).square().sum()
        assert abs(ratio - 0.5) < size


@pytest.mark.parametrize("c", [0.25, 1.0, 2.0])
def test_deck_as_printed_rests_at_another_variance(c):
    u = 1.0
    alphas = Schedule.linear(1000).alphas.tolist()
    for t in range(1000, 0, -1):
        u = (c / (c + alphas[t] ** 2)) ** 2 * u + (alphas[t - 1] ** 2 if t > 1 else 0)
    assert u == pytest.approx(c**2 / (2 * c + 1), rel=2e-3)


def test_floor_is_the_loss_of_the_best_model():
    x0, noise = math.sqrt(0.3) * normal(200_000, 1, seed=1), normal(200_000, 1, seed=2)
    times = torch.tensor([1, 5, 12])
    reached = loss_per_time(gaussian_model(0.3), x0, times, noise, SCHEDULE)
    floor = [value(ddpm_formulas.loss_floor_formula(), abar=LEFT[t].item(), c=0.3) for t in times.tolist()]
    assert torch.allclose(reached, torch.tensor(floor, dtype=F64), rtol=0.02)


def test_two_extreme_laws_have_the_two_variances():
    assert (reverse_variance(SCHEDULE, "small")[1:] < reverse_variance(SCHEDULE, "large")[1:]).all()
    assert reverse_variance(SCHEDULE, "small")[1] == 0
    table = reverse_variance(SCHEDULE, "large")
    table.zero_()
    assert SCHEDULE.betas[1] > 0, "the table is a copy"


def test_noise_comes_from_the_generator_alone():
    x = normal(4, 2).float()
    samples = [ancestral_sample(gaussian_model(1.0), x, SCHEDULE, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(*samples) and samples[0].dtype == torch.float32
    assert draw_noise(x, torch.Generator().manual_seed(0)).dtype == torch.float32


def test_the_loss_can_be_differentiated_and_the_samplers_cannot():
    scale = torch.ones((), dtype=F64, requires_grad=True)

    def model(x, t):
        return scale * x

    x0, noise = normal(3, 2), normal(3, 2, seed=1)
    training_loss(model, x0, torch.tensor([1, 5, 9]), noise, SCHEDULE).backward()
    assert scale.grad.abs() > 0
    for sample in (ancestral_sample, denoise_renoise_sample):
        assert not sample(model, x0, SCHEDULE, noise=normal(13, 3, 2)).requires_grad
    assert not loss_per_time(model, x0, torch.tensor([1]), noise, SCHEDULE).requires_grad


X, Z, NOISES = normal(4, 3), normal(4, 3, seed=1), normal(13, 4, 3)
MODEL = gaussian_model(1.0)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: training_loss(MODEL, X, 0, Z, SCHEDULE), ValueError, "t must be between 1 and 12, got 0"),
        (lambda: training_loss(MODEL, X, torch.tensor([1, 2]), Z, SCHEDULE), ValueError, r"t must have shape \(\) or \(4,\)"),
        (lambda: training_loss(MODEL, X, 1, Z[:, :2], SCHEDULE), ValueError, "noise must have the shape of x0"),
        (lambda: training_loss(3, X, 1, Z, SCHEDULE), TypeError, "model must be a callable"),
        (lambda: training_loss(MODEL, X, 1, Z, 12), TypeError, "schedule must be a ddpmlib.schedules.Schedule"),
        (lambda: training_loss(MODEL, X[0, 0], 1, Z[0, 0], SCHEDULE), ValueError, "must have a batch axis"),
        (lambda: reverse_variance(SCHEDULE, "medium"), ValueError, 'kind must be "small" or "large", got \'medium\''),
        (lambda: reverse_variance(SCHEDULE, 1), TypeError, 'kind must be "small" or "large", got int'),
        (lambda: ancestral_step(MODEL, X, 13, SCHEDULE, Z, SCHEDULE.betas), ValueError, "t must be between 1 and 12, got 13"),
        (lambda: ancestral_step(MODEL, X, 1, SCHEDULE, Z, SCHEDULE.betas[1:]), ValueError, r"variance must have shape \(13,\)"),
        (lambda: ancestral_step(MODEL, X, 1, SCHEDULE, Z, -SCHEDULE.betas), ValueError, "variance must hold no negative number"),
        (lambda: ancestral_step(MODEL, X, 1, SCHEDULE, Z, SCHEDULE.betas / 0), ValueError, "no NaN"),
        (lambda: ancestral_sample(MODEL, X, SCHEDULE), TypeError, "noise must be a tensor, or generator must be"),
        (lambda: ancestral_sample(MODEL, X, SCHEDULE, noise=NOISES[1:]), ValueError, r"noise must have shape \(13, 4, 3\)"),
        (lambda: ancestral_sample(MODEL, X, SCHEDULE, variance="tiny", noise=NOISES), ValueError, 'variance must be "small"'),
        (lambda: ancestral_sample(MODEL, X[0, 0], SCHEDULE, noise=NOISES[:, 0, 0]), ValueError, "x_T must have a batch axis"),
        (lambda: denoise_renoise_sample(MODEL, X.long(), SCHEDULE, noise=NOISES), TypeError, "x_T must be a floating-point tensor"),
        (lambda: loss_per_time(MODEL, X, [1, 2], Z, SCHEDULE), TypeError, "times must be an integer tensor"),
        (lambda: loss_per_time(MODEL, X, torch.tensor(3), Z, SCHEDULE), ValueError, r"times must have shape \(n,\)"),
        (lambda: loss_per_time(MODEL, X, torch.tensor([0, 3]), Z, SCHEDULE), ValueError, "times must be between 1 and 12, got 0"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
