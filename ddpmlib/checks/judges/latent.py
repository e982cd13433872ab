"""Checks of chapter 12's code exercises."""

from __future__ import annotations

from .latent_attention import CrossAttention
from .latent_encoding import AutoencoderLoss, LatentScale
from .latent_pairs import ClipLoss
from .latent_pictures import ImageToImage, Inpaint, TextToImage
from .latent_words import CaptionGuidance

CHECKS = [AutoencoderLoss(), LatentScale(), CrossAttention(), CaptionGuidance(), TextToImage(), ImageToImage(), Inpaint(), ClipLoss()]
