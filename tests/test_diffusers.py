"""Independent code, Hugging Face diffusers, passes chapter 3's checks up to what float32 tables can give."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from answers import Answer

from ddpmlib.checks import assess
from ddpmlib.forward import q_sample as our_q_sample
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from diffusers import DDPMScheduler
    from peers import diffusers_forward as peer

SEEDS = range(20)


def verdicts(number: str, module: str, *names: str):
    """The check's verdicts when diffusers stands in for the named functions (the first of them is judged)."""
    answer = Answer(number, module, getattr(peer, names[0]), "diffusers").as_module()
    for name in names:
        setattr(answer, name, getattr(peer, name))
    return [assess(number, seed=seed, module=answer) for seed in SEEDS]


def problems_of(verdict) -> dict[str, str]:
    return {part.name: part.problem for part in verdict.parts if part.problem is not None}


def test_the_ratio_passes_all_parts():
    for verdict in verdicts("3.4", "schedules", "signal_to_noise"):
        assert verdict.status == "done", verdict.report()


@pytest.mark.parametrize(
    ("number", "module", "names", "digits", "says"),
    [
        ("3.1", "forward", ("forward_step",), {"dtype and digits of x_prev"}, "right to single precision only"),
        ("3.2", "schedules", ("linear_betas", "alpha_bars"), {"float64"}, "right to single precision only"),
        ("3.6", "forward", ("q_sample",), {"float32 stays float32", "float64 keeps its digits"}, "single precision|rounded to float32"),
    ],
)
def test_passes_all_parts_but_those_on_digits(number, module, names, digits, says):
    for verdict in verdicts(number, module, *names):
        problems = problems_of(verdict)
        assert set(problems) == digits, verdict.report()
        assert all(re.search(says, problem) for problem in problems.values())


def test_the_cosine_schedule_passes_where_its_offset_is_the_usual_one():
    for verdict in verdicts("3.3", "schedules", "cosine_betas"):
        problems = problems_of(verdict)
        assert {"largest beta", "T = 1000"}.isdisjoint(problems)
        for name in set(problems) - {"float64"}:
            assert "diffusers has the offset s = 0.008 only" in problems[name]


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
