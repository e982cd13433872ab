"""Independent code, Hugging Face diffusers, takes the same steps as chapter 13's first half, up to what float32 tables can give."""

from __future__ import annotations

import functools
import warnings

import pytest
import torch

from ddpmlib.score_matching import langevin_step
from ddpmlib.sde import reverse_sde_step, ve_coefficients, vp_coefficients

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from diffusers import ScoreSdeVeScheduler
    from diffusers.schedulers.deprecated.scheduling_sde_vp import ScoreSdeVpScheduler


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("time", [1.0, 0.5, 0.1])
def test_the_vp_step_is_theirs(time):
    scheduler = ScoreSdeVpScheduler(beta_min=0.1, beta_max=20)
    scheduler.set_timesteps(100)
    x, output = normal(4, 3, seed=1), normal(4, 3, seed=2)
    theirs, _ = scheduler.step_pred(output, x, torch.full((4,), time, dtype=torch.float64), torch.Generator().manual_seed(3))
    vp = functools.partial(vp_coefficients, beta_min=0.1, beta_max=20.0)
    std = vp(torch.tensor(time, dtype=torch.float64))[3]
    ours = reverse_sde_step(lambda x, t: -output / std, x, time, time - 0.01, vp, normal(4, 3, seed=3))
    assert torch.allclose(theirs, ours, rtol=1e-9, atol=1e-9)


def test_their_ve_levels_are_ours():
    scheduler = ScoreSdeVeScheduler(sigma_min=0.01, sigma_max=50.0)
    scheduler.set_sigmas(200)
    std = ve_coefficients(torch.linspace(0, 1, 200, dtype=torch.float64), 0.01, 50.0)[3]
    assert torch.allclose(scheduler.discrete_sigmas.double(), std, rtol=1e-5)


def ve_difference(steps: int) -> float:
    """Their step of the discrete walk against ours of its limit, relative to how far the step goes."""
    scheduler = ScoreSdeVeScheduler(sigma_min=0.01, sigma_max=50.0)
    scheduler.set_timesteps(steps)
    scheduler.set_sigmas(steps)
    x, score = normal(4, 3, seed=4), normal(4, 3, seed=5)
    theirs = scheduler.step_pred(score, 1.0, x, torch.Generator().manual_seed(6)).prev_sample
    ve = functools.partial(ve_coefficients, sigma_min=0.01, sigma_max=50.0)
    ours = reverse_sde_step(lambda x, t: score, x, 1.0, 1 - 1 / (steps - 1), ve, normal(4, 3, seed=6))
    return ((theirs - ours).norm() / (ours - x).norm()).item()


def test_their_ve_step_has_ours_for_its_limit():
    errors = [ve_difference(steps) for steps in (101, 201, 401)]
    assert errors[0] < 0.1
    for coarse, fine in zip(errors, errors[1:]):
        assert fine == pytest.approx(coarse / 2, rel=0.15)


def test_their_corrector_is_a_step_of_langevin_dynamics():
    scheduler = ScoreSdeVeScheduler(snr=0.15)
    scheduler.set_timesteps(10)
    x, score = normal(4, 3, seed=7), normal(4, 3, seed=8)
    noise = torch.randn(4, 3, generator=torch.Generator().manual_seed(9))
    theirs = scheduler.step_correct(score, x, torch.Generator().manual_seed(9)).prev_sample
    length = 2 * (0.15 * noise.flatten(1).norm(dim=1).mean().double() / score.flatten(1).norm(dim=1).mean()) ** 2
    ours = langevin_step(lambda x, sigma: score, x, 1.0, length.item(), noise.double())
    assert torch.allclose(theirs, ours, rtol=1e-5, atol=1e-6)
