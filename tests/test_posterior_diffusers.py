"""Chapter 5 against independent code: Hugging Face diffusers agrees up to what its float32 tables can give."""

from __future__ import annotations

import warnings

import pytest
import torch
from answers import Answer

from ddpmlib import posterior
from ddpmlib.checks import assess
from ddpmlib.forward import q_sample
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from peers import diffusers_posterior as peer

SCHEDULES = {"linear": Schedule.linear(1000), "cosine": Schedule.cosine(1000)}


@pytest.mark.parametrize("name", SCHEDULES)
def test_variances_agree_and_their_time_is_ours_less_one(name):
    schedule = SCHEDULES[name]
    ours, theirs = posterior.posterior_variance(schedule), peer.posterior_variance(schedule)
    assert theirs[1] <= 1.1e-20 and ours[1] == 0  # clipped there, and 0 here
    relative = (theirs[2:] / ours[2:] - 1).abs()
    assert relative.max() < 2e-3 and relative[100:].max() < 3e-4  # float32: 1 - alpha_bar has lost digits early on
    shifted = (theirs[2:-1] / ours[3:] - 1).abs()
    assert shifted[:5].min() > 0.05, "a shift by one would be seen"


@pytest.mark.parametrize("name", SCHEDULES)
def test_means_agree_from_the_datum_and_from_the_noise(name):
    schedule = SCHEDULES[name]
    t = torch.tensor([1, 2, 10, 100, 500, 999, 1000])
    x0, noise = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x_t = q_sample(x0, t, schedule.alpha_bars, noise)
    ours = posterior.posterior_mean(x0, x_t, t, schedule)
    assert torch.allclose(peer.posterior_mean(x0, x_t, t, schedule), ours, atol=2e-3)
    late = t >= 100
    assert torch.allclose(peer.posterior_mean(x0, x_t, t, schedule)[late], ours[late], atol=5e-5)
    assert torch.allclose(peer.posterior_mean_from_noise(x_t, noise, t, schedule), ours, atol=2e-3)


@pytest.mark.parametrize(("number", "name"), [("5.3", "posterior_variance"), ("5.4", "posterior_mean"),
                                              ("5.6", "posterior_mean_from_noise")])
def test_the_checks_find_nothing_wrong_but_single_precision_and_the_clipped_variance(number, name):
    answer = Answer(number, "posterior", getattr(peer, name), "diffusers").as_module()
    for seed in range(5):
        verdict = assess(number, seed=seed, module=answer)
        problems = [part.problem for part in verdict.parts if part.problem]
        assert problems
        for problem in problems:
            clipped = number == "5.3" and "is 1e-20, it should be 0" in problem
            assert clipped or any(words in problem for words in ("single precision only", "computed in float32", "gradient"))
