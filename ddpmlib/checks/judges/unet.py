"""Checks of chapter 8's code exercises."""

from __future__ import annotations

from .unet_attention import Attention, SelfAttention
from .unet_blocks import GroupNorm, ResidualBlock
from .unet_embedding import Condition, TimeEmbedding
from .unet_wiring import Wiring

CHECKS = [TimeEmbedding(), GroupNorm(), ResidualBlock(), Attention(), SelfAttention(), Condition(), Wiring()]
