"""Independent code, Hugging Face diffusers: chapter 3's checks as far as float32 tables go, chapter 6's predictions."""

from __future__ import annotations

import warnings

import pytest
import torch
from peers import assert_passes_all_parts_but

from ddpmlib.forward import q_sample as our_q_sample
from ddpmlib.parameterizations import from_x0, to_x0
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from diffusers import DDPMScheduler
    from peers import diffusers_forward as peer

SINGLE = "right to single precision only"
EARLY = "as if alpha_bar_t had been rounded to float32 before it was subtracted from 1"
OFFSET = "diffusers has the offset s = 0.008 only"


@pytest.mark.parametrize(
    ("number", "module", "names", "failing"),
    [
        ("3.1", "forward", ["forward_step"], {"dtype and digits of x_prev": SINGLE}),
        ("3.2", "schedules", ["linear_betas", "alpha_bars"], {"float64": SINGLE}),
        ("3.3", "schedules", ["cosine_betas"], {"values": OFFSET, "float64": SINGLE}),
        ("3.4", "schedules", ["signal_to_noise"], {}),
        ("3.6", "forward", ["q_sample"], {"float32 stays float32": EARLY, "float64 keeps its digits": SINGLE}),
    ],
)
def test_passes_all_but_what_float32_tables_cannot_give(number, module, names, failing):
    assert_passes_all_parts_but(failing, number, module, peer, *names)


@pytest.mark.parametrize(("ours", "theirs"), [("linear", "linear"), ("cosine", "squaredcos_cap_v2")])
def test_their_time_is_ours_less_one(ours, theirs):
    schedule = getattr(Schedule, ours)(1000)
    scheduler = DDPMScheduler(1000, beta_schedule=theirs)
    assert len(scheduler.betas) == 1000 and len(schedule.betas) == 1001
    assert torch.allclose(scheduler.betas.double(), schedule.betas[1:], rtol=1e-6)
    relative = (scheduler.alphas_cumprod.double() / schedule.alpha_bars[1:] - 1).abs()
    assert relative.max() < 1e-3  # 1,000 rounded factors
    x0, noise = torch.randn(2, 1000, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs_at = scheduler.add_noise(x0, noise, torch.arange(1000))
    assert torch.allclose(theirs_at, our_q_sample(x0, torch.arange(1, 1001), schedule.alpha_bars, noise), atol=1e-4)
    shifted = our_q_sample(x0, torch.arange(1000), schedule.alpha_bars, noise)
    assert not torch.allclose(theirs_at, shifted, atol=1e-3)


def test_float32_tables_limit_the_first_steps():
    schedule, scheduler = Schedule.linear(1000), DDPMScheduler(1000, beta_schedule="linear")
    variance = 1 - scheduler.alphas_cumprod[0].double()
    error = abs(variance / (1 - schedule.alpha_bars[1]) - 1)
    assert 1e-5 < error < 1e-3


@pytest.mark.parametrize(("ours", "theirs"), [("x0", "sample"), ("eps", "epsilon"), ("v", "v_prediction")])
@pytest.mark.parametrize("t", [1, 20, 50])
def test_a_prediction_means_the_same_datum(ours, theirs, t):
    schedule = Schedule.linear(50)
    scheduler = DDPMScheduler(50, trained_betas=schedule.betas[1:].numpy(), prediction_type=theirs, clip_sample=False)
    x_t, prediction = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = scheduler.step(prediction, t - 1, x_t, generator=torch.Generator().manual_seed(0)).pred_original_sample
    assert torch.allclose(found, to_x0(ours, prediction, x_t, t, schedule), rtol=0, atol=1e-5)


def test_its_velocity_is_ours():
    schedule = Schedule.linear(50)
    scheduler = DDPMScheduler(50, trained_betas=schedule.betas[1:].numpy())
    x0, noise = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t = torch.arange(1, 51)
    x_t = our_q_sample(x0, t, schedule.alpha_bars, noise)
    velocity = scheduler.get_velocity(x0, noise, t - 1)
    assert torch.allclose(velocity, from_x0("v", x0, x_t, t, schedule), rtol=0, atol=1e-5)
