"""Independent code, Hugging Face diffusers, takes the same steps, up to what float32 tables can give."""

from __future__ import annotations

import warnings

import pytest
import torch
from answers import Answer

from ddpmlib.checks import assess
from ddpmlib.ddpm import ancestral_sample, ancestral_step, reverse_variance
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from peers import diffusers_ddpm as peer

SCHEDULE = Schedule.linear(1000)
SINGLE = "right to single precision only"


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", ["small", "large"])
@pytest.mark.parametrize(("t", "tolerance"), [(1000, 1e-5), (500, 1e-5), (100, 1e-5), (50, 3e-4), (10, 3e-4), (2, 3e-4), (1, 3e-4)])
def test_a_step_is_theirs_from_time_t_less_one(kind, t, tolerance):
    x_t, eps, noise = (normal(4, 3, seed=seed) for seed in range(3))
    ours = ancestral_step(lambda x, t: eps, x_t, t, SCHEDULE, noise, reverse_variance(SCHEDULE, kind))
    theirs = peer.step(peer.scheduler_of(SCHEDULE, kind), eps, t, x_t, noise)
    assert (ours - theirs).abs().max() < tolerance


@pytest.mark.parametrize("kind", ["small", "large"])
def test_they_add_no_noise_in_the_last_step_either(kind):
    x_t, eps, noise = (normal(4, 3, seed=seed) for seed in range(3))
    scheduler = peer.scheduler_of(SCHEDULE, kind)
    assert torch.equal(peer.step(scheduler, eps, 1, x_t, noise), peer.step(scheduler, eps, 1, x_t, 0 * noise))
    assert not torch.equal(peer.step(scheduler, eps, 2, x_t, noise), peer.step(scheduler, eps, 2, x_t, 0 * noise))


@pytest.mark.parametrize("kind", ["small", "large"])
def test_variances_are_theirs(kind):
    ours, theirs = reverse_variance(SCHEDULE, kind), peer.reverse_variance(SCHEDULE, kind).double()
    assert torch.allclose(ours[100:], theirs[100:], rtol=1e-4) and torch.allclose(ours, theirs, rtol=2e-3, atol=1e-12)
    assert kind == "large" or (ours[1] == 0 and 0 < theirs[1] <= 1e-20)  # they keep its logarithm finite


def test_a_whole_walk_is_theirs():
    schedule = Schedule.linear(50, 2e-3, 0.4)
    x_T, noise = normal(5, 2, seed=3), normal(51, 5, 2, seed=4)

    def model(x, t):
        return 0.6 * x + 0.1

    x, scheduler = x_T, peer.scheduler_of(schedule, "large")
    for t in range(50, 0, -1):
        x = peer.step(scheduler, model(x, t), t, x, noise[t])
    assert torch.allclose(ancestral_sample(model, x_T, schedule, variance="large", noise=noise), x, atol=1e-4)


def test_their_default_clips_the_predicted_data():
    x_t, eps = 3 * normal(4, 3, seed=0), normal(4, 3, seed=1)
    clipping = peer.scheduler_of(SCHEDULE)
    clipping.register_to_config(clip_sample=True)
    plain = peer.step(peer.scheduler_of(SCHEDULE), eps, 500, x_t, 0 * x_t)
    assert not torch.allclose(peer.step(clipping, eps, 500, x_t, 0 * x_t), plain, atol=1e-3)


@pytest.mark.parametrize(("number", "name", "precise"), [("7.2", "reverse_variance", "float64"), ("7.3", "ancestral_step", "precision")])
def test_passes_all_parts_but_double_precision(number, name, precise):
    answer = Answer(number, "ddpm", getattr(peer, name), "diffusers").as_module()
    for seed in range(10):
        problems = {part.name: part.problem for part in assess(number, seed=seed, module=answer).parts}
        assert SINGLE in problems.pop(precise)
        assert not any(problems.values()), problems
