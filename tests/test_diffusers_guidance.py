"""Independent code, Hugging Face diffusers, guides as the course does, in both of its conventions."""

from __future__ import annotations

import warnings

import pytest
import torch
from answers import Answer

from ddpmlib.checks import assess
from ddpmlib.guidance import gamma_of, guided_noise

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from diffusers.guiders import ClassifierFreeGuidance
    from diffusers.guiders.guider_utils import rescale_noise_cfg
    from peers import diffusers_guidance as peer

UNCOND, COND = torch.randn(2, 3, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 2.0, 7.5])
@pytest.mark.parametrize(("convention", "original"), [("diffusers", False), ("diffusers-original", True)])
def test_guided_noise_is_theirs_in_both_formulations(scale, convention, original):
    theirs = peer.combined(UNCOND, COND, scale, use_original_formulation=original)
    assert torch.allclose(guided_noise(UNCOND, COND, gamma_of(scale, convention)), theirs, rtol=0, atol=1e-12)


def test_they_ask_once_where_nothing_is_guided():
    assert ClassifierFreeGuidance(guidance_scale=1.0).num_conditions == 1
    assert ClassifierFreeGuidance(guidance_scale=1.01).num_conditions == 2
    assert ClassifierFreeGuidance(guidance_scale=0.0, use_original_formulation=True).num_conditions == 1


def test_their_rescaling_gives_each_image_the_deviation_of_the_conditional_one():
    guided = guided_noise(UNCOND, COND, 5.0)
    rescaled = rescale_noise_cfg(guided, COND, 1.0)
    assert torch.allclose(rescaled.flatten(1).std(1), COND.flatten(1).std(1))
    assert torch.allclose(rescaled / guided, (rescaled / guided)[:, :, :1, :1])


def test_their_guidance_passes_the_exercise():
    answer = Answer("11.7", "guidance", peer.guided_noise, "diffusers").as_module()
    for seed in range(10):
        verdict = assess("11.7", seed=seed, module=answer)
        assert verdict.status == "done", verdict.report()
