"""Chapter 9's functions beside the ones that others use: PyTorch's clipping, diffusers' average of weights and its learning rate."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from torch import nn

from ddpmlib.learner import ema_decay, ema_update, learning_rate, training_step

F64 = torch.float64


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8, dtype=F64), nn.SiLU(), nn.Linear(8, 1, dtype=F64))


@pytest.mark.parametrize("max_norm", [0.05, 100.0])
def test_a_step_is_that_of_pytorchs_clipping(max_norm):
    ours, theirs = network(), network()
    optimizers = [torch.optim.Adam(net.parameters(), lr=0.01) for net in (ours, theirs)]
    for seed in range(5):
        x = torch.randn(16, 4, dtype=F64, generator=torch.Generator().manual_seed(seed))
        _, norm = training_step(ours, optimizers[0], ours(x).square().mean(), max_norm=max_norm)
        optimizers[1].zero_grad()
        theirs(x).square().mean().backward()
        assert norm == pytest.approx(nn.utils.clip_grad_norm_(theirs.parameters(), max_norm).item())
        optimizers[1].step()
    assert all(torch.allclose(a, b, rtol=1e-6, atol=1e-8) for a, b in zip(ours.parameters(), theirs.parameters()))


def test_the_average_is_diffusers_one_step_later():
    """diffusers copies the weights in its first update (decay 0); its k-th has the decay of our update k - 1."""
    net = network()
    theirs = EMAModel(net.parameters(), decay=0.9, use_ema_warmup=False)
    theirs.step(net.parameters())
    ours = copy.deepcopy(net)
    for step in range(1, 40):
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(torch.randn(parameter.shape, dtype=F64, generator=torch.Generator().manual_seed(step)))
        theirs.step(net.parameters())
        assert theirs.cur_decay_value == pytest.approx(ema_decay(step, 0.9))
        ema_update(ours, net, ema_decay(step, 0.9))
    assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(ours.parameters(), theirs.shadow_params))


@pytest.mark.parametrize("warmup", [0, 5])
def test_the_learning_rate_is_diffusers_for_one_step_more(warmup):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    rates = get_cosine_schedule_with_warmup(optimizer, warmup, 41).lr_lambdas[0]
    for step in range(1, 41):
        assert learning_rate(step, 40, peak=0.3, warmup=warmup) == pytest.approx(0.3 * rates(step))
