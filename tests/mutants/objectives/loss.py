"""Wrong answers to Exercise 6.6, the loss of a batch."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.tables import at_times

GRADIENT = ("gradient",)
VALUES = ("L_simple", "x0, v, score and mean", "weights", "float32 stays float32")


def target(kind, x0, noise, t, schedule):
    t = torch.as_tensor(t)
    a, b = schedule.alpha_bars.sqrt(), (1 - schedule.alpha_bars).sqrt()
    if kind == "x0":
        return x0
    if kind == "eps":
        return noise
    if kind == "v":
        return at_times(a, t, x0) * noise - at_times(b, t, x0) * x0
    if kind == "score":
        return -at_times(1 / b, t, x0) * noise
    x_t = at_times(a, t, x0) * x0 + at_times(b, t, x0) * noise
    return at_times(schedule.alphas.rsqrt(), t, x0) * (x_t - at_times(schedule.betas / b, t, x0) * noise)


def squares(kind, prediction, x0, noise, t, schedule):
    error = target(kind, x0, noise, t, schedule) - prediction
    return error.square().reshape(len(x0), -1).sum(1)


def factors(weights, t, x0):
    if weights is None:
        return torch.ones(len(x0), dtype=x0.dtype)
    return weights[torch.as_tensor(t).expand(len(x0))].to(x0.dtype)


@mutant("6.6", "mean over all components", says="This is the mean over all components")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):
    return (factors(weights, t, x0) * squares(kind, prediction, x0, noise, t, schedule)).mean() / x0[0].numel()


@mutant("6.6", "sum over the batch", says="This is the sum over the batch; the mean over its rows")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t, x0) * squares(kind, prediction, x0, noise, t, schedule)).sum()


@mutant("6.6", "one number a row", says="This is one number a row")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return factors(weights, t, x0) * squares(kind, prediction, x0, noise, t, schedule)


@mutant("6.6", "norm without square", says="without the square")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t, x0) * squares(kind, prediction, x0, noise, t, schedule).sqrt()).mean()


@mutant("6.6", "a half", says="The factor 1/2 does not belong here")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t, x0) * squares(kind, prediction, x0, noise, t, schedule)).mean() / 2


@mutant("6.6", "weights ignored", says="The weights are not used", keeps=("L_simple", "x0, v, score and mean"))
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return squares(kind, prediction, x0, noise, t, schedule).mean()


@mutant("6.6", "weighted mean", says="divides by the sum of the weights", keeps=("L_simple", "x0, v, score and mean"))
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    factor = factors(weights, t, x0)
    return (factor * squares(kind, prediction, x0, noise, t, schedule)).sum() / factor.sum()


@mutant("6.6", "weights by place", says="those of the rows' places in the batch", keeps=("L_simple", "x0, v, score and mean"))
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    factor = 1 if weights is None else weights[: len(x0)].to(x0.dtype)
    return (factor * squares(kind, prediction, x0, noise, t, schedule)).mean()


@mutant("6.6", "weights early by one", says="The weights are read at t - 1", keeps=("L_simple", "x0, v, score and mean"))
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t - 1, x0) * squares(kind, prediction, x0, noise, t, schedule)).mean()


@mutant("6.6", "weights inside the square", says="The weights are squared", keeps=("L_simple", "x0, v, score and mean"))
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t, x0) ** 2 * squares(kind, prediction, x0, noise, t, schedule)).mean()


@mutant("6.6", "noise for every kind", says="The target is that of the kind 'eps'", keeps=("L_simple",))
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t, x0) * squares("eps", prediction, x0, noise, t, schedule)).mean()


@mutant("6.6", "sign of the target", says="The sign of the target is wrong")
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t, x0) * squares(kind, -prediction, x0, noise, t, schedule)).mean()


@mutant("6.6", "no gradient", says="No gradient reaches the prediction", keeps=VALUES)
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    with torch.no_grad():
        return (factors(weights, t, x0) * squares(kind, prediction, x0, noise, t, schedule)).mean()


@mutant("6.6", "double precision out", says="the prediction is float32", keeps=("L_simple", "x0, v, score and mean", "weights"))
def denoising_loss(kind, prediction, x0, noise, t, schedule, weights=None):  # noqa: F811
    return (factors(weights, t, x0) * squares(kind, prediction, x0, noise, t, schedule)).double().mean()
