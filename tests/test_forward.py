"""Chapter 3: the index convention, bad input, and the formulas of the text that no exercise checks."""

from __future__ import annotations

import math

import pytest
import sympy
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from ddpmlib import forward_formulas
from ddpmlib.data import digits
from ddpmlib.forward import forward_step, prior_matching_bits_per_dim, q_sample, q_sample_ve
from ddpmlib.schedules import Schedule, alpha_bars, cosine_betas, linear_betas, signal_to_noise

F64 = torch.float64
SCHEDULES = {"linear": Schedule.linear(1000), "cosine": Schedule.cosine(1000)}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


# the index convention


@pytest.mark.parametrize("T", [1, 2, 7, 1000])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_tables_have_an_entry_for_time_0_and_one_for_each_step(name, T):
    schedule = getattr(Schedule, name)(T)
    assert schedule.T == T
    for table in (schedule.betas, schedule.alphas, schedule.alpha_bars):
        assert table.shape == (T + 1,) and table.dtype == F64
    assert (schedule.betas[0], schedule.alphas[0], schedule.alpha_bars[0]) == (0, 1, 1)
    assert schedule.alpha_bars[1] == 1 - schedule.betas[1]


def test_one_step_is_a_linear_schedule_of_beta_start():
    assert linear_betas(1).tolist() == [0, 1e-4]


def test_step_t_uses_entry_t_and_the_jump_to_time_0_is_the_data():
    betas = torch.tensor([0.0, 0.1, 0.4], dtype=F64)
    one = torch.ones(1, 1, dtype=F64)
    for t in (1, 2):
        assert forward_step(0 * one, t, betas, one).item() == pytest.approx(math.sqrt(betas[t]))
    x0, noise = normal(3, 2), normal(3, 2, seed=1)
    assert torch.equal(q_sample(x0, 0, alpha_bars(betas), noise), x0)
    assert torch.equal(q_sample_ve(x0, 0, noise), x0)
    last = q_sample(x0, torch.tensor([0, 1, 2]), alpha_bars(betas), noise)
    assert torch.equal(last[0], x0[0])
    assert torch.allclose(last[2], math.sqrt(0.9 * 0.6) * x0[2] + math.sqrt(1 - 0.9 * 0.6) * noise[2])


def test_alphas_and_alpha_bars_follow_from_betas():
    for schedule in SCHEDULES.values():
        assert torch.allclose(schedule.alphas, 1 - schedule.betas)
        assert torch.allclose(schedule.alpha_bars[1:], schedule.alpha_bars[:-1] * schedule.alphas[1:])
        again = Schedule.from_betas(schedule.betas)
        assert torch.equal(again.alpha_bars, schedule.alpha_bars)


def test_published_numbers():
    assert SCHEDULES["linear"].alpha_bars[-1].item() == pytest.approx(4.0358e-5, rel=1e-4)
    assert SCHEDULES["cosine"].betas[-1] == 0.999
    ends = {name: signal_to_noise(schedule.alpha_bars)[-1].item() for name, schedule in SCHEDULES.items()}
    assert ends["linear"] == pytest.approx(4.0e-5, rel=0.02) and ends["cosine"] == pytest.approx(2.4e-9, rel=0.02)
    assert Schedule.linear(100).alpha_bars[-1].item() == pytest.approx(0.3636, abs=1e-4)


# formulas of the chapter


def test_covariance_is_pulled_to_the_identity():
    betas = linear_betas(50, 0.01, 0.2)
    mixing, mean = normal(3, 3), normal(3)
    covariance = mixing @ mixing.T
    zero, basis = torch.zeros(3, 3, dtype=F64), torch.eye(3, dtype=F64)
    for t in range(1, 51):
        shrink, blur = forward_step(basis, t, betas, zero), forward_step(zero, t, betas, basis)
        after = shrink @ covariance @ shrink.T + blur @ blur.T
        assert torch.allclose(after - basis, (1 - betas[t]) * (covariance - basis))
        assert torch.allclose(forward_step(mean, t, betas, zero[0]), (1 - betas[t]).sqrt() * mean)
        covariance, mean = after, forward_step(mean, t, betas, zero[0])


def test_other_coefficients_lose_the_variance():
    beta, steps = 0.01, 1000
    grown = shrunk = 1.0
    for _ in range(steps):
        grown, shrunk = grown + beta, (1 - beta) ** 2 * shrunk + beta
    assert grown == pytest.approx(11) and shrunk == pytest.approx(1 / (2 - beta), rel=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
def test_walking_with_merged_noises_is_jumping(name):
    schedule = SCHEDULES[name]
    x = x0 = normal(4, 3)
    merged = torch.zeros_like(x0)
    for t in range(1, 1001):
        noise = normal(4, 3, seed=t)
        x = forward_step(x, t, schedule.betas, noise)
        before, alpha, now = schedule.alpha_bars[t - 1], schedule.alphas[t], schedule.alpha_bars[t]
        merged = ((alpha * (1 - before)).sqrt() * merged + (1 - alpha).sqrt() * noise) / (1 - now).sqrt()
        assert torch.allclose(x, q_sample(x0, t, schedule.alpha_bars, merged), atol=1e-11)


def test_law_between_two_times_and_correlation_along_a_walk():
    betas = linear_betas(12, 0.05, 0.3)
    table = alpha_bars(betas)
    noises = torch.eye(12, dtype=F64)  # x_t as a linear map of the 12 noises, from x_0 = 0
    states = [torch.zeros(12, dtype=F64)]
    for t in range(1, 13):
        states.append(forward_step(states[-1], t, betas, noises[t - 1]))
    for s, t in [(3, 4), (2, 9), (1, 12)]:
        assert torch.allclose(states[t] @ states[t], 1 - table[t])
        coefficient = (table[t] / table[s]).sqrt()
        rest = states[t] - coefficient * states[s]
        assert abs(rest @ states[s]) < 1e-12
        assert torch.allclose(rest @ rest, 1 - table[t] / table[s])
        correlation = (states[s] @ states[t]) / (states[s].norm() * states[t].norm())
        assert torch.allclose(correlation, coefficient * ((1 - table[s]) / (1 - table[t])).sqrt())


def test_random_walk_rescaled_is_a_vp_process_and_back():
    sigma2 = torch.tensor([0.0, 0.3, 1.1, 2.0, 7.5], dtype=F64)
    betas = torch.cat([torch.zeros(1), 1 - (1 + sigma2[:-1]) / (1 + sigma2[1:])])
    assert torch.allclose(alpha_bars(betas), 1 / (1 + sigma2))
    assert torch.allclose(signal_to_noise(alpha_bars(betas))[1:], 1 / sigma2[1:])
    y = normal(2, 3)
    x = y.clone()
    for t in range(1, 5):
        noise = normal(2, 3, seed=t)
        y = y + (sigma2[t] - sigma2[t - 1]).sqrt() * noise
        x = forward_step(x, t, betas, noise)
        assert torch.allclose(x, y / (1 + sigma2[t]).sqrt())
    unit = alpha_bars(torch.tensor([0.0] + [1 / (t + 1) for t in range(1, 31)], dtype=F64))
    x0, noise, t = normal(30, 2), normal(30, 2, seed=9), torch.arange(1, 31)
    assert torch.allclose(q_sample_ve(x0, t, noise) / (1.0 + t).sqrt()[:, None], q_sample(x0, t, unit, noise))


def test_random_walk_prior_distance():
    data = digits()[0][:, ::7]
    mean, covariance = data.mean(0), torch.cov(data.T, correction=0)
    identity = torch.eye(data.shape[1], dtype=F64)
    for T in (3, 100):
        prior = MultivariateNormal(mean, covariance + T * identity)
        exact = kl_divergence(MultivariateNormal(data, T * identity), prior).mean()
        assert torch.allclose(exact, 0.5 * torch.log1p(torch.linalg.eigvalsh(covariance) / T).sum())


def test_prior_kl_small_alpha_bar_series():
    abar, x_0 = sympy.Symbol("abar", positive=True), sympy.Symbol("x_0", real=True)
    series = sympy.series(forward_formulas.prior_kl_formula(), abar, 0, 3).removeO()
    assert sympy.expand(series - (abar * x_0**2 / 2 + abar**2 / 4)) == 0


def test_gaussian_kl_lemma():
    mu, sigma = normal(6), normal(6, seed=1).exp()
    expected = kl_divergence(Normal(mu, sigma), Normal(torch.zeros(6, dtype=F64), torch.ones(6, dtype=F64)))
    assert torch.allclose(0.5 * (sigma**2 + mu**2 - 1 - torch.log(sigma**2)), expected)


def test_prior_distance_of_the_schedules_on_the_digits():
    images = digits()[0]
    bits = {name: prior_matching_bits_per_dim(images, schedule.alpha_bars[-1]).mean().item()
            for name, schedule in SCHEDULES.items()}
    assert bits["linear"] == pytest.approx(2.1e-5, rel=0.03) and bits["cosine"] == pytest.approx(1.26e-9, rel=0.03)
    unscaled = prior_matching_bits_per_dim(images, Schedule.linear(100).alpha_bars[-1])
    assert unscaled.shape == (1797,) and unscaled.mean().item() == pytest.approx(0.252, abs=1e-3)
    assert (prior_matching_bits_per_dim(images.float(), SCHEDULES["cosine"].alpha_bars[-1]) > 0).all()


def test_deck_slips_have_other_variances():
    a3, a2, a1 = 0.5, 0.7, 0.9
    formula = forward_formulas.two_step_variance_formula()
    values = {"alpha_t": a3, "alpha_prev": a2}
    truth = float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))
    assert truth == pytest.approx(0.65)
    wrong = [1 - a3 * a1, (math.sqrt(a3 * (1 - a2)) + math.sqrt(1 - a3)) ** 2, a3 * (1 - a2) ** 2 + (1 - a3) ** 2]
    assert [round(value, 3) for value in wrong] == [0.55, 1.198, 0.295]


def test_few_steps_and_the_last_step_of_the_cosine_schedule():
    with pytest.raises(ValueError, match="beta_end must be .* less than 1"):
        Schedule.linear(20, 1e-4 * 1000 / 20, 0.02 * 1000 / 20)
    assert Schedule.linear(40, 1e-4 * 25, 0.02 * 25).alpha_bars[-1] < 1e-4
    cosine = SCHEDULES["cosine"]
    assert math.isclose(cosine.alphas[1000], 0.001) and math.isclose(cosine.alpha_bars[999], 2.4e-6, rel_tol=0.02)


def test_float32_is_kept():
    x0 = normal(3, 2).float()
    table = SCHEDULES["linear"].alpha_bars
    assert q_sample(x0, torch.tensor([0, 5, 1000]), table, x0).dtype == torch.float32
    assert forward_step(x0, 3, SCHEDULES["linear"].betas, x0).dtype == torch.float32
    assert q_sample_ve(x0, torch.tensor([1, 2, 3]), x0).dtype == torch.float32


# bad input

X = normal(4, 3)
BETAS = linear_betas(10)
TABLE = alpha_bars(BETAS)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: linear_betas(0), ValueError, "T must be at least 1, got 0"),
        (lambda: linear_betas(10.0), TypeError, "T must be an integer"),
        (lambda: linear_betas(10, beta_start=0), ValueError, "beta_start must be greater than 0"),
        (lambda: linear_betas(10, beta_end=1.0), ValueError, "beta_end must be .* less than 1"),
        (lambda: linear_betas(10, beta_end=math.nan), ValueError, "beta_end must be finite"),
        (lambda: cosine_betas(-3), ValueError, "T must be at least 1, got -3"),
        (lambda: cosine_betas(10, s=-0.1), ValueError, "s must be at least 0"),
        (lambda: cosine_betas(10, max_beta=1), ValueError, "max_beta must be .* less than 1"),
        (lambda: alpha_bars([0, 0.1]), TypeError, "betas must be a torch.Tensor"),
        (lambda: alpha_bars(torch.tensor([0, 1])), TypeError, "betas must be a floating-point tensor"),
        (lambda: alpha_bars(BETAS[1:]), ValueError, r"betas\[0\] must be 0"),
        (lambda: alpha_bars(BETAS[:1]), ValueError, r"betas must have shape \(T \+ 1,\)"),
        (lambda: alpha_bars(torch.tensor([0.0, 0.1, 1.0])), ValueError, r"betas\[2\] must be strictly between 0 and 1"),
        (lambda: alpha_bars(torch.tensor([0.0, math.nan])), ValueError, r"betas\[1\] must be .* got nan"),
        (lambda: Schedule.from_betas(torch.tensor([0.0, -0.1])), ValueError, r"betas\[1\] must be strictly between"),
        (lambda: signal_to_noise(0.5), TypeError, "alpha_bar must be a torch.Tensor"),
        (lambda: signal_to_noise(torch.tensor([0.5, 1.1])), ValueError, "alpha_bar must be between 0 and 1, got 1.1"),
        (lambda: forward_step(X, 0, BETAS, X), ValueError, "t must be between 1 and 10, got 0"),
        (lambda: forward_step(X, 11, BETAS, X), ValueError, "t must be between 1 and 10, got 11"),
        (lambda: forward_step(X, 1.0, BETAS, X), TypeError, "t must be an integer"),
        (lambda: forward_step(X, 1, TABLE, X), ValueError, r"betas\[0\] must be 0"),
        (lambda: forward_step(X, 1, BETAS, X[:2]), ValueError, r"noise must have the shape of x_prev, \(4, 3\)"),
        (lambda: forward_step(X.long(), 1, BETAS, X), TypeError, "x_prev must be a floating-point tensor"),
        (lambda: q_sample(X, 11, TABLE, X), ValueError, "t must be between 0 and 10, got 11"),
        (lambda: q_sample(X, torch.tensor([0, 1, 2, -1]), TABLE, X), ValueError, "t must be between 0 and 10, got -1"),
        (lambda: q_sample(X, torch.tensor([1, 2, 3]), TABLE, X), ValueError, r"t must have shape \(\) or \(4,\)"),
        (lambda: q_sample(X, torch.tensor([1.0] * 4), TABLE, X), TypeError, "t must hold integers"),
        (lambda: q_sample(X, 1, BETAS, X), ValueError, r"alpha_bars\[0\] must be 1"),
        (lambda: q_sample(X, 1, TABLE.flip(0), X), ValueError, r"alpha_bars\[0\] must be 1"),
        (lambda: q_sample(X, 1, torch.tensor([1.0, 0.4, 0.5]), X), ValueError, r"alpha_bars\[2\] must be between 0"),
        (lambda: q_sample(X.int(), 1, TABLE, X), TypeError, "x0 must be a floating-point tensor"),
        (lambda: q_sample(X, 1, TABLE, X.T), ValueError, "noise must have the shape of x0"),
        (lambda: q_sample(X[0, 0], 1, TABLE, X[0, 0]), ValueError, "x0 must have a batch axis"),
        (lambda: q_sample_ve(X, -1, X), ValueError, "t must be at least 0, got -1"),
        (lambda: q_sample_ve(X, 1.5, X), TypeError, "t must be an int"),
        (lambda: q_sample_ve(X, 1, X[:, :2]), ValueError, "noise must have the shape of x0"),
        (lambda: q_sample_ve(torch.ones(2, 2, dtype=torch.uint8), 1, X), TypeError, "x0 must be a floating-point"),
        (lambda: prior_matching_bits_per_dim(X, 1.0), ValueError, "alpha_bar_T must be .* less than 1"),
        (lambda: prior_matching_bits_per_dim(X, 0), ValueError, "alpha_bar_T must be greater than 0"),
        (lambda: prior_matching_bits_per_dim(X, TABLE), TypeError, "alpha_bar_T must be a number"),
        (lambda: prior_matching_bits_per_dim(X[:, 0], 0.5), ValueError, r"x0 must have shape \(batch, ...\)"),
        (lambda: prior_matching_bits_per_dim(X.int(), 0.5), TypeError, "x0 must be a floating-point tensor"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
