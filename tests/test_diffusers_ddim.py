"""Independent code, Hugging Face diffusers, takes the same steps as chapter 10, up to what float32 tables can give."""

from __future__ import annotations

import warnings

import pytest
import torch
from peers import assert_passes_all_parts_but

from ddpmlib.ddim import ddim_sample, ddim_step, ddim_step_from_x0, time_subsequence
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from diffusers import DDPMScheduler
    from peers import diffusers_ddim as peer

SCHEDULE = Schedule.linear(1000)


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """A noise predictor for data around 0.3, of variance 0.25."""
    left = SCHEDULE.alpha_bars[t].reshape(-1, 1)
    return (1 - left).sqrt() * (x - 0.3 * left.sqrt()) / (1 - 0.75 * left)


def their_walk(scheduler, x: torch.Tensor, noise: torch.Tensor | None, eta: float) -> torch.Tensor:
    """The walk as a pipeline of diffusers runs it."""
    for time in scheduler.timesteps.tolist():
        eps = model(x, torch.full((len(x),), time + 1))
        options = {} if noise is None else {"variance_noise": noise[time + 1]}
        x = scheduler.step(eps, time, x, eta=eta, **options).prev_sample
    return x


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).abs().max() / b.abs().max()).item()


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize(("steps", "tolerance"), [(10, 3e-6), (50, 3e-6), (1000, 1e-5)])
def test_trailing_times_are_our_uniform_ones_and_the_walk_is_theirs(eta, steps, tolerance):
    scheduler = peer.scheduler_of(SCHEDULE, steps, timestep_spacing="trailing")
    times = time_subsequence(1000, steps)
    assert peer.ours(scheduler) == times
    x_T, noise = normal(6, 3, seed=1), normal(1001, 6, 3, seed=2)
    walked = ddim_sample(model, x_T, SCHEDULE, times, eta=eta, noise=noise)
    assert relative(their_walk(scheduler, x_T, noise, eta), walked) < tolerance


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("steps", [10, 50])
def test_leading_times_never_visit_T_and_the_walk_is_theirs(eta, steps):
    scheduler = peer.scheduler_of(SCHEDULE, steps, timestep_spacing="leading")
    gap = 1000 // steps
    times = [1 + gap * i for i in range(steps)][::-1]
    assert peer.ours(scheduler) == times and 1000 not in times
    x_T, noise = normal(6, 3, seed=1), normal(1001, 6, 3, seed=2)
    walked = ddim_sample(model, x_T, SCHEDULE, times, eta=eta, noise=noise)
    assert relative(their_walk(scheduler, x_T, noise, eta), walked) < 3e-6


def test_with_linspace_their_steps_end_where_the_next_ones_do_not_begin():
    scheduler = peer.scheduler_of(SCHEDULE, 10, timestep_spacing="linspace")
    times = peer.ours(scheduler)
    assert times[0] == 1000 and times[-1] == 1 and times[1] == 889
    x_T = normal(6, 3, seed=1)
    theirs = their_walk(scheduler, x_T, None, 0.0)
    assert relative(theirs, ddim_sample(model, x_T, SCHEDULE, times)) > 0.1
    x = x_T
    for t in times:  # each step goes down by T // S = 100
        x = ddim_step(model, x, t, max(t - 100, 0), SCHEDULE, None, 0.0)
    assert relative(theirs, x) < 3e-6


def test_without_alpha_to_one_their_last_step_ends_at_our_time_1():
    x = normal(4, 3, seed=3)
    scheduler = peer.scheduler_of(SCHEDULE, 10, timestep_spacing="trailing", set_alpha_to_one=False)
    eps = model(x, torch.full((4,), 100))
    assert relative(scheduler.step(eps, 99, x).prev_sample, ddim_step(model, x, 100, 1, SCHEDULE, None, 0.0)) < 3e-6


@pytest.mark.parametrize("kind", ["small", "large"])
def test_eta_1_with_all_times_is_their_ancestral_sampler_of_the_small_variance(kind):
    schedule = Schedule.linear(50, 2e-3, 0.4)
    scheduler = DDPMScheduler(num_train_timesteps=50, trained_betas=schedule.betas[1:].numpy(), variance_type=f"fixed_{kind}",
                              clip_sample=False)
    from diffusers.schedulers import scheduling_ddpm

    def slope(x, t):
        return 0.6 * x + 0.1

    x_T, noise = normal(5, 2, seed=3), normal(51, 5, 2, seed=4)
    x = x_T
    with pytest.MonkeyPatch.context() as patch:
        for t in range(50, 0, -1):
            patch.setattr(scheduling_ddpm, "randn_tensor", lambda *args, drawn=noise[t], **rest: drawn)
            x = scheduler.step(slope(x, t), t - 1, x).prev_sample
    walked = ddim_sample(slope, x_T, schedule, list(range(50, 0, -1)), eta=1.0, noise=noise)
    assert (relative(x, walked) < 1e-4) == (kind == "small")


def test_they_clip_by_default_and_keep_the_old_noise():
    x = 2 * normal(4, 3, seed=5)
    left = SCHEDULE.alpha_bars[500]
    eps = normal(4, 3, seed=6)
    clipped = ((x - (1 - left).sqrt() * eps) / left.sqrt()).clamp(-1, 1)
    end = SCHEDULE.alpha_bars[400]
    scheduler = peer.scheduler_of(SCHEDULE, 10, timestep_spacing="trailing", clip_sample=True)
    assert peer.DDIMScheduler(1000).config.clip_sample and peer.DDIMScheduler(1000).config.timestep_spacing == "leading"
    kept = scheduler.step(eps, 499, x).prev_sample
    assert relative(kept, end.sqrt() * clipped + (1 - end).sqrt() * eps) < 3e-6
    anew = scheduler.step(eps, 499, x, use_clipped_model_output=True).prev_sample
    assert relative(anew, ddim_step_from_x0(x, clipped, 500, 400, SCHEDULE, None, 0.0)) < 3e-6


SINGLE = "right to single precision only"
CASES = [
    ("10.3", ["ddim_sigma"], {"float64": SINGLE}),
    ("10.4", ["ddim_step"], {"precision": SINGLE}),
    ("10.6", ["ddim_sample", "ddim_step"], {"precision": SINGLE}),
    ("10.7", ["ddim_step_from_x0"], {"precision": SINGLE}),
    ("10.8", ["ddim_invert"], {"precision": SINGLE}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_passes_all_parts_but_double_precision(case):
    number, names, failing = case
    assert_passes_all_parts_but(failing, number, "ddim", peer, *names)
