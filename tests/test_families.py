"""Chapter 14: flows, games and the contest, checked by other roads than the chapter's own."""

from __future__ import annotations

import math

import pytest
import torch

from ddpmlib import contenders, contest, families, families_formulas, flow, gan, measures

F64 = torch.float64
TINY = {"VAE": {"latent": 2}, "flow": {"depth": 2}, "GAN": {"latent": 2}, "diffusion": {"T": 50, "calls": 5}}


def tiny(kind, classes=3):
    return contenders.KINDS[kind](dim=2, classes=classes, hidden=8, **TINY[kind]).eval()


def shaken(model):
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def test_a_flow_integrates_to_one():
    model = shaken(tiny("flow", classes=0)).double()
    side = torch.linspace(-14, 14, 561, dtype=F64)
    points = torch.cartesian_prod(side, side)
    with torch.no_grad():
        total = flow.flow_log_likelihood(model.layers(None), points).exp().sum() * (side[1] - side[0]) ** 2
    assert total.item() == pytest.approx(1.0, abs=2e-3)


def test_a_flow_is_inverted_to_rounding():
    model = shaken(tiny("flow")).double()
    x = torch.randn(20, 2, dtype=F64, generator=torch.Generator().manual_seed(1))
    y = torch.arange(20) % 3
    assert torch.allclose(model.generate(model.encode(x, y), y), x, atol=1e-10)


def test_dequantisation_is_a_bound_on_the_law_of_levels():
    """The probabilities of four levels by quadrature, and the mean of many noises."""
    law, levels = torch.distributions.Normal(0.1, 0.3), 4
    k = torch.arange(levels)[:, None]
    noise = torch.rand(4000, levels, 1, dtype=F64, generator=torch.Generator().manual_seed(0))
    found = flow.dequantised_bits_per_dim(lambda x: law.log_prob(x)[:, 0], k, levels, noise)
    edges = 2 * torch.arange(levels + 1, dtype=F64) / levels - 1
    exact = -torch.log2(law.cdf(edges[1:]) - law.cdf(edges[:-1]))
    assert (found >= exact).all()


def test_value_at_the_best_discriminator_is_the_divergence():
    x = torch.arange(-12, 12, 0.01, dtype=F64)
    log_p, log_q = (torch.distributions.Normal(*law).log_prob(x) for law in ((0.0, 1.0), (1.0, 0.5)))
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    js = 0.5 * sum((log.exp() * (log - log_m)).sum() * 0.01 for log in (log_p, log_q))
    best = torch.logit(gan.optimal_discriminator(log_p, log_q).clamp(1e-300, 1 - 1e-16))
    assert gan.game_value(best, log_p, log_q, 0.01).item() == pytest.approx(2 * js.item() - math.log(4), abs=1e-6)


def test_the_ellipse_of_alternating_steps_is_kept():
    a, b, c = 0.3, 0.5, 1.1
    x, y = 1.0, -0.4
    kept = b * x**2 + a * y**2 - a * b * c * x * y
    for _ in range(200):
        x -= a * c * y
        y += b * c * x
    assert b * x**2 + a * y**2 - a * b * c * x * y == pytest.approx(kept, rel=1e-10)


def test_growth_is_that_of_simulated_steps():
    a, b, c, g = 0.3, 0.4, 1.5, 0.2
    formula = families_formulas.simultaneous_growth_formula()
    growth = float(formula.subs({s: {"a": a, "b": b, "c": c, "g": g}[s.name] for s in formula.free_symbols}))
    matrix = torch.tensor([[1.0, -a * c], [b * c, 1 - b * g]], dtype=F64)
    assert torch.linalg.eigvals(matrix).abs().square().tolist() == pytest.approx([growth, growth])


@pytest.mark.parametrize("kind", contenders.KINDS)
def test_counted_multiply_adds_are_those_of_the_linear_layers(kind):
    model, y = tiny(kind), torch.zeros(3, dtype=torch.int64)
    with torch.no_grad(), contest.counting(model) as count:
        model.generate(torch.randn(3, model.latent), y)
    nets = {"VAE": lambda m: [m.decoder], "GAN": lambda m: [m.generator], "diffusion": lambda m: [m.net] * 5,
            "flow": lambda m: [c.net for c in m.couplings]}[kind](model)
    weights = sum(p.numel() for net in nets for p in net.parameters() if p.ndim == 2)
    assert (count.calls, count.multiply_adds) == (len(nets), 3 * weights)


@pytest.mark.parametrize("kind", contenders.KINDS)
def test_a_budget_is_spent_and_not_overspent(kind):
    model, y = tiny(kind), torch.zeros(50, dtype=torch.int64)
    data = contest.Data(torch.randn(50, 2, generator=torch.Generator().manual_seed(0)), y)
    cost = contest.cost_of_a_step(model, data, 8)
    losses = contest.train(model, data, budget=3 * cost + cost // 2, generator=torch.Generator().manual_seed(0), batch=8)
    assert len(losses) == 3 and all(map(math.isfinite, losses))
    with pytest.raises(ValueError, match="budget must be at least"):
        contest.train(model, data, budget=cost - 1, generator=torch.Generator(), batch=8)


@pytest.mark.parametrize("kind", contenders.KINDS)
def test_contenders_of_one_size(kind):
    assert contenders.of_size(kind, 20_000).size == pytest.approx(20_000, rel=0.03)


def test_the_bound_of_a_diffusion_model_is_below_the_density():
    """Data N(0, 1): the best noise predictor is known, and so is log p."""
    class Best(contenders.Diffusion):
        def forward(self, x_t, t, y):
            return (1 - self.schedule.alpha_bars[t])[:, None].sqrt() * x_t

    model = Best(dim=1, classes=0, hidden=2)
    x = torch.randn(4000, 1, generator=torch.Generator().manual_seed(0), dtype=F64)
    bound = measures.diffusion_bound(model, x, torch.zeros(4000, dtype=torch.int64), torch.Generator().manual_seed(1))
    truth = torch.distributions.Normal(0.0, 1.0).log_prob(x).mean()
    assert -0.1 < (bound.mean() - truth).item() < 0.06


def test_precision_and_recall_of_a_set_with_itself_are_one():
    rows = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    assert families.precision_recall(rows, rows, 3) == (1.0, 1.0)
    assert families.precision_recall(rows, rows[:5].repeat(4, 1), 3)[1] < 1
