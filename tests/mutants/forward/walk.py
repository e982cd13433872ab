"""Wrong answers to exercise 3.7: the random walk."""

from __future__ import annotations

import torch
from answers import mutant

VALUES = ("one time for all", "a time for each row")


def rows(values, x0):
    return values.reshape(-1, *[1] * (x0.ndim - 1))


@mutant("3.7", "variance for standard deviation", says="x_0 + t eps has variance t^2")
def q_sample_ve(x0, t, noise):
    return x0 + rows(torch.as_tensor(t).double(), x0) * noise


@mutant("3.7", "one step only", says="one step of the walk")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + noise


@mutant("3.7", "shrunk like VP", says="The random walk does not shrink x_0")
def q_sample_ve(x0, t, noise):  # noqa: F811
    variance = rows(torch.as_tensor(t).double(), x0)
    return (x0 + variance.sqrt() * noise) / (1 + variance).sqrt()


@mutant("3.7", "scales the data", says="sqrt(t) belongs to the noise")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return rows(torch.as_tensor(t).double(), x0).sqrt() * x0 + noise


@mutant("3.7", "one step too many", says="the variance after t steps is t, so that x_0 has none")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + rows(torch.as_tensor(t).double() + 1, x0).sqrt() * noise


@mutant("3.7", "one step too few", says="step 1 already adds noise")
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + rows(torch.as_tensor(t).double() - 1, x0).clamp(min=0).sqrt() * noise


@mutant("3.7", "wrong axis", says="run along axis 1; each belongs to a row", keeps=("one time for all",))
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + torch.as_tensor(t).double().sqrt() * noise


@mutant("3.7", "one axis for every shape", says="run along axis 1; each belongs to a row", keeps=("one time for all",))
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + torch.as_tensor(t).double().expand(len(x0)).sqrt().reshape(-1, *[1] * min(x0.ndim - 1, 1)) * noise


@mutant("3.7", "root of integers", says="right to single precision only", keeps=VALUES)
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + rows(torch.as_tensor(t).sqrt(), x0) * noise


@mutant("3.7", "promoted to float64", says="x0 is float32, and x_t should be; got float64", keeps=VALUES)
def q_sample_ve(x0, t, noise):  # noqa: F811
    return x0 + rows(torch.as_tensor(t).double().sqrt(), x0) * noise
