"""Wrong answers to exercise 5.4: the posterior mean."""

from __future__ import annotations

import torch
from answers import mutant

ONE, ROWS, ENDS = ("one time for all",), ("a time for each row",), ("t = 1 and t = T",)


def rows(values, x):
    return values.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1)) if values.ndim else values.to(x.dtype)


def at(t, schedule, x):
    """alpha_t, beta_t, alpha_bar_{t-1}, alpha_bar_t, shaped for the rows of x."""
    t = torch.as_tensor(t)
    return [rows(values, x.double()) for values in (
        schedule.alphas[t], schedule.betas[t], schedule.alpha_bars[t - 1], schedule.alpha_bars[t])]


def weights(t, schedule, x):
    alpha, beta, before, now = at(t, schedule, x)
    return (alpha.sqrt() * (1 - before) / (1 - now)).to(x.dtype), (before.sqrt() * beta / (1 - now)).to(x.dtype)


@mutant("5.4", "swapped weights", says="The weights are swapped")
def posterior_mean(x0, x_t, t, schedule):
    of_x_t, of_x0 = weights(t, schedule, x0)
    return of_x0 * x_t + of_x_t * x0


@mutant("5.4", "alpha without its root", says="The weight of x_t has alpha_t")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return at(t, schedule, x0)[0].sqrt().to(x0.dtype) * of_x_t * x_t + of_x0 * x0


@mutant("5.4", "no factor sqrt(alpha)", says="The weight of x_t lacks the factor sqrt(alpha_t)")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return of_x_t / at(t, schedule, x0)[0].sqrt().to(x0.dtype) * x_t + of_x0 * x0


@mutant("5.4", "alpha_bar without its root", says="The weight of x_0 has alpha_bar_{t-1}")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return of_x_t * x_t + at(t, schedule, x0)[2].sqrt().to(x0.dtype) * of_x0 * x0


@mutant("5.4", "root of alpha_bar_t", says="The weight of x_0 has sqrt(alpha_bar_t)")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return of_x_t * x_t + at(t, schedule, x0)[0].sqrt().to(x0.dtype) * of_x0 * x0


@mutant("5.4", "normalised", says="do not divide by their sum")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return (of_x_t * x_t + of_x0 * x0) / (of_x_t + of_x0)


@mutant("5.4", "one minus the weight of x_0", says="not 1 minus that of x_0")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x0 = weights(t, schedule, x0)[1]
    return (1 - of_x0) * x_t + of_x0 * x0


@mutant("5.4", "no division", says="The division by 1 - alpha_bar_t is missing")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    alpha, beta, before, _ = at(t, schedule, x0)
    return (alpha.sqrt() * (1 - before) * x_t + before.sqrt() * beta * x0).to(x0.dtype)


@mutant("5.4", "only the shrinking undone", says="the shrinking is undone, but x_0 is not used")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    return x_t / at(t, schedule, x0)[0].sqrt().to(x0.dtype)


@mutant("5.4", "x_t not used", says="the mean of x_{t-1} given x_0 alone")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    return at(t, schedule, x0)[2].sqrt().to(x0.dtype) * x0


@mutant("5.4", "time counted from 0", says="these are the weights of time t - 1")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights((torch.as_tensor(t) - 1).clamp(min=1), schedule, x0)
    return of_x_t * x_t + of_x0 * x0


@mutant("5.4", "time of the first row", says="All rows have the time of the first row", keeps=ONE)
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(torch.as_tensor(t).flatten()[0], schedule, x0)
    return of_x_t * x_t + of_x0 * x0


@mutant("5.4", "wrong axis", says="run along axis 1", keeps=ONE)
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    before, now = schedule.alpha_bars[t - 1], schedule.alpha_bars[t]
    return schedule.alphas[t].sqrt() * (1 - before) / (1 - now) * x_t + before.sqrt() * schedule.betas[t] / (1 - now) * x0


@mutant("5.4", "promoted to float64", says="should be float32, as the data are", keeps=(*ONE, *ROWS, *ENDS, "gradients"))
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0.double())
    return of_x_t * x_t + of_x0 * x0


@mutant("5.4", "coefficients in the dtype of the data", says="were computed in float32",
        keeps=(*ONE, *ROWS, *ENDS, "gradients"))
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    t = torch.as_tensor(t)
    alpha, beta, before, now = (rows(table[times].to(x0.dtype), x0) for table, times in (
        (schedule.alphas, t), (schedule.betas, t), (schedule.alpha_bars, t - 1), (schedule.alpha_bars, t)))
    return alpha.sqrt() * (1 - before) / (1 - now) * x_t + before.sqrt() * beta / (1 - now) * x0


@mutant("5.4", "coefficients in float32", says="right to single precision only", keeps=("gradients",))
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = (weight.float().double() for weight in weights(t, schedule, x0.double()))
    return (of_x_t * x_t + of_x0 * x0).to(x0.dtype)


@mutant("5.4", "datum detached", says="No gradient flows to x0", keeps=(*ONE, *ROWS, *ENDS, "float32"))
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return of_x_t * x_t + of_x0 * x0.detach()


@mutant("5.4", "no_grad", says="No gradient flows to either argument", keeps=(*ONE, *ROWS, *ENDS, "float32"))
@torch.no_grad()
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return of_x_t * x_t + of_x0 * x0


@mutant("5.4", "no roots at all", says="Both weights lack a square root")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    alpha, beta, before, now = at(t, schedule, x0)
    return ((alpha * (1 - before) * x_t + before * beta * x0) / (1 - now)).to(x0.dtype)


@mutant("5.4", "alpha_bar_t for that of t - 1", says="alpha_bar_t stands in both places")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    alpha, beta, _, now = at(t, schedule, x0)
    return (alpha.sqrt() * x_t + now.sqrt() * beta / (1 - now) * x0).to(x0.dtype)


@mutant("5.4", "root of beta", says="The weight of x_0 has sqrt(beta_t)")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    of_x_t, of_x0 = weights(t, schedule, x0)
    return of_x_t * x_t + of_x0 / at(t, schedule, x0)[1].sqrt().to(x0.dtype) * x0


@mutant("5.4", "alpha for beta", says="The weight of x_0 has alpha_t in the place of beta_t")
def posterior_mean(x0, x_t, t, schedule):  # noqa: F811
    alpha, _, before, now = at(t, schedule, x0)
    return weights(t, schedule, x0)[0] * x_t + (before.sqrt() * alpha / (1 - now)).to(x0.dtype) * x0
