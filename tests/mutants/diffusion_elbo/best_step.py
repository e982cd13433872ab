"""Wrong answers to exercise 4.6: the best reverse step."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.gaussian_diffusion import ReverseChain, conditional_law

SLOPES, SHIFTS, VARIANCES, PRIOR = ("slopes",), ("shifts",), ("variances",), ("prior",)


def moments(mean, variance, schedule):
    """Means and variances of x_0, ..., x_T, and alpha as a column."""
    abar = schedule.alpha_bars[:, None]
    return abar.sqrt() * mean, abar * variance + 1 - abar, schedule.alphas[:, None]


def before(table):
    return torch.cat([table[:1], table[:-1]])


def chain(mean, variance, schedule, **change):
    """The right chain, some of whose tables are replaced by functions of (means, variances, alphas, slopes)."""
    means, spreads, alphas = moments(mean, variance, schedule)
    slopes = alphas.sqrt() * before(spreads) / spreads
    if "slopes" in change:
        slopes = change.pop("slopes")(means, spreads, alphas)
    tables = {"shifts": before(means) - slopes * means, "variances": before(spreads) * (1 - alphas * before(spreads) / spreads),
              "prior_mean": means[-1], "prior_variance": spreads[-1]}
    tables |= {name: make(means, spreads, alphas, slopes) for name, make in change.items()}
    tables["variances"] = tables["variances"].clamp(min=1e-9)
    return ReverseChain(slopes=slopes, **tables)


@mutant("4.6", "inverts the step", says="This inverts the forward step without its noise", keeps=VARIANCES + PRIOR)
def optimal_reverse(mean, variance, schedule):
    return chain(mean, variance, schedule, slopes=lambda m, v, a: 1 / a.sqrt() * torch.ones_like(v))


@mutant("4.6", "slope of the forward step", says="This is the slope of the forward step", keeps=VARIANCES + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, slopes=lambda m, v, a: a.sqrt() * torch.ones_like(v))


@mutant("4.6", "no factor in the covariance", says="the factor is missing", keeps=VARIANCES + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, slopes=lambda m, v, a: before(v) / v)


@mutant("4.6", "variances exchanged", says="and the other way round", keeps=VARIANCES + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, slopes=lambda m, v, a: a.sqrt() * v / before(v))


@mutant("4.6", "no shift", says="The shift is 0", keeps=SLOPES + VARIANCES + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, shifts=lambda m, v, a, s: 0 * s)


@mutant("4.6", "data mean at all times", says="The data's mean stands in the place", keeps=SLOPES + VARIANCES + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, shifts=lambda m, v, a, s: mean * (1 - s))


@mutant("4.6", "shift without the slope", says="the slope's share of the mean of x_t", keeps=SLOPES + VARIANCES + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, shifts=lambda m, v, a, s: before(m))


@mutant("4.6", "standard deviations", says="These are standard deviations", keeps=SLOPES + SHIFTS + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, variances=lambda m, v, a, s: (before(v) * (1 - a * before(v) / v)).clamp(min=0).sqrt())


@mutant("4.6", "beta", says="This is beta_t, the variance of the forward step", keeps=SLOPES + SHIFTS + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, variances=lambda m, v, a, s: (1 - a) * torch.ones_like(v))


@mutant("4.6", "variance given x_0", says="It knows x_0, which the reverse step does not", keeps=SLOPES + SHIFTS + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    def known(m, v, a, s):
        times = torch.arange(2, schedule.T + 1)
        left = v.clone()
        left[:2] = 1e-9
        if schedule.T > 1:
            blank = torch.zeros(schedule.T - 1, len(mean)).double()
            left[2:] = conditional_law(blank, blank, times, schedule).variance
        return left

    return chain(mean, variance, schedule, variances=known)


@mutant("4.6", "variance of x_{t-1}", says="before x_t is known", keeps=SLOPES + SHIFTS + PRIOR)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, variances=lambda m, v, a, s: before(v))


@mutant("4.6", "standard normal prior", says="This is the standard normal law", keeps=SLOPES + SHIFTS + VARIANCES)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, prior_mean=lambda m, v, a, s: 0 * mean, prior_variance=lambda m, v, a, s: 0 * mean + 1)


@mutant("4.6", "prior of one datum", says="This is q(x_T | x_0) at x_0 = mean", keeps=SLOPES + SHIFTS + VARIANCES)
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    return chain(mean, variance, schedule, prior_variance=lambda m, v, a, s: 0 * mean + 1 - schedule.alpha_bars[-1])


@mutant("4.6", "tuple of tables", says="must return a ReverseChain, got tuple")
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    made = chain(mean, variance, schedule)
    return made.slopes, made.shifts, made.variances


@mutant("4.6", "in float32", says="right to single precision only")
def optimal_reverse(mean, variance, schedule):  # noqa: F811
    right = chain(mean, variance, schedule)
    return ReverseChain(right.slopes.float(), right.shifts.float(), right.variances.float(),
                        right.prior_mean.float(), right.prior_variance.float())
