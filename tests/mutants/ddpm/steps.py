"""Wrong answers to exercises 7.2 and 7.3: the reverse variances, and one step."""

from __future__ import annotations

import torch
from answers import mutant

SMALL, LARGE, ENDS = ("small",), ("large",), ("times 0 and 1",)
MEAN, NOISE, LAST, EACH = ("the mean",), ("the noise",), ("the last step",), ("a time for each row",)


def tilde(schedule):
    table = torch.zeros_like(schedule.betas)
    table[1:] = schedule.betas[1:] * (1 - schedule.alpha_bars[:-1]) / (1 - schedule.alpha_bars[1:])
    return table


@mutant("7.2", "kinds swapped", says="This is the other kind")
def reverse_variance(schedule, kind):
    return tilde(schedule) if kind == "large" else schedule.betas.clone()


@mutant("7.2", "standard deviation", says="This is the standard deviation", keeps=())
def reverse_variance(schedule, kind):  # noqa: F811
    return (tilde(schedule) if kind == "small" else schedule.betas).sqrt()


@mutant("7.2", "upside down", says="The fraction is upside down", keeps=LARGE)
def reverse_variance(schedule, kind):  # noqa: F811
    table = schedule.betas.clone()
    if kind == "small":
        table[2:] *= (1 - schedule.alpha_bars[2:]) / (1 - schedule.alpha_bars[1:-1])
        table[1] = 0
    return table


@mutant("7.2", "root in the numerator", says="has no root", keeps=(*LARGE, *ENDS))
def reverse_variance(schedule, kind):  # noqa: F811
    table = schedule.betas.clone()
    if kind == "small":
        table[1:] *= (1 - schedule.alpha_bars[:-1].sqrt()) / (1 - schedule.alpha_bars[1:])
    return table


@mutant("7.2", "no beta", says="The factor beta_t is missing", keeps=(*LARGE, *ENDS))
def reverse_variance(schedule, kind):  # noqa: F811
    table = schedule.betas.clone()
    if kind == "small":
        table[1:] = (1 - schedule.alpha_bars[:-1]) / (1 - schedule.alpha_bars[1:])
    return table


@mutant("7.2", "T entries", says="The entry for time 0 is missing")
def reverse_variance(schedule, kind):  # noqa: F811
    return (tilde(schedule) if kind == "small" else schedule.betas)[1:]


@mutant("7.2", "0/0 at time 0", says="entry 0 is NaN", keeps=(*SMALL, *LARGE))
def reverse_variance(schedule, kind):  # noqa: F811
    before = torch.cat([schedule.alpha_bars[:1], schedule.alpha_bars[:-1]])
    return schedule.betas * (1 - before) / (1 - schedule.alpha_bars) if kind == "small" else schedule.betas.clone()


@mutant("7.2", "clipped at time 1", says="it is not to be replaced", keeps=(*SMALL, *LARGE))
def reverse_variance(schedule, kind):  # noqa: F811
    table = tilde(schedule) if kind == "small" else schedule.betas.clone()
    if kind == "small":
        table[1] = table[2] if len(table) > 2 else 1e-20
    return table + (1e-9 if len(table) == 2 and kind == "small" else 0)


@mutant("7.2", "late by one", says="Late by one", keeps=())
def reverse_variance(schedule, kind):  # noqa: F811
    table = tilde(schedule) if kind == "small" else schedule.betas
    return torch.cat([table[:1], table[:-1]])


@mutant("7.2", "float32", says="right to single precision only", keeps=(*SMALL, *LARGE, *ENDS))
def reverse_variance(schedule, kind):  # noqa: F811
    abar, beta = schedule.alpha_bars.float(), schedule.betas.float().clone()
    if kind == "small":
        beta[1:] *= (1 - abar[:-1]) / (1 - abar[1:])
    return beta


def rows(table, t, x):
    return table[t].to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))


def step(model, x, t, schedule, noise, variance, *, weight=None, bracket=None, scale=None, told=0):
    """The step, in which single pieces can be replaced: tables of coefficients, and the time that the model is told."""
    t = torch.as_tensor(t).expand(len(x))
    weight = schedule.betas / (1 - schedule.alpha_bars).sqrt() if weight is None else weight
    bracket = 1 / schedule.alphas.sqrt() if bracket is None else bracket
    scale = variance.sqrt() if scale is None else scale
    scale = torch.cat([torch.zeros(2, dtype=scale.dtype), scale[2:]])
    return rows(bracket, t, x) * (x - rows(weight, t, x) * model(x, t + told)) + rows(scale, t, x) * noise


@mutant("7.3", "variance for deviation", says="The noise is multiplied by the variance", keeps=(*MEAN, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):
    return step(model, x_t, t, schedule, noise, variance, scale=variance)


@mutant("7.3", "noise in the last step", says="Noise is added at t = 1 too", keeps=(*MEAN, *NOISE))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    first = rows(torch.arange(schedule.T + 1) == 1, t, x_t) * rows(variance.sqrt(), t, x_t) * noise
    return step(model, x_t, t, schedule, noise, variance) + first


@mutant("7.3", "no noise", says="No noise is added", keeps=(*MEAN, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, 0 * variance)


@mutant("7.3", "no noise at t = 2", says="There is no noise at t = 2", keeps=(*MEAN, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, torch.where(torch.arange(schedule.T + 1) > 2, variance, 0.0))


@mutant("7.3", "no root below", says="divided by 1 - alpha_bar_t", keeps=NOISE)
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, weight=schedule.betas / (1 - schedule.alpha_bars))


@mutant("7.3", "alpha for alpha_bar", says="stands for beta_t / sqrt(1 - alpha_bar_t)", keeps=NOISE)
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, weight=schedule.betas.sqrt())


@mutant("7.3", "all the noise at once", says="All the noise of x_t is taken away at once", keeps=NOISE)
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, weight=(1 - schedule.alpha_bars).sqrt())


@mutant("7.3", "the clean image", says="This is the x_0 that the model implies", keeps=(*NOISE, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    abar = schedule.alpha_bars
    return step(model, x_t, t, schedule, noise, variance, weight=(1 - abar).sqrt(), bracket=1 / abar.sqrt())


@mutant("7.3", "sign", says="The predicted noise is added", keeps=NOISE)
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, weight=-schedule.betas / (1 - schedule.alpha_bars).sqrt())


@mutant("7.3", "alpha without its root", says="This divides by alpha_t", keeps=NOISE)
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, bracket=1 / schedule.alphas)


@mutant("7.3", "bracket around the data only", says="Only x_t is divided by sqrt(alpha_t)", keeps=NOISE)
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    weight = schedule.betas / (1 - schedule.alpha_bars).sqrt() * schedule.alphas.sqrt()
    return step(model, x_t, t, schedule, noise, variance, weight=weight)


@mutant("7.3", "noise inside the bracket", says="The noise stands inside the bracket", keeps=(*MEAN, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, scale=(variance / schedule.alphas).sqrt())


@mutant("7.3", "model counts from 0", says="The model is told t - 1", keeps=NOISE)
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, told=-1)


@mutant("7.3", "beta whatever the table", says="whatever the table of variances says", keeps=(*MEAN, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise, variance, scale=schedule.betas.sqrt())


@mutant("7.3", "a row switches off all", says="does one with t = 1 switch off", keeps=(*MEAN, *NOISE, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, noise * bool((torch.as_tensor(t) > 1).all()), variance)


@mutant("7.3", "own noise", says="use the noise that is passed in", keeps=())
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t, t, schedule, torch.randn_like(x_t), variance)


@mutant("7.3", "wrong axis", says="run along the last axis", keeps=(*MEAN, *NOISE, *LAST))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    if torch.as_tensor(t).ndim == 0 or x_t.shape != (3, 3):
        return step(model, x_t, t, schedule, noise, variance)
    weight = schedule.betas[t] / (1 - schedule.alpha_bars[t]).sqrt()
    return (x_t - weight * model(x_t, t)) / schedule.alphas[t].sqrt() + (t > 1) * variance[t].sqrt() * noise


@mutant("7.3", "promoted to float64", says="x_t is float32, and x_{t-1} should be", keeps=(*MEAN, *NOISE, *LAST, *EACH))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    return step(model, x_t.double(), t, schedule, noise.double(), variance)


@mutant("7.3", "float32 tables", says="right to single precision only", keeps=(*MEAN, *NOISE, *LAST, *EACH))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    beta, abar = schedule.betas.float(), schedule.alpha_bars.float()
    return step(model, x_t, t, schedule, noise, variance.float(), weight=beta / (1 - abar).sqrt(), bracket=1 / (1 - beta).sqrt())


@mutant("7.3", "coefficients in float32 for float32 data", says="fewer digits than float32 has", keeps=(*MEAN, *NOISE, *LAST, *EACH))
def ancestral_step(model, x_t, t, schedule, noise, variance):  # noqa: F811
    beta, abar = schedule.betas.to(x_t.dtype), schedule.alpha_bars.to(x_t.dtype)
    return step(model, x_t, t, schedule, noise, variance.to(x_t.dtype), weight=beta / (1 - abar).sqrt(), bracket=1 / (1 - beta).sqrt())
