"""Chapter 4: the formulas of its text that no exercise checks, and the numbers that it states."""

from __future__ import annotations

import math

import pytest
import sympy
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from ddpmlib import diffusion_elbo_formulas
from ddpmlib.diffusion_elbo import denoising_matching, form1_terms, form2_terms, optimal_reverse, posterior_log_prob
from ddpmlib.gaussian_diffusion import ReverseChain, conditional_law, forward_path, jump_law, sigma_noise, step_law
from ddpmlib.schedules import Schedule

F64 = torch.float64
MEAN, VARIANCE = torch.tensor([0.5], dtype=F64), torch.tensor([0.25], dtype=F64)
EULER = 0.57721566490153286


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def scaled(T: int) -> Schedule:
    return Schedule.linear(T, 0.1 / T, 20 / T)


def unit_model(schedule: Schedule, factor: float = 1.0, dim: int = 1) -> ReverseChain:
    ones = torch.ones(schedule.T + 1, dim, dtype=F64)
    return ReverseChain(factor * schedule.alphas.sqrt()[:, None] * ones, 0 * ones, schedule.betas[:, None] * ones,
                        0 * ones[0], ones[0])


def changed(chain: ReverseChain, variances: torch.Tensor) -> ReverseChain:
    return ReverseChain(chain.slopes, chain.shifts, variances, chain.prior_mean, chain.prior_variance)


def small(schedule: Schedule) -> torch.Tensor:
    blank = torch.zeros(schedule.T - 1, 1, dtype=F64)
    found = conditional_law(blank, blank, torch.arange(2, schedule.T + 1), schedule).variance
    return torch.cat([schedule.betas[:2, None], found]).clamp(min=1e-12)


def exact(terms, x0: torch.Tensor, schedule: Schedule, model: ReverseChain) -> torch.Tensor:
    return terms(forward_path(x0, sigma_noise(schedule.T), schedule), schedule, model).mean(1)


def ratios(path, schedule, model):
    T = schedule.T
    rows = [model.step(path[1], 1).log_prob(path[0]).sum(-1)]
    rows += [model.step(path[t + 1], t + 1).log_prob(path[t]).sum(-1)
             - posterior_log_prob(path[t], path[t + 1], path[0], t + 1, schedule) for t in range(1, T)]
    return torch.stack([*rows, (model.prior.log_prob(path[T]) - jump_law(path[0], T, schedule).log_prob(path[T])).sum(-1)])


@pytest.mark.parametrize("T", [1, 2, 7, 60])
@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1])
def test_both_forms_have_the_same_expectation(T, factor):
    schedule, x0 = scaled(max(T, 25)), normal(3, 2)
    schedule = Schedule.from_betas(schedule.betas[: T + 1])
    model = unit_model(schedule, factor, dim=2)
    first, second = (exact(form, x0, schedule, model).sum(0) for form in (form1_terms, form2_terms))
    assert torch.allclose(first, second, atol=1e-10)
    assert (first <= model.evidence().log_prob(x0).sum(-1) + 1e-10).all()


def test_the_sums_over_a_path_are_one_random_variable():
    schedule = scaled(25)
    path = forward_path(normal(4, 3), normal(25, 4, 3, seed=1), schedule)
    model = unit_model(schedule, 0.95, dim=3)
    assert torch.allclose(form1_terms(path, schedule, model).sum(0), ratios(path, schedule, model).sum(0))


def test_the_gap_is_the_divergence_of_posteriors_and_0_for_an_exact_reversal():
    schedule, x0 = scaled(50), torch.tensor([[1.3]], dtype=F64)
    bounds = {factor: exact(form1_terms, x0, schedule, unit_model(schedule, factor)).sum().item() for factor in (1.0, 0.98)}
    evidence = unit_model(schedule, 0.98).evidence().log_prob(x0).item()
    assert bounds[1.0] == pytest.approx(Normal(0.0, 1.0).log_prob(x0).item(), abs=1e-10)
    assert (evidence, bounds[0.98]) == (pytest.approx(-2.0631, abs=1e-4), pytest.approx(-2.2513, abs=1e-4))
    walks = forward_path(x0, normal(50, 40, 1), schedule)
    assert form1_terms(walks, schedule, unit_model(schedule)).sum(0).std() < 1e-10


@pytest.mark.parametrize("t", [1, 4, 23])
def test_a_row_of_the_second_form_is_a_conditional_mean(t):
    schedule, x0 = scaled(25), normal(1, 2)
    model = unit_model(schedule, 0.95, dim=2)
    x_next = normal(1, 2, seed=1)
    law = conditional_law(x_next, x0, t + 1, schedule)
    nodes = torch.tensor([-math.sqrt(3), 0.0, math.sqrt(3)], dtype=F64)[:, None]
    x = law.mean + law.stddev * nodes  # the components share their nodes: the log-ratio has no products of two of them
    log_ratio = model.step(x_next, t + 1).log_prob(x).sum(-1) - posterior_log_prob(
        x, x_next.expand(3, 2), x0.expand(3, 2), t + 1, schedule)
    mean = (log_ratio * torch.tensor([1 / 6, 2 / 3, 1 / 6], dtype=F64)).sum()
    assert torch.allclose(-mean, denoising_matching(x0, x_next, t + 1, schedule, model))


def test_variances_of_the_rows_and_of_one_random_time():
    schedule, model = scaled(100), unit_model(scaled(100), 0.99)
    path = forward_path(torch.tensor([[1.3]], dtype=F64), normal(100, 4000, 1, seed=2), schedule)
    a, b, c = (table(path, schedule, model)[1:100] for table in (form1_terms, ratios, form2_terms))
    assert (c.var(1) <= b.var(1)).all() and (a.var(1) > 0.7).all() and (c.var(1)[50:] < 1e-4).all()
    assert c.sum(0).std() > a.sum(0).std()
    spread = [(99 * rows.square().mean(1).sum() - rows.mean(1).sum() ** 2).sqrt().item() for rows in (a, c)]
    assert spread[0] == pytest.approx(98.8, abs=1) and spread[1] == pytest.approx(13.4, abs=0.5)


def test_the_divergence_of_the_paths_is_the_second_form_without_its_reconstruction():
    T, x0 = 6, torch.tensor([[1.3]], dtype=F64)
    schedule = Schedule.from_betas(torch.tensor([0, 0.1, 0.3, 0.2, 0.5, 0.4, 0.6], dtype=F64))
    model = unit_model(schedule, 0.9)
    noises = torch.cat([torch.zeros(1, T, dtype=F64), torch.eye(T, dtype=F64)])
    walks = forward_path(x0, noises.T[:, :, None], schedule)[1:, :, 0]  # (T, T + 1): the mean, then the response to each noise
    maps = walks[:, 1:] - walks[:, :1]
    q = MultivariateNormal(walks[:, 0], maps @ maps.T)
    system = torch.eye(T, dtype=F64) - torch.diag(model.slopes[2:, 0], 1)
    root = torch.linalg.solve(system, torch.diag(torch.cat([model.variances[2:, 0], model.prior_variance]).sqrt()))
    p = MultivariateNormal(torch.zeros(T, dtype=F64), root @ root.T)
    rows = exact(form2_terms, x0, schedule, model)
    assert torch.allclose(kl_divergence(q, p), -rows[1:].sum())


def test_printed_consistency_terms():
    schedule = Schedule.linear(1000)
    formula = sympy.lambdify(sympy.symbols("a v alpha_next beta_t"), diffusion_elbo_formulas.printed_excess_formula(), "numpy")
    excess = formula(schedule.alphas[2:].sqrt().numpy(), schedule.betas[2:].numpy(),
                     schedule.alphas[2:].numpy(), schedule.betas[1:-1].numpy()).sum()
    assert 64 * excess > 60_000
    two = Schedule.from_betas(torch.tensor([0, 0.2, 0.2], dtype=F64))
    path = forward_path(torch.ones(1, 1, dtype=F64), sigma_noise(2), two)
    model = unit_model(two)
    printed = kl_divergence(step_law(path[0], 1, two), model.step(path[2], 2)).mean()
    assert abs(form1_terms(path, two, model)[1].mean()) < 1e-12 and printed.item() == pytest.approx(0.8)


def losses(schedule: Schedule, model: ReverseChain) -> tuple[float, float]:
    """The misfit KL(q(x_0) || p(x_0)) and the mean gap, over the two points that average quadratics of x_0 exactly."""
    x0 = torch.stack([MEAN - VARIANCE.sqrt(), MEAN + VARIANCE.sqrt()])
    evidence = model.evidence()
    bound = exact(form2_terms, x0, schedule, model).sum(0).mean()
    return (kl_divergence(Normal(MEAN, VARIANCE.sqrt()), evidence).item(), (evidence.log_prob(x0).mean() - bound).item())


@pytest.mark.parametrize("factor", [0.9, 1.0])
def test_misfit_and_gap_are_the_losses_of_the_prior_and_the_steps(factor):
    schedule = scaled(50)
    best, model = optimal_reverse(MEAN, VARIANCE, schedule), unit_model(schedule, factor)
    prior = kl_divergence(best.prior, model.prior).item()
    steps = 0.0
    for t in range(1, 51):
        spread = schedule.alpha_bars[t] * VARIANCE + 1 - schedule.alpha_bars[t]
        centre = schedule.alpha_bars[t].sqrt() * MEAN
        x_t = torch.stack([centre - spread.sqrt(), centre + spread.sqrt()])
        steps += kl_divergence(best.step(x_t, t), model.step(x_t, t)).mean().item()
    assert sum(losses(schedule, model)) == pytest.approx(prior + steps, abs=1e-10)


def test_the_floor_under_the_denoising_terms():
    schedule, t = scaled(50), 7
    best, model = optimal_reverse(MEAN, VARIANCE, schedule), unit_model(schedule, 0.95)
    points = sigma_noise(2)[:, :, 0, 0].T  # they average quadratics of x_0 and the noise of x_t
    x0 = MEAN + VARIANCE.sqrt() * points[:, :1]
    law = jump_law(x0, t, schedule)
    x_t = law.mean + law.stddev * points[:, 1:]
    terms = [denoising_matching(x0, x_t, t, schedule, chain).mean().item() for chain in (model, best)]
    between = kl_divergence(best.step(x_t, t), model.step(x_t, t)).mean().item()
    assert terms[0] == pytest.approx(between + terms[1], abs=1e-12) and terms[1] > 0.01


def test_the_nearest_gaussian_has_the_same_mean_and_variance():
    grid = torch.linspace(-6, 6, 4001, dtype=F64)
    f = 0.3 * Normal(-1.0, 0.4).log_prob(grid).exp() + 0.7 * Normal(1.5, 0.7).log_prob(grid).exp()
    f = f / f.sum()
    mean = (f * grid).sum()
    variance = (f * (grid - mean) ** 2).sum()

    def cross(mu, var):
        return -(f * Normal(mu, var.sqrt()).log_prob(grid)).sum()

    for shift, factor in ((0.05, 1), (-0.05, 1), (0, 1.05), (0, 0.95), (0.02, 1.02)):
        assert cross(mean + shift, variance * factor) > cross(mean, variance)
    assert cross(mean + 0.05, 2 * variance) > cross(mean, 2 * variance)


def test_the_best_chain_generates_the_data_and_loses_nothing():
    schedule = Schedule.linear(1000)
    best = optimal_reverse(MEAN, VARIANCE, schedule)
    assert torch.allclose(best.evidence().mean, MEAN) and torch.allclose(best.evidence().variance, VARIANCE)
    misfit, gap = losses(schedule, best)
    assert abs(misfit) < 1e-9 and abs(gap) < 1e-9
    usual = ReverseChain(best.slopes, best.shifts, best.variances, 0 * MEAN, 0 * MEAN + 1)
    assert sum(losses(schedule, usual)) == pytest.approx(5.05e-6, rel=0.01)
    large = changed(usual, schedule.betas[:, None])
    assert sum(losses(schedule, large)) == pytest.approx(1.10e-3, rel=0.01)
    assert sum(losses(schedule, changed(usual, small(schedule)))) == pytest.approx(0.456, abs=1e-3)
    misfit, gap = losses(schedule, unit_model(schedule))
    assert misfit == pytest.approx(0.443, abs=1e-3) and abs(gap) < 1e-9


def test_for_which_data_the_fixed_variances_are_right():
    schedule = scaled(50)
    unit = optimal_reverse(MEAN, 0 * MEAN + 1, schedule)
    assert torch.allclose(unit.variances[1:], schedule.betas[1:, None])
    point = optimal_reverse(MEAN, 0 * MEAN + 1e-14, schedule)
    assert torch.allclose(point.variances[2:], small(schedule)[2:], rtol=1e-6)


@pytest.mark.parametrize("variance", [0.25, 3.0])
def test_what_fixed_variances_lose_as_the_steps_grow(variance):
    lost = {}
    for T in (10_000, 100_000, 1_000_000):
        schedule = scaled(T)
        best = optimal_reverse(MEAN, 0 * MEAN + variance, schedule).variances[2:]
        for name, table in (("beta", schedule.betas[2:, None]), ("small", small(schedule)[2:])):
            excess = best / table - 1
            lost[name, T] = 0.5 * (excess - torch.log1p(excess)).sum().item()
    assert lost["beta", 10_000] / lost["beta", 100_000] == pytest.approx(10, rel=0.02)
    assert lost["small", 1_000_000] == pytest.approx(EULER / 2, abs=1e-3)
    assert lost["small", 10_000] > lost["small", 100_000] > EULER / 2
