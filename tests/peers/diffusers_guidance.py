"""Hugging Face diffusers in the place of a student's guided noise, and its two formulations of the scale.

diffusers' ``ClassifierFreeGuidance`` combines two predictions. Its ``guidance_scale`` is the course's gamma; with
``use_original_formulation=True`` it is Ho and Salimans' w. It also skips the second question where it would change nothing.
"""

from __future__ import annotations

from diffusers.guiders import ClassifierFreeGuidance


def combined(eps_uncond, eps_cond, scale, **options):
    """What diffusers makes of the two noises at a scale."""
    return ClassifierFreeGuidance(guidance_scale=scale, **options).forward(eps_cond, eps_uncond).pred


def guided_noise(eps_uncond, eps_cond, gamma):
    return combined(eps_uncond, eps_cond, gamma)
