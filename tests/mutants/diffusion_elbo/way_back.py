"""Wrong answers to exercise 4.3: the way back, by Bayes' rule."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.gaussian_diffusion import jump_law, step_law


def three(x_prev, x_t, x0, t, schedule):
    return (step_law(x_prev, t, schedule).log_prob(x_t), jump_law(x0, t - 1, schedule).log_prob(x_prev),
            jump_law(x0, t, schedule).log_prob(x_t))


def right(*arguments):
    step, before, after = three(*arguments)
    return step + before - after


@mutant("4.3", "jumps exchanged", says="The two jumps are exchanged")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):
    step, before, after = three(x_prev, x_t, x0, t, schedule)
    return (step + after - before).sum(-1)


@mutant("4.3", "no denominator", says="The denominator q(x_t | x_0) is missing")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    step, before, _ = three(x_prev, x_t, x0, t, schedule)
    return (step + before).sum(-1)


@mutant("4.3", "denominator added", says="that of the denominator is to be subtracted")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return sum(three(x_prev, x_t, x0, t, schedule)).sum(-1)


@mutant("4.3", "likelihood alone", says="This is q(x_t | x_{t-1}) alone")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return step_law(x_prev, t, schedule).log_prob(x_t).sum(-1)


@mutant("4.3", "no prior factor", says="The factor q(x_{t-1} | x_0) is missing")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    step, _, after = three(x_prev, x_t, x0, t, schedule)
    return (step - after).sum(-1)


@mutant("4.3", "both jumps at t", says="Off by one: q(x_{t-1} | x_0) is the jump to time t - 1")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    step, _, after = three(x_prev, x_t, x0, t, schedule)
    return (step + jump_law(x0, t, schedule).log_prob(x_prev) - after).sum(-1)


@mutant("4.3", "step of t - 1", says="Off by one: the step to x_t is that of time t")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    _, before, after = three(x_prev, x_t, x0, t, schedule)
    return (step_law(x_prev, t - 1, schedule).log_prob(x_t) + before - after).sum(-1)


@mutant("4.3", "step read backwards", says="The step is read backwards")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    _, before, after = three(x_prev, x_t, x0, t, schedule)
    return (step_law(x_t, t, schedule).log_prob(x_prev) + before - after).sum(-1)


@mutant("4.3", "mean over the components", says="The components are averaged")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return right(x_prev, x_t, x0, t, schedule).mean(-1)


@mutant("4.3", "components not summed", says="The components are not added up")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return right(x_prev, x_t, x0, t, schedule)


@mutant("4.3", "sum over the rows", says="The sum is taken over the rows")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return right(x_prev, x_t, x0, t, schedule).sum(0)


@mutant("4.3", "density", says="This is the density")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return right(x_prev, x_t, x0, t, schedule).sum(-1).exp()


@mutant("4.3", "time of the first row", says="All rows have the time of the first row", keeps=("one time for all",))
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return right(x_prev, x_t, x0, int(torch.as_tensor(t).flatten()[0]), schedule).sum(-1)


@mutant("4.3", "in float32", says="right to single precision only")
def posterior_log_prob(x_prev, x_t, x0, t, schedule):  # noqa: F811
    return right(x_prev, x_t, x0, t, schedule).sum(-1).float()
