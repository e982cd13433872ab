"""Wrong answers to chapter 14's exercises on adversarial networks."""

from __future__ import annotations

import torch
from answers import mutant
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

DISCRIMINATOR, SATURATING, OTHER, LARGE, SLOPES = "discriminator", "saturating", "non-saturating", "large logits", "slopes"
BEST, FAR, VALUE, AT_BEST = "best discriminator", "far out", "value", "value at the best"


@mutant("14.4", "the value", says="The sign: the discriminator maximises", keeps=(SATURATING, OTHER, SLOPES))
def discriminator_loss(real_logits, fake_logits):
    return logsigmoid(real_logits).mean() + logsigmoid(-fake_logits).mean()


@mutant("14.4", "exchanged", says="Data and samples are exchanged", keeps=(SATURATING, OTHER, SLOPES))
def discriminator_loss(real_logits, fake_logits):  # noqa: F811
    return -logsigmoid(-real_logits).mean() - logsigmoid(fake_logits).mean()


@mutant("14.4", "one mean", says="here one mean is taken over both", keeps=(SATURATING, OTHER, SLOPES))
def discriminator_loss(real_logits, fake_logits):  # noqa: F811
    logits = torch.cat([real_logits, fake_logits])
    target = torch.cat([torch.ones_like(real_logits), torch.zeros_like(fake_logits)])
    return binary_cross_entropy_with_logits(logits, target)


@mutant("14.4", "sums", says="each of the two is a mean", keeps=(SATURATING, OTHER, SLOPES))
def discriminator_loss(real_logits, fake_logits):  # noqa: F811
    return -logsigmoid(real_logits).sum() - logsigmoid(-fake_logits).sum()


@mutant("14.4", "probabilities", says="has no useful logarithm", keeps=(DISCRIMINATOR, SATURATING, OTHER, SLOPES))
def discriminator_loss(real_logits, fake_logits):  # noqa: F811
    return -torch.log(torch.sigmoid(real_logits)).mean() - torch.log(1 - torch.sigmoid(fake_logits)).mean()


@mutant("14.4", "clamped probabilities", says="has no useful logarithm", keeps=(DISCRIMINATOR, SATURATING, OTHER, SLOPES))
def discriminator_loss(real_logits, fake_logits):  # noqa: F811
    d, f = (torch.sigmoid(a).clamp(1e-12, 1 - 1e-12) for a in (real_logits, fake_logits))
    return -torch.log(d).mean() - torch.log(1 - f).mean()


@mutant("14.4", "kind ignored", says="This is the other one of the two losses", keeps=(DISCRIMINATOR, OTHER))
def generator_loss(fake_logits, kind="non-saturating"):
    return -logsigmoid(fake_logits).mean()


@mutant("14.4", "the wrong sign", says="The sign is wrong: the generator minimises this", keeps=(DISCRIMINATOR, OTHER))
def generator_loss(fake_logits, kind="non-saturating"):  # noqa: F811
    return -logsigmoid(-fake_logits if kind == "saturating" else fake_logits).mean()


@mutant("14.4", "detached", says="is something detached?", keeps=(DISCRIMINATOR, SATURATING, OTHER, LARGE))
def generator_loss(fake_logits, kind="non-saturating"):  # noqa: F811
    a = fake_logits.detach()
    return logsigmoid(-a).mean() if kind == "saturating" else -logsigmoid(a).mean()


@mutant("14.5", "of a sample", says="This is the probability of a sample", keeps=(VALUE, AT_BEST))
def optimal_discriminator(log_data, log_model):
    return torch.sigmoid(log_model - log_data)


@mutant("14.5", "the logit", says="This is the logit", keeps=(VALUE, AT_BEST))
def optimal_discriminator(log_data, log_model):  # noqa: F811
    return log_data - log_model


@mutant("14.5", "the ratio", says="This is the ratio of the densities", keeps=(VALUE, AT_BEST))
def optimal_discriminator(log_data, log_model):  # noqa: F811
    return torch.exp(log_data - log_model)


@mutant("14.5", "densities", says="form the difference of the logarithms first", keeps=(BEST, VALUE, AT_BEST))
def optimal_discriminator(log_data, log_model):  # noqa: F811
    return log_data.exp() / (log_data.exp() + log_model.exp())


@mutant("14.5", "with a small number", says="form the difference of the logarithms first", keeps=(BEST, VALUE, AT_BEST))
def optimal_discriminator(log_data, log_model):  # noqa: F811
    return log_data.exp() / (log_data.exp() + log_model.exp() + 1e-300)


@mutant("14.5", "no spacing", says="The spacing is missing", keeps=(BEST, FAR))
def game_value(logits, log_data, log_model, spacing):
    return (log_data.exp() * logsigmoid(logits) + log_model.exp() * logsigmoid(-logits)).sum()


@mutant("14.5", "the loss", says="This is the discriminator's loss", keeps=(BEST, FAR))
def game_value(logits, log_data, log_model, spacing):  # noqa: F811
    return -spacing * (log_data.exp() * logsigmoid(logits) + log_model.exp() * logsigmoid(-logits)).sum()


@mutant("14.5", "no densities", says="The densities are missing", keeps=(BEST, FAR))
def game_value(logits, log_data, log_model, spacing):  # noqa: F811
    return spacing * (logsigmoid(logits) + logsigmoid(-logits)).sum()


@mutant("14.5", "always the best", says="the value should be", keeps=(BEST, FAR, AT_BEST), never="exchanged")
def game_value(logits, log_data, log_model, spacing):  # noqa: F811
    best = log_data - log_model
    return spacing * (log_data.exp() * logsigmoid(best) + log_model.exp() * logsigmoid(-best)).sum()
