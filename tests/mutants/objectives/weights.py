"""Wrong answers to Exercise 6.5, the table of weights."""

from __future__ import annotations

import torch
from answers import mutant

ZERO = torch.zeros(1, dtype=torch.float64)


def moves(kind, schedule):
    left, before, beta = schedule.alpha_bars[1:], schedule.alpha_bars[:-1], schedule.betas[1:]
    of_x0 = before.sqrt() * beta / (1 - left)
    factor = {"mean": 1 / of_x0, "x0": torch.ones_like(left), "eps": ((1 - left) / left).sqrt(),
              "v": (1 - left).sqrt(), "score": (1 - left) / left.sqrt()}
    return of_x0 * factor[kind]


def table(squared, variances):
    return torch.cat([ZERO, squared / (2 * variances[1:].double())])


@mutant("6.5", "no half", says="The factor 1/2 is missing")
def loss_weights(kind, schedule, variances):
    return 2 * table(moves(kind, schedule) ** 2, variances)


@mutant("6.5", "variances squared", says="variances holds sigma_t^2 already")
def loss_weights(kind, schedule, variances):  # noqa: F811
    return table(moves(kind, schedule) ** 2, variances.double() ** 2)


@mutant("6.5", "roots of the variances", says="its root is not asked for")
def loss_weights(kind, schedule, variances):  # noqa: F811
    return table(moves(kind, schedule) ** 2, variances.double().sqrt())


@mutant("6.5", "not squared", says="The factor of the error enters squared", keeps=("mean",))
def loss_weights(kind, schedule, variances):  # noqa: F811
    return table(moves(kind, schedule), variances)


@mutant("6.5", "always the posterior's variances", says="this takes the posterior's beta-tilde_t")
def loss_weights(kind, schedule, variances):  # noqa: F811
    tilde = schedule.betas.clone()
    tilde[1:] *= (1 - schedule.alpha_bars[:-1]) / (1 - schedule.alpha_bars[1:])
    return table(moves(kind, schedule) ** 2, tilde)


@mutant("6.5", "always the betas", says="this takes beta_t")
def loss_weights(kind, schedule, variances):  # noqa: F811
    return table(moves(kind, schedule) ** 2, schedule.betas)


@mutant("6.5", "no entry for time 0", says="the table without its entry for time 0")
def loss_weights(kind, schedule, variances):  # noqa: F811
    return table(moves(kind, schedule) ** 2, variances)[1:]


@mutant("6.5", "early by one", says="this is the weight of t + 1 at t")
def loss_weights(kind, schedule, variances):  # noqa: F811
    return table(moves(kind, schedule) ** 2, variances).roll(-1)


@mutant("6.5", "NaN at time 0", says="Entry 0 is to be 0")
def loss_weights(kind, schedule, variances):  # noqa: F811
    weights = table(moves(kind, schedule) ** 2, variances)
    weights[0] = torch.nan
    return weights


@mutant("6.5", "eps for every kind but the mean", says="These are the weights of the kind 'eps'", keeps=("mean", "eps"))
def loss_weights(kind, schedule, variances):  # noqa: F811
    return table(moves("mean" if kind == "mean" else "eps", schedule) ** 2, variances)


@mutant("6.5", "ratio without its root", says="squared, without the root", keeps=("mean", "x0", "v", "score"))
def loss_weights(kind, schedule, variances):  # noqa: F811
    squared = moves(kind, schedule) ** 2
    if kind == "eps":
        squared = squared * (1 - schedule.alpha_bars[1:]) / schedule.alpha_bars[1:]
    return table(squared, variances)


@mutant("6.5", "single precision", says="right to single precision only")
def loss_weights(kind, schedule, variances):  # noqa: F811
    weights = table(moves(kind, schedule).float() ** 2, variances.float())
    return weights.float().double()
