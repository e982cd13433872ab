"""Chapter 12: the formulas of its text that no exercise checks, and the numbers that it states."""

from __future__ import annotations

import itertools
import math

import pytest
import sympy
import torch

from ddpmlib import latent_formulas, sprites
from ddpmlib.schedules import Schedule
from ddpmlib.unet import attention

F64 = torch.float64
LEFT = Schedule.linear(1000).alpha_bars


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def value(formula: sympy.Expr, **values: float) -> float:
    return float(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))


# cross-attention


@pytest.mark.parametrize("pixels, words, d, e", [(6, 5, 4, 3), (9, 7, 2, 2), (4, 1, 3, 5)])
def test_cross_attention_is_equivariant_in_pixels_and_invariant_in_words(pixels, words, d, e):
    q, k, v = normal(pixels, d, seed=1), normal(words, d, seed=2), normal(words, e, seed=3)
    out = attention(q, k, v)
    order, other = (torch.randperm(n, generator=torch.Generator().manual_seed(4)) for n in (pixels, words))
    assert torch.allclose(attention(q[order], k, v), out[order], atol=1e-12)
    assert torch.allclose(attention(q, k[other], v[other]), out, atol=1e-12)
    assert torch.allclose(attention(q, k[:1].expand(words, -1), v[:1].expand(words, -1)), v[:1].expand(pixels, -1), atol=1e-12)


def test_gradient_of_a_weighted_mean_in_its_scores():
    scores, v = normal(5, seed=1), normal(5, 3, seed=2)
    jacobian = torch.autograd.functional.jacobian(lambda s: s.softmax(0) @ v, scores)
    weights = scores.softmax(0)
    assert torch.allclose(jacobian, (weights[:, None] * (v - weights @ v)).T, atol=1e-12)


# SDEdit


@pytest.mark.parametrize("t_0", [1, 50, 300, 800])
@pytest.mark.parametrize("c", [0.3, 1.0, 2.5])
def test_sdedit_on_gaussian_data_step_by_step(t_0, c):
    mean, variance = LEFT[t_0].sqrt().item(), 1 - LEFT[t_0].item()  # of x_t for the guide 1
    for t in range(t_0, 0, -1):
        alpha, before = (LEFT[t] / LEFT[t - 1]).item(), LEFT[t - 1].item() * c + 1 - LEFT[t - 1].item()
        gain = math.sqrt(alpha) * before / (alpha * before + 1 - alpha)
        mean, variance = gain * mean, gain**2 * variance + before - gain * math.sqrt(alpha) * before
    r = LEFT[t_0].item() * c / (LEFT[t_0].item() * c + 1 - LEFT[t_0].item())
    assert mean == pytest.approx(r, abs=1e-10)
    assert variance == pytest.approx(c * (1 - r**2), abs=1e-10)


def test_two_guides_after_noise():
    for t in (1, 200, 900):
        spread = (1 - LEFT[t]).sqrt()
        laws = [torch.distributions.Normal(LEFT[t].sqrt() * g, spread) for g in (0.3, -0.9)]
        kl = torch.distributions.kl_divergence(*laws)
        assert torch.allclose(kl, LEFT[t] / (2 * (1 - LEFT[t])) * 1.2**2, rtol=1e-10)
    ratio = LEFT[1:] / (1 - LEFT[1:])
    assert (ratio[1:] < ratio[:-1]).all()


def test_no_kernel_makes_a_divergence_larger_and_a_bijection_keeps_it():
    for seed in range(20):
        p, other = (normal(6, seed=2 * seed + i).softmax(0) for i in range(2))
        kernel = normal(6, 5, seed=seed + 100).softmax(1)

        def kl(a, b):
            return (a * (a / b).log()).sum()

        assert kl(p @ kernel, other @ kernel) <= kl(p, other) + 1e-12
        order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
        assert torch.allclose(kl(p[order], other[order]), kl(p, other))


# inpainting


def gains(t: int, rho: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The exact reverse step of two numbers: its matrix, and the covariance of its noise."""
    one, cov = torch.eye(2, dtype=F64), torch.tensor([[1, rho], [rho, 1]], dtype=F64)
    alpha, before = LEFT[t] / LEFT[t - 1], LEFT[t - 1] * cov + (1 - LEFT[t - 1]) * one
    gain = alpha.sqrt() * before @ torch.linalg.inv(alpha * before + (1 - alpha) * one)
    return gain, before - alpha.sqrt() * gain @ before


def test_moments_of_replacement_are_those_of_a_linear_map_of_all_noises():
    """b_0 as a combination of b_T and of the noises of all steps, added up one by one."""
    rho, known, T = 0.8, 1.5, 1000
    factors, mean = [1.0], 0.0
    for t in range(T, 0, -1):
        gain, noise = gains(t, rho)
        u, v = gain[1].tolist()
        factors = [v * factor for factor in factors] + [u * math.sqrt(1 - LEFT[t].item()), math.sqrt(noise[1, 1].item())]
        mean = v * mean + u * math.sqrt(LEFT[t].item()) * known
    assert mean == pytest.approx(0.749, abs=1e-3)
    assert sum(factor**2 for factor in factors) == pytest.approx(0.495, abs=1e-3)


def test_keeping_what_the_chain_made_of_both_gives_the_right_law():
    """Without replacement the same steps lead from noise to the data: the fault is the replacement's."""
    cov = torch.eye(2, dtype=F64)
    for t in range(1000, 0, -1):
        gain, noise = gains(t, 0.8)
        cov = gain @ cov @ gain.T + noise
    assert torch.allclose(cov, torch.tensor([[1, 0.8], [0.8, 1]], dtype=F64), atol=1e-4)


# rate and scale


@pytest.mark.parametrize("lam, kappa", [(1.0, 0.1), (2.0, 3.0), (0.5, 0.9), (4.0, 0.02)])
def test_best_encoder_of_a_gaussian_on_a_grid(lam, kappa):
    share = torch.linspace(1e-4, 1, 4001, dtype=F64)[:, None]
    v = torch.linspace(0.2, 3, 2801, dtype=F64)[None]
    s2, m = share * v, (1 - share) * v
    loss = lam * s2 / (m + s2) + kappa / 2 * (m + s2 - 1 - s2.log())
    at = int(loss.argmin())
    assert v[0, at % 2801].item() == pytest.approx(1, abs=2e-3)
    assert s2.flatten()[at].item() == pytest.approx(value(latent_formulas.encoder_variance_formula(), lam=lam, kappa=kappa), abs=2e-3)
    assert loss.min().item() == pytest.approx(
        kappa / 2 + kappa * value(latent_formulas.rate_formula(), lam=lam, kappa=kappa), abs=1e-5)


def test_latent_is_given_up_from_twice_the_variance_on():
    share = torch.linspace(1e-4, 1, 4001, dtype=F64)
    for lam, kappa in ((1.0, 2.0), (0.5, 3.0)):
        assert int((lam * share - kappa / 2 * share.log()).argmin()) == 4000


def test_directions_of_a_linear_autoencoder_are_filled_like_water():
    lam, kappa = torch.tensor([2.0, 0.7, 0.2], dtype=F64), 0.6
    turn = torch.linalg.qr(normal(3, 3, seed=3))[0]
    cov = turn @ torch.diag(lam) @ turn.T
    a, log_s2, d = (part.requires_grad_() for part in (normal(3, 3, seed=1), torch.zeros(3, dtype=F64), normal(3, 3, seed=2)))
    search = torch.optim.LBFGS([a, log_s2, d], max_iter=3000, line_search_fn="strong_wolfe", tolerance_grad=1e-11, tolerance_change=1e-14)

    def loss():
        left = torch.eye(3, dtype=F64) - d @ a
        error = (left @ cov @ left.T).trace() + (d.square() * log_s2.exp()).sum()
        means = (a @ cov @ a.T).diagonal()
        return error, (means + log_s2.exp() - 1 - log_s2).sum() / 2

    def closure():
        search.zero_grad()
        error, kl = loss()
        (error + kappa * kl).backward()
        return error + kappa * kl

    search.step(closure)
    error, kl = loss()
    kept = lam > kappa / 2
    assert error.item() == pytest.approx(torch.where(kept, kappa / 2, lam).sum().item(), abs=1e-4)
    assert kl.item() == pytest.approx((2 * lam[kept] / kappa).log().sum().item() / 2, abs=1e-4)


def test_scale_shifts_the_schedule_and_costs_next_to_nothing():
    s, abar = 5.5, LEFT[500].item()
    other = value(latent_formulas.effective_alpha_bar_formula(), abar=abar, s=s)
    assert math.log(other / (1 - other)) == pytest.approx(math.log(abar / (1 - abar)) + 2 * math.log(s))
    v = s**2 * abar + 1 - abar
    assert other == pytest.approx(s**2 * abar / v) and 1 - other == pytest.approx((1 - abar) / v)
    assert 1e-6 / 2 * (s**2 - 1 - 2 * math.log(s)) == pytest.approx(1.3e-5, rel=0.05)


# the contrastive bound


@pytest.mark.parametrize("count", [2, 3, 4])
def test_contrastive_bound_on_all_batches(count):
    for seed in range(5):
        joint = (2 * normal(3, 4, seed=seed)).flatten().softmax(0).reshape(3, 4)
        pointwise = (joint / (joint.sum(1, keepdim=True) * joint.sum(0))).log()
        information = (joint * pointwise).sum()
        for score in (pointwise, normal(3, 4, seed=seed + 50), 3 * pointwise, torch.zeros(3, 4, dtype=F64)):
            loss = 0.0
            for others in itertools.product(range(4), repeat=count - 1):
                chance = math.prod(joint.sum(0)[j].item() for j in others)
                whole = score.exp() + score[:, list(others)].exp().sum(1, keepdim=True)
                loss += chance * (joint * (whole.log() - score)).sum()
            assert math.log(count) - loss <= min(information, math.log(count)) + 1e-12
            if not score.any():
                assert math.log(count) - loss == pytest.approx(0, abs=1e-12)


def test_numbers_of_the_text():
    assert 3 * 512 * 512 == 786_432 == 48 * 4 * 64 * 64
    assert 3 * 32 * 32 == 12 * 4 * 8 * 8
    assert math.log(32_768) == pytest.approx(10.4, abs=0.01)
    assert 1 / 0.18215 == pytest.approx(5.5, abs=0.02)


def test_every_two_words_of_a_held_out_caption_occur_together_in_others():
    held_out = set(sprites.held_out())
    every = [(c.size, c.colour, c.shape, c.place) for c in sprites.all_captions()]
    seen = {(i, j, words[i], words[j]) for k, words in enumerate(every) if k not in held_out for i, j in itertools.combinations(range(4), 2)}
    for k in held_out:
        assert all((i, j, every[k][i], every[k][j]) in seen for i, j in itertools.combinations(range(4), 2))
