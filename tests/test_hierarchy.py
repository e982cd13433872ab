"""What chapter 2 gives and states: Gaussian chains, and formulas that no exercise checks."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest
import torch

from ddpmlib import hierarchy
from ddpmlib.checks import assess
from ddpmlib.gaussian_chain import Decoder, Encoder, Transition, fixed_transition, scalar_transition

X = torch.tensor([0.7], dtype=torch.float64)


def decoder() -> Decoder:
    steps = [scalar_transition(0.9, 0.5, 0.2), scalar_transition(-0.7, 0.6, 0.1), scalar_transition(0.8, 0.4)]
    return Decoder(tuple(steps))


def encoder() -> Encoder:
    steps = [scalar_transition(0.5, 0.8, 0.1), scalar_transition(0.6, 0.7), scalar_transition(-0.4, 0.9, -0.2)]
    return Encoder(tuple(steps))


def nodes(levels: int, count: int = 9):
    """Gauss-Hermite paths of noise for all levels together, with their weights."""
    points, weights = (torch.from_numpy(value) for value in np.polynomial.hermite_e.hermegauss(count))
    grids = torch.meshgrid(*[points] * levels, indexing="ij")
    weight = torch.ones(())
    for level in range(levels):
        weight = weight[..., None] * (weights / weights.sum()) if level else weights / weights.sum()
    return [grid.reshape(-1, 1) for grid in grids], weight.reshape(-1)


def normal_kl(mean, std, other_mean, other_std):
    normal = torch.distributions.Normal
    return torch.distributions.kl_divergence(normal(mean, std), normal(other_mean, other_std))


def test_exact_encoder_gives_the_log_marginal_on_every_path():
    exact = decoder().exact_encoder()
    noise = list(torch.randn(3, 50, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    path = hierarchy.posterior_sample(exact, X, noise)
    ratio = hierarchy.log_joint(decoder(), path) - hierarchy.log_posterior(exact, path)
    torch.testing.assert_close(ratio, decoder().log_marginal(X).expand(50), rtol=1e-12, atol=1e-12)


def test_log_marginal_agrees_with_importance_sampling_by_quadrature():
    noise, weights = nodes(3, 40)
    path = hierarchy.posterior_sample(decoder().exact_encoder(), X, noise)
    wide = Encoder(tuple(Transition(s.weight, s.bias, 1.05 * s.std) for s in decoder().exact_encoder().transitions))
    path = hierarchy.posterior_sample(wide, X, noise)
    ratio = hierarchy.log_joint(decoder(), path) - hierarchy.log_posterior(wide, path)
    estimate = torch.log((weights * ratio.exp()).sum())
    torch.testing.assert_close(estimate, decoder().log_marginal(X), rtol=1e-8, atol=1e-8)


def test_marginals_are_those_of_ancestral_samples():
    noise = [torch.cat([torch.zeros(1, 1), torch.eye(4)[:, [t]]]).double() for t in range(4)]
    path = hierarchy.ancestral_sample(decoder(), noise)
    for level, (mean, covariance) in zip(path, decoder().marginals()):
        torch.testing.assert_close(level[0], mean)
        torch.testing.assert_close(((level[1:] - level[0]) ** 2).sum(), covariance[0, 0])


def elbo(model: Decoder, posterior: Encoder) -> torch.Tensor:
    noise, weights = nodes(model.levels)
    path = hierarchy.posterior_sample(posterior, X, noise)
    return (weights * (hierarchy.log_joint(model, path) - hierarchy.log_posterior(posterior, path))).sum()


def test_gap_is_the_sum_over_levels_of_the_expected_divergences():
    noise, weights = nodes(3)
    path = hierarchy.posterior_sample(encoder(), X, noise)
    gap = 0.0
    for t, (step, exact) in enumerate(zip(encoder().transitions, decoder().exact_encoder().transitions), start=1):
        divergence = normal_kl(step.mean(path[t - 1]), step.std, exact.mean(path[t - 1]), exact.std)
        gap = gap + (weights * divergence.expand(len(weights), 1)[:, 0]).sum()
    torch.testing.assert_close(decoder().log_marginal(X) - elbo(decoder(), encoder()), gap, rtol=1e-10, atol=1e-10)


def level_terms(fresh: bool) -> torch.Tensor:
    """The ELBO by reconstruction, prior matching and consistency; ``fresh``: z_t drawn anew, as slides print it."""
    up, down = encoder().transitions, decoder().transitions
    noise, weights = nodes(4, 7)
    path = hierarchy.posterior_sample(encoder(), X, noise[:3])
    normal = torch.distributions.Normal
    total = normal(down[0].mean(path[1]), down[0].std).log_prob(X) - normal_kl(up[2].mean(path[2]), up[2].std, 0.0, 1.0)
    for t in (1, 2):
        here = up[t - 1].mean(path[t - 1]) + up[t - 1].std * noise[3] if fresh else path[t]
        above = down[t].mean(path[t + 1])
        total = total - normal(up[t - 1].mean(path[t - 1]), up[t - 1].std).log_prob(here) + (
            normal(above, down[t].std).log_prob(here))
    return (weights * total[:, 0]).sum()


def test_elbo_splits_into_reconstruction_prior_matching_and_consistency():
    torch.testing.assert_close(level_terms(fresh=False), elbo(decoder(), encoder()), rtol=1e-10, atol=1e-10)


def test_consistency_terms_as_printed_in_the_slides_are_another_number():
    assert abs(level_terms(fresh=True) - elbo(decoder(), encoder())) > 0.05


def test_upper_levels_are_invisible_to_the_likelihood():
    values = [Decoder((scalar_transition(0.9, 0.5), scalar_transition(w, math.sqrt(1 - w**2)))).log_marginal(X)
              for w in (0.0, 0.5, 0.9)]
    torch.testing.assert_close(values[0], values[1])
    torch.testing.assert_close(values[0], values[2])


@pytest.mark.parametrize(("a", "w"), [(0.1, 0.8), (0.7, 0.2), (-0.3, 0.5), (0.6, 0.6)])
def test_payment_of_a_level_has_the_stated_form(a, w):
    (z,), weights = nodes(1)
    divergence = normal_kl(a * z, math.sqrt(1 - a**2), w * z, math.sqrt(1 - w**2))[:, 0]
    stated = 0.5 * ((1 - 2 * a * w + w**2) / (1 - w**2) - 1 - math.log((1 - a**2) / (1 - w**2)))
    assert (weights * divergence).sum().item() == pytest.approx(stated, abs=1e-12)


def test_end_of_the_fixed_encoder_has_the_stated_mean_and_variance():
    betas = [0.1, 0.3, 0.2]
    chain = Encoder(tuple(fixed_transition(3, math.sqrt(1 - beta), math.sqrt(beta)) for beta in betas))
    x = torch.tensor([[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    abar = math.prod(1 - beta for beta in betas)
    expected = normal_kl(math.sqrt(abar) * x, torch.tensor(math.sqrt(1 - abar)).double(), 0.0, 1.0).sum(-1)
    torch.testing.assert_close(hierarchy.prior_matching_kl(chain, x), expected, rtol=1e-6, atol=1e-6)


def test_expected_elbo_falls_short_of_the_negative_entropy_by_the_divergences_of_reversed_steps():
    v, slopes, stds = 1.7, (0.8, 0.6), (0.5, 0.9)  # x ~ N(0, v); the fixed encoder's two steps
    up = Encoder(tuple(scalar_transition(slope, std) for slope, std in zip(slopes, stds)))
    down = Decoder((scalar_transition(0.9, 0.5, 0.2), scalar_transition(-0.7, 0.6, 0.1)))
    noise, weights = nodes(3)
    path = hierarchy.posterior_sample(up, math.sqrt(v) * noise[0], noise[1:])
    expected = (weights * (hierarchy.log_joint(down, path) - hierarchy.log_posterior(up, path))).sum()
    shortfall, variance = 0.0, v
    for t, (slope, std) in enumerate(zip(slopes, stds), start=1):
        after = slope**2 * variance + std**2
        reverse = slope * variance / after * path[t], torch.tensor(math.sqrt(variance * std**2 / after)).double()
        step = down.transition(t)
        shortfall = shortfall + (weights * normal_kl(*reverse, step.mean(path[t]), step.std)[:, 0]).sum()
        variance = after
    shortfall = shortfall + normal_kl(0.0, torch.tensor(math.sqrt(variance)).double(), 0.0, 1.0)
    entropy = 0.5 * math.log(2 * math.pi * math.e * v)
    torch.testing.assert_close(expected, -entropy - shortfall, rtol=1e-8, atol=1e-8)


def test_report_built_on_a_wrong_divergence_is_told_to_repair_the_divergence_first():
    module = types.ModuleType("ddpmlib.hierarchy")
    module.__dict__.update(vars(hierarchy) | {"__name__": "ddpmlib.hierarchy"})
    module.prior_matching_kl = lambda encoder, x: 0.1 + hierarchy.prior_matching_kl(encoder, x)
    module.restrictions = lambda encoder, x, tolerance: hierarchy.restrictions(encoder, x, tolerance) | {
        "standard normal end": bool((module.prior_matching_kl(encoder, x) <= tolerance).all())}
    verdict = assess("2.6", seed=0, module=module)
    problems = {part.name: part.problem for part in verdict.parts}
    assert "First repair prior_matching_kl" in problems["standard normal end"]
    assert problems["same dimension"] is None and problems["fixed encoder"] is None


GOOD = {"weight": torch.ones(2, 3), "bias": torch.zeros(2), "std": torch.ones(2)}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"weight": torch.ones(2)}, ValueError, "weight must have 2 axes"),
        ({"weight": torch.ones(2, 3, dtype=torch.int64)}, TypeError, "weight must be a floating-point tensor"),
        ({"bias": torch.zeros(3)}, ValueError, r"bias must have shape \(2,\)"),
        ({"std": torch.ones(2).double()}, ValueError, "std must have shape .* dtype torch.float32"),
        ({"std": torch.tensor([1.0, 0.0])}, ValueError, "std must be positive"),
        ({"bias": torch.tensor([math.nan, 0.0])}, ValueError, "bias must be finite"),
        ({"learnable": {"variance"}}, ValueError, "learnable must name parameters"),
        ({"learnable": "std"}, ValueError, "learnable must name parameters"),
    ],
)
def test_transition_refuses_bad_parameters(change, error, words):
    with pytest.raises(error, match=words):
        Transition(**GOOD | change)


def test_chains_refuse_bad_input():
    step = Transition(**GOOD)
    with pytest.raises(ValueError, match="transitions 1 and 2 must agree on the dimension of z_1, got 2 and 3"):
        Encoder((step, step))
    with pytest.raises(ValueError, match="at least one Transition"):
        Decoder(())
    with pytest.raises(ValueError, match="t must be between 1 and 1, got 0"):
        Encoder((step,)).transition(0)
    with pytest.raises(ValueError, match="value must have shape"):
        step.mean(torch.ones(4, 2))
    with pytest.raises(ValueError, match="levels of dimension 1"):
        Decoder((step,)).exact_encoder()
    with pytest.raises(ValueError, match="std must be greater than 0"):
        scalar_transition(1.0, 0.0)
    with pytest.raises(ValueError, match="dim must be at least 1"):
        fixed_transition(0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hierarchy.log_joint(decoder(), [X] * 3), "path must hold 4 tensors"),
        (lambda: hierarchy.log_joint(decoder(), [X, X, X, torch.ones(2)]), r"path\[3\] must have shape"),
        (lambda: hierarchy.log_posterior(encoder(), [torch.ones(2, 1), torch.ones(3, 1), X, X]), "must broadcast"),
        (lambda: hierarchy.ancestral_sample(decoder(), [X] * 5), "noise must hold 4 tensors"),
        (lambda: hierarchy.posterior_sample(encoder(), X, [X] * 2), "noise must hold 3 tensors, for the levels 1 to 3"),
        (lambda: hierarchy.hierarchical_elbo(torch.ones(3), torch.ones(2)), "log_posterior must have the shape"),
        (lambda: hierarchy.hierarchical_elbo(torch.ones(()), torch.ones(())), "at least one sample"),
        (lambda: hierarchy.prior_matching_kl(encoder(), X), "x must have 2 axes"),
        (lambda: hierarchy.restrictions(encoder(), torch.ones(2, 3), 0.1), r"x must have shape \(batch, 1\), got \(2, 3\)"),
        (lambda: hierarchy.restrictions(encoder(), X[None], 0.0), "tolerance must be greater than 0"),
    ],
)
def test_exercises_refuse_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("path", [torch.ones(4, 1), 3.0, None])
def test_path_must_be_a_list(path):
    with pytest.raises(TypeError, match="path must be a list of tensors"):
        hierarchy.log_joint(decoder(), path)
