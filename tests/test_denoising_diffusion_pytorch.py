"""Independent code, denoising-diffusion-pytorch, passes the checks: as it is, up to what its float32 tables can give;
with its tables unrounded, in every part that it has a function for."""

from __future__ import annotations

import warnings

import pytest
import torch
from peers import assert_passes_all_parts_but

from ddpmlib.discretized import discretized_log_likelihood
from ddpmlib.forward import q_sample
from ddpmlib.objectives import loss_weights
from ddpmlib.posterior import posterior_variance
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library and its dependencies deprecate things as they are imported
    from peers import denoising_diffusion_pytorch_ddim as ddim
    from peers import denoising_diffusion_pytorch_forward as forward
    from peers import denoising_diffusion_pytorch_kl as kl
    from peers import denoising_diffusion_pytorch_library as library
    from peers import denoising_diffusion_pytorch_objectives as objectives
    from peers import denoising_diffusion_pytorch_posterior as posterior
    from peers import denoising_diffusion_pytorch_sampling as sampling

SINGLE = "right to single precision only"
ENDS = "denoising-diffusion-pytorch has the ends 0.1 / T and 20 / T only"
BOUND = "denoising-diffusion-pytorch has the bound 0.999 only"
NO_LOSS = "denoising-diffusion-pytorch has no loss for the kind"


def digits(*parts: str, reason: str = SINGLE) -> dict[str, str]:
    """Parts of a check that fail for want of digits."""
    return dict.fromkeys(parts, reason)


# exercise, module, adapter, functions; what the library cannot do; what its float32 tables cannot give beyond that
CASES = [
    ("1.2", "elbo", kl, ["kl_to_standard_normal"], {}, {}),
    ("3.1", "forward", forward, ["forward_step"], {}, digits("dtype and digits of x_prev")),
    ("3.2", "schedules", forward, ["linear_betas", "alpha_bars"],
     {"linear_betas: values": ENDS, "one step": ENDS}, digits("float64")),
    ("3.3", "schedules", forward, ["cosine_betas"], {"largest beta": BOUND}, {}),
    ("3.4", "schedules", forward, ["signal_to_noise"], {}, {}),
    ("3.6", "forward", forward, ["q_sample"], {}, digits("float64 keeps its digits")),
    ("3.9", "forward", kl, ["prior_matching_bits_per_dim"], {}, {}),
    ("4.3", "diffusion_elbo", posterior, ["posterior_log_prob"], {},
     digits("one time for all", "a time for each row", "t = 2 and t = T", reason="values differ")),
    ("4.5", "diffusion_elbo", posterior, ["denoising_matching"], {},
     digits("divergence, one time", "divergence, a time a row", "gradient to the model", reason="values differ")),
    ("5.3", "posterior", posterior, ["posterior_variance"], {}, digits("values", "T = 1000, float64")),
    ("5.4", "posterior", posterior, ["posterior_mean"], {},
     digits("one time for all", "a time for each row", "t = 1 and t = T")),
    ("5.6", "posterior", posterior, ["posterior_mean_from_noise"], {},
     digits("one time for all", "a time for each row", "t = 1 and t = T")),
    ("6.1", "objectives", kl, ["gaussian_kl"], {}, {}),
    ("6.3", "parameterizations", objectives, ["from_x0", "to_x0"], {},
     digits("x0 and eps", "v", "score", "mean", "a time for each row", "gradient")),
    ("6.6", "objectives", objectives, ["denoising_loss"],
     {"x0, v, score and mean": NO_LOSS, "weights": NO_LOSS, "gradient": NO_LOSS},
     digits("x0, v, score and mean", "weights", "gradient")),
    ("7.1", "ddpm", sampling, ["training_loss"], {}, digits("precision")),
    ("7.2", "ddpm", sampling, ["reverse_variance"], {}, digits("float64")),
    ("7.3", "ddpm", sampling, ["ancestral_step"], {}, digits("precision")),
    ("7.5", "ddpm", sampling, ["ancestral_sample", "ancestral_step", "reverse_variance"], {}, digits("precision")),
    ("7.7", "ddpm", sampling, ["loss_per_time", "training_loss"], {}, digits("precision")),
    ("7.8", "ddpm", sampling, ["denoise_renoise_sample"], {}, digits("precision")),
    ("10.6", "ddim", ddim, ["ddim_sample"], {}, digits("precision")),
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


@pytest.mark.parametrize(("kind", "objective"), [("x0", "pred_x0"), ("v", "pred_v")])
def test_weighs_its_losses_as_if_they_were_errors_of_the_noise(kind, objective):
    schedule = Schedule.cosine(50)
    variances = schedule.betas
    ratio = loss_weights(kind, schedule, variances)[1:] / loss_weights("eps", schedule, variances)[1:]
    with library.unrounded():
        theirs = library.diffusion(schedule.betas, objective=objective).loss_weight
    assert torch.allclose(theirs, ratio, rtol=1e-9, atol=0)


@pytest.mark.parametrize("std", [0.003, 0.05, 1.0])
def test_its_decoder_gives_the_256_levels_nearly_our_probabilities(std):
    """It replaces the normal distribution function by a tanh, which is wrong by up to 3e-4."""
    levels = torch.linspace(-1, 1, 256, dtype=torch.float64)[:, None]
    for mean in (-0.97, 0.0, 0.3):
        ours = discretized_log_likelihood(levels, torch.full_like(levels, mean), std, 256).exp()
        theirs = objectives.discretized_log_likelihood(levels, torch.full_like(levels, mean), std, 256).exp()
        assert torch.allclose(theirs.sum(), ours.sum(), rtol=1e-9)
        assert torch.allclose(theirs, ours, rtol=0, atol=3e-4)


def test_clips_its_posterior_log_variance_at_the_first_step():
    """At t = 1 the variance is 0; the library keeps the logarithm of 1e-20, and adds no noise there."""
    schedule = Schedule.linear(1000)
    logs = library.diffusion(schedule.betas).posterior_log_variance_clipped.double()
    assert torch.allclose(logs[1:], posterior_variance(schedule)[2:].log(), rtol=1e-6)
    assert logs[0].exp().item() == pytest.approx(1e-20, rel=1e-5)
