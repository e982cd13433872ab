"""Wrong answers to exercise 3.6: one jump."""

from __future__ import annotations

import torch
from answers import mutant

VALUES = ("one time for all", "a time for each row", "t = 0 and t = T")


def rows(values, x0):
    return values.reshape(-1, *[1] * (x0.ndim - 1))


@mutant("3.6", "variances as coefficients", says="take the square roots")
def q_sample(x0, t, alpha_bars, noise):
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar * x0 + (1 - alpha_bar) * noise


@mutant("3.6", "variance for standard deviation", says="scaled by the variance 1 - alpha_bar_t")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar) * noise


@mutant("3.6", "no root on the signal", says="The coefficient of x_0 is alpha_bar_t")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "swapped coefficients", says="The roles are swapped")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return (1 - alpha_bar).sqrt() * x0 + alpha_bar.sqrt() * noise


@mutant("3.6", "coefficients that sum to 1", says="a^2 + b^2 = 1")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    root = rows(alpha_bars[t], x0).sqrt()
    return root * x0 + (1 - root) * noise


@mutant("3.6", "beta for 1 - abar", says="This is beta_t in the place of 1 - alpha_bar_t")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    before = alpha_bars[torch.as_tensor(t - 1).clamp(min=0)]
    beta = rows(1 - alpha_bars[t] / before, x0)
    return rows(alpha_bars[t], x0).sqrt() * x0 + beta.sqrt() * noise


@mutant("3.6", "index from zero", says="Off by one in t: this is alpha_bar_{t-1}")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[torch.as_tensor(t - 1).clamp(min=0)], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "wrong axis", says="run along axis 1; each belongs to a row", keeps=("one time for all",))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    return alpha_bars[t].sqrt() * x0 + (1 - alpha_bars[t]).sqrt() * noise


@mutant("3.6", "time of the first row", says="All rows have the time of the first row", keeps=("one time for all",))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = alpha_bars[torch.as_tensor(t).flatten()[0]].to(x0.dtype)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "promoted to float64", says="x0 is float32, and x_t should be",
        keeps=(*VALUES, "float64 keeps its digits"))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "rooted in float32", says="before it was subtracted from 1", keeps=(*VALUES, "float64 keeps its digits"))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars[t].to(x0.dtype), x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "float32 table", says="right to single precision only", keeps=VALUES)
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars.float()[t], x0)
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "float32 throughout", says="right to single precision only", keeps=VALUES)
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = rows(alpha_bars.float()[t], x0)
    return alpha_bar.sqrt() * x0.float() + (1 - alpha_bar).sqrt() * noise.float()


@mutant("3.6", "alpha for abar", says="This is alpha_t in the place of alpha_bar_t")
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha = rows(alpha_bars[t] / alpha_bars[(t - 1).clamp(min=0) if torch.is_tensor(t) else max(t - 1, 0)], x0)
    return alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise


@mutant("3.6", "one axis for every shape", says="run along axis 2; each belongs to a row", keeps=("one time for all",))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = alpha_bars[torch.as_tensor(t).expand(len(x0))].reshape(-1, *[1] * min(x0.ndim - 1, 1))
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise


@mutant("3.6", "an axis that is not there", says="have an axis that x0 has not", keeps=("t = 0 and t = T",))
def q_sample(x0, t, alpha_bars, noise):  # noqa: F811
    alpha_bar = alpha_bars[torch.as_tensor(t).expand(len(x0))].reshape(-1, *[1] * max(x0.ndim - 1, 1))
    return alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * noise
