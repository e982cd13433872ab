"""Wrong answers to exercise 4.5: the terms of the second form."""

from __future__ import annotations

import torch
from answers import mutant
from torch.distributions import Normal, kl_divergence

from ddpmlib.gaussian_diffusion import conditional_law, jump_law, step_law

SINGLE = ("divergence, one time", "divergence, a time a row")
TABLE = ("reconstruction", "denoising matching", "prior matching", "one step (T = 1)", "gradient to the model")


def first(path, reverse):
    return reverse.step(path[1], 1).log_prob(path[0])


def middle(path, schedule, reverse):
    return [kl_divergence(conditional_law(path[t], path[0], t, schedule), reverse.step(path[t], t))
            for t in range(2, schedule.T + 1)]


def last(path, schedule, reverse):
    return kl_divergence(jump_law(path[0], schedule.T, schedule), reverse.prior)


def table(*rows):
    return torch.stack(rows).sum(-1)


@mutant("4.5", "arguments exchanged", says="The arguments of the divergence are exchanged", keeps=("reconstruction", "prior matching"))
def denoising_matching(x0, x_t, t, schedule, reverse):
    return kl_divergence(reverse.step(x_t, t), conditional_law(x_t, x0, t, schedule)).sum(-1)


@mutant("4.5", "x_t not used", says="x_t is not used")
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    return kl_divergence(jump_law(x0, t - 1, schedule), reverse.step(x_t, t)).sum(-1)


@mutant("4.5", "variance of the step", says="with the variance beta_t of the forward step")
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    law = Normal(conditional_law(x_t, x0, t, schedule).mean, step_law(x_t, t, schedule).stddev)
    return kl_divergence(law, reverse.step(x_t, t)).sum(-1)


@mutant("4.5", "means only", says="These are the means only")
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    p = reverse.step(x_t, t)
    return ((conditional_law(x_t, x0, t, schedule).mean - p.mean) ** 2 / (2 * p.variance)).sum(-1)


@mutant("4.5", "negative", says="a divergence is not negative")
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    return -kl_divergence(conditional_law(x_t, x0, t, schedule), reverse.step(x_t, t)).sum(-1)


@mutant("4.5", "mean over the components", says="the divergences of independent components add up")
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    return kl_divergence(conditional_law(x_t, x0, t, schedule), reverse.step(x_t, t)).mean(-1)


@mutant("4.5", "one number for the batch", says="one number for each row is asked for")
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    return kl_divergence(conditional_law(x_t, x0, t, schedule), reverse.step(x_t, t)).sum(-1).mean(0)


@mutant("4.5", "divergence detached", says="No gradient reaches the model", keeps=(*SINGLE, *TABLE[:-1]))
def denoising_matching(x0, x_t, t, schedule, reverse):  # noqa: F811
    return kl_divergence(conditional_law(x_t, x0, t, schedule), reverse.step(x_t, t)).sum(-1).detach()


@mutant("4.5", "plus signs", says="contributes to the ELBO with a minus sign", keeps=(*SINGLE, "reconstruction"))
def form2_terms(path, schedule, reverse):
    return table(first(path, reverse), *middle(path, schedule, reverse), last(path, schedule, reverse))


@mutant("4.5", "log-ratios", says="This is the log-ratio at the path's own state", keeps=(*SINGLE, "reconstruction"))
def form2_terms(path, schedule, reverse):  # noqa: F811
    T, x0 = schedule.T, path[0]
    rows = [reverse.step(path[t + 1], t + 1).log_prob(path[t])
            - conditional_law(path[t + 1], x0, t + 1, schedule).log_prob(path[t]) for t in range(1, T)]
    return table(first(path, reverse), *rows, reverse.prior.log_prob(path[T]) - jump_law(x0, T, schedule).log_prob(path[T]))


@mutant("4.5", "prior matching of the first form", says="This is the prior matching of the first form",
        keeps=(*SINGLE, "reconstruction", "denoising matching"))
def form2_terms(path, schedule, reverse):  # noqa: F811
    end = reverse.prior.log_prob(path[-1]) - step_law(path[-2], schedule.T, schedule).log_prob(path[-1])
    return table(first(path, reverse), *(-row for row in middle(path, schedule, reverse)), end)


@mutant("4.5", "rows backwards", says="The rows run backwards", keeps=(*SINGLE, "reconstruction", "prior matching"))
def form2_terms(path, schedule, reverse):  # noqa: F811
    rows = [-row for row in middle(path, schedule, reverse)]
    return table(first(path, reverse), *rows[::-1], -last(path, schedule, reverse))


@mutant("4.5", "prior exchanged", says="The arguments of the prior's divergence are exchanged",
        keeps=(*SINGLE, "reconstruction", "denoising matching"))
def form2_terms(path, schedule, reverse):  # noqa: F811
    end = kl_divergence(reverse.prior, jump_law(path[0], schedule.T, schedule))
    return table(first(path, reverse), *(-row for row in middle(path, schedule, reverse)), -end)


@mutant("4.5", "terms added up", says="The terms are added up already", keeps=SINGLE)
def form2_terms(path, schedule, reverse):  # noqa: F811
    rows = [-row for row in middle(path, schedule, reverse)]
    return table(first(path, reverse), *rows, -last(path, schedule, reverse)).sum(0)


@mutant("4.5", "detached", says="No gradient reaches the model", keeps=(*SINGLE, *TABLE[:-1]))
def form2_terms(path, schedule, reverse):  # noqa: F811
    rows = [-row for row in middle(path, schedule, reverse)]
    return table(first(path, reverse), *rows, -last(path, schedule, reverse)).detach()


@mutant("4.5", "prior detached", says="No gradient reaches the prior", keeps=(*SINGLE, *TABLE[:-1]))
def form2_terms(path, schedule, reverse):  # noqa: F811
    rows = [-row for row in middle(path, schedule, reverse)]
    return table(first(path, reverse), *rows, -last(path, schedule, reverse).detach())


@mutant("4.5", "standard normal prior", says="This is the divergence to the standard normal law",
        keeps=(*SINGLE, "reconstruction", "denoising matching"))
def form2_terms(path, schedule, reverse):  # noqa: F811
    jump = jump_law(path[0], schedule.T, schedule)
    normal = type(jump)(torch.zeros_like(jump.mean), torch.ones_like(jump.mean))
    rows = [-row for row in middle(path, schedule, reverse)]
    return table(first(path, reverse), *rows, -kl_divergence(jump, normal))


@mutant("4.5", "a list", says="should be a tensor of shape (5, 2), got a list of 5", keeps=SINGLE)
def form2_terms(path, schedule, reverse):  # noqa: F811
    rows = [-row for row in middle(path, schedule, reverse)]
    return list(table(first(path, reverse), *rows, -last(path, schedule, reverse)))


@mutant("4.5", "single precision", says="right to single precision only", keeps=SINGLE)
def form2_terms(path, schedule, reverse):  # noqa: F811
    rows = [-row for row in middle(path, schedule, reverse)]
    return table(first(path, reverse), *rows, -last(path, schedule, reverse)).float()
