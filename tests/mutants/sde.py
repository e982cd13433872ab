"""Wrong answers to exercises 13.4 to 13.7."""

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib.noise_levels import constant_level
from ddpmlib.sde import at
from ddpmlib.sde import log_likelihood as right_likelihood
from ddpmlib.sde import probability_flow_drift as right_drift
from ddpmlib.sde import rk4_step as right_step
from ddpmlib.sde import ve_coefficients as right_ve
from ddpmlib.sde import vp_coefficients as right_vp

VE, VP = ("VE: the equation", "VE: the law"), ("VP: the equation", "VP: the law")


def vp(change):
    """vp_coefficients with some of the four replaced."""

    def vp_coefficients(t, beta_min, beta_max):
        return change(t, beta_min, beta_max, *right_vp(t, beta_min, beta_max))

    return vp_coefficients


def ve(change):
    def ve_coefficients(t, sigma_min, sigma_max):
        return change(t, sigma_min, sigma_max, *right_ve(t, sigma_min, sigma_max))

    return ve_coefficients


@mutant("13.4", "rate of wrong sign", says="The rate has the wrong sign", keeps=(*VE, "VP: the law"))
def vp_coefficients(t, beta_min, beta_max):
    return vp(lambda t, low, high, f, g, a, s: (-f, g, a, s))(t, beta_min, beta_max)


@mutant("13.4", "g squared", says="This is g^2 = beta", keeps=(*VE, "VP: the law"))
def vp_coefficients(t, beta_min, beta_max):  # noqa: F811
    return vp(lambda t, low, high, f, g, a, s: (f, g**2, a, s))(t, beta_min, beta_max)


@mutant("13.4", "whole beta", says="it should be -beta/2", keeps=(*VE, "VP: the law"))
def vp_coefficients(t, beta_min, beta_max):  # noqa: F811
    return vp(lambda t, low, high, f, g, a, s: (2 * f, g, a, s))(t, beta_min, beta_max)


@mutant("13.4", "mean squared", says="This is a(t)^2", keeps=(*VE, "VP: the equation"))
def vp_coefficients(t, beta_min, beta_max):  # noqa: F811
    return vp(lambda t, low, high, f, g, a, s: (f, g, a**2, s))(t, beta_min, beta_max)


@mutant("13.4", "variance", says="This is the variance; std is its root", keeps=(*VE, "VP: the equation"))
def vp_coefficients(t, beta_min, beta_max):  # noqa: F811
    return vp(lambda t, low, high, f, g, a, s: (f, g, a, s**2))(t, beta_min, beta_max)


@mutant("13.4", "one less the mean", says="This is 1 - mean", keeps=(*VE, "VP: the equation"))
def vp_coefficients(t, beta_min, beta_max):  # noqa: F811
    return vp(lambda t, low, high, f, g, a, s: (f, g, a, 1 - a))(t, beta_min, beta_max)


@mutant("13.4", "not integrated", says="The rate is not integrated", keeps=(*VE, "VP: the equation"))
def vp_coefficients(t, beta_min, beta_max):  # noqa: F811
    total = beta_min * t + (beta_max - beta_min) * t**2
    return vp(lambda t, low, high, f, g, a, s: (f, g, torch.exp(-total / 2), s))(t, beta_min, beta_max)


@mutant("13.4", "VE: slope of sigma", says="not of sigma", keeps=(*VP, "VE: the law"))
def ve_coefficients(t, sigma_min, sigma_max):
    return ve(lambda t, low, high, f, g, a, s: (f, (s * math.log(high / low)).sqrt(), a, s))(t, sigma_min, sigma_max)


@mutant("13.4", "VE: on a line", says="here it rises on a line", keeps=(*VP, "VE: the equation"))
def ve_coefficients(t, sigma_min, sigma_max):  # noqa: F811
    return ve(lambda t, low, high, f, g, a, s: (f, g, a, low + t * (high - low)))(t, sigma_min, sigma_max)


@mutant("13.4", "VE: first noise left out", says="The noise of time 0 is left out", keeps=(*VP, "VE: the equation"))
def ve_coefficients(t, sigma_min, sigma_max):  # noqa: F811
    return ve(lambda t, low, high, f, g, a, s: (f, g, a, (s**2 - low**2).clamp(min=0).sqrt()))(t, sigma_min, sigma_max)


@mutant("13.4", "float32 inside", says="right to single precision only", keeps=(*VP, *VE, "shapes"))
def vp_coefficients(t, beta_min, beta_max):  # noqa: F811
    return tuple(value.to(t.dtype) for value in right_vp(t.float(), beta_min, beta_max))


ONE, ZERO, ANY, PRECISION = ("lam = 1",), ("lam = 0",), ("any lam",), ("precision",)


def step(score, x, t, s, sde, noise, lam, *, pull=lambda lam, g: (1 + lam**2) / 2 * g**2, spread=lambda lam, g, h: lam * g * math.sqrt(h),
         asked=None, sign=1.0, drift=1.0):
    f, g, _, _ = at(sde, t)
    asked = t if asked is None else asked
    slope = drift * f * x - pull(lam, g) * score(x, constant_level(asked, x))
    return x + sign * (s - t) * slope + spread(lam, g, t - s) * noise


@mutant("13.5", "time upwards", says="The time runs down")
def reverse_sde_step(score, x, t, s, sde, noise, lam):
    return step(score, x, t, s, sde, noise, lam, sign=-1.0)


@mutant("13.5", "score away from the data", says="The score is subtracted")
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, pull=lambda lam, g: -(1 + lam**2) / 2 * g**2)


@mutant("13.5", "g squared whatever lam", says="The score has the factor g^2 whatever lam is", keeps=ONE)
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, pull=lambda lam, g: g**2)


@mutant("13.5", "lam not squared", says="lam is squared there", keeps=(*ONE, *ZERO))
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, pull=lambda lam, g: (1 + lam) / 2 * g**2)


@mutant("13.5", "half of the SDE's score", says="whatever lam is", keeps=ZERO)
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, pull=lambda lam, g: g**2 / 2)


@mutant("13.5", "noise times dt", says="it should be its root", keeps=ZERO)
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, spread=lambda lam, g, h: lam * g * h)


@mutant("13.5", "noise not scaled by lam", says="The noise is not multiplied by lam", keeps=ONE)
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, spread=lambda lam, g, h: g * math.sqrt(h))


@mutant("13.5", "noise times g squared", says="it should be g.", keeps=ZERO)
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, spread=lambda lam, g, h: lam * g**2 * math.sqrt(h))


@mutant("13.5", "asked at s", says="The score is asked at time s")
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, asked=s)


@mutant("13.5", "no drift", says="The drift f x is left out")
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, lam, drift=0.0)


@mutant("13.5", "lam ignored", says="lam is ignored", keeps=ONE)
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, noise, 1.0)


@mutant("13.5", "own noise", says="use the noise that is passed in", keeps=ZERO)
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x, t, s, sde, torch.randn_like(x), lam)


@mutant("13.5", "float32 inside", says="right to single precision only", keeps=(*ONE, *ZERO, *ANY))
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    return step(score, x.float(), t, s, sde, noise.float(), lam).to(x.dtype)


@mutant("13.5", "in place", says="belongs to the caller")
def reverse_sde_step(score, x, t, s, sde, noise, lam):  # noqa: F811
    x.copy_(step(score, x, t, s, sde, noise, lam))
    return x


VELOCITY, RK = ("the velocity",), ("a Runge-Kutta step",)


def drift(score, x, t, sde, rate=1.0, pull=lambda g: g**2 / 2):
    f, g, _, _ = at(sde, t)
    return rate * f * x - pull(g) * score(x, constant_level(t, x))


@mutant("13.6", "the reverse SDE's drift", says="the flow has half of it", keeps=RK)
def probability_flow_drift(score, x, t, sde):
    return drift(score, x, t, sde, pull=lambda g: g**2)


@mutant("13.6", "score added", says="The score is added", keeps=RK)
def probability_flow_drift(score, x, t, sde):  # noqa: F811
    return drift(score, x, t, sde, pull=lambda g: -(g**2) / 2)


@mutant("13.6", "downwards", says="This is the velocity downwards", keeps=RK)
def probability_flow_drift(score, x, t, sde):  # noqa: F811
    return -drift(score, x, t, sde)


@mutant("13.6", "g not squared", says="it should be g^2 / 2", keeps=RK)
def probability_flow_drift(score, x, t, sde):  # noqa: F811
    return drift(score, x, t, sde, pull=lambda g: g / 2)


@mutant("13.6", "no drift", says="The drift f x is left out", keeps=RK)
def probability_flow_drift(score, x, t, sde):  # noqa: F811
    return drift(score, x, t, sde, rate=0.0)


@mutant("13.6", "no score", says="This is the forward drift alone", keeps=RK)
def probability_flow_drift(score, x, t, sde):  # noqa: F811
    return drift(score, x, t, sde, pull=lambda g: 0.0)


@mutant("13.6", "Euler", says="This is Euler's step", keeps=VELOCITY)
def rk4_step(field, x, t, s):
    return x + (s - t) * field(x, t)


@mutant("13.6", "midpoint", says="This is the midpoint's step", keeps=VELOCITY)
def rk4_step(field, x, t, s):  # noqa: F811
    return x + (s - t) * field(x + (s - t) / 2 * field(x, t), (t + s) / 2)


@mutant("13.6", "Heun", says="This is Heun's step", keeps=VELOCITY)
def rk4_step(field, x, t, s):  # noqa: F811
    first = field(x, t)
    return x + (s - t) / 2 * (first + field(x + (s - t) * first, s))


def four(field, x, t, s, *, weights=(1 / 6, 1 / 3, 1 / 3, 1 / 6), third=1, times=None):
    h = s - t
    middle, end = (t + h / 2, s) if times is None else times
    k = [field(x, t)]
    k.append(field(x + h / 2 * k[0], middle))
    k.append(field(x + h / 2 * k[third], middle))
    k.append(field(x + h * k[2], end))
    return x + h * sum(weight * slope for weight, slope in zip(weights, k))


@mutant("13.6", "equal weights", says="The four slopes have equal weights", keeps=VELOCITY)
def rk4_step(field, x, t, s):  # noqa: F811
    return four(field, x, t, s, weights=(0.25,) * 4)


@mutant("13.6", "third from first", says="it should be found from the second", keeps=VELOCITY)
def rk4_step(field, x, t, s):  # noqa: F811
    return four(field, x, t, s, third=0)


@mutant("13.6", "time stands still", says="All slopes are found at the time t", keeps=VELOCITY)
def rk4_step(field, x, t, s):  # noqa: F811
    return four(field, x, t, s, times=(t, t))


@mutant("13.6", "float32 inside", says="right to single precision only", keeps=(*VELOCITY, *RK))
def rk4_step(field, x, t, s):  # noqa: F811
    return right_step(field, x.float(), t, s).to(x.dtype)


TRACE, GRAPH, POINTS, GAUSS = ("divergence",), ("it has no graph",), ("two points",), ("a Gaussian",)


def jacobian(field, x, t):
    return torch.stack([torch.autograd.functional.jacobian(lambda row: field(row[None], t)[0], row) for row in x.detach()])


@mutant("13.7", "all entries", says="All entries of the Jacobian are summed")
def divergence(field, x, t):
    return jacobian(field, x, t).sum(dim=(1, 2))


@mutant("13.7", "mean of the diagonal", says="This is the mean of the diagonal")
def divergence(field, x, t):  # noqa: F811
    return jacobian(field, x, t).diagonal(dim1=1, dim2=2).mean(dim=1)


@mutant("13.7", "sum over the batch", says="divergence")
def divergence(field, x, t):  # noqa: F811
    return jacobian(field, x, t).diagonal(dim1=1, dim2=2).sum()


@mutant("13.7", "with a graph", says="the result carries a graph", keeps=(*TRACE, *PRECISION))
def divergence(field, x, t):  # noqa: F811
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        values = field(x, t).sum(dim=0)
        return sum(torch.autograd.grad(value, x, create_graph=True)[0][:, i] for i, value in enumerate(values))


@mutant("13.7", "needs a graph", says="does not require grad")
def divergence(field, x, t):  # noqa: F811
    x = x.detach().requires_grad_()
    values = field(x, t).sum(dim=0)
    return sum(torch.autograd.grad(value, x, retain_graph=True)[0][:, i] for i, value in enumerate(values))


@mutant("13.7", "x asks for a gradient", says="belongs to the caller")
def divergence(field, x, t):  # noqa: F811
    with torch.enable_grad():
        x.requires_grad_()
        values = field(x, t).sum(dim=0)
        return sum(torch.autograd.grad(value, x, retain_graph=True)[0][:, i] for i, value in enumerate(values)).detach()


@mutant("13.7", "finite differences", says="divergence", keeps=())
def divergence(field, x, t):  # noqa: F811
    h = 1e-3
    unit = torch.eye(x.shape[1], dtype=x.dtype)
    return sum((field(x + h * unit[i], t) - field(x, t))[:, i] / h for i in range(x.shape[1]))


def parts(score, x, times, sde):
    """Where the flow ends, and the integral of its divergence."""
    normal = -x.shape[1] * math.log(math.sqrt(2 * math.pi))
    end, walk = x, times.tolist()
    for t, s in zip(walk, walk[1:]):
        end = right_step(lambda y, u: right_drift(score, y, u, sde), end, t, s)
    prior = normal - end.square().sum(dim=1) / 2
    return end, right_likelihood(score, x, times, sde, 1.0) - prior


def prior(end, wide):
    return -end.square().sum(dim=1) / (2 * wide**2) - end.shape[1] * math.log(wide * math.sqrt(2 * math.pi))


@mutant("13.7", "subtracted", says="so it is added", keeps=(*TRACE, *PRECISION))
def log_likelihood(score, x, times, sde, prior_std):
    end, gained = parts(score, x, times, sde)
    return prior(end, prior_std) - gained


@mutant("13.7", "the prior alone", says="The divergence is left out", keeps=(*TRACE, *PRECISION))
def log_likelihood(score, x, times, sde, prior_std):  # noqa: F811
    return prior(parts(score, x, times, sde)[0], prior_std)


@mutant("13.7", "unit prior", says="its standard deviation is prior_std", keeps=(*TRACE, *PRECISION))
def log_likelihood(score, x, times, sde, prior_std):  # noqa: F811
    return right_likelihood(score, x, times, sde, 1.0)


@mutant("13.7", "no constant", says="its constant is missing", keeps=(*TRACE, *PRECISION))
def log_likelihood(score, x, times, sde, prior_std):  # noqa: F811
    end, gained = parts(score, x, times, sde)
    return gained - end.square().sum(dim=1) / (2 * prior_std**2)


@mutant("13.7", "prior at the start", says="it should be asked at the end of the flow", keeps=(*TRACE, *PRECISION))
def log_likelihood(score, x, times, sde, prior_std):  # noqa: F811
    return prior(x, prior_std) + parts(score, x, times, sde)[1]


@mutant("13.7", "bits", says="This is in bits", keeps=(*TRACE, *PRECISION))
def log_likelihood(score, x, times, sde, prior_std):  # noqa: F811
    return right_likelihood(score, x, times, sde, prior_std) / math.log(2)


@mutant("13.7", "Euler's steps", says="the log-densities", keeps=(*TRACE, *PRECISION))
def log_likelihood(score, x, times, sde, prior_std):  # noqa: F811
    total, walk = torch.zeros_like(x[:, 0]), times.tolist()
    for t, s in zip(walk, walk[1:]):
        flow = lambda y, u: right_drift(score, y, u, sde)  # noqa: E731
        total = total + (s - t) * torch.stack([torch.autograd.functional.jacobian(lambda r: flow(r[None], t)[0], row).trace() for row in x])
        x = x + (s - t) * flow(x, t)
    return prior(x, prior_std) + total
