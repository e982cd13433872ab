"""Chapter 13, second half: the statements of the text that no exercise checks, what the samplers promise, and bad input."""

from __future__ import annotations

import json
import math
import re

import pytest
import sympy
import torch

import ddpmlib
from ddpmlib import clouds, edm_formulas, pushforward
from ddpmlib.ddim import ddim_sample, time_subsequence
from ddpmlib.edm import edm_loss, heun_sample, precondition, preconditioning, sigma_schedule
from ddpmlib.flow_matching import flow_matching_loss, flow_sample, velocity_from_denoiser
from ddpmlib.improved import hybrid_loss, learned_log_variance, vlb_term
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.noise_levels import euler_sample, levels_of, mixture_as_denoiser, model_as_denoiser, nearest_times
from ddpmlib.posterior import posterior_variance
from ddpmlib.schedules import Schedule

F64 = torch.float64
SCHEDULE = Schedule.linear(12, 0.02, 0.4)
LEFT = SCHEDULE.alpha_bars


def normal(*shape: int, seed: int = 0, kind: torch.dtype = F64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=kind)


def two_peaks() -> GaussianMixture:
    weights, variances = torch.tensor([0.3, 0.7], dtype=F64), torch.tensor([0.04, 0.09], dtype=F64)
    return clouds.standardized(GaussianMixture(weights, torch.tensor([[-1.2], [0.7]], dtype=F64), variances))


def noisy(mixture: GaussianMixture, sigma: float) -> GaussianMixture:
    return GaussianMixture(mixture.weights, mixture.means, mixture.variances + sigma**2)


def quantiles(mixture: GaussianMixture, levels: torch.Tensor, reach: float) -> torch.Tensor:
    """By bisection."""
    low, high = torch.full_like(levels, -reach), torch.full_like(levels, reach)
    for _ in range(70):
        middle = (low + high) / 2
        below = pushforward.mixture_cdf(mixture, middle) < levels
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return middle


SHARES = (torch.arange(2000, dtype=F64) + 0.5) / 2000


def flow_error(sampler, sigmas: torch.Tensor) -> float:
    mixture, top = two_peaks(), sigmas[0].item()
    starts = quantiles(noisy(mixture, top), SHARES, 6 * top + 8)
    ends = sampler(mixture_as_denoiser(mixture), starts[:, None], sigmas)[:, 0]
    return (ends - quantiles(mixture, SHARES, 9.0)).square().mean().sqrt().item()


# EDM


@pytest.mark.parametrize("sigma", [0.1, 1.0, 20.0])
def test_the_score_is_the_guess_less_x_over_the_variance(sigma):
    mixture, x = two_peaks(), normal(6, 1).requires_grad_()
    (score,) = torch.autograd.grad(noisy(mixture, sigma).log_prob(x).sum(), x)
    guess = mixture_as_denoiser(mixture)(x.detach(), torch.full((6,), sigma, dtype=F64))
    assert torch.allclose(score, (guess - x.detach()) / sigma**2, rtol=1e-9, atol=1e-12)


def test_the_three_wishes():
    """Variances by impulses of datum and noise; the smallest c_out by trying other skips."""
    d, sigma = 0.6, torch.tensor([0.05, 0.6, 8.0], dtype=F64)
    c_skip, c_out, c_in, c_noise = preconditioning(sigma, d)
    assert torch.allclose(c_in**2 * (d**2 + sigma**2), torch.ones(3, dtype=F64))
    assert torch.allclose((((1 - c_skip) * d) ** 2 + (c_skip * sigma) ** 2) / c_out**2, torch.ones(3, dtype=F64))
    for other in torch.linspace(0, 1, 101, dtype=F64):
        assert (((1 - other) * d) ** 2 + (other * sigma) ** 2 >= c_out**2 - 1e-12).all()
    ends = preconditioning(torch.tensor([0.002, 80.0], dtype=F64), 0.5)[3].tolist()
    assert ends == pytest.approx([-1.55, 1.1], abs=0.01)


def test_a_network_that_says_nothing_has_the_loss_one_at_every_level():
    x0, noise = normal(200_000, 1, seed=1), normal(200_000, 1, seed=2)
    for sigma in (0.01, 1.0, 50.0):
        loss = edm_loss(lambda y, c: torch.zeros_like(y), 0.5 * x0, torch.tensor(sigma, dtype=F64), noise, 0.5)
        assert loss.item() == pytest.approx(1, abs=0.02)


def test_for_gaussian_data_the_skip_alone_is_the_best_denoiser():
    mixture = GaussianMixture(torch.ones(1, dtype=F64), torch.zeros(1, 2, dtype=F64), torch.tensor([0.36], dtype=F64))
    x, sigma = normal(3, 2), torch.tensor([0.1, 1.0, 9.0], dtype=F64)
    ours = precondition(lambda y, c: torch.zeros_like(y), x, sigma, 0.6)
    assert torch.allclose(ours, mixture_as_denoiser(mixture)(x, sigma), rtol=1e-12)


def test_large_rho_means_equal_ratios_and_rho_one_equal_steps():
    ratios = sigma_schedule(8, 0.01, 10.0, 1e6)[:-1].log().diff()
    assert torch.allclose(ratios, ratios[:1].expand(7), rtol=1e-3)
    steps = sigma_schedule(8, 0.01, 10.0, 1.0)[:-1].diff()
    assert torch.allclose(steps, steps[:1].expand(7), rtol=1e-9)


def test_heun_is_of_order_two_and_euler_of_order_one():
    for sampler, low, high in ((euler_sample, 1.6, 2.2), (heun_sample, 3.5, 4.5)):
        errors = [flow_error(sampler, sigma_schedule(n, 0.002, 10.0, 7.0)) for n in (80, 160)]
        assert low < errors[0] / errors[1] < high
    assert flow_error(heun_sample, sigma_schedule(40, 0.002, 80.0, 7.0)) < flow_error(euler_sample, sigma_schedule(80, 0.002, 80.0, 7.0)) / 6
    assert flow_error(heun_sample, sigma_schedule(5, 0.002, 80.0, 7.0)) > flow_error(euler_sample, sigma_schedule(10, 0.002, 80.0, 7.0))


def test_the_formulas_are_what_the_samplers_do():
    values = {"s": 1.7, "r": 0.6, "d": 0.8}
    mixture = GaussianMixture(torch.ones(1, dtype=F64), torch.zeros(1, 1, dtype=F64), torch.tensor([values["d"] ** 2], dtype=F64))
    denoiser, one = mixture_as_denoiser(mixture), torch.ones(1, 1, dtype=F64)
    sigmas = torch.tensor([values["s"], values["r"]], dtype=F64)

    def value(formula: sympy.Expr) -> float:
        return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))

    assert euler_sample(denoiser, one, sigmas).item() == pytest.approx(value(edm_formulas.euler_factor_formula()), rel=1e-12)
    assert heun_sample(denoiser, one, sigmas).item() == pytest.approx(value(edm_formulas.heun_factor_formula()), rel=1e-12)
    fine = heun_sample(denoiser, one, torch.linspace(1.7, 0.6, 2000, dtype=F64)).item()
    assert fine == pytest.approx(value(edm_formulas.exact_factor_formula()), rel=1e-6)


def test_a_noise_predictor_in_eulers_walk_is_ddim():
    def model(x, t):
        return torch.tanh(x) * LEFT[t].reshape(-1, 1)

    times, x_T = time_subsequence(12, 5), normal(4, 3, seed=5)
    levels = levels_of(SCHEDULE)
    start = x_T * (1 + levels[12] ** 2).sqrt()
    walked = euler_sample(model_as_denoiser(model, SCHEDULE), start, levels[[*times, 0]])
    assert torch.allclose(walked, ddim_sample(model, x_T, SCHEDULE, times), rtol=1e-10)
    assert nearest_times(SCHEDULE, levels[1:]).tolist() == list(range(1, 13))
    assert nearest_times(SCHEDULE, torch.tensor([1e-6, 1e6])).tolist() == [1, 12]


# learned variances


def made(levels: int = 9, rows: int = 6, seed: int = 0) -> dict:
    x0 = torch.randint(0, levels, (rows, 2, 2), generator=torch.Generator().manual_seed(seed)).double() * 2 / (levels - 1) - 1
    noise = normal(rows, 2, 2, seed=seed + 1)
    return {"eps": noise + 0.3 * normal(rows, 2, 2, seed=seed + 2), "x0": x0, "noise": noise}


def test_the_best_variance_is_the_mean_squared_deviation():
    given, t = made(rows=50), torch.full((50,), 6)
    v = torch.full((1, 1, 1), 0.5, dtype=F64, requires_grad=True)
    optimizer = torch.optim.LBFGS([v], max_iter=50, tolerance_grad=1e-12)

    def closure():
        optimizer.zero_grad()
        loss = vlb_term(given["eps"], v.expand(50, 2, 2), given["x0"], given["noise"], t, SCHEDULE, 9).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    beta = SCHEDULE.betas[6]
    weight = beta**2 / ((1 - LEFT[6]) * (1 - beta))
    best = posterior_variance(SCHEDULE)[6] + weight * (given["noise"] - given["eps"]).square().mean()
    assert learned_log_variance(v.detach(), 6, SCHEDULE).exp().item() == pytest.approx(best.item(), rel=1e-5)


def test_the_true_noise_and_the_small_variance_cost_nothing_but_the_decoder():
    given = made()
    terms = vlb_term(given["noise"], torch.zeros(6, 2, 2, dtype=F64), given["x0"], given["noise"], torch.tensor([1, 2, 5, 9, 12, 1]), SCHEDULE, 9)
    assert terms[1:5].abs().max() < 1e-12 and (terms[[0, 5]] > 0).all()


def test_gradients_of_the_hybrid_loss_are_finite_in_a_mixed_batch():
    given, t = made(), torch.tensor([1, 2, 5, 9, 12, 1])
    eps, v = given["eps"].requires_grad_(), torch.full((6, 2, 2), 0.4, dtype=F64, requires_grad=True)
    hybrid_loss(eps, v, given["x0"], given["noise"], t, SCHEDULE, 9, 0.001).backward()
    assert torch.isfinite(v.grad).all() and (v.grad != 0).all()
    assert torch.allclose(eps.grad, 2 * (eps - given["noise"]).detach() / eps.numel())


def test_the_best_law_of_times_has_the_smallest_variance():
    seconds = torch.rand(20, generator=torch.Generator().manual_seed(3), dtype=F64)
    best = seconds.sqrt() / seconds.sqrt().sum()
    for seed in range(20):
        other = torch.rand(20, generator=torch.Generator().manual_seed(seed), dtype=F64) + 0.05
        assert (seconds / best).sum() <= (seconds / (other / other.sum())).sum()
    assert (seconds / best).sum().item() == pytest.approx(seconds.sqrt().sum().item() ** 2)


# flow matching


def flow(mixture: GaussianMixture):
    denoiser = mixture_as_denoiser(mixture)
    return lambda x, u: velocity_from_denoiser(denoiser, x, u)


def test_the_best_velocity_carries_the_laws():
    """The continuity equation, in its integrated form on the line: d/du F_u(x) = -p_u(x) v(x, u)."""
    mixture, x = two_peaks(), torch.linspace(-2, 2, 9, dtype=F64)

    def law(u: float) -> GaussianMixture:
        return GaussianMixture(mixture.weights, (1 - u) * mixture.means, (1 - u) ** 2 * mixture.variances + u**2)

    for u in (0.2, 0.5, 0.9):
        h = 1e-5
        slope = (pushforward.mixture_cdf(law(u + h), x) - pushforward.mixture_cdf(law(u - h), x)) / (2 * h)
        velocity = flow(mixture)(x[:, None], torch.tensor(u, dtype=F64))[:, 0]
        assert torch.allclose(slope, -law(u).log_prob(x[:, None]).exp() * velocity, rtol=1e-6, atol=1e-9)


def test_the_score_from_the_velocity():
    mixture, u = two_peaks(), 0.4
    x = normal(5, 1).requires_grad_()
    law = GaussianMixture(mixture.weights, (1 - u) * mixture.means, (1 - u) ** 2 * mixture.variances + u**2)
    (score,) = torch.autograd.grad(law.log_prob(x).sum(), x)
    velocity = flow(mixture)(x.detach(), torch.tensor(u, dtype=F64))
    assert torch.allclose(score, -(x.detach() + (1 - u) * velocity) / u, rtol=1e-9)


def test_the_steps_of_the_flow_are_those_in_sigma():
    mixture, times = two_peaks(), torch.tensor([0.95, 0.7, 0.4, 0.1, 0.0], dtype=F64)
    x = normal(7, 1, seed=4)
    by_flow = flow_sample(flow(mixture), x, times)
    by_sigma = euler_sample(mixture_as_denoiser(mixture), x / 0.05, times / (1 - times))
    assert torch.allclose(by_flow, by_sigma, rtol=1e-10, atol=1e-12)


def test_the_conditional_loss_has_the_gradient_of_the_marginal_one():
    """Data of two points, noise of three: both expectations are sums, and the noise need not be Gaussian."""
    data, noises = torch.tensor([-1.0, 0.5], dtype=F64), torch.tensor([-0.5, 1.0, 0.25], dtype=F64)
    x0, noise = (value.reshape(-1, 1) for value in torch.meshgrid(data, noises, indexing="ij"))
    u = torch.full((6,), 0.5, dtype=F64)
    points, speeds = 0.5 * (x0 + noise), noise - x0
    best = torch.stack([speeds[(points - point).abs()[:, 0] < 1e-12].mean() for point in points])[:, None]
    assert (best - speeds).abs().max() > 0.1  # some of the lines do meet
    a = torch.tensor(0.7, dtype=F64, requires_grad=True)

    def velocity(x, u):
        return torch.sin(a * x)

    (conditional,) = torch.autograd.grad(flow_matching_loss(velocity, x0, noise, u), a)
    (marginal,) = torch.autograd.grad((velocity(points, u) - best).square().mean(), a)
    assert conditional.item() == pytest.approx(marginal.item(), rel=1e-12)


# kinds and bad input


@pytest.mark.parametrize("kind", [torch.float32, F64])
def test_samplers_keep_the_kind_of_their_start(kind):
    x, sigmas = normal(3, 2, kind=kind), sigma_schedule(4, 0.1, 5.0, 7.0)
    assert heun_sample(lambda x, s: x / (1 + s.reshape(-1, 1) ** 2), x, sigmas).dtype == kind
    assert flow_sample(lambda x, u: x * u.reshape(-1, 1), x, torch.linspace(1, 0, 4)).dtype == kind


GIVEN = made()


@pytest.mark.parametrize(("call", "message"), [
    (lambda: preconditioning(torch.tensor([1.0, 0.0]), 0.5), "sigma must be positive, got 0.0"),
    (lambda: preconditioning(torch.ones(2), 0.0), "sigma_data must be greater than 0.0, got 0.0"),
    (lambda: precondition(lambda y, c: y, torch.ones(2, 2), torch.ones(3), 0.5), r"sigma must have shape \(\) or \(2,\), got \(3,\)"),
    (lambda: precondition(lambda y, c: y, torch.tensor(1.0), torch.tensor(1.0), 0.5), "x must have a batch axis"),
    (lambda: sigma_schedule(1, 0.1, 1.0, 7.0), "steps must be at least 2, got 1"),
    (lambda: sigma_schedule(5, 2.0, 1.0, 7.0), "sigma_min must be greater than 0.0 and less than 1.0, got 2.0"),
    (lambda: edm_loss(lambda y, c: y, torch.ones(2, 2), torch.ones(2), torch.ones(2, 3), 0.5), "noise must have the shape of x0"),
    (lambda: heun_sample(lambda x, s: x, torch.ones(2, 2), torch.tensor([1.0, 2.0])), "sigmas must fall from each to the next, got 2.0 after 1.0"),
    (lambda: heun_sample(lambda x, s: x, torch.ones(2, 2), torch.tensor([1.0])), r"sigmas must have shape \(steps \+ 1,\)"),
    (lambda: heun_sample(lambda x, s: x, torch.ones(2, 2), torch.tensor([1.0, -1.0])), "sigmas must be finite and at least 0, got -1.0"),
    (lambda: flow_sample(lambda x, u: x, torch.ones(2, 2), torch.tensor([1.5, 0.0])), "times must be between 0 and 1, got 1.5"),
    (lambda: flow_matching_loss(lambda x, u: x, torch.ones(2, 2), torch.ones(2, 2), torch.tensor([0.5, 1.2])), "u must be between 0 and 1, got 1.2"),
    (lambda: velocity_from_denoiser(lambda x, s: x, torch.ones(2, 2), torch.tensor([0.5, 1.0])), "u must be finite and greater than 0 and less than 1, got 1.0"),
    (lambda: learned_log_variance(torch.ones(2, 2), 13, SCHEDULE), "t must be between 1 and 12, got 13"),
    (lambda: learned_log_variance(torch.ones(2, 2), 1, Schedule.linear(1)), "schedule must have at least 2 steps, got 1"),
    (lambda: vlb_term(GIVEN["eps"], GIVEN["eps"], GIVEN["x0"] + 0.01, GIVEN["noise"], 1, SCHEDULE, 9), "x0 must lie on 9 levels"),
    (lambda: hybrid_loss(GIVEN["eps"], GIVEN["eps"], GIVEN["x0"], GIVEN["noise"], 3, SCHEDULE, 9, -1.0), "weight must be at least 0, got -1.0"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_the_text_holds_what_the_reference_notebook_shows():
    """Numbers that the prose draws from the cells' outputs."""
    path = ddpmlib.ROOT / "solutions" / "13_scores_sdes_edm.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = "\n".join("".join(output.get("text", [])) for cell in cells for output in cell.get("outputs", []))
    rows = {int(calls): (float(one), float(two)) for calls, one, two in re.findall(r"^ +(\d+) +(\d\.\d{4}) +(\d\.\d{4})$", shown, re.M)}
    assert 7 < rows[80][0] / rows[80][1] < 9 and rows[10][1] > 4 * rows[10][0]  # eight times closer; far worse with ten
    bits = {name: float(value) for name, value in re.findall(r"^(small|large|learned, one a time(?: and pixel)?)\S* ?.*? +(\d\.\d\d), of which", shown, re.M)}
    if bits:
        assert bits["small"] - bits["learned, one a time"] > 0.15 and math.isfinite(bits["large"])
        assert bits["learned, one a time"] - bits["learned, one a time and pixel"] > 0.05
