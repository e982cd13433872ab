"""Chapter 10: the statements of the text that no exercise checks, what the samplers promise, and bad input."""

from __future__ import annotations

import json
import math
import re

import pytest
import sympy
import torch

import ddpmlib
from ddpmlib import clouds, ddim_formulas, denoisers, pushforward
from ddpmlib.ddim import (
    ddim_invert, ddim_sample, ddim_sigma, ddim_step, ddim_step_from_x0, slerp, time_subsequence,
)
from ddpmlib.ddpm import ancestral_sample, reverse_variance
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.models import conditioned
from ddpmlib.objectives import loss_weights
from ddpmlib.schedules import Schedule

F64 = torch.float64
SCHEDULE = Schedule.linear(12, 0.02, 0.4)
LEFT = SCHEDULE.alpha_bars


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def value(formula: sympy.Expr, **values: float) -> float:
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


def gaussian_model(c: float, schedule: Schedule = SCHEDULE, mean: float = 0.0):
    """The best noise predictor for data N(mean, c)."""
    v = 1 + schedule.alpha_bars * (c - 1)
    slope, centre = (1 - schedule.alpha_bars).sqrt() / v, mean * schedule.alpha_bars.sqrt()

    def model(x, t):
        rows = (-1, *[1] * (x.ndim - 1))
        return (slope[t].reshape(rows) * (x.double() - centre[t].reshape(rows))).to(x.dtype)

    return model


def output_variance(c: float, times: list[int], eta: float, schedule: Schedule = SCHEDULE) -> float:
    """The variance of the sampler's output for Gaussian data, from unit impulses."""
    rows = len(times) + 1
    x_T, noise = torch.zeros(rows, 1, dtype=F64), torch.zeros(schedule.T + 1, rows, 1, dtype=F64)
    x_T[0] = 1
    noise[times, torch.arange(1, rows)] = 1
    out = ddim_sample(gaussian_model(c, schedule), x_T, schedule, times, eta=eta, noise=noise if eta > 0 else None)
    return out.square().sum().item()


# the family


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("times", [[12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [12, 7, 3], [12, 1], [9, 4, 2]])
def test_with_the_true_datum_all_marginals_are_the_closed_form(eta, times):
    """The walk is affine in the noise of its start and in the fresh noises: impulses give mean and variance exactly."""
    x0 = 0.7
    start = torch.full((1, 1), x0, dtype=F64)
    for upto in range(len(times)):
        walked = times[: upto + 1]
        mean, variance = None, 0.0
        for impulse in range(-1, len(walked)):
            z = [1.0 if impulse == i else 0.0 for i in range(len(walked))]
            x = LEFT[walked[0]].sqrt() * start + (1 - LEFT[walked[0]]).sqrt() * z[0]
            for i, (t, s) in enumerate(zip(walked, walked[1:])):
                x = ddim_step_from_x0(x, start, t, s, SCHEDULE, torch.full((1, 1), z[i + 1], dtype=F64), eta)
            mean = x.item() if impulse < 0 else mean
            variance += (x.item() - mean) ** 2
        last = LEFT[walked[-1]].item()
        assert mean == pytest.approx(math.sqrt(last) * x0, abs=1e-12)
        assert variance == pytest.approx(1 - last, abs=1e-12)


@pytest.mark.parametrize("t", [2, 7, 12])
def test_the_chain_is_the_member_whose_way_up_forgets_the_datum(t):
    s = t - 1
    names = {"abar_t": LEFT[t].item(), "abar_s": LEFT[s].item()}
    s2 = value(ddim_formulas.markov_variance_formula(), **names)
    assert s2 == pytest.approx(reverse_variance(SCHEDULE, "small")[t].item(), rel=1e-12)
    assert s2 == pytest.approx(ddim_sigma(SCHEDULE, t, s, 1.0).item() ** 2, rel=1e-12)
    for share in (0.0, 0.4, 1.0):
        a = value(ddim_formulas.weight_of_x_t_formula(), **names, s2=share * s2)
        gain = a * (1 - names["abar_t"]) / (1 - names["abar_s"])  # of x_s in the mean of x_t
        of_datum = math.sqrt(names["abar_t"]) - gain * math.sqrt(names["abar_s"])
        assert (abs(of_datum) < 1e-12) == (share == 1.0)
        root = math.sqrt(1 - share * s2 / (1 - names["abar_s"]))  # the text's form of the same mean
        assert gain * math.sqrt(1 - names["abar_s"]) == pytest.approx(math.sqrt(1 - names["abar_t"]) * root, rel=1e-12)
        own = value(ddim_formulas.implied_variance_formula(), **names, s2=share * s2)
        assert own == pytest.approx(1 - names["abar_t"] - gain**2 * (1 - names["abar_s"]), rel=1e-12, abs=1e-15)


def test_the_weights_of_the_bound_are_chapter_6s_for_the_chain():
    variances = reverse_variance(SCHEDULE, "small")
    ours = []
    for t in range(2, 13):
        b = value(ddim_formulas.weight_of_x_0_formula(), abar_t=LEFT[t].item(), abar_s=LEFT[t - 1].item(), s2=variances[t].item())
        assert b > 0
        ours.append(b**2 * (1 - LEFT[t]) / (2 * variances[t] * LEFT[t]))
    assert torch.allclose(torch.stack(ours), loss_weights("eps", SCHEDULE, variances)[2:], rtol=1e-10)


@pytest.mark.parametrize("eta", [0.2, 1.0])
def test_a_term_of_the_bound_is_the_weighted_error_of_the_noise(eta):
    """KL of two steps' laws, for a true and for a guessed datum, against the weight."""
    t, s = 9, 8
    sigma = ddim_sigma(SCHEDULE, t, s, eta).item()
    x0, eps, guess = normal(1, 4, seed=1), normal(1, 4, seed=2), normal(1, 4, seed=3)
    x_t = LEFT[t].sqrt() * x0 + (1 - LEFT[t]).sqrt() * eps
    still = torch.zeros_like(x_t)
    right = ddim_step_from_x0(x_t, x0, t, s, SCHEDULE, still, eta)
    guessed = ddim_step(lambda x, t: guess, x_t, t, s, SCHEDULE, still, eta)
    laws = [torch.distributions.Normal(mean, sigma) for mean in (right, guessed)]
    b = value(ddim_formulas.weight_of_x_0_formula(), abar_t=LEFT[t].item(), abar_s=LEFT[s].item(), s2=sigma**2)
    weight = b**2 * (1 - LEFT[t]) / (2 * sigma**2 * LEFT[t])
    assert torch.allclose(torch.distributions.kl_divergence(*laws).sum(), weight * (eps - guess).square().sum(), rtol=1e-10)


def test_eta_1_with_all_times_is_ancestral_sampling():
    x_T, noise = normal(5, 3, seed=4), normal(13, 5, 3, seed=5)
    ours = ddim_sample(gaussian_model(0.3), x_T, SCHEDULE, list(range(12, 0, -1)), eta=1.0, noise=noise)
    theirs = ancestral_sample(gaussian_model(0.3), x_T, SCHEDULE, noise=noise)
    assert torch.allclose(ours, theirs, rtol=1e-11, atol=1e-12)


# Gaussian data


@pytest.mark.parametrize("c", [0.25, 1.0, 3.0])
@pytest.mark.parametrize(("t", "s"), [(12, 5), (7, 6), (3, 0)])
def test_a_step_lacks_variance_for_every_eta_and_more_of_it_with_more_noise(c, t, s):
    v = 1 + LEFT * (c - 1)
    phi = math.atan(math.sqrt((1 - LEFT[t]) / (LEFT[t] * c)))
    lacks = []
    for eta in (0.0, 0.3, 0.6, 1.0):
        sigma = ddim_sigma(SCHEDULE, t, s, eta).item()
        x, one = torch.tensor([[v[t].sqrt()], [0.0]], dtype=F64), torch.tensor([[0.0], [1.0]], dtype=F64)
        out = ddim_step(gaussian_model(c), x, t, s, SCHEDULE, one, eta)
        bracket = math.sqrt(LEFT[s] * c) * math.sin(phi) - math.sqrt(max(1 - LEFT[s] - sigma**2, 0)) * math.cos(phi)
        lacks.append(v[s].item() - out.square().sum().item())
        assert lacks[-1] == pytest.approx(bracket**2, rel=1e-9, abs=1e-14)
    assert lacks == sorted(lacks) and lacks[0] > 0


@pytest.mark.parametrize("c", [0.25, 1.0])
def test_the_walk_is_a_product_of_cosines_and_equal_angles_are_best(c):
    schedule = Schedule.linear(200, 0.1 / 200, 20 / 200)
    left = schedule.alpha_bars
    phi = torch.atan(((1 - left) / (left * c)).sqrt())
    for times in (time_subsequence(200, 8), time_subsequence(200, 8, "quadratic"), [200, 90, 3]):
        turns = phi[times] - phi[[*times[1:], 0]]
        ratio = (output_variance(c, times, 0.0, schedule) / c) ** 0.5 * (1 + left[200] * (c - 1)).sqrt()
        assert torch.allclose(ratio, turns.cos().prod(), rtol=1e-10)
        assert ratio <= torch.cos(phi[200] / len(times)) ** len(times) + 1e-12


def test_in_the_cosine_schedule_uniform_times_are_equal_angles():
    left = Schedule.cosine(100, s=0.0).alpha_bars[:-1]  # the last beta is clipped
    assert torch.allclose(torch.acos(left.sqrt()), torch.arange(100, dtype=F64) / 100 * math.pi / 2, atol=1e-9)


# the flow


def two_peaks() -> GaussianMixture:
    weights, variances = torch.tensor([0.3, 0.7], dtype=F64), torch.tensor([0.04, 0.09], dtype=F64)
    return clouds.standardized(GaussianMixture(weights, torch.tensor([[-1.2], [0.7]], dtype=F64), variances))


def quantile(mixture: GaussianMixture, level: torch.Tensor) -> torch.Tensor:
    """By bisection."""
    low, high = torch.full_like(level, -9.0), torch.full_like(level, 9.0)
    for _ in range(60):
        middle = (low + high) / 2
        below = pushforward.mixture_cdf(mixture, middle) < level
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return middle


def mixture_model(mixture: GaussianMixture, schedule: Schedule):
    def model(x, t):
        left = schedule.alpha_bars[t]
        x0 = denoisers.mixture_denoiser(mixture, x, left)
        return (x - left.sqrt()[:, None] * x0) / (1 - left).sqrt()[:, None]

    return model


def test_ddim_converges_to_the_quantile_map_with_order_1():
    mixture, starts = two_peaks(), torch.tensor([-1.5, -0.6, 0.0, 0.8, 1.7], dtype=F64)
    errors = []
    for T in (200, 400, 800):
        schedule = Schedule.linear(T, 0.1 / T, 20 / T)
        last = mixture.diffused(schedule.alpha_bars[T].item())
        exact = quantile(mixture, pushforward.mixture_cdf(last, starts))
        ends = ddim_sample(mixture_model(mixture, schedule), starts[:, None], schedule, list(range(T, 0, -1)))[:, 0]
        errors.append((ends - exact).abs())
    for coarse, fine in zip(errors, errors[1:]):
        assert ((coarse / fine > 1.7) & (coarse / fine < 2.3)).all()


def test_the_quantile_map_solves_the_differential_equation():
    """Fourth-order Runge-Kutta in r, with the exact velocity at any r, from r = 20 down to 0.05."""
    mixture = two_peaks()

    def velocity(y: torch.Tensor, r: float) -> torch.Tensor:
        x0 = denoisers.mixture_denoiser(mixture, (y / math.sqrt(1 + r * r))[:, None], 1 / (1 + r * r))[:, 0]
        return (y - x0) / r

    def law(r: float) -> GaussianMixture:  # of x_0 + r eps
        return GaussianMixture(mixture.weights, mixture.means, mixture.variances + r * r)

    y = torch.tensor([-30.0, -8.0, 1.0, 12.0, 35.0], dtype=F64)
    xs = torch.linspace(-1, 1, 5, dtype=F64)
    top = torch.distributions.Normal(torch.zeros((), dtype=F64), torch.ones((), dtype=F64)).cdf(xs)
    low = -200 * torch.ones_like(xs)
    high = -low
    for _ in range(80):  # starts with given levels under the law at r = 20
        y = (low + high) / 2
        below = pushforward.mixture_cdf(law(20.0), y) < top
        low, high = torch.where(below, y, low), torch.where(below, high, y)
    radii = torch.logspace(math.log10(20), math.log10(0.05), 401, dtype=F64).tolist()
    for r, after in zip(radii, radii[1:]):
        h, m = after - r, (r + after) / 2
        k1 = velocity(y, r)
        k2 = velocity(y + h / 2 * k1, m)
        k3 = velocity(y + h / 2 * k2, m)
        k4 = velocity(y + h * k3, after)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    assert torch.allclose(pushforward.mixture_cdf(law(0.05), y), top, atol=1e-6)


def test_a_deterministic_step_is_eulers():
    x, eps = normal(4, 3, seed=6), normal(4, 3, seed=7)
    r = ((1 - LEFT) / LEFT).sqrt()
    x_s = ddim_step(lambda x, t: eps, x, 10, 4, SCHEDULE, None, 0.0)
    assert torch.allclose(x_s / LEFT[4].sqrt(), x / LEFT[10].sqrt() + (r[4] - r[10]) * eps, rtol=1e-12)


@pytest.mark.parametrize("t", [0.3, 2.0])
def test_the_density_solves_the_continuity_equation(t):
    y, r = sympy.symbols("y r", real=True)
    weights, means, variances = (sympy.Rational(3, 10), sympy.Rational(7, 10)), (-1, sympy.Rational(1, 2)), (0, sympy.Rational(1, 4))
    parts = [w * sympy.exp(-((y - m) ** 2) / (2 * (v + r**2))) / sympy.sqrt(2 * sympy.pi * (v + r**2))
             for w, m, v in zip(weights, means, variances)]
    density = sum(parts)
    # E[eps | y] in each component is r (y - m) / (v + r^2)
    flow = sum(part * r * (y - m) / (v + r**2) for part, m, v in zip(parts, means, variances))
    residual = sympy.diff(density, r) + sympy.diff(flow, y)
    for at in (-1.3, 0.2, 0.9):
        assert abs(residual.subs({y: at, r: t}).evalf()) < 1e-12


# up and down, arcs


def test_up_and_down_again_comes_closer_with_more_steps():
    T = 400
    schedule = Schedule.linear(T, 0.1 / T, 20 / T)
    model, x0 = mixture_model(two_peaks(), schedule), torch.tensor([[-1.3], [0.4], [0.9]], dtype=F64)
    errors = []
    for steps in (50, 100, 200):
        times = time_subsequence(T, steps)
        errors.append((ddim_sample(model, ddim_invert(model, x0, schedule, times), schedule, times) - x0).abs().mean())
    assert errors[1] < 0.65 * errors[0] and errors[2] < 0.65 * errors[1]


def test_a_constant_noise_is_inverted_exactly():
    eps = normal(3, 2, seed=8)
    x0, times = normal(3, 2, seed=9), [12, 7, 2]
    codes = ddim_invert(lambda x, t: eps, x0, SCHEDULE, times)
    assert torch.allclose(ddim_sample(lambda x, t: eps, codes, SCHEDULE, times), x0, rtol=1e-12)
    assert torch.allclose(codes, LEFT[12].sqrt() * x0 + (1 - LEFT[12]).sqrt() * eps, rtol=1e-12)


def test_arcs_keep_the_length_and_lines_do_not():
    a, b = normal(500, 1, 8, 8, seed=10), normal(500, 1, 8, 8, seed=11)
    length = [x.flatten(1).norm(dim=1).mean().item() / 8 for x in (a, (a + b) / 2, slerp(a, b, 0.5))]
    assert abs(length[0] - 1) < 0.02 and abs(length[1] - 0.5**0.5) < 0.02 and abs(length[2] - 1) < 0.02
    assert torch.allclose(slerp(a, a, 0.3), a) and slerp(a.float(), b.float(), 0.3).dtype == torch.float32
    u, v = torch.eye(2, dtype=F64)
    quarter = slerp(u[None], v[None], 1 / 3)[0]
    assert torch.allclose(quarter, torch.tensor([math.cos(math.pi / 6), 0.5], dtype=F64))


# what the functions promise


@pytest.mark.parametrize("spacing", ["uniform", "quadratic"])
def test_times_fall_from_T_without_repetition_for_every_number_of_steps(spacing):
    for T in (1, 2, 7, 30, 61):
        for steps in range(1, T + 1):
            times = time_subsequence(T, steps, spacing)
            assert len(times) == steps and times[0] == T and times[-1] >= 1 and times == sorted(set(times), reverse=True)
        assert times == list(range(T, 0, -1))


def test_images_in_float32_stay_float32_and_close_to_float64():
    schedule = Schedule.linear(1000)
    x_T, times = normal(4, 1, 8, 8, seed=12), time_subsequence(1000, 20)
    model = gaussian_model(0.3, schedule, mean=-0.5)
    exact = ddim_sample(model, x_T, schedule, times)
    single = ddim_sample(model, x_T.float(), schedule, times)
    assert single.dtype == torch.float32 and torch.allclose(single.double(), exact, atol=2e-5)
    drawn = [ddim_sample(model, x_T.float(), schedule, times, eta=1.0, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(*drawn) and drawn[0].dtype == torch.float32


def test_without_noise_nothing_random_is_touched():
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(3)
    state = generator.get_state()
    ddim_sample(gaussian_model(1.0), normal(2, 3), SCHEDULE, [12, 4], generator=generator)
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(generator.get_state(), state)


def test_times_may_be_a_tensor_and_the_last_step_goes_to_the_data():
    x_T = normal(3, 2, seed=13)
    model = gaussian_model(0.5)
    walked = [ddim_sample(model, x_T, SCHEDULE, times) for times in ([12, 5, 1], (12, 5, 1), torch.tensor([12, 5, 1]))]
    assert torch.equal(walked[0], walked[1]) and torch.equal(walked[0], walked[2])


def test_a_conditioned_network_is_a_model():
    def net(x, t, y):
        return x * t[:, None] + y[:, None]

    x, t, y = normal(3, 2), torch.tensor([1, 2, 3]), torch.tensor([0, 5, 9])
    assert torch.equal(conditioned(net, y)(x, t), net(x, t, y))


def test_the_chapters_table_is_the_recorded_run():
    text = (ddpmlib.ROOT / "chapters" / "10_ddim.md").read_text(encoding="utf-8")
    found = json.loads((ddpmlib.ROOT / "benchmarks" / "results" / "ddim.json").read_text(encoding="utf-8"))["results"]
    rows = re.findall(r"^\| (.+) \| (\d+) \| (-?[\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", text, re.M)
    assert len(rows) == 9
    for sampler, calls, *numbers in rows:
        name, _, spacing = sampler.replace(r"$\eta = ", "eta = ").replace("$", "").partition(", ")
        name = f"{name}, {calls} calls" + (", quadratic" if spacing else "")
        assert [float(number) for number in numbers] == [found[name][key] for key in ("distance", "network", "svm")], name
    assert found["real digits"]["lowest"] == pytest.approx(-0.005, abs=5e-4)
    assert found["real digits"]["highest"] == pytest.approx(0.007, abs=5e-4)


X, Z, NOISES = normal(4, 3), normal(4, 3, seed=1), normal(13, 4, 3)
MODEL = gaussian_model(1.0)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ddim_sigma(SCHEDULE, 3, 3, 1.0), ValueError, "s must be less than t = 3, got 3"),
        (lambda: ddim_sigma(SCHEDULE, 13, 3, 1.0), ValueError, "t must be between 1 and 12, got 13"),
        (lambda: ddim_sigma(SCHEDULE, 3, -1, 1.0), ValueError, "s must be between 0 and 11, got -1"),
        (lambda: ddim_sigma(SCHEDULE, 3, 1, 1.5), ValueError, "eta must be between 0 and 1, got 1.5"),
        (lambda: ddim_sigma(SCHEDULE, torch.tensor([3, 2]), torch.tensor([1]), 1.0), ValueError, r"s must have the shape of t, \(2,\)"),
        (lambda: ddim_sigma(12, 3, 1, 1.0), TypeError, "schedule must be a ddpmlib.schedules.Schedule"),
        (lambda: ddim_step(MODEL, X, 3, 1, SCHEDULE, None, 0.5), TypeError, "noise must be a torch.Tensor, got NoneType"),
        (lambda: ddim_step(MODEL, X, 3, 1, SCHEDULE, Z[:, :2], 0.5), ValueError, "noise must have the shape of x_t"),
        (lambda: ddim_step(MODEL, X, torch.tensor([1, 2]), 0, SCHEDULE, Z, 0.5), ValueError, r"t must have shape \(\) or \(4,\)"),
        (lambda: ddim_step(3, X, 3, 1, SCHEDULE, Z, 0.5), TypeError, "model must be a callable"),
        (lambda: ddim_step(MODEL, X[0, 0], 3, 1, SCHEDULE, Z[0, 0], 0.5), ValueError, "must have a batch axis"),
        (lambda: ddim_step_from_x0(X, Z[:2], 3, 1, SCHEDULE, None, 0.0), ValueError, "x0 must have the shape of x_t"),
        (lambda: time_subsequence(10, 11), ValueError, "steps must be between 1 and 10, got 11"),
        (lambda: time_subsequence(10, 5, "cubic"), ValueError, 'spacing must be "uniform" or "quadratic", got \'cubic\''),
        (lambda: time_subsequence(10, 5, 2), TypeError, 'spacing must be "uniform" or "quadratic", got int'),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, [12, 12, 3]), ValueError, "times must fall from each to the next, got 12 after 12"),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, [3, 5]), ValueError, "times must fall from each to the next, got 5 after 3"),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, [12, 0]), ValueError, "times must be between 1 and 12, got 0"),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, []), ValueError, r"times must have shape \(steps,\) with at least one time"),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, [12, 1.5]), TypeError, "times must hold integers, got float 1.5"),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, 12), TypeError, "times must be a list of ints or an integer tensor"),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, [12, 3], eta=0.5), TypeError, "noise must be a tensor, or generator must be"),
        (lambda: ddim_sample(MODEL, X, SCHEDULE, [12, 3], eta=0.5, noise=NOISES[1:]), ValueError, r"noise must have shape \(13, 4, 3\)"),
        (lambda: ddim_invert(MODEL, X[0, 0], SCHEDULE, [12]), ValueError, "x0 must have a batch axis"),
        (lambda: ddim_invert(MODEL, X, SCHEDULE, [1, 12]), ValueError, "times must fall"),
        (lambda: slerp(X, Z[:2], 0.5), ValueError, "b must have the shape of a"),
        (lambda: slerp(X, Z, 1.5), ValueError, "share must be between 0 and 1, got 1.5"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
