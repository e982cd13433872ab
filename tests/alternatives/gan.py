"""Correct answers to chapter 14's exercises on adversarial networks that differ from the reference."""

from __future__ import annotations

import torch
from answers import alternative
from torch.nn.functional import binary_cross_entropy_with_logits, softplus


@alternative("14.4", "binary cross-entropy")
def discriminator_loss(real_logits, fake_logits):
    real = binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits))
    return real + binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


@alternative("14.4", "softplus")
def generator_loss(fake_logits, kind="non-saturating"):
    return -softplus(fake_logits).mean() if kind == "saturating" else softplus(-fake_logits).mean()


@alternative("14.5", "softmax of the two")
def optimal_discriminator(log_data, log_model):
    return torch.stack([log_data, log_model]).softmax(dim=0)[0]


@alternative("14.5", "logaddexp")
def optimal_discriminator(log_data, log_model):  # noqa: F811
    return torch.exp(log_data - torch.logaddexp(log_data, log_model))


@alternative("14.5", "softplus")
def game_value(logits, log_data, log_model, spacing):
    data = (log_data.exp() * softplus(-logits)).sum()
    return -(data + (log_model.exp() * softplus(logits)).sum()) * spacing
