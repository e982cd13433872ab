"""Wrong contrastive losses."""

from __future__ import annotations

import torch
from answers import mutant
from torch.nn.functional import cross_entropy, normalize

from ddpmlib.latent import clip_loss as right_loss


def scores(a, b):
    return normalize(a, dim=1) @ normalize(b, dim=1).T


def both(logits, reduction="mean"):
    right = torch.arange(len(logits))
    return (cross_entropy(logits, right, reduction=reduction) + cross_entropy(logits.T, right, reduction=reduction)) / 2


for title, made, says in [
    ("images only", lambda a, b, u: cross_entropy(scores(a, b) / u, torch.arange(len(a))), "Only the texts are sought"),
    ("texts only", lambda a, b, u: cross_entropy(scores(b, a) / u, torch.arange(len(a))), "Only the images are sought"),
    ("summed", lambda a, b, u: 2 * both(scores(a, b) / u), "The two directions are summed"),
    ("rows summed", lambda a, b, u: both(scores(a, b) / u, "sum"), "The losses of the rows are summed"),
    ("not normalised", lambda a, b, u: both(a @ b.T / u), "The features are not brought to length 1"),
    ("multiplied", lambda a, b, u: both(scores(a, b) * u), "multiplied with the temperature"),
    ("no temperature", lambda a, b, u: both(scores(a, b)), "The temperature is ignored"),
    ("sign", lambda a, b, u: -both(scores(a, b) / u), "The sign is wrong"),
    ("all pairs", lambda a, b, u: -(scores(a, b) / u).flatten().log_softmax(0).reshape(len(a), -1).diagonal().mean(),
     "The softmax is over all pairs at once"),
    ("overflow", lambda a, b, u: _naive(scores(a, b) / u), "the loss is not finite"),
    ("temperature detached", lambda a, b, u: right_loss(a, b, float(u)), "no gradient reaches temperature"),
    ("float32", lambda a, b, u: right_loss(a.float(), b.float(), u).to(a.dtype), "single precision only"),
    ("float64", lambda a, b, u: right_loss(a.double(), b.double(), u), "the loss should be"),
]:
    def clip_loss(images, texts, temperature, made=made):
        return made(images, texts, temperature)

    mutant("12.8", title, says=says)(clip_loss)


def _naive(logits):
    """The softmax by exponentials."""
    shares = torch.exp(logits)
    right = (shares.diagonal() / shares.sum(1)).log() + (shares.diagonal() / shares.sum(0)).log()
    return -right.mean() / 2
