"""Independent code, Hugging Face diffusers, computes the same layers with the same weights."""

from __future__ import annotations

import warnings

import pytest
import torch
from answers import Answer

from ddpmlib import layers, unet
from ddpmlib.checks import assess

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from peers import diffusers_unet as peer


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stirred(layer: torch.nn.Module) -> torch.nn.Module:
    """The layer in float64 with random numbers added to all parameters."""
    layer.double()
    with torch.no_grad():
        for seed, parameter in enumerate(layer.parameters()):
            parameter += 0.3 * normal(*parameter.shape, seed=seed)
    return layer


@pytest.mark.parametrize("dim", [2, 8, 128])
@pytest.mark.parametrize("max_period", [100, 10_000])
def test_embeddings_are_theirs_with_cosines_first_and_no_shift(dim, max_period):
    t = torch.tensor([0, 1, 17, 999, 1000])
    assert torch.allclose(unet.time_embedding(t, dim, max_period), peer.time_embedding(t, dim, max_period), atol=1e-4)


@pytest.mark.parametrize(("c_in", "c_out"), [(16, 16), (8, 24), (32, 8), (4, 4)])
def test_residual_block_is_theirs(c_in, c_out):
    block, x, emb = stirred(layers.ResidualBlock(c_in, c_out, 12)), normal(3, c_in, 4, 6, seed=90), normal(3, 12, seed=91)
    assert torch.allclose(unet.residual_block(block, x, emb), peer.residual_block(block, x, emb), rtol=0, atol=1e-12)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_self_attention_is_theirs(heads):
    block, x = stirred(layers.SelfAttention(16, heads)), normal(3, 16, 3, 5, seed=90)
    assert torch.allclose(unet.self_attention(block, x), peer.self_attention(block, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("number", "function", "but"),
    [("8.1", "time_embedding", {"dtype"}), ("8.4", "residual_block", {"gradient"}), ("8.6", "self_attention", {"gradient"})],
)
def test_passes_all_parts_but(number, function, but):
    # its embedding has no float64; in the copies of our weights no gradient reaches ours
    answer = Answer(number, "unet", getattr(peer, function), "diffusers").as_module()
    for seed in range(10):
        parts = assess(number, seed=seed, module=answer).parts
        assert {part.name for part in parts if part.problem is not None} == but
