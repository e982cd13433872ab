"""Wrong answers to exercise 3.1: one step of the forward process."""

from __future__ import annotations

import math

import torch
from answers import mutant

KEPT, ADDED = ("what is kept of x_{t-1}",), ("what is added",)
ALL = (*KEPT, *ADDED, "variance 1 stays 1")


@mutant("3.1", "variance for standard deviation", says="The noise is scaled by the variance beta_t", keeps=KEPT)
def forward_step(x_prev, t, betas, noise):
    return (1 - betas[t]).sqrt() * x_prev + betas[t] * noise


@mutant("3.1", "no square root", says="the square root is missing", keeps=ADDED)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t]) * x_prev + betas[t].sqrt() * noise


@mutant("3.1", "coefficient 1", says="the variance grows with every step", keeps=ADDED)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return x_prev + betas[t].sqrt() * noise


@mutant("3.1", "1 minus root", says="1 - sqrt(beta_t)", keeps=ADDED)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t].sqrt()) * x_prev + betas[t].sqrt() * noise


@mutant("3.1", "index from zero", says="this is beta_{t-1}; index t is time t")
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t - 1]).sqrt() * x_prev + betas[t - 1].sqrt() * noise


@mutant("3.1", "swapped coefficients", says="The roles are swapped")
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return betas[t].sqrt() * x_prev + (1 - betas[t]).sqrt() * noise


@mutant("3.1", "unscaled noise", says="The noise is not scaled at all", keeps=KEPT)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t]).sqrt() * x_prev + noise


@mutant("3.1", "variance for standard deviation, seen in the variance", says="Two slips lead there", keeps=KEPT)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return math.sqrt(1 - betas[t]) * x_prev + betas[t] * noise


@mutant("3.1", "single precision", says="right to single precision only", keeps=ALL)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    beta = torch.tensor(betas[t].item())
    return (1 - beta).sqrt() * x_prev + beta.sqrt() * noise


@mutant("3.1", "promoted to float64", says="x_prev is float32, and x_t should be; got float64", keeps=ALL)
def forward_step(x_prev, t, betas, noise):  # noqa: F811
    return (1 - betas[t : t + 1]).sqrt() * x_prev + betas[t : t + 1].sqrt() * noise
