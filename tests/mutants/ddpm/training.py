"""Wrong answers to exercises 7.1 and 7.7: the training loss, and the loss at each time."""

from __future__ import annotations

import torch
from answers import mutant

ROWS, GRADIENT, PRECISION = ("a time for each row",), ("gradient",), ("precision",)


def rows(table, t, x):
    return table[torch.as_tensor(t)].to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))


def each(t, x):
    return torch.as_tensor(t).expand(len(x))


def jump(x0, t, noise, schedule):
    abar = rows(schedule.alpha_bars, t, x0)
    return abar.sqrt() * x0 + (1 - abar).sqrt() * noise


def error(model, x0, t, noise, schedule):
    return noise - model(jump(x0, t, noise, schedule), each(t, x0))


@mutant("7.1", "sum for mean", says="This is the sum of the squares")
def training_loss(model, x0, t, noise, schedule):
    return error(model, x0, t, noise, schedule).square().sum()


@mutant("7.1", "squared norm of a row", says="The squares of a row are summed")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0, t, noise, schedule).square().flatten(1).sum(1).mean() if x0.ndim > 1 else (
        error(model, x0, t, noise, schedule).square().mean())


@mutant("7.1", "mean over the batch only", says="it should be one number, over all elements")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0, t, noise, schedule).square().mean(0)


@mutant("7.1", "no square", says="the square is missing")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0, t, noise, schedule).abs().mean()


@mutant("7.1", "root", says="no root is taken")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0, t, noise, schedule).square().mean().sqrt()


@mutant("7.1", "compared with the data", says="this model predicts the noise")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return (x0 - model(jump(x0, t, noise, schedule), each(t, x0))).square().mean()


@mutant("7.1", "clean input", says="The model gets the clean x_0")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return (noise - model(x0, each(t, x0))).square().mean()


@mutant("7.1", "variances as coefficients", says="take the square roots")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    abar = rows(schedule.alpha_bars, t, x0)
    return (noise - model(abar * x0 + (1 - abar) * noise, each(t, x0))).square().mean()


@mutant("7.1", "one step of noise", says="This x_t is one step from x_0")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    alpha = rows(schedule.alphas, t, x0)
    return (noise - model(alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise, each(t, x0))).square().mean()


@mutant("7.1", "model counts from 0", says="The model is told t - 1", keeps=())
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return (noise - model(jump(x0, t, noise, schedule), each(t, x0) - 1)).square().mean()


@mutant("7.1", "tables count from 0", says="x_t is that of time t - 1; index t is time t")
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return (noise - model(jump(x0, t - 1, noise, schedule), each(t, x0))).square().mean()


@mutant("7.1", "time of the first row", says="All rows have the time of the first row", keeps=("one time for all",))
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0, each(t, x0)[:1].expand(len(x0)), noise, schedule).square().mean()


@mutant("7.1", "wrong axis", says="run along the last axis", keeps=("one time for all",))
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    abar = schedule.alpha_bars[t].to(x0.dtype)
    if abar.ndim and x0.shape[-1] != len(abar):
        return error(model, x0, t, noise, schedule).square().mean()
    return (noise - model(abar.sqrt() * x0 + (1 - abar).sqrt() * noise, each(t, x0))).square().mean()


@mutant("7.1", "detached", says="No gradient reaches", keeps=("one time for all", *ROWS, *PRECISION))
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0, t, noise, schedule).detach().square().mean()


@mutant("7.1", "own noise", says="use the noise and the times that are passed in", keeps=())
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0, t, torch.randn_like(x0), schedule).square().mean()


@mutant("7.1", "float32 tables", says="right to single precision only", keeps=("one time for all", *ROWS, *GRADIENT))
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    abar = rows(schedule.alpha_bars.float(), t, x0.float())
    return (noise - model((abar.sqrt() * x0.float() + (1 - abar).sqrt() * noise.float()).to(x0.dtype), each(t, x0))).square().mean()


@mutant("7.1", "promoted to float64", says="x0 is float32, and the loss should be", keeps=("one time for all", *ROWS, *GRADIENT))
def training_loss(model, x0, t, noise, schedule):  # noqa: F811
    return error(model, x0.double(), t, noise.double(), schedule).square().mean()


def losses(model, x0, times, noise, schedule):
    with torch.no_grad():
        return torch.stack([error(model, x0, t, noise, schedule).square().mean() for t in times.tolist()])


@mutant("7.7", "mean over the times", says="This is the mean over the times")
def loss_per_time(model, x0, times, noise, schedule):
    return losses(model, x0, times, noise, schedule).mean()


@mutant("7.7", "sum over the elements", says="This is the sum over a time's elements", keeps=("no graph",))
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    return losses(model, x0, times, noise, schedule) * x0.numel()


@mutant("7.7", "positions as times", says="Entry i belongs to the time i + 1", keeps=("no graph",))
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    return losses(model, x0, torch.arange(1, len(times) + 1), noise, schedule)


@mutant("7.7", "sorted times", says="The entries come sorted by time", keeps=("no graph",))
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    return losses(model, x0, times.sort().values, noise, schedule)


@mutant("7.7", "all times", says="This is a table over all times")
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    return losses(model, x0, torch.arange(1, schedule.T + 1), noise, schedule)


@mutant("7.7", "a row a time", says="every time is asked about all rows", keeps=("no graph",))
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    if len(times) != len(x0):
        return losses(model, x0, times, noise, schedule)
    with torch.no_grad():
        return error(model, x0, times, noise, schedule).square().flatten(1).mean(1)


@mutant("7.7", "root", says="This is the root of each loss", keeps=("no graph",))
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    return losses(model, x0, times, noise, schedule).sqrt()


@mutant("7.7", "mean over the batch only", says="the mean goes over the components too")
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    with torch.no_grad():
        return torch.stack([error(model, x0, t, noise, schedule).square().mean(0) for t in times.tolist()])


@mutant("7.7", "with a graph", says="the losses carry a graph", keeps=("values", "precision"))
def loss_per_time(model, x0, times, noise, schedule):  # noqa: F811
    return torch.stack([error(model, x0, t, noise, schedule).square().mean() for t in times.tolist()])
