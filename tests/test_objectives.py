"""Chapter 6: divergences, conversions, weights and losses; the formulas of the text that no exercise checks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from ddpmlib import parameterizations
from ddpmlib.checks import assess
from ddpmlib.forward import q_sample
from ddpmlib.objectives import denoising_loss, gaussian_kl, loss_weights
from ddpmlib.parameterizations import KINDS, from_x0, to_x0
from ddpmlib.schedules import Schedule, signal_to_noise

F64 = torch.float64
SCHEDULES = {"linear": Schedule.linear(1000), "cosine": Schedule.cosine(1000)}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def tilde(schedule: Schedule) -> torch.Tensor:
    left, table = schedule.alpha_bars, torch.zeros(schedule.T + 1, dtype=F64)
    table[1:] = schedule.betas[1:] * (1 - left[:-1]) / (1 - left[1:])
    return table


# the divergence


def test_general_formula_of_the_divergence():
    a, b = normal(3, 3), normal(3, 3, seed=1)
    cov_q, cov_p = a @ a.T + torch.eye(3), b @ b.T + torch.eye(3)
    mean_q, mean_p = normal(3, seed=2), normal(3, seed=3)
    gap, inverse = mean_q - mean_p, torch.linalg.inv(cov_p)
    formula = 0.5 * (gap @ inverse @ gap + (inverse @ cov_q).trace() - 3 - (cov_q.det() / cov_p.det()).log())
    assert torch.allclose(formula, kl_divergence(MultivariateNormal(mean_q, cov_q), MultivariateNormal(mean_p, cov_p)))
    diagonal = gaussian_kl(mean_q[None], torch.tensor([0.5, 1.0, 2.0], dtype=F64), mean_p[None], 0.7)
    laws = [MultivariateNormal(mean_q, torch.diag(torch.tensor([0.5, 1.0, 2.0], dtype=F64))),
            MultivariateNormal(mean_p, 0.7 * torch.eye(3, dtype=F64))]
    assert torch.allclose(diagonal, kl_divergence(*laws))


def test_shared_covariance_leaves_the_squared_distance():
    mean_q, mean_p = normal(4, 5), normal(4, 5, seed=1)
    assert torch.allclose(gaussian_kl(mean_q, 0.3, mean_p, 0.3), (mean_q - mean_p).square().sum(1) / 0.6)
    shifted = gaussian_kl(mean_q, 0.2, mean_p, 0.3)
    constant = 5 / 2 * (0.2 / 0.3 - 1 - math.log(0.2 / 0.3))
    assert torch.allclose(shifted, (mean_q - mean_p).square().sum(1) / 0.6 + constant)
    assert gaussian_kl(mean_q, 0.3, mean_q, 0.3).eq(0).all()


# the kinds


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", KINDS)
def test_conversions_are_inverse_at_all_times(kind, name):
    schedule = SCHEDULES[name]
    t = torch.tensor([1, 2, 10, 300, 600, 900, 999, 1000])
    x0, noise = normal(8, 3), normal(8, 3, seed=1)
    x_t = q_sample(x0, t, schedule.alpha_bars, noise)
    there = from_x0(kind, x0, x_t, t, schedule)
    assert torch.allclose(to_x0(kind, there, x_t, t, schedule), x0, rtol=1e-7, atol=1e-7)
    assert torch.equal(from_x0(kind, x0[:1], x_t[:1], 1, schedule), there[:1])


@pytest.mark.parametrize("name", SCHEDULES)
def test_kinds_are_what_the_text_says(name):
    schedule = SCHEDULES[name]
    t = torch.tensor([1, 5, 400, 1000])
    x0, noise = normal(4, 3), normal(4, 3, seed=1)
    left = schedule.alpha_bars[t][:, None]
    a, b = left.sqrt(), (1 - left).sqrt()
    x_t = a * x0 + b * noise
    v = from_x0("v", x0, x_t, t, schedule)
    assert torch.allclose(v, a * noise - b * x0, atol=1e-9)
    assert torch.allclose(from_x0("score", x0, x_t, t, schedule), -noise / b, atol=1e-8)
    beta, alpha = schedule.betas[t][:, None], schedule.alphas[t][:, None]
    mean = (x_t - beta / b * noise) / alpha.sqrt()
    assert torch.allclose(from_x0("mean", x0, x_t, t, schedule), mean, atol=1e-12)
    assert torch.allclose(from_x0("mean", x0, x_t, 1, schedule)[0], x0[0])
    assert to_x0("v", normal(4, 3, seed=2) + 1, x_t, t, schedule).sub(to_x0("v", normal(4, 3, seed=2), x_t, t, schedule)).abs().max() <= 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_all_kinds_give_the_same_divergence(name):
    schedule = SCHEDULES[name]
    variances = tilde(schedule)
    t = torch.tensor([2, 3, 50, 400, 999, 1000])
    x0, noise, guess = normal(6, 4), normal(6, 4, seed=1), normal(6, 4, seed=2)
    x_t = q_sample(x0, t, schedule.alpha_bars, noise)
    means = [from_x0("mean", x, x_t, t, schedule) for x in (x0, guess)]
    kl = gaussian_kl(means[0], variances[t][:, None], means[1], variances[t][:, None])
    for kind in KINDS:
        error = (from_x0(kind, x0, x_t, t, schedule) - from_x0(kind, guess, x_t, t, schedule)).square().sum(1)
        assert torch.allclose(loss_weights(kind, schedule, variances)[t] * error, kl, rtol=1e-9)
        weights = loss_weights(kind, schedule, variances)
        loss = denoising_loss(kind, from_x0(kind, guess, x_t, t, schedule), x0, noise, t, schedule, weights)
        assert torch.allclose(loss, kl.mean(), rtol=1e-7)


@pytest.mark.parametrize("name", SCHEDULES)
def test_weights_in_signal_to_noise_ratios(name):
    schedule = SCHEDULES[name]
    snr = signal_to_noise(schedule.alpha_bars)
    x0, eps, v = (loss_weights(kind, schedule, tilde(schedule)) for kind in ("x0", "eps", "v"))
    assert torch.allclose(x0[2:], 0.5 * (snr[1:-1] - snr[2:]), rtol=1e-9)
    assert torch.allclose(eps[2:], 0.5 * (snr[1:-1] / snr[2:] - 1), rtol=1e-9)
    assert torch.allclose(v[2:], x0[2:] / (1 + snr[2:]), rtol=1e-9)
    assert x0[0] == 0 and x0[1] == torch.inf
    middle = slice(100, 900)
    half_log = 0.5 * (snr[99:899].log() - snr[100:900].log())
    assert torch.allclose(eps[middle], half_log, rtol=0.02)


def test_numbers_that_the_text_names():
    schedule = SCHEDULES["linear"]
    variances = tilde(schedule)
    x0, eps = (loss_weights(kind, schedule, variances) for kind in ("x0", "eps"))
    assert 360 < variances[1000] / variances[2] < 370
    assert x0[2].item() == pytest.approx(2730, rel=0.01) and x0[1000].item() == pytest.approx(4.1e-7, rel=0.01)
    assert (eps[2:101].sum() / eps[2:].sum()).item() == pytest.approx(0.39, abs=0.005)
    cosine = loss_weights("eps", SCHEDULES["cosine"], tilde(SCHEDULES["cosine"]))
    assert cosine[1000].item() == pytest.approx(499.5, abs=0.1)


# three views, and the random walk of the Purdue deck


def test_weights_of_the_random_walk():
    for t in range(2, 50):
        share, variance = 1 / t, 1 - 1 / t
        assert share**2 / (2 * variance) == pytest.approx(0.5 * (1 / (t - 1) - 1 / t))
        assert share**2 / 2 == pytest.approx(1 / (2 * t**2))


def test_three_views_have_one_gradient():
    schedule = SCHEDULES["linear"]
    t, left = torch.tensor([2, 300, 1000]), SCHEDULES["linear"].alpha_bars
    x0, noise, guess = normal(3, 4), normal(3, 4, seed=1), normal(3, 4, seed=2).requires_grad_()
    x_t = q_sample(x0, t, left, noise)
    x0_hat = to_x0("eps", guess, x_t, t, schedule)
    snr = signal_to_noise(left[t])
    variance = (1 / snr)[:, None]
    vae = -torch.distributions.Normal(x0_hat, variance.sqrt()).log_prob(x0) - 0.5 * torch.log(2 * math.pi * variance)
    losses = [denoising_loss("eps", guess, x0, noise, t, schedule), 2 * vae.sum(1).mean(),
              (snr * (x0 - x0_hat).square().sum(1)).mean()]
    gradients = [torch.autograd.grad(loss, guess, retain_graph=True)[0] for loss in losses]
    for loss, gradient in zip(losses, gradients):
        assert torch.allclose(loss, losses[0], rtol=1e-9) and torch.allclose(gradient, gradients[0], rtol=1e-7)


# a bottleneck


def test_best_predictor_of_rank_r():
    """Reduced-rank regression against gradient-free truth: Eckart-Young on sampled second moments, and the text's table."""
    D, d, snr = 12, 3, 0.3
    signal = snr / (1 + snr)
    a2, b2 = signal, 1 - signal
    lam = torch.cat([torch.tensor([4.0, 2.0, 0.5], dtype=F64), torch.zeros(D - d, dtype=F64)])
    basis = torch.linalg.qr(normal(D, D)).Q
    covariance = basis @ torch.diag(lam) @ basis.T
    eye = torch.eye(D, dtype=F64)
    sigma = a2 * covariance + b2 * eye
    s = a2 * lam + b2
    squares = {"x0": a2 * lam**2 / s, "eps": b2 / s, "v": a2 * b2 * (1 - lam) ** 2 / s}
    assert torch.allclose(squares["v"][d:], torch.full((D - d,), a2, dtype=F64))
    cross = {"x0": a2**0.5 * covariance, "eps": b2**0.5 * eye, "v": (a2 * b2) ** 0.5 * (eye - covariance)}
    root = torch.linalg.cholesky(sigma)
    for kind, matrix in cross.items():
        g = torch.linalg.svdvals(torch.linalg.solve_triangular(root, matrix, upper=False).T)
        assert torch.allclose(g**2, squares[kind].sort(descending=True).values, atol=1e-10)
        best = matrix @ torch.linalg.inv(sigma)
        rank = {"x0": d, "eps": D, "v": D}[kind]
        assert torch.linalg.matrix_rank(best, atol=1e-10) == rank
    detour = cross["eps"] @ torch.linalg.inv(sigma) - eye / b2**0.5
    assert torch.linalg.matrix_rank(detour, atol=1e-10) == d


# verdicts


def test_a_wrong_conversion_is_named_where_the_loss_uses_it(monkeypatch):
    from answers import collect
    answer = next(entry for entry in collect("alternatives") if entry.exercise == "6.6" and entry.title == "by from_x0")
    right = parameterizations.from_x0
    monkeypatch.setattr(parameterizations, "from_x0", lambda kind, *rest: 1.5 * right(kind, *rest))
    verdict = assess("6.6", seed=0, module=answer.as_module())
    assert verdict.status == "failing" and "Your from_x0 (Exercise 6.3) gives another target here" in verdict.report()


# bad input

X = normal(4, 3)
S = Schedule.linear(10)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: gaussian_kl(X, 0.0, X, 1.0), ValueError, "var_q must be positive and finite, got 0.0"),
        (lambda: gaussian_kl(X, 1.0, X, -2.0), ValueError, "var_p must be positive and finite, got -2.0"),
        (lambda: gaussian_kl(X, 1.0, X, math.inf), ValueError, "var_p must be positive and finite"),
        (lambda: gaussian_kl(X, torch.ones(4), X, 1.0), ValueError, r"var_q must broadcast to the shape of mean_q, \(4, 3\)"),
        (lambda: gaussian_kl(X, torch.ones(2, 4, 3), X, 1.0), ValueError, "var_q must broadcast"),
        (lambda: gaussian_kl(X, 1.0, X[:2], 1.0), ValueError, "mean_p must have the shape of mean_q"),
        (lambda: gaussian_kl(X[0, 0], 1.0, X[0, 0], 1.0), ValueError, "mean_q must have a batch axis"),
        (lambda: from_x0("epsilon", X, X, 1, S), ValueError, "kind must be one of x0, eps, v, score, mean, got 'epsilon'"),
        (lambda: from_x0(3, X, X, 1, S), TypeError, "kind must be one of .*, got int"),
        (lambda: from_x0("eps", X, X, 0, S), ValueError, "t must be between 1 and 10, got 0"),
        (lambda: to_x0("eps", X, X, 11, S), ValueError, "t must be between 1 and 10, got 11"),
        (lambda: to_x0("eps", X, X[:, :2], 1, S), ValueError, "x_t must have the shape of prediction"),
        (lambda: to_x0("eps", X, X, torch.tensor([1, 2]), S), ValueError, r"t must have shape \(\) or \(4,\)"),
        (lambda: loss_weights("eps", S, S.betas[1:]), ValueError, "variances must have 11 entries"),
        (lambda: loss_weights("eps", S, 0 * S.betas), ValueError, r"variances\[2\] must be positive, got 0.0"),
        (lambda: loss_weights("eps", S, -S.betas), ValueError, r"variances\[1\] must be at least 0"),
        (lambda: denoising_loss("x", X, X, X, 1, S), ValueError, "kind must be one of"),
        (lambda: denoising_loss("eps", X, X, X[:2], 1, S), ValueError, "noise must have the shape of prediction"),
        (lambda: denoising_loss("eps", X, X, X, 1, S, S.betas[1:]), ValueError, "weights must have 11 entries"),
        (lambda: denoising_loss("eps", X, X, X, 1, S, [1.0] * 11), TypeError, "weights must be a torch.Tensor"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_float32_is_kept_and_numbers_of_numpy_are_accepted():
    x = X.float()
    assert gaussian_kl(x, np.float64(0.5), x, 1).dtype == torch.float32
    for kind in KINDS:
        assert from_x0(kind, x, x, torch.tensor([1, 2, 3, 10]), S).dtype == torch.float32
        assert to_x0(kind, x, x, torch.tensor(3), S).dtype == torch.float32
        assert denoising_loss(kind, x, x, x, 4, S, S.betas).dtype == torch.float32
    assert loss_weights("eps", Schedule.linear(1), torch.ones(2)).shape == (2,)
