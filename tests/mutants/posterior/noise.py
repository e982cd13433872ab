"""Wrong answers to exercise 5.6: the posterior mean from the noise."""

from __future__ import annotations

import torch
from answers import mutant

from .mean import ENDS, ONE, ROWS, at, rows


def mean(x_t, noise, t, schedule, of_noise=None, divisor=None):
    """The right answer, or one with another coefficient of the noise or another division, each from (alpha, beta, before, now)."""
    parts = at(t, schedule, x_t)
    alpha, beta, _, now = parts
    of_noise = beta / (1 - now).sqrt() if of_noise is None else of_noise(*parts)
    divisor = alpha.sqrt() if divisor is None else divisor(*parts)
    return (x_t - of_noise.to(x_t.dtype) * noise) / divisor.to(x_t.dtype)


@mutant("5.6", "one-step coefficient", says="as if the noise were that step's own")
def posterior_mean_from_noise(x_t, noise, t, schedule):
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: beta.sqrt())


@mutant("5.6", "beta alone", says="the division by sqrt(1 - alpha_bar_t) is missing")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: beta)


@mutant("5.6", "variance for standard deviation", says="The noise is divided by 1 - alpha_bar_t")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: beta / (1 - now))


@mutant("5.6", "all the noise", says="This takes all the noise out")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: (1 - now).sqrt())


@mutant("5.6", "the datum", says="This is x_0, the datum itself", keeps=())
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: (1 - now).sqrt(),
                lambda alpha, beta, before, now: now.sqrt())


@mutant("5.6", "no division", says="The division by sqrt(alpha_t) is missing")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, divisor=lambda alpha, beta, before, now: torch.ones_like(alpha))


@mutant("5.6", "divided by alpha", says="This divides by alpha_t")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, divisor=lambda alpha, beta, before, now: alpha)


@mutant("5.6", "bracket forgotten", says="belongs into the bracket too")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    alpha, beta, _, now = at(t, schedule, x_t)
    return x_t / alpha.sqrt().to(x_t.dtype) - (beta / (1 - now).sqrt()).to(x_t.dtype) * noise


@mutant("5.6", "noise added", says="The noise is added")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, -noise, t, schedule)


@mutant("5.6", "divided by the root of alpha_bar", says="one step back divides by sqrt(alpha_t)")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, divisor=lambda alpha, beta, before, now: now.sqrt())


@mutant("5.6", "root of the time before", says="the root is that of 1 - alpha_bar_{t-1}")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: beta / (1 - before).sqrt())


@mutant("5.6", "time counted from 0", says="these are the coefficients of time t - 1")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, (torch.as_tensor(t) - 1).clamp(min=1), schedule)


@mutant("5.6", "time of the first row", says="All rows have the time of the first row", keeps=ONE)
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, torch.as_tensor(t).flatten()[0], schedule)


@mutant("5.6", "wrong axis", says="run along axis 1", keeps=ONE)
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    alpha, beta, now = schedule.alphas[t], schedule.betas[t], schedule.alpha_bars[t]
    return (x_t - beta / (1 - now).sqrt() * noise) / alpha.sqrt()


@mutant("5.6", "coefficients in the dtype of the data", says="were computed in float32",
        keeps=(*ONE, *ROWS, *ENDS, "gradients"))
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    alpha, beta, now = (rows(table[torch.as_tensor(t)].to(x_t.dtype), x_t)
                        for table in (schedule.alphas, schedule.betas, schedule.alpha_bars))
    return (x_t - beta / (1 - now).sqrt() * noise) / alpha.sqrt()


@mutant("5.6", "noise detached", says="No gradient flows to noise", keeps=(*ONE, *ROWS, *ENDS, "float32"))
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise.detach(), t, schedule)


@mutant("5.6", "root of beta too", says="The root is taken of beta_t too")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: (beta / (1 - now)).sqrt())


@mutant("5.6", "alpha for beta", says="alpha_t in the place of beta_t")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(x_t, noise, t, schedule, lambda alpha, beta, before, now: alpha / (1 - now).sqrt())


@mutant("5.6", "arguments exchanged", says="x_t and the noise are exchanged")
def posterior_mean_from_noise(x_t, noise, t, schedule):  # noqa: F811
    return mean(noise, x_t, t, schedule)
