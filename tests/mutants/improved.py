"""Wrong answers to exercise 13.12: the variance between two, the bound's terms, the hybrid loss."""

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib.improved import learned_log_variance as right_logs
from ddpmlib.improved import vlb_term as right_term
from ddpmlib.objectives import gaussian_kl
from ddpmlib.posterior import posterior_mean, posterior_mean_from_noise, posterior_variance
from ddpmlib.tables import at_times

VARIANCE, TERMS = ("the variance", "the variance at t = 1"), ("terms for t > 1", "the term for t = 1", "a time for each row")
HYBRID, TRAINS = "hybrid loss", "what trains what"
BUT_VARIANCE = (*TERMS, HYBRID, TRAINS)


def bounds(v, t, schedule, first=None):
    t = torch.as_tensor(t).expand(len(v))
    small = posterior_variance(schedule).clone()
    small[1] = small[2] if first is None else first
    return at_times(small, t, v), at_times(schedule.betas, t, v)


@mutant("13.12", "the variance itself", says="This is the variance; its logarithm is asked for", keeps=BUT_VARIANCE)
def learned_log_variance(v, t, schedule):
    small, large = bounds(v, t, schedule)
    return large**v * small ** (1 - v)


@mutant("13.12", "between the variances", says="The variances are interpolated", keeps=BUT_VARIANCE)
def learned_log_variance(v, t, schedule):  # noqa: F811
    small, large = bounds(v, t, schedule)
    return (v * large + (1 - v) * small).clamp(min=1e-30).log()


@mutant("13.12", "exchanged", says="here it is the other way round", keeps=BUT_VARIANCE)
def learned_log_variance(v, t, schedule):  # noqa: F811
    return right_logs(1 - v, t, schedule)


@mutant("13.12", "between -1 and 1", says="v is read as a number between -1 and 1", keeps=BUT_VARIANCE)
def learned_log_variance(v, t, schedule):  # noqa: F811
    return right_logs((v + 1) / 2, t, schedule)


@mutant("13.12", "sigmoid", says="v goes through a sigmoid", keeps=BUT_VARIANCE)
def learned_log_variance(v, t, schedule):  # noqa: F811
    return right_logs(torch.sigmoid(v), t, schedule)


@mutant("13.12", "log of zero", says="beta-tilde_2 stands in its place", keeps=("the variance", *BUT_VARIANCE))
def learned_log_variance(v, t, schedule):  # noqa: F811
    small, large = bounds(v, t, schedule, first=0.0)
    return v * large.log() + (1 - v) * small.log()


@mutant("13.12", "a floor", says="beta-tilde_1 is replaced by a small constant", keeps=("the variance", *BUT_VARIANCE))
def learned_log_variance(v, t, schedule):  # noqa: F811
    small, large = bounds(v, t, schedule, first=1e-20)
    return v * large.log() + (1 - v) * small.log()


@mutant("13.12", "beta_1 at the end", says="At t = 1 the variance is beta_1 here", keeps=("the variance", *BUT_VARIANCE))
def learned_log_variance(v, t, schedule):  # noqa: F811
    small, large = bounds(v, t, schedule, first=schedule.betas[1])
    return v * large.log() + (1 - v) * small.log()


@mutant("13.12", "float32 tables", says="right to single precision only", keeps=(*VARIANCE, *BUT_VARIANCE))
def learned_log_variance(v, t, schedule):  # noqa: F811
    small, large = bounds(v, t, schedule)
    return v * large.float().log().to(v.dtype) + (1 - v) * small.float().log().to(v.dtype)


@mutant("13.12", "writes into v", says="your code changes its argument v", keeps=(HYBRID,))
def learned_log_variance(v, t, schedule):  # noqa: F811
    found = right_logs(1 - v, t, schedule)
    v.mul_(0.5)
    return found


def bits(nats, x0):
    return nats / (x0[0].numel() * math.log(2))


@mutant("13.12", "nats", says="These are nats; divide by log(2)", keeps=VARIANCE)
def vlb_term(eps, v, x0, noise, t, schedule, levels):
    return right_term(eps, v, x0, noise, t, schedule, levels) * math.log(2)


@mutant("13.12", "all dimensions", says="bits for all dimensions together", keeps=VARIANCE)
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    return right_term(eps, v, x0, noise, t, schedule, levels) * x0[0].numel()


@mutant("13.12", "mean over the batch", says="one number for each row is asked for", keeps=VARIANCE)
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    return right_term(eps, v, x0, noise, t, schedule, levels).mean()


def with_kl(eps, v, x0, noise, t, schedule, levels, kl):
    """The right terms at t = 1, and others elsewhere."""
    t = torch.as_tensor(t).expand(len(x0))
    left = schedule.alpha_bars
    x_t = at_times(left.sqrt(), t, x0) * x0 + at_times((1 - left).sqrt(), t, x0) * noise
    rest = t > 1
    found = right_term(eps, v, x0, noise, t, schedule, levels)
    if rest.any():
        mean = posterior_mean_from_noise(x_t[rest], eps[rest], t[rest], schedule)
        true = posterior_mean(x0[rest], x_t[rest], t[rest], schedule)
        spread = at_times(posterior_variance(schedule), t[rest], x0).expand_as(true)
        learned = right_logs(v[rest], t[rest], schedule).exp()
        found = found.clone()
        found[rest] = bits(kl(true, spread, mean, learned), x0)
    return found


@mutant("13.12", "divergence exchanged", says="The divergence has its arguments exchanged", keeps=(*VARIANCE, "the term for t = 1"))
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    return with_kl(eps, v, x0, noise, t, schedule, levels, lambda m, s, n, u: gaussian_kl(n, u, m, s))


@mutant("13.12", "v ignored", says="v is ignored: this is the term for the variance beta-tilde_t", keeps=VARIANCE)
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    return right_term(eps, torch.zeros_like(v), x0, noise, t, schedule, levels)


@mutant("13.12", "log variance taken for log deviation", says="as if it were that of the deviation", keeps=(*VARIANCE, "the term for t = 1"))
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    return with_kl(eps, v, x0, noise, t, schedule, levels, lambda m, s, n, u: gaussian_kl(m, s, n, u**2))


@mutant("13.12", "density at t = 1", says="At t = 1 this is a density", keeps=(*VARIANCE, "terms for t > 1"))
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    left = schedule.alpha_bars
    x_t = at_times(left.sqrt(), t, x0) * x0 + at_times((1 - left).sqrt(), t, x0) * noise
    law = torch.distributions.Normal(posterior_mean_from_noise(x_t, eps, t, schedule), (right_logs(v, t, schedule) / 2).exp())
    density = bits(-law.log_prob(x0).flatten(1).sum(1) if x0.ndim > 1 else -law.log_prob(x0), x0)
    return torch.where(t == 1, density, right_term(eps, v, x0, noise, t, schedule, levels))


@mutant("13.12", "answers exchanged", says="The model's two answers are exchanged", keeps=VARIANCE)
def vlb_term(eps, v, x0, noise, t, schedule, levels):  # noqa: F811
    return right_term(v, eps, x0, noise, t, schedule, levels)


@mutant("13.12", "without T", says="The factor T is missing", keeps=(*VARIANCE, *TERMS))
def hybrid_loss(eps, v, x0, noise, t, schedule, levels, weight):
    return (noise - eps).square().mean() + weight * right_term(eps.detach(), v, x0, noise, t, schedule, levels).mean()


@mutant("13.12", "no stop", says="The bound trains eps too", keeps=(*VARIANCE, *TERMS, HYBRID))
def hybrid_loss(eps, v, x0, noise, t, schedule, levels, weight):  # noqa: F811
    return (noise - eps).square().mean() + weight * schedule.T * right_term(eps, v, x0, noise, t, schedule, levels).mean()


@mutant("13.12", "stop on v", says="v is not trained", keeps=(*VARIANCE, *TERMS, HYBRID))
def hybrid_loss(eps, v, x0, noise, t, schedule, levels, weight):  # noqa: F811
    bound = right_term(eps.detach(), v.detach(), x0, noise, t, schedule, levels).mean()
    return (noise - eps).square().mean() + weight * schedule.T * bound


@mutant("13.12", "bound alone", says="L_simple is missing", keeps=(*VARIANCE, *TERMS))
def hybrid_loss(eps, v, x0, noise, t, schedule, levels, weight):  # noqa: F811
    return weight * schedule.T * right_term(eps, v, x0, noise, t, schedule, levels).mean()


@mutant("13.12", "weight ignored", says="The weight is ignored", keeps=(*VARIANCE, *TERMS))
def hybrid_loss(eps, v, x0, noise, t, schedule, levels, weight):  # noqa: F811
    return (noise - eps).square().mean() + schedule.T * right_term(eps.detach(), v, x0, noise, t, schedule, levels).mean()
