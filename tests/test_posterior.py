"""Chapter 5: the formulas of the text that no exercise checks, the numbers that it prints, and precision."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from ddpmlib.forward import forward_step, q_sample, q_sample_ve
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.posterior import (
    condition_gaussian,
    posterior_mean,
    posterior_mean_from_noise,
    posterior_mean_ve,
    posterior_variance,
    posterior_variance_ve,
)
from ddpmlib.schedules import Schedule

F64 = torch.float64
SCHEDULES = {"linear": Schedule.linear(1000), "cosine": Schedule.cosine(1000)}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def random_schedule(T: int, seed: int) -> Schedule:
    steps = 0.002 + 0.9 * torch.rand(T, generator=torch.Generator().manual_seed(seed), dtype=F64)
    return Schedule.from_betas(torch.cat([torch.zeros(1, dtype=F64), steps]))


def weights(schedule: Schedule) -> tuple[torch.Tensor, torch.Tensor]:
    """What multiplies x_t and x_0 at the times 1..T."""
    ones, zeros, t = torch.ones(schedule.T, dtype=F64), torch.zeros(schedule.T, dtype=F64), torch.arange(1, schedule.T + 1)
    return posterior_mean(zeros, ones, t, schedule), posterior_mean(ones, zeros, t, schedule)


ALL = [*SCHEDULES.values(), *(random_schedule(40, seed) for seed in range(3))]


# the theorem, by other roads


@pytest.mark.parametrize("schedule", ALL)
def test_closed_form_is_the_conditioned_joint_gaussian_at_every_time(schedule):
    x0, x_t = normal(schedule.T, 1, seed=1), normal(schedule.T, 1, seed=2)
    times = torch.arange(1, schedule.T + 1)
    closed, variances = posterior_mean(x0, x_t, times, schedule), posterior_variance(schedule)
    for t in range(1, schedule.T + 1):
        both = schedule.alpha_bars[t - 1 : t + 1]
        covariance = torch.diag(1 - both)
        covariance[0, 1] = covariance[1, 0] = schedule.alphas[t].sqrt() * (1 - both[0])
        mean, variance = condition_gaussian(both.sqrt() * x0[t - 1], covariance, [1], x_t[t - 1])
        assert (mean - closed[t - 1]).abs() < 1e-10 and (variance - variances[t]).abs() < 1e-10
        if t > 1 and variances[t] > 1e-6:
            assert abs(variance / variances[t] - 1) < 1e-8


def test_bayes_rule_with_three_gaussians():
    schedule, t, x0, x_t = random_schedule(9, 5), 6, torch.tensor([0.7]).double(), torch.tensor([-1.2]).double()
    grid = normal(50, seed=3)
    before, now = schedule.alpha_bars[t - 1], schedule.alpha_bars[t]
    quotient = (Normal(schedule.alphas[t].sqrt() * grid, schedule.betas[t].sqrt()).log_prob(x_t)
                + Normal(before.sqrt() * x0, (1 - before).sqrt()).log_prob(grid)
                - Normal(now.sqrt() * x0, (1 - now).sqrt()).log_prob(x_t))
    law = Normal(posterior_mean(x0, x_t, t, schedule), posterior_variance(schedule)[t].sqrt())
    assert torch.allclose(quotient, law.log_prob(grid), atol=1e-12)


def test_conditioning_divides_the_joint_density_by_the_marginal():
    factor = normal(5, 5)
    mean, covariance = normal(5, seed=1), factor @ factor.T + torch.eye(5, dtype=F64)
    point, observed, rest = normal(5, seed=2), [4, 1], [0, 2, 3]
    found, left = condition_gaussian(mean, covariance, observed, point[observed])
    joint = MultivariateNormal(mean, covariance).log_prob(point)
    marginal = MultivariateNormal(mean[observed], covariance[observed][:, observed]).log_prob(point[observed])
    assert torch.allclose(MultivariateNormal(found, left).log_prob(point[rest]), joint - marginal)


def test_lemma_of_a_linear_observation_is_a_case_of_conditioning():
    m, v, a, r, y = 0.4, 1.7, -0.6, 0.3, 1.1
    precision = 1 / v + a**2 / r
    mean = torch.tensor([m, a * m], dtype=F64)
    covariance = torch.tensor([[v, a * v], [a * v, a**2 * v + r]], dtype=F64)
    found, left = condition_gaussian(mean, covariance, [1], torch.tensor([y], dtype=F64))
    assert torch.allclose(left, torch.tensor([[1 / precision]], dtype=F64))
    assert torch.allclose(found, torch.tensor([(m / v + a * y / r) / precision], dtype=F64))


def test_the_future_adds_nothing_and_the_walk_is_markov():
    bars = random_schedule(8, 7).alpha_bars[1:]
    later, earlier = torch.minimum(bars[:, None], bars), torch.maximum(bars[:, None], bars)
    law = bars.sqrt() * 1.3, (later / earlier).sqrt() * (1 - earlier)
    path = normal(8, seed=4)
    alone, future = (condition_gaussian(*law, places, path[places]) for places in ([4], [4, 5, 6, 7]))
    assert torch.allclose(alone[0][3], future[0][3]) and torch.allclose(alone[1][3, 3], future[1][3, 3])


# variance and weights


@pytest.mark.parametrize("schedule", ALL)
def test_variance_lies_between_0_and_beta_and_weights_have_the_stated_sums(schedule):
    variances, betas = posterior_variance(schedule), schedule.betas
    assert variances[0] == 0 and variances[1] == 0
    assert (variances[2:] > 0).all() and (variances[1:] < betas[1:]).all()
    of_x_t, of_x0 = weights(schedule)
    a, b = schedule.alphas[1:].sqrt(), schedule.alpha_bars[:-1].sqrt()
    assert torch.allclose(of_x_t * a * b + of_x0, b)
    assert torch.allclose(of_x_t + of_x0, (a + b) / (1 + a * b))
    assert ((of_x_t + of_x0)[1:] < 1).all() and (of_x_t + of_x0 > a).all()


def test_limits():
    def law(before, beta):
        schedule = Schedule.from_betas(torch.tensor([0.0, 1 - before, beta], dtype=F64))
        return (*(weight[1].item() for weight in weights(schedule)), posterior_variance(schedule)[2].item())

    assert law(0.6, 1e-9) == pytest.approx((1, 0, 0), abs=1e-8)
    assert law(0.6, 1 - 1e-12) == pytest.approx((0, math.sqrt(0.6), 0.4), abs=1e-5)
    assert law(1e-12, 0.3) == pytest.approx((math.sqrt(0.7), 0, 0.3), abs=1e-5)


def test_ratio_of_the_variances_as_printed():
    for name, at_2, reached in (("linear", 0.455, 168), ("cosine", 0.472, 186)):
        ratio = posterior_variance(SCHEDULES[name])[1:] / SCHEDULES[name].betas[1:]
        assert ratio[1].item() == pytest.approx(at_2, abs=1e-3)
        assert int((ratio > 0.99).nonzero()[0]) + 1 == reached


def test_one_step_has_only_the_point():
    schedule = Schedule.linear(1)
    assert posterior_variance(schedule).tolist() == [0, 0]
    x0, x_t = normal(3, 2), normal(3, 2, seed=1)
    assert torch.allclose(posterior_mean(x0, x_t, 1, schedule), x0, atol=1e-10)


@pytest.mark.parametrize("c", [0.0, 0.25, 1.0])
def test_exact_step_back_for_gaussian_data(c):
    schedule, t = random_schedule(7, 8), 5
    before, alpha, beta = schedule.alpha_bars[t - 1], schedule.alphas[t], schedule.betas[t]
    wide = before * c + 1 - before
    covariance = torch.stack([torch.stack([wide, alpha.sqrt() * wide]), torch.stack([alpha.sqrt() * wide, alpha * wide + beta])])
    exact = condition_gaussian(torch.zeros(2, dtype=F64), covariance, [1], torch.zeros(1, dtype=F64))[1].squeeze()
    assert torch.allclose(exact, wide * beta / (alpha * wide + beta))
    small = posterior_variance(schedule)[t]
    of_x0 = weights(schedule)[1][t - 1]
    now = schedule.alpha_bars[t]
    unknown = c * (1 - now) / (now * c + 1 - now)  # Var(x_0 | x_t)
    assert torch.allclose(exact, small + of_x0**2 * unknown)
    if c in (0.0, 1.0):
        assert torch.allclose(exact, beta if c else small)


def test_step_back_without_the_datum_has_the_stated_moments():
    schedule, t = random_schedule(6, 9), 4
    data = GaussianMixture(torch.tensor([0.3, 0.7]).double(), torch.tensor([[-1.0], [1.5]]).double(), torch.zeros(2, dtype=F64))
    x_t = torch.tensor([[0.2]]).double()
    grid = torch.linspace(-12, 12, 6001, dtype=F64)[:, None]
    likelihood = Normal(schedule.alphas[t].sqrt() * grid, schedule.betas[t].sqrt()).log_prob(x_t)[:, 0]
    density = torch.softmax(data.diffused(schedule.alpha_bars[t - 1].item()).log_prob(grid) + likelihood, 0)
    mean = density @ grid[:, 0]
    variance = density @ (grid[:, 0] - mean) ** 2
    chance = torch.softmax(data.diffused(schedule.alpha_bars[t].item()).component_log_probs(x_t)[0], 0)
    points = data.means[:, 0]
    guess = chance @ points
    assert torch.allclose(mean, posterior_mean(guess[None, None], x_t, t, schedule).squeeze())
    of_x0 = weights(schedule)[1][t - 1]
    assert torch.allclose(variance, posterior_variance(schedule)[t] + of_x0**2 * (chance @ (points - guess) ** 2))


# the noise


@pytest.mark.parametrize("schedule", ALL)
def test_mean_from_the_total_noise_is_the_mean(schedule):
    x0, noise, t = normal(schedule.T, 3), normal(schedule.T, 3, seed=1), torch.arange(1, schedule.T + 1)
    x_t = q_sample(x0, t, schedule.alpha_bars, noise)
    assert torch.allclose(posterior_mean_from_noise(x_t, noise, t, schedule), posterior_mean(x0, x_t, t, schedule), atol=1e-10)


def test_last_noise_given_the_total_noise():
    schedule, t = random_schedule(6, 10), 6
    noises = torch.eye(t, dtype=F64)  # x_t as a linear map of the noises, from x_0 = 0
    x = torch.zeros(t, dtype=F64)
    for s in range(1, t + 1):
        x = forward_step(x, s, schedule.betas, noises[s - 1])
    total = x / (1 - schedule.alpha_bars[t]).sqrt()
    assert torch.allclose(total @ total, torch.ones((), dtype=F64))
    assert torch.allclose(total[t - 1], (schedule.betas[t] / (1 - schedule.alpha_bars[t])).sqrt())


def test_slips_of_the_decks_cost_what_the_chapter_says():
    schedule = SCHEDULES["linear"]
    variance, betas, bars = posterior_variance(schedule)[2:], schedule.betas[2:], schedule.alpha_bars
    share = betas * (1 - bars[1:-1].sqrt()) / (1 - bars[2:]) / variance
    one = torch.ones_like(share)
    bits = kl_divergence(Normal(0 * one, one), Normal(0 * one, share.sqrt())) / math.log(2)
    assert share[0].item() == pytest.approx(0.5, abs=1e-3) and bits.sum().item() == pytest.approx(66, abs=0.5)
    rho = (betas / (1 - bars[2:])).sqrt()
    displaced = betas**2 / (schedule.alphas[2:] * (1 - bars[2:])) * 2 * (1 - rho)
    assert rho[498].item() == pytest.approx(0.1, abs=0.01)
    assert (displaced / variance).sum().item() / (2 * math.log(2)) == pytest.approx(22.6, abs=0.1)
    narrow = posterior_variance_ve(torch.arange(2, 1001)).sqrt()
    price = kl_divergence(Normal(0 * narrow, narrow), Normal(0 * narrow, torch.ones_like(narrow)))
    assert price[0].item() == pytest.approx(0.097, abs=1e-3) and price.sum().item() == pytest.approx(0.211, abs=1e-3)


# the random walk


def test_random_walk_of_any_steps():
    sigma2 = torch.tensor([0.0, 0.2, 0.9, 3.0, 3.4], dtype=F64)
    for t in (1, 2, 3, 4):
        before, now = sigma2[t - 1], sigma2[t]
        covariance = torch.stack([torch.stack([before, before]), torch.stack([before, now])])
        mean, variance = condition_gaussian(torch.full((2,), 0.6, dtype=F64), covariance, [1], torch.tensor([-2.0]).double())
        assert torch.allclose(mean, before / now * -2.0 + (1 - before / now) * 0.6)
        assert torch.allclose(variance, before * (now - before) / now)


def test_random_walk_is_the_forward_process_rescaled_and_its_noise_is_the_displacement():
    T = 60
    schedule = Schedule.from_betas(torch.tensor([0.0] + [1 / (t + 1) for t in range(1, T + 1)], dtype=F64))
    t, x0, noise = torch.arange(1, T + 1), normal(T, 2), normal(T, 2, seed=1)
    y_t = q_sample_ve(x0, t, noise)
    before, now = t.double().sqrt()[:, None], (1 + t.double()).sqrt()[:, None]
    mean = posterior_mean_ve(x0, y_t, t)
    assert torch.allclose(before * posterior_mean(x0, y_t / now, t, schedule), mean, atol=1e-11)
    assert torch.allclose(t * posterior_variance(schedule)[1:], posterior_variance_ve(t))
    assert torch.allclose(mean, y_t - (y_t - x0) / t[:, None]) and torch.allclose(mean, y_t - noise / before)
