"""Wrong answers to exercise 5.3: the posterior variance."""

from __future__ import annotations

import torch
from answers import mutant

ENDS = ("times 0 and 1",)


def table(values):
    """Values for the times 1..T, behind a 0 for time 0."""
    return torch.cat([torch.zeros(1, dtype=torch.float64), values])


def parts(schedule):
    """beta_t, alpha_bar_{t-1} and alpha_bar_t for t = 1..T."""
    return schedule.betas[1:], schedule.alpha_bars[:-1], schedule.alpha_bars[1:]


@mutant("5.3", "variance of the step", says="This is beta_t, the variance of the step forwards")
def posterior_variance(schedule):
    return schedule.betas.clone()


@mutant("5.3", "a root too many", says="without a root", keeps=ENDS)
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return table(beta * (1 - before.sqrt()) / (1 - now))


@mutant("5.3", "standard deviation", says="This is the standard deviation", keeps=ENDS)
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return table((beta * (1 - before) / (1 - now)).sqrt())


@mutant("5.3", "upside down", says="The fraction is upside down")
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return table(beta * (1 - now) / (1 - before))


@mutant("5.3", "no factor beta", says="The factor beta_t is missing", keeps=ENDS)
def posterior_variance(schedule):  # noqa: F811
    _, before, now = parts(schedule)
    return table((1 - before) / (1 - now))


@mutant("5.3", "alpha for beta", says="alpha_t in the place of beta_t", keeps=ENDS)
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return table((1 - beta) * (1 - before) / (1 - now))


@mutant("5.3", "signal for noise above", says="Above stands alpha_bar_{t-1}")
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return table(beta * before / (1 - now))


@mutant("5.3", "without x_t", says="the variance of x_{t-1} given x_0 alone", keeps=ENDS)
def posterior_variance(schedule):  # noqa: F811
    return table(1 - schedule.alpha_bars[:-1])


@mutant("5.3", "precision", says="This is the precision")
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return table((1 - now) / (beta * (1 - before)))


@mutant("5.3", "no entry for time 0", says="The entry for time 0 is missing")
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return beta * (1 - before) / (1 - now)


@mutant("5.3", "0/0 at time 0", says="entry 0 is NaN", keeps=("values", "T = 1000, float64"))
def posterior_variance(schedule):  # noqa: F811
    before = torch.cat([schedule.alpha_bars[:1], schedule.alpha_bars[:-1]])
    return schedule.betas * (1 - before) / (1 - schedule.alpha_bars)


@mutant("5.3", "entry 1 filled up with entry 2", says="is not to be replaced or clipped", keeps=("values", "T = 1000, float64"))
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    found = table(beta * (1 - before) / (1 - now))
    found[1] = found[2] if len(found) > 2 else 1e-4
    return found


@mutant("5.3", "t and t + 1", says="the two alpha_bars are those of t and t + 1")
def posterior_variance(schedule):  # noqa: F811
    later = torch.cat([schedule.alpha_bars[2:], schedule.alpha_bars[-1:]])
    return table(schedule.betas[1:] * (1 - schedule.alpha_bars[1:]) / (1 - later))


@mutant("5.3", "computed in float32", says="right to single precision only", keeps=ENDS)
def posterior_variance(schedule):  # noqa: F811
    betas = schedule.betas.float()
    now = (1 - betas).cumprod(0)
    found = torch.zeros_like(betas)
    found[1:] = betas[1:] * (1 - now[:-1]) / (1 - now[1:])
    return found.double()


@mutant("5.3", "clipped", says="is not to be replaced or clipped", keeps=("values", "T = 1000, float64"))
def posterior_variance(schedule):  # noqa: F811
    beta, before, now = parts(schedule)
    return table((beta * (1 - before) / (1 - now)).clamp(min=1e-20))
