"""Chapter 11: the formulas of the text that no exercise checks, what the guided samplers promise, and bad input."""

from __future__ import annotations

import math

import pytest
import sympy
import torch

from ddpmlib import guidance_formulas, images, noisy_classifier
from ddpmlib.ddim import ddim_sample, time_subsequence
from ddpmlib.ddpm import ancestral_sample, ancestral_step, reverse_variance, training_loss
from ddpmlib.guidance import (
    CONVENTIONS, classifier_gradient, classifier_guided_model, classifier_guided_step, drop_labels, gamma_of, guided_model, guided_noise,
    joint_loss, noisy_classifier_loss,
)
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.models import conditioned
from ddpmlib.parameterizations import to_x0
from ddpmlib.schedules import Schedule

F64 = torch.float64
SCHEDULE = Schedule.linear(12, 0.02, 0.4)
LEFT = SCHEDULE.alpha_bars
GRID = torch.linspace(-9, 9, 6001, dtype=F64)
STEP = (GRID[1] - GRID[0]).item()


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def value(formula: sympy.Expr, **values: float) -> float:
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


class Exact:
    """The best conditional network for a mixture whose components are the classes; ``logits`` is the exact noisy classifier."""

    def __init__(self, mixture: GaussianMixture, schedule: Schedule = SCHEDULE):
        self.mixture, self.schedule, self.classes = mixture, schedule, len(mixture.weights)

    def logits(self, x, t):
        left = self.schedule.alpha_bars[t][:, None]
        spread = left * self.mixture.variances + 1 - left
        away = x[:, None, :] - left.sqrt()[..., None] * self.mixture.means
        return self.mixture.weights.log() - away.square().sum(2) / (2 * spread) - x.shape[1] / 2 * spread.log()

    def noises(self, x, t):
        left = self.schedule.alpha_bars[t][:, None]
        spread = left * self.mixture.variances + 1 - left
        return (1 - left).sqrt()[..., None] * (x[:, None, :] - left.sqrt()[..., None] * self.mixture.means) / spread[..., None]

    def __call__(self, x, t, y=None):
        y = torch.full((len(x),), self.classes) if y is None else y
        shares = self.logits(x, t).softmax(1)
        told = torch.eye(self.classes + 1, dtype=F64)[y][:, :-1]
        shares = torch.where(y[:, None] == self.classes, shares, told)
        return (shares[..., None] * self.noises(x, t)).sum(1)


THREE = GaussianMixture(torch.tensor([0.2, 0.5, 0.3], dtype=F64), normal(3, 2, seed=9), torch.tensor([0.2, 0.1, 0.4], dtype=F64))
LINE = GaussianMixture(torch.tensor([0.5, 0.5], dtype=F64), torch.tensor([[-1.0], [1.0]], dtype=F64), torch.full((2,), 0.25, dtype=F64))


@pytest.mark.parametrize("t", [1, 4, 12])
def test_noisy_classifier_is_the_mean_of_the_clean_one(t):
    clean = torch.sigmoid(8 * GRID)  # p(plus | x_0)
    density = LINE.log_prob(GRID[:, None]).exp()
    for x in (-1.3, 0.2, 0.9):
        likelihood = torch.exp(-((x - LEFT[t].sqrt() * GRID) ** 2) / (2 * (1 - LEFT[t])))
        posterior = density * likelihood
        mean = (posterior * clean).sum() / posterior.sum()
        exact = Exact(LINE).logits(torch.tensor([[x]], dtype=F64), torch.tensor([t])).softmax(1)[0, 1]
        assert torch.allclose(mean, exact, atol=1e-9)


def test_exact_model_and_classifier_give_the_noise_of_the_class():
    net, x, t, y = Exact(THREE), normal(24, 2), torch.arange(24) % 12 + 1, torch.arange(24) % 3
    assert torch.allclose(classifier_guided_model(net, net.logits, y, 1.0, SCHEDULE)(x, t), net(x, t, y), atol=1e-12)
    for gamma in (-1.0, 0.0, 0.5, 3.0):
        by_classifier = classifier_guided_model(net, net.logits, y, gamma, SCHEDULE)(x, t)
        assert torch.allclose(by_classifier, guided_model(net, y, gamma)(x, t), atol=1e-12)


def test_null_class_is_the_mixture_of_the_classes():
    net, x, t = Exact(THREE), normal(24, 2), torch.arange(24) % 12 + 1
    shares = net.logits(x, t).softmax(1)
    mixed = sum(shares[:, k : k + 1] * net(x, t, torch.full((24,), k)) for k in range(3))
    assert torch.allclose(net(x, t), mixed, atol=1e-12)
    points = x.clone().requires_grad_()
    laws = [THREE.diffused(LEFT[k].item()) for k in t.tolist()]
    (score,) = torch.autograd.grad(sum(law.log_prob(row[None]).sum() for law, row in zip(laws, points)), points)
    assert torch.allclose(net(x, t), -(1 - LEFT[t]).sqrt()[:, None] * score, atol=1e-10)


def test_joint_loss_is_smallest_at_the_two_conditional_means():
    """On rows of two classes: moving the exact network's answers in any way raises the loss, for the null class too."""
    count = 40_000
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(2, (count,), generator=generator)
    x0 = (2.0 * y[:, None] - 1) + 0.5 * torch.randn(count, 1, generator=generator, dtype=F64)
    noise = torch.randn(count, 1, generator=generator, dtype=F64)
    dropped = torch.rand(count, generator=generator) < 0.3
    net = Exact(LINE)

    def loss(change: float, on_null: bool) -> float:
        def changed(x, t, labels):
            return net(x, t, labels) + change * ((labels == 2) == on_null)[:, None] * torch.tanh(x)

        changed.classes = 2
        return joint_loss(changed, x0, y, 6, noise, dropped, SCHEDULE).item()

    for on_null in (True, False):
        assert loss(0.0, on_null) < min(loss(0.1, on_null), loss(-0.1, on_null))


def test_linearised_step_is_exact_for_a_linear_log_probability():
    mu, variance, slope, scale = 0.4, 0.3, 1.7, 2.0
    tilted = torch.exp(-((GRID - mu) ** 2) / (2 * variance) + scale * slope * GRID)
    mean = (tilted * GRID).sum() / tilted.sum()
    spread = (tilted * (GRID - mean) ** 2).sum() / tilted.sum()
    assert mean.item() == pytest.approx(mu + scale * variance * slope) and spread.item() == pytest.approx(variance)


def test_what_the_linearisation_neglects_vanishes_with_the_variance():
    mu, scale = 0.2, 1.5

    def error(variance: float) -> float:
        logs = scale * torch.nn.functional.logsigmoid(3 * GRID)
        tilted = torch.exp(-((GRID - mu) ** 2) / (2 * variance) + logs)
        mean = (tilted * GRID).sum() / tilted.sum()
        return abs(mean.item() - mu - scale * variance * 3 / (1 + math.exp(3 * mu)))

    assert 3 < error(0.02) / error(0.01) < 5  # of second order


@pytest.mark.parametrize("t", [2, 7, 12])
def test_shifts_of_datum_and_mean_are_the_formulas(t):
    net, x, y = Exact(THREE), normal(5, 2), torch.tensor([0, 1, 2, 1, 0])
    times, scale = torch.full((5,), t), 1.3
    gradient = classifier_gradient(net.logits, x, t, y)
    guided = classifier_guided_model(net, net.logits, y, scale, SCHEDULE)
    before, after = (to_x0("eps", model(x, times), x, t, SCHEDULE) for model in (net, guided))
    per_unit = value(guidance_formulas.x0_shift_formula(), g=1, s=scale, abar=LEFT[t].item())
    assert torch.allclose(after - before, per_unit * gradient, atol=1e-10)
    table = reverse_variance(SCHEDULE, "large")
    plain, pushed = (ancestral_step(model, x, t, SCHEDULE, 0 * x, table) for model in (net, guided))
    per_unit = value(guidance_formulas.mean_shift_formula(), g=1, s=scale, alpha_t=SCHEDULE.alphas[t].item(), abar=LEFT[t].item())
    assert torch.allclose(pushed - plain, per_unit * gradient, atol=1e-10)
    step = classifier_guided_step(net, net.logits, x, t, y, scale, SCHEDULE, 0 * x, table)
    assert torch.allclose((step - plain) / SCHEDULE.alphas[t].sqrt(), pushed - plain, atol=1e-10)  # Sigma = beta_t


def test_tilt_and_noise_do_not_commute_by_this_much():
    v, u, gamma, abar = sympy.symbols("v u gamma abar", positive=True)
    d = gamma * u + (1 - gamma) * v
    later = abar * d + 1 - abar
    gap = abar * (1 - abar) * gamma * (gamma - 1) * (u - v) ** 2 / (d * later)
    tilted, guided = guidance_formulas.tilted_variance_formula(), guidance_formulas.guided_variance_formula()
    assert sympy.simplify(abar * tilted + 1 - abar - guided - gap) == 0


@pytest.mark.parametrize("gamma", [1.0, 2.0, 3.5])
def test_tilted_gaussians_by_quadrature(gamma):
    m, v, u = 0.7, 0.4, 1.1
    density = torch.exp(-gamma * (GRID - m) ** 2 / (2 * v) - (1 - gamma) * GRID**2 / (2 * u))
    mean = (density * GRID).sum() / density.sum()
    spread = (density * (GRID - mean) ** 2).sum() / density.sum()
    assert mean.item() == pytest.approx(value(guidance_formulas.tilted_mean_formula(), m=m, v=v, u=u, gamma=gamma))
    assert spread.item() == pytest.approx(value(guidance_formulas.tilted_variance_formula(), v=v, u=u, gamma=gamma))


@pytest.mark.parametrize("gamma", [1.0, 2.0, 4.0])
def test_guided_walk_on_gaussians_has_the_geometric_variance(gamma):
    v, u = 0.4, 1.0
    schedule = Schedule.linear(1000)

    def pair(x, t, y):
        left = schedule.alpha_bars[t][:, None]
        told = (1 - left).sqrt() * (x - left.sqrt()) / (left * v + 1 - left)
        return torch.where(y[:, None] == 0, told, (1 - left).sqrt() * x / (left * u + 1 - left))

    pair.classes = 1
    start = torch.tensor([[0.0], [1.0]], dtype=F64)
    errors = []
    end = (1 - schedule.alpha_bars[-1]) / schedule.alpha_bars[-1]
    exact = ((1 + end) * v**gamma * u ** (1 - gamma) / ((v + end) ** gamma * (u + end) ** (1 - gamma))).item()
    for steps in (250, 500, 1000):
        ends = ddim_sample(guided_model(pair, torch.zeros(2).long(), gamma), start, schedule, time_subsequence(1000, steps))
        errors.append(abs((ends[1] - ends[0]).item() ** 2 - exact))
    assert errors[2] < errors[1] < errors[0] and errors[2] < 0.01
    assert exact == pytest.approx(v**gamma * u ** (1 - gamma), rel=1e-3)
    if gamma > 1:
        assert exact < value(guidance_formulas.tilted_variance_formula(), v=v, u=u, gamma=gamma)


def test_two_classes_on_the_line():
    schedule = Schedule.linear(1000)
    grid = torch.linspace(-6, 6, 1201, dtype=F64)
    masses = torch.exp(-(grid**2) / 2)
    model = guided_model(Exact(LINE, schedule), torch.ones(len(grid)).long(), 5.0)
    ends = ddim_sample(model, grid[:, None], schedule, time_subsequence(1000, 1000))[:, 0]
    mean = (masses * ends).sum() / masses.sum()
    deviation = ((masses * (ends - mean) ** 2).sum() / masses.sum()).sqrt()
    logs = LINE.component_log_probs(GRID[:, None])
    tilted = (5 * logs[:, 1] - 4 * logs.logsumexp(1)).exp()
    centre = (tilted * GRID).sum() / tilted.sum()
    width = ((tilted * (GRID - centre) ** 2).sum() / tilted.sum()).sqrt()
    assert mean.item() == pytest.approx(1.805, abs=3e-3) and deviation.item() == pytest.approx(0.273, abs=3e-3)
    assert centre.item() == pytest.approx(1.070, abs=1e-3) and width.item() == pytest.approx(0.444, abs=1e-3)


@pytest.mark.parametrize("t", [2, 5, 12])
def test_log_snr_form_is_the_ancestral_step(t):
    snr = LEFT / (1 - LEFT)
    shrink = snr[t] / snr[t - 1]
    z, eps = normal(4, 2), normal(4, 2, seed=1)
    datum = (z - (1 - LEFT[t]).sqrt() * eps) / LEFT[t].sqrt()
    mean = shrink * (LEFT[t - 1] / LEFT[t]).sqrt() * z + (1 - shrink) * LEFT[t - 1].sqrt() * datum
    large, small = reverse_variance(SCHEDULE, "large"), reverse_variance(SCHEDULE, "small")
    assert torch.allclose(ancestral_step(lambda x, t: eps, z, t, SCHEDULE, 0 * z, large), mean, atol=1e-12)
    assert torch.allclose((1 - shrink) * (1 - LEFT[t]), large[t]) and torch.allclose((1 - shrink) * (1 - LEFT[t - 1]), small[t])


def test_at_gamma_1_and_0_whole_walks_are_those_of_the_network():
    net, x_T, noise, y = Exact(THREE), normal(6, 2), normal(13, 6, 2, seed=2), torch.arange(6) % 3
    for gamma, model in ((1.0, conditioned(net, y)), (0.0, net)):
        walks = [ancestral_sample(used, x_T, SCHEDULE, noise=noise) for used in (model, guided_model(net, y, gamma))]
        assert torch.allclose(*walks, atol=1e-10)
    walks = [ancestral_sample(used, x_T, SCHEDULE, noise=noise)
             for used in (conditioned(net, y), classifier_guided_model(net, net.logits, y, 1.0, SCHEDULE))]
    assert torch.allclose(*walks, atol=1e-9)


def test_all_conventions_say_one_when_the_class_is_told():
    at_rest = {"ho-salimans": 0.0, "diffusers-original": 0.0, "dhariwal-nichol-conditional": 0.0}
    assert {gamma_of(at_rest.get(name, 1.0), name) for name in CONVENTIONS} == {1.0}


def test_joint_loss_with_nothing_and_with_all_dropped():
    net, x0, y, noise = Exact(THREE), normal(6, 2), torch.arange(6) % 3, normal(6, 2, seed=1)
    none, every = torch.zeros(6, dtype=torch.bool), torch.ones(6, dtype=torch.bool)
    assert torch.equal(joint_loss(net, x0, y, 3, noise, none, SCHEDULE), training_loss(conditioned(net, y), x0, 3, noise, SCHEDULE))
    assert torch.equal(joint_loss(net, x0, y, 3, noise, every, SCHEDULE), training_loss(net, x0, 3, noise, SCHEDULE))


@pytest.mark.parametrize("clean", [False, True])
def test_the_noisy_classifier_learns_and_repeats_itself(clean):
    schedule, data = Schedule.linear(1000), images.load_digits("train")

    def losses():
        net = noisy_classifier.NoisyClassifier(1000, seed=3)
        steps = noisy_classifier.training_steps(net, data, schedule, steps=40, generator=torch.Generator().manual_seed(0), clean=clean)
        return [state.loss for state in steps], net.training

    (first, training), (second, _) = losses(), losses()
    assert first == second and not training
    assert first[0] == pytest.approx(math.log(10), abs=0.2) and sum(first[-5:]) / 5 < 2.1


X, Z, Y = normal(4, 3), normal(4, 3, seed=1), torch.tensor([0, 2, 1, 1])
MASK, NET = torch.tensor([True, False, False, True]), Exact(THREE)
LOGITS, MODEL = (lambda x, t: x), (lambda x, t: x)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: noisy_classifier_loss(LOGITS, X, Y, 13, Z, SCHEDULE), ValueError, "t must be between 1 and 12, got 13"),
        (lambda: noisy_classifier_loss(LOGITS, X, Y[:3], 1, Z, SCHEDULE), ValueError, r"y must have shape \(4,\), one class for each row; got \(3,\)"),
        (lambda: noisy_classifier_loss(LOGITS, X, -Y, 1, Z, SCHEDULE), ValueError, "y must be at least 0, got -2"),
        (lambda: noisy_classifier_loss(3, X, Y, 1, Z, SCHEDULE), TypeError, "classifier must be a callable"),
        (lambda: noisy_classifier_loss(LOGITS, X, Y, 1, Z[:2], SCHEDULE), ValueError, "noise must have the shape of x0"),
        (lambda: classifier_gradient(LOGITS, X, 0, Y), ValueError, "t must be at least 1, got 0"),
        (lambda: classifier_gradient(LOGITS, X, 1, 2), TypeError, "y must be an integer tensor"),
        (lambda: classifier_gradient(LOGITS, X, 1, Y[0]), ValueError, r"y must have shape \(4,\)"),
        (lambda: classifier_guided_model(MODEL, LOGITS, Y, math.nan, SCHEDULE), ValueError, "scale must be finite"),
        (lambda: classifier_guided_model(MODEL, LOGITS, Y[:3], 1.0, SCHEDULE)(X, torch.ones(4).long()), ValueError, r"y must have shape \(4,\)"),
        (lambda: classifier_guided_step(MODEL, LOGITS, X, 1, Y, 1.0, SCHEDULE, Z, LEFT[1:]), ValueError, r"variance must have shape \(13,\)"),
        (lambda: drop_labels(Y, MASK[:3], 3), ValueError, r"dropped must have the shape of y, \(4,\), got \(3,\)"),
        (lambda: drop_labels(Y, MASK.long(), 3), TypeError, "dropped must be a boolean tensor"),
        (lambda: drop_labels(Y, MASK, -1), ValueError, "null must be at least 0, got -1"),
        (lambda: joint_loss(MODEL, X, Y, 1, Z, MASK, SCHEDULE), TypeError, "net must be a callable, .* with an attribute classes"),
        (lambda: guided_noise(X, Z[:2], 1.0), ValueError, "eps_cond must have the shape of eps_uncond"),
        (lambda: guided_noise(X, Z, math.inf), ValueError, "gamma must be finite"),
        (lambda: gamma_of(1.0, "w"), ValueError, "convention must be one of deck, ho-salimans"),
        (lambda: guided_model(NET, torch.tensor([4]), 1.0), ValueError, "y must be between 0 and 3, got 4"),
        (lambda: guided_model(NET, Y, 1.0)(X[:3, :2], torch.ones(3).long()), ValueError, r"y must have shape \(3,\)"),
        (lambda: next(noisy_classifier.training_steps(torch.nn.Linear(1, 1), None, SCHEDULE, steps=0, generator=None)), ValueError, "steps"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
