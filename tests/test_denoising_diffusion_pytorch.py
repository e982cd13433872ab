"""Independent code, denoising-diffusion-pytorch, passes the checks: as it is, up to what its float32 tables can give;
with its tables unrounded, in every part that it has a function for."""

from __future__ import annotations

import warnings

import pytest
import torch
from peers import assert_passes_all_parts_but

from ddpmlib.forward import q_sample
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library and its dependencies deprecate things as they are imported
    from peers import denoising_diffusion_pytorch_forward as forward
    from peers import denoising_diffusion_pytorch_kl as kl
    from peers import denoising_diffusion_pytorch_library as library

SINGLE = "right to single precision only"
ENDS = "denoising-diffusion-pytorch has the ends 0.1 / T and 20 / T only"
BOUND = "denoising-diffusion-pytorch has the bound 0.999 only"

# exercise, module, adapter, functions; what the library cannot do; what its float32 tables cannot give beyond that
CASES = [
    ("1.2", "elbo", kl, ["kl_to_standard_normal"], {}, {}),
    ("3.1", "forward", forward, ["forward_step"], {}, {"dtype and digits of x_prev": SINGLE}),
    ("3.2", "schedules", forward, ["linear_betas", "alpha_bars"],
     {"linear_betas: values": ENDS, "one step": ENDS}, {"float64": SINGLE}),
    ("3.3", "schedules", forward, ["cosine_betas"], {"largest beta": BOUND}, {}),
    ("3.4", "schedules", forward, ["signal_to_noise"], {}, {}),
    ("3.6", "forward", forward, ["q_sample"], {}, {"float64 keeps its digits": SINGLE}),
    ("3.9", "forward", kl, ["prior_matching_bits_per_dim"], {}, {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[3][0]}")
def test_passes_all_but_what_float32_tables_cannot_give(case):
    number, module, peer, names, lacking, rounded = case
    assert_passes_all_parts_but(lacking | rounded, number, module, peer, *names)


@pytest.mark.parametrize("case", [case for case in CASES if case[5]], ids=lambda case: f"{case[0]}-{case[3][0]}")
def test_passes_these_too_when_its_tables_are_not_rounded(case):
    number, module, peer, names, lacking, _ = case
    with library.unrounded():
        assert_passes_all_parts_but(lacking, number, module, peer, *names)


@pytest.mark.parametrize("T", [25, 100, 1000])
def test_scales_the_ends_of_the_linear_schedule_by_1000_over_the_number_of_steps(T):
    ends = {"beta_start": 1e-4 * 1000 / T, "beta_end": 0.02 * 1000 / T}
    assert torch.allclose(forward.linear_betas(T, **ends), Schedule.linear(T, **ends).betas, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_its_time_is_ours_less_one(name):
    schedule = getattr(Schedule, name)(1000)
    theirs = library.library.GaussianDiffusion(library.Network(), image_size=1, timesteps=1000, beta_schedule=name)
    for table in ("betas", "alphas_cumprod"):
        assert getattr(theirs, table).shape == (1000,)
    assert torch.allclose(theirs.betas.double(), schedule.betas[1:], rtol=1e-7, atol=0)
    assert torch.allclose(theirs.alphas_cumprod.double(), schedule.alpha_bars[1:], rtol=1e-7, atol=0)
    x0, noise = torch.randn(2, 1000, 5, generator=torch.Generator().manual_seed(0))
    noisy = theirs.q_sample(x0, torch.arange(1000), noise)
    assert torch.allclose(noisy, q_sample(x0, torch.arange(1, 1001), schedule.alpha_bars, noise), atol=1e-6)
