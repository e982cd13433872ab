"""Wrong answers to exercise 4.1: the terms of the first form."""

from __future__ import annotations

import torch
from answers import mutant
from torch.distributions import kl_divergence

from ddpmlib.gaussian_diffusion import jump_law, step_law

RECONSTRUCTION = ("reconstruction",)


def model(path, t, reverse):
    return reverse.prior if t == reverse.T else reverse.step(path[t + 1], t + 1)


def rows(path, schedule, reverse):
    """The right rows, not summed over the components."""
    found = [model(path, t, reverse).log_prob(path[t]) for t in range(schedule.T + 1)]
    return [found[0]] + [row - step_law(path[t - 1], t, schedule).log_prob(path[t]) for t, row in enumerate(found) if t]


@mutant("4.1", "pairs the densities of one step", says="pairs the two densities of one step")
def form1_terms(path, schedule, reverse):
    found = [model(path, t, reverse).log_prob(path[t]) - step_law(path[t], t + 1, schedule).log_prob(path[t + 1])
             for t in range(schedule.T)]
    return torch.stack([*found, reverse.prior.log_prob(path[-1])]).sum(-1)


@mutant("4.1", "rows moved by one", says="The rows are moved by one")
def form1_terms(path, schedule, reverse):  # noqa: F811
    found = [reverse.prior.log_prob(path[-1])]
    for t in range(1, schedule.T + 1):
        found.append(reverse.step(path[t], t).log_prob(path[t - 1]) - step_law(path[t - 1], t, schedule).log_prob(path[t]))
    return torch.stack(found).sum(-1)


@mutant("4.1", "printed divergence", says="as the decks print it", keeps=RECONSTRUCTION)
def form1_terms(path, schedule, reverse):  # noqa: F811
    found = [reverse.step(path[1], 1).log_prob(path[0])]
    for t in range(1, schedule.T + 1):
        found.append(-kl_divergence(step_law(path[t - 1], t, schedule), model(path, t, reverse)))
    return torch.stack(found).sum(-1)


@mutant("4.1", "jump for step", says="This is q(x_t | x_0), the jump", keeps=RECONSTRUCTION)
def form1_terms(path, schedule, reverse):  # noqa: F811
    found = [model(path, t, reverse).log_prob(path[t]) for t in range(schedule.T + 1)]
    return torch.stack([found[0]] + [row - jump_law(path[0], t, schedule).log_prob(path[t])
                                     for t, row in enumerate(found) if t]).sum(-1)


@mutant("4.1", "sign of the ratios", says="a term contributes log p - log q", keeps=RECONSTRUCTION)
def form1_terms(path, schedule, reverse):  # noqa: F811
    first, *others = rows(path, schedule, reverse)
    return torch.stack([first, *(-row for row in others)]).sum(-1)


@mutant("4.1", "log q added", says="log q is added", keeps=RECONSTRUCTION)
def form1_terms(path, schedule, reverse):  # noqa: F811
    found = [model(path, t, reverse).log_prob(path[t]) for t in range(schedule.T + 1)]
    found = [found[0]] + [row + step_law(path[t - 1], t, schedule).log_prob(path[t]) for t, row in enumerate(found) if t]
    return torch.stack(found).sum(-1)


@mutant("4.1", "log q forgotten", says="log q is missing", keeps=RECONSTRUCTION)
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack([model(path, t, reverse).log_prob(path[t]).sum(-1) for t in range(schedule.T + 1)])


@mutant("4.1", "reconstruction upside down", says="x_0 and x_1 are exchanged", keeps=("consistency", "prior matching"))
def form1_terms(path, schedule, reverse):  # noqa: F811
    _, *others = rows(path, schedule, reverse)
    return torch.stack([reverse.step(path[0], 1).log_prob(path[1]), *others]).sum(-1)


@mutant("4.1", "mean over the components", says="The components are averaged")
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack(rows(path, schedule, reverse)).mean(-1)


@mutant("4.1", "components not summed", says="The components are not added up")
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack(rows(path, schedule, reverse))


@mutant("4.1", "terms added up", says="The terms are added up already")
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack(rows(path, schedule, reverse)).sum(-1).sum(0)


@mutant("4.1", "mean over the batch", says="The batch is averaged")
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack(rows(path, schedule, reverse)).sum(-1).flatten(1).mean(1)


@mutant("4.1", "detached", says="No gradient reaches the model",
        keeps=("reconstruction", "consistency", "prior matching", "one step (T = 1)"))
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack(rows(path, schedule, reverse)).sum(-1).detach()


@mutant("4.1", "single precision", says="right to single precision only", keeps=())
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack(rows(path, schedule, reverse)).sum(-1).float().double()


@mutant("4.1", "prior detached", says="No gradient reaches the prior",
        keeps=("reconstruction", "consistency", "prior matching", "one step (T = 1)"))
def form1_terms(path, schedule, reverse):  # noqa: F811
    found = torch.stack(rows(path, schedule, reverse)).sum(-1)
    return torch.cat([found[:-1], found[-1:].detach()])


@mutant("4.1", "no log q at T", says="log q is missing", keeps=("reconstruction", "consistency"))
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack([*rows(path, schedule, reverse)[:-1], reverse.prior.log_prob(path[-1])]).sum(-1)


@mutant("4.1", "standard normal prior", says="This is the standard normal density of x_T", keeps=("reconstruction", "consistency"))
def form1_terms(path, schedule, reverse):  # noqa: F811
    normal = torch.distributions.Normal(torch.zeros_like(path[-1]), torch.ones_like(path[-1]))
    last = normal.log_prob(path[-1]) - step_law(path[-2], schedule.T, schedule).log_prob(path[-1])
    return torch.stack([*rows(path, schedule, reverse)[:-1], last]).sum(-1)


@mutant("4.1", "a list", says="should be a tensor of shape (5, 2), got a list of 5")
def form1_terms(path, schedule, reverse):  # noqa: F811
    return list(torch.stack(rows(path, schedule, reverse)).sum(-1))


@mutant("4.1", "components kept", says="the table of terms should have shape (5, 2), got (5, 2, 3)")
def form1_terms(path, schedule, reverse):  # noqa: F811
    return torch.stack(rows(path, schedule, reverse))
