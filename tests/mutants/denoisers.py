"""Wrong answers to Exercise 6.7, the denoiser of a mixture of Gaussians."""

from __future__ import annotations

import torch
from answers import mutant

ONE, MANY, POINTS = "one component", "several components", "points (variance 0)"
ROWS, FAR, SINGLE = "a value for each row", "far from all components", "float32 stays float32"


def pieces(mixture, x_t, alpha_bar):
    """alpha_bar as a column, the components' variances at time t, and what x_t is away from their means."""
    left = torch.as_tensor(alpha_bar, dtype=torch.float64).reshape(-1, 1)
    spread = left * mixture.variances + 1 - left
    away = x_t.double()[:, None, :] - left.sqrt()[..., None] * mixture.means
    return left, spread, away


def log_weights(mixture, spread, away):
    return torch.log(mixture.weights) - 0.5 * away.square().sum(2) / spread - 0.5 * away.shape[2] * torch.log(spread)


def within(mixture, left, spread, away):
    return mixture.means + (left.sqrt() * mixture.variances / spread)[..., None] * away


def mean(logs, values, x_t):
    return (torch.softmax(logs, dim=1)[..., None] * values).sum(1).to(x_t.dtype)


@mutant("6.7", "prior weights", says="with its prior weight", keeps=(ONE,))
def mixture_denoiser(mixture, x_t, alpha_bar):
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    logs = torch.log(mixture.weights).expand(len(x_t), -1)
    return mean(logs, within(mixture, left, spread, away), x_t)


@mutant("6.7", "no weights", says="The weights of the mixture are left out", keeps=(ONE,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    logs = log_weights(mixture, spread, away) - torch.log(mixture.weights)
    return mean(logs, within(mixture, left, spread, away), x_t)


@mutant("6.7", "variances of the data", says="The responsibilities use the data's variances", keeps=(ONE,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    logs = log_weights(mixture, mixture.variances.expand(len(x_t), -1), away)
    return mean(logs, within(mixture, left, spread, away), x_t)


@mutant("6.7", "means not shrunk in the responsibilities", says="The responsibilities lack the factor sqrt(alpha_bar)", keeps=(ONE,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    logs = log_weights(mixture, spread, x_t.double()[:, None, :] - mixture.means)
    return mean(logs, within(mixture, left, spread, away), x_t)


@mutant("6.7", "no normalising factors", says="The densities lack their normalising factors", keeps=(ONE, POINTS))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    logs = torch.log(mixture.weights) - 0.5 * away.square().sum(2) / spread
    return mean(logs, within(mixture, left, spread, away), x_t)


@mutant("6.7", "normalising factor of one dimension", says="the normalising factor to the power D", keeps=(ONE, POINTS))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    logs = torch.log(mixture.weights) - 0.5 * away.square().sum(2) / spread - 0.5 * torch.log(spread)
    return mean(logs, within(mixture, left, spread, away), x_t)


@mutant("6.7", "no half in the exponent", says="divided by 2 times the variance", keeps=(ONE,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    logs = log_weights(mixture, spread, away) - 0.5 * away.square().sum(2) / spread
    return mean(logs, within(mixture, left, spread, away), x_t)


@mutant("6.7", "means of the components", says="Each component contributes its mean", keeps=(POINTS,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    _, spread, away = pieces(mixture, x_t, alpha_bar)
    return mean(log_weights(mixture, spread, away), mixture.means.expand(len(x_t), -1, -1), x_t)


@mutant("6.7", "gain without root", says="this lacks sqrt(alpha_bar) in the covariance", keeps=(POINTS,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    _, spread, away = pieces(mixture, x_t, alpha_bar)
    values = mixture.means + (mixture.variances / spread)[..., None] * away
    return mean(log_weights(mixture, spread, away), values, x_t)


@mutant("6.7", "moves from the unshrunk mean", says="not from m_k", keeps=(POINTS,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    values = within(mixture, left, spread, x_t.double()[:, None, :] - mixture.means)
    return mean(log_weights(mixture, spread, away), values, x_t)


@mutant("6.7", "most responsible component only", says="Only the most responsible component is used", keeps=(ONE,))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    chosen = log_weights(mixture, spread, away).argmax(1)
    return within(mixture, left, spread, away)[torch.arange(len(x_t)), chosen].to(x_t.dtype)


@mutant("6.7", "rescaled input", says="which knows nothing of the data's law")
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    return (x_t / pieces(mixture, x_t, alpha_bar)[0].sqrt()).to(x_t.dtype)


@mutant("6.7", "alpha_bar of the first row", says="All rows have the alpha_bar of the first row", keeps=(ONE, MANY, POINTS, FAR, SINGLE))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, torch.as_tensor(alpha_bar, dtype=torch.float64).reshape(-1)[:1])
    return mean(log_weights(mixture, spread, away), within(mixture, left, spread, away), x_t)


@mutant("6.7", "densities underflow", says="Far away all densities are 0 in floating point", keeps=(ONE, MANY, POINTS, ROWS, SINGLE))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    joint = log_weights(mixture, spread, away).exp()
    shares = joint / joint.sum(1, keepdim=True)
    return (shares[..., None] * within(mixture, left, spread, away)).sum(1).to(x_t.dtype)


@mutant("6.7", "promoted to float64", says="x_t is float32", keeps=(ONE, MANY, POINTS, ROWS, FAR))
def mixture_denoiser(mixture, x_t, alpha_bar):  # noqa: F811
    left, spread, away = pieces(mixture, x_t, alpha_bar)
    return mean(log_weights(mixture, spread, away), within(mixture, left, spread, away), x_t).double()
