"""Longer computations behind numbers of the prose, for the expressions of ``chapters/claims.yml``."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

import torch
from torch.distributions import Normal


def pieces_decoder_loss() -> float:
    """What chapter 2's decoder, which maps four pieces of the line to the four clusters, loses in the ELBO (in nats)."""
    centres, weights = torch.tensor([[-1.2, -0.4, 0.5, 1.6], [0.55, 0.25, 0.1, 0.1]], dtype=torch.float64)
    x = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    of_x = torch.stack([Normal(centre, 0.12).log_prob(x) for centre in centres], dim=1)  # log N(x; centre of a piece, 0.12^2)
    data = of_x.exp() @ weights
    ends = torch.cat([torch.tensor([-math.inf]), Normal(0.0, 1.0).icdf(weights.cumsum(0)[:-1]), torch.tensor([math.inf])])
    below = Normal(0.0, 1.0).cdf((ends - 0.1 * x[:, None]) / math.sqrt(0.99))
    prior = (0.99 + (0.1 * x) ** 2 - 1 - math.log(0.99)) / 2
    loss = prior - (below.diff(dim=1) * of_x).sum(dim=1) + data.clamp_min(1e-300).log()
    return ((data * loss).sum() * (x[1] - x[0])).item()


@cache
def inverted_length(extra: tuple[int, ...]) -> float:
    """Chapter 10: mean length of x_T / 8 of ten held-out digits, sent up in ten uniform steps and these times."""
    from ddpmlib import ddim, models, pretrained
    from ddpmlib.images import load_digits

    network, schedule = pretrained.load("digits")
    held_out = load_digits("test")
    chosen = [int((held_out.labels == k).nonzero()[0]) for k in range(10)]
    times = sorted({*ddim.time_subsequence(1000, 10), *extra}, reverse=True)
    codes = ddim.ddim_invert(models.conditioned(network, torch.arange(10)), held_out.images[chosen], schedule, times)
    return (codes.flatten(start_dim=1).norm(dim=1).mean() / 8).item()


def hostile_submissions() -> int:
    """How many functions of ``tests/hostile`` are submissions of the class that harms."""
    folder = Path(__file__).resolve().parents[1] / "tests"
    return sum(len(re.findall(r"^@hostile\b", path.read_text(encoding="utf-8"), re.M)) for path in folder.glob("hostile/*.py"))
