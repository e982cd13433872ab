"""Wrong answers to exercise 3.4: the signal-to-noise ratio."""

from __future__ import annotations

import torch
from answers import mutant


@mutant("3.4", "ratio of standard deviations", says="This is a ratio of standard deviations")
def signal_to_noise(alpha_bar):
    return (alpha_bar / (1 - alpha_bar)).sqrt()


@mutant("3.4", "noise over signal", says="upside down")
def signal_to_noise(alpha_bar):  # noqa: F811
    return (1 - alpha_bar) / alpha_bar


@mutant("3.4", "logarithm", says="This is the logarithm of the ratio")
def signal_to_noise(alpha_bar):  # noqa: F811
    return torch.log(alpha_bar) - torch.log(1 - alpha_bar)


@mutant("3.4", "squared", says="alpha_bar is already a variance")
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar**2 / (1 - alpha_bar) ** 2


@mutant("3.4", "root over variance", says="the mean's coefficient over the noise's variance")
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar.sqrt() / (1 - alpha_bar)


@mutant("3.4", "clamped denominator", says="At alpha_bar = 1 there is no noise", keeps=("values",))
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar / (1 - alpha_bar).clamp(min=1e-12)


@mutant("3.4", "small number added", says="the digits of 1 - alpha_bar are lost")
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar / (1 - alpha_bar + 1e-7)


@mutant("3.4", "float32", says="the digits of 1 - alpha_bar are lost", keeps=("values", "time 0 and full noise"))
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar.float() / (1 - alpha_bar.float())


@mutant("3.4", "squared numerator", says="the numerator is squared here")
def signal_to_noise(alpha_bar):  # noqa: F811
    return alpha_bar**2 / (1 - alpha_bar)
