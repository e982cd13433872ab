"""Chapter 9, learning: the propositions of the text, what a step promises, and bad input."""

from __future__ import annotations

import copy
import math

import pytest
import sympy
import torch
from torch import nn

from ddpmlib import learner_formulas
from ddpmlib.learner import ema_decay, ema_update, learning_rate, training_step

F64 = torch.float64


def one_number(start: float = 0.0) -> nn.Module:
    net = nn.Linear(1, 1, bias=False, dtype=F64)
    nn.init.constant_(net.weight, start)
    return net


def value(formula, **numbers) -> float:
    return float(formula.subs({symbol: numbers[symbol.name] for symbol in formula.free_symbols}))


def test_clipping_is_the_nearest_vector_of_the_ball():
    generator = torch.Generator().manual_seed(0)
    net = nn.Linear(3, 1, bias=False, dtype=F64)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    gradient = torch.tensor([[3.0, -1.0, 2.0]], dtype=F64)
    before = net.weight.detach().clone()
    _, norm = training_step(net, optimizer, (net.weight * gradient).sum(), max_norm=1.5)
    clipped = before - net.weight.detach()
    assert norm == pytest.approx(math.sqrt(14)) and clipped.norm() == pytest.approx(1.5)
    others = torch.randn(2000, 3, generator=generator, dtype=F64)
    others = 1.5 * others / others.norm(dim=1, keepdim=True) * torch.rand(2000, 1, generator=generator, dtype=F64) ** (1 / 3)
    assert ((others - gradient).norm(dim=1) >= (clipped - gradient).norm()).all()


@pytest.mark.parametrize("j", [0, 1, 10, 300])
def test_a_spike_makes_adams_steps_small(j):
    """The proposition's step size, against torch's Adam long after its start."""
    g, spike, rate, warm = 0.3, 1000.0, 1e-3, 12_000
    mean, square = g, g**2  # at rest after a constant gradient
    for k in range(j + 1):
        now = spike * g if k == 0 else g
        mean, square = 0.9 * mean + 0.1 * now, 0.999 * square + 0.001 * now**2
    ours = (1 + 0.1 * 0.9**j * (spike - 1)) / math.sqrt(1 + 0.001 * 0.999**j * (spike**2 - 1))
    assert mean / math.sqrt(square) == pytest.approx(ours, rel=1e-9)
    net = one_number()
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    state = optimizer.state[net.weight]
    state.update(step=torch.tensor(float(warm)), exp_avg=torch.full((1, 1), g, dtype=F64), exp_avg_sq=torch.full((1, 1), g**2, dtype=F64))
    for k in range(j + 1):
        before = net.weight.item()
        training_step(net, optimizer, (spike if k == 0 else 1.0) * g * net.weight.sum())
    assert before - net.weight.item() == pytest.approx(rate * ours, rel=2e-5)  # hats and epsilon change that much


def test_half_of_the_step_is_back_after_5800_steps():
    sizes = [1 / math.sqrt(1 + 0.001 * 0.999**j * (1000**2 - 1)) for j in (5700, 5800, 5900)]
    assert sizes[0] < 0.5 and sizes[2] > 0.5 and sizes[1] == pytest.approx(0.5, abs=2e-3)


def test_adams_first_step_is_the_learning_rate_for_every_parameter():
    net = nn.Linear(20, 5, dtype=F64)
    before = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01, eps=0.0)
    training_step(net, optimizer, 1e-6 * net(torch.randn(3, 20, dtype=F64, generator=torch.Generator().manual_seed(0))).square().sum())
    moved = torch.cat([(a - b).detach().flatten() for a, b in zip(net.parameters(), before.parameters())])
    assert torch.allclose(moved.abs(), torch.full_like(moved, 0.01), rtol=1e-9)
    assert moved.norm() == pytest.approx(0.01 * math.sqrt(105))


@pytest.mark.parametrize(("rate", "h"), [(0.1, 1.0), (0.5, 3.0), (0.02, 0.5)])
def test_descent_with_noise_rests_at_the_variance_of_the_proposition(rate, h):
    """The chain's covariances, followed exactly from the start."""
    variance, s2, r = 5.0, 0.7, 1 - rate * h
    for _ in range(2000):
        variance = r**2 * variance + rate**2 * s2
    assert variance == pytest.approx(rate * s2 / (h * (2 - rate * h)))


def test_average_of_correlated_iterates_from_their_covariance_matrix():
    """The second formula, as a quadratic form of weights and a Toeplitz matrix."""
    formula = learner_formulas.averaged_variance_formula()
    for d, r in ((0.8, 0.5), (0.9, 0.0), (0.9, 0.95)):
        n = 400
        steps = torch.arange(n, dtype=F64)
        weights = (1 - d) * d**steps
        covariance = r ** (steps[:, None] - steps).abs() if r else torch.eye(n, dtype=F64)
        expected = float(weights @ covariance @ weights)
        at_zero = formula.subs(sympy.Symbol("r", positive=True), 0) if r == 0 else formula
        assert value(at_zero, d=d, r=r) == pytest.approx(expected, rel=1e-6)


def test_weights_of_the_average_add_to_one_and_are_those_of_the_update():
    formula, d, n = learner_formulas.average_weight_formula(), 0.7, 6
    weights = [value(formula, d=d, j=j, n=n) for j in range(n)]
    assert sum(weights) == pytest.approx(1.0)
    for j in range(n):  # an impulse j steps ago, with ema_update itself
        average = one_number()
        for step in range(n):
            ema_update(average, one_number(1.0 if step == n - 1 - j else 0.0), d)
        assert average.weight.item() / (1 - d**n) == pytest.approx(weights[j])


@pytest.mark.parametrize("n", [1, 10, 100])
def test_beginning_is_forgotten_as_fast_as_the_proposition_says(n):
    average = one_number(1.0)
    for k in range(1, n + 1):
        ema_update(average, one_number(0.0), ema_decay(k, 0.9999))
    left = math.factorial(10) * math.factorial(n + 1) / math.factorial(n + 10)
    assert average.weight.item() == pytest.approx(left, rel=1e-9)
    assert left <= math.factorial(10) / (n + 2) ** 9
    assert n != 10 or round(left, 5) == 6e-5


def test_lag_of_the_average_on_a_straight_way():
    average, d = one_number(), 0.9
    for k in range(1, 400):
        ema_update(average, one_number(float(k)), d)
    assert 399 - average.weight.item() == pytest.approx(d / (1 - d))


def test_learning_rate_rises_and_falls_and_is_never_zero():
    rates = [learning_rate(n, 500, peak=0.3, warmup=40) for n in range(1, 501)]
    assert max(rates) == rates[39] == 0.3 and min(rates) > 0
    assert all(a < b for a, b in zip(rates[:39], rates[1:40])) and all(a > b for a, b in zip(rates[39:], rates[40:]))


def test_a_refused_step_leaves_the_network_usable():
    net, optimizer = one_number(1.0), None
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        training_step(net, optimizer, net.weight.sum() * math.nan)
    with pytest.raises(FloatingPointError, match="norm of the gradient"):
        training_step(net, optimizer, (net.weight - 1).sum().abs().sqrt(), max_norm=1.0)
    assert net.weight.item() == 1.0 and not optimizer.state
    loss, norm = training_step(net, optimizer, net.weight.square().sum())
    assert (loss, norm) == (1.0, 2.0) and net.weight.item() == pytest.approx(0.9)


NET = one_number()
SGD = torch.optim.SGD(NET.parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: training_step(NET, SGD, NET.weight), ValueError, r"loss must have 0 axes, got shape \(1, 1\)"),
        (lambda: training_step(NET, SGD, 1.0), TypeError, "loss must be a torch.Tensor, got float"),
        (lambda: training_step(NET, None, NET.weight.sum()), TypeError, "optimizer must be a torch.optim"),
        (lambda: training_step(NET, SGD, NET.weight.sum(), max_norm=0), ValueError, "max_norm must be greater than 0, got 0"),
        (lambda: training_step(NET, SGD, NET.weight.sum(), max_norm="1"), TypeError, "max_norm must be a number, got str"),
        (lambda: ema_update(NET, NET, 0.9), ValueError, "ema must have parameters of its own, got the model's weight"),
        (lambda: ema_update(nn.Linear(2, 1), NET, 0.9), ValueError, r"got for weight: shape \(1, 2\) in ema, shape \(1, 1\) in the model"),
        (lambda: ema_update(nn.Linear(1, 1, dtype=F64), NET, 0.9), ValueError, "got for bias: .* nothing of this name in the model"),
        (lambda: ema_update(nn.BatchNorm1d(1), nn.BatchNorm1d(1, track_running_stats=False), 0.9), ValueError, "the model's buffers"),
        (lambda: ema_update(one_number(), NET, 1.0), ValueError, "decay must be greater than 0 and less than 1, got 1.0"),
        (lambda: ema_decay(0, 0.9), ValueError, "step must be at least 1, got 0"),
        (lambda: learning_rate(11, 10, peak=1.0, warmup=1), ValueError, "step must be between 1 and 10, got 11"),
        (lambda: learning_rate(1, 10, peak=1.0, warmup=11), ValueError, "warmup must be between 0 and 10, got 11"),
        (lambda: learning_rate(1, 10, peak=0.0, warmup=1), ValueError, "peak must be greater than 0, got 0.0"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()
