"""Wrong answers to exercise 5.7: the posterior of the random walk."""

from __future__ import annotations

import torch
from answers import mutant

MEAN = ("mean: one time for all", "mean: a time for each row", "mean: float32, gradients")
VARIANCE = ("variance",)


def share(t, x, late=0):
    t = (torch.as_tensor(t) + late).clamp(min=1).double()
    values = (1 / t).to(x.dtype)
    return values.reshape(-1, *[1] * (x.ndim - 1)) if values.ndim else values


@mutant("5.7", "swapped weights", says="The weights are swapped", keeps=VARIANCE)
def posterior_mean_ve(x0, x_t, t):
    return share(t, x0) * x_t + (1 - share(t, x0)) * x0


@mutant("5.7", "shared by t + 1", says="this shares by t + 1", keeps=VARIANCE)
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    return x_t + share(t, x0, late=1) * (x0 - x_t)


@mutant("5.7", "shared by the root of t", says="The weight of x_0 is 1/sqrt(t)", keeps=VARIANCE)
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    return x_t + share(t, x0).sqrt() * (x0 - x_t)


@mutant("5.7", "halfway", says="This is halfway between x_0 and x_t", keeps=VARIANCE)
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    return (x0 + x_t) / 2


@mutant("5.7", "away from the datum", says="The step goes away from x_0", keeps=VARIANCE)
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    return x_t - share(t, x0) * (x0 - x_t)


@mutant("5.7", "x_t not shrunk", says="The weights should sum to 1", keeps=VARIANCE)
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    return x_t + share(t, x0) * x0


@mutant("5.7", "wrong axis", says="run along axis 1", keeps=(MEAN[0], *VARIANCE))
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    weight = 1 / torch.as_tensor(t).double()
    return (1 - weight) * x_t + weight * x0


@mutant("5.7", "time of the first row", says="All rows have the time of the first row", keeps=(MEAN[0], *VARIANCE))
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    weight = share(torch.as_tensor(t).flatten()[0], x0)
    return (1 - weight) * x_t + weight * x0


@mutant("5.7", "promoted to float64", says="should be float32, as the data are", keeps=(*MEAN[:2], *VARIANCE))
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    weight = share(t, x0.double())
    return (1 - weight) * x_t + weight * x0


@mutant("5.7", "x_t detached", says="No gradient flows to x_t", keeps=(*MEAN[:2], *VARIANCE))
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    weight = share(t, x0)
    return (1 - weight) * x_t.detach() + weight * x0


@mutant("5.7", "variance of the step", says="This is 1, the variance of the step forwards", keeps=MEAN)
def posterior_variance_ve(t):
    return torch.ones_like(torch.as_tensor(t), dtype=torch.float64)


@mutant("5.7", "weight of the datum", says="This is 1/t", keeps=MEAN)
def posterior_variance_ve(t):  # noqa: F811
    return 1 / torch.as_tensor(t).double()


@mutant("5.7", "without x_t", says="This is t - 1", keeps=MEAN)
def posterior_variance_ve(t):  # noqa: F811
    return torch.as_tensor(t).double() - 1


@mutant("5.7", "standard deviation", says="This is the standard deviation", keeps=MEAN)
def posterior_variance_ve(t):  # noqa: F811
    return (1 - 1 / torch.as_tensor(t).double()).sqrt()


@mutant("5.7", "float32", says="right to single precision only", keeps=MEAN)
def posterior_variance_ve(t):  # noqa: F811
    return 1 - 1 / torch.as_tensor(t)


@mutant("5.7", "Python number", says="got a Python number", keeps=MEAN)
def posterior_variance_ve(t):  # noqa: F811
    return 1 - 1 / torch.as_tensor(t).double() if isinstance(t, torch.Tensor) else 1 - 1 / t


@mutant("5.7", "a table that ends at 1000", says="your code raised IndexError")
def posterior_mean_ve(x0, x_t, t):  # noqa: F811
    share = (1 / torch.arange(1001).double())[torch.as_tensor(t)].to(x0.dtype)
    share = share.reshape(-1, *[1] * (x0.ndim - 1)) if share.ndim else share
    return x_t + share * (x0 - x_t)
