"""Wrong answers to chapter 2's code exercises."""

from __future__ import annotations

import math

import torch
from answers import mutant
from torch.distributions import MultivariateNormal, Normal, kl_divergence


def _climb(encoder, x):
    mean, covariance = x, x.new_zeros(x.shape[1], x.shape[1])
    for step in encoder.transitions:
        mean = step.mean(mean)
        covariance = step.weight @ covariance @ step.weight.T + torch.diag(step.std**2)
    return mean, covariance


def _kl(encoder, x):
    mean, covariance = _climb(encoder, x)
    return 0.5 * (covariance.trace() + (mean**2).sum(-1) - mean.shape[1] - torch.logdet(covariance))


def _fixed(encoder):
    return all(
        not step.learnable
        and torch.equal(step.weight, step.weight[0, 0] * torch.eye(*step.weight.shape).double())
        and not step.bias.any()
        for step in encoder.transitions
    )


def _report(encoder, x, tolerance, same=None, fixed=None, end=None):
    return {
        "same dimension": len(set(encoder.dims)) == 1 if same is None else same,
        "fixed encoder": _fixed(encoder) if fixed is None else fixed,
        "standard normal end": bool((_kl(encoder, x) <= tolerance).all()) if end is None else end,
    }


def _joint_terms(decoder, path, scale=lambda std: std):
    return [Normal(step.mean(path[t]), scale(step.std)).log_prob(path[t - 1]).sum(-1)
            for t, step in enumerate(decoder.transitions, start=1)]


def _prior(path):
    return Normal(0.0, 1.0).log_prob(path[-1]).sum(-1)


@mutant("2.1", "prior forgotten", says="The prior log p(z_T) is missing")
def log_joint(decoder, path):
    return sum(_joint_terms(decoder, path))


@mutant("2.1", "product starts at t = 2", says="The term log p(x | z_1) is missing")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path)[1:], _prior(path))


@mutant("2.1", "product ends at T - 1", says="The transition p(z_{T-1} | z_T) is missing")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path)[:-1], _prior(path))


@mutant("2.1", "standard deviation used as variance", says="std is a standard deviation; it is used as a variance")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path, torch.sqrt), _prior(path))


@mutant("2.1", "variance given to Normal", says="The standard deviation is squared here")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path, torch.square), _prior(path))


@mutant("2.1", "no normalising constant", says="The constant -log(2 pi)/2 is missing")
def log_joint(decoder, path):  # noqa: F811
    total = -0.5 * (path[-1] ** 2).sum(-1)
    for t, step in enumerate(decoder.transitions, start=1):
        residual = (path[t - 1] - step.mean(path[t])) / step.std
        total = total - (0.5 * residual**2 + step.std.log()).sum(-1)
    return total


@mutant("2.1", "density in place of its logarithm", says="This is the density; its logarithm is asked for")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path), _prior(path)).exp()


@mutant("2.1", "sum over the batch", says="keep the batch")
def log_joint(decoder, path):  # noqa: F811
    return sum(_joint_terms(decoder, path), _prior(path)).sum()


@mutant("2.1", "bias left out", says="The bias of the transitions is left out")
def log_joint(decoder, path):  # noqa: F811
    total = _prior(path)
    for t, step in enumerate(decoder.transitions, start=1):
        total = total + Normal(path[t] @ step.weight.T, step.std).log_prob(path[t - 1]).sum(-1)
    return total


@mutant("2.1", "transitions in the wrong direction", says="value must have shape")
def log_joint(decoder, path):  # noqa: F811
    total = _prior(path)
    for t, step in enumerate(decoder.transitions, start=1):
        total = total + Normal(step.mean(path[t - 1]), step.std).log_prob(path[t]).sum(-1)
    return total


def _posterior_terms(encoder, path, scale=lambda std: std):
    return [Normal(step.mean(path[t - 1]), scale(step.std)).log_prob(path[t]).sum(-1)
            for t, step in enumerate(encoder.transitions, start=1)]


@mutant("2.2", "prior added", says="A prior log p(z_T) is added")
def log_posterior(encoder, path):
    return sum(_posterior_terms(encoder, path), _prior(path))


@mutant("2.2", "product starts at t = 2", says="The term log q(z_1 | x) is missing", keeps=("one level",))
def log_posterior(encoder, path):  # noqa: F811
    terms = _posterior_terms(encoder, path)
    return sum(terms[1:]) if len(terms) > 1 else terms[0]


@mutant("2.2", "product ends at T - 1", says="The transition q(z_T | z_{T-1}) is missing", keeps=("one level",))
def log_posterior(encoder, path):  # noqa: F811
    terms = _posterior_terms(encoder, path)
    return sum(terms[:-1]) if len(terms) > 1 else terms[0]


@mutant("2.2", "standard deviation used as variance", says="std is a standard deviation; it is used as a variance")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path, torch.sqrt))


@mutant("2.2", "variance given to Normal", says="The standard deviation is squared here")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path, torch.square))


@mutant("2.2", "no logarithm of the standard deviation", says="The term -log(std) of the transitions")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path)) + sum(step.std.log().sum() for step in encoder.transitions)


@mutant("2.2", "no normalising constant", says="The constant -log(2 pi)/2 is missing")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path)) + sum(encoder.dims[1:]) / 2 * math.log(2 * math.pi)


@mutant("2.2", "sum over the batch", says="keep the batch")
def log_posterior(encoder, path):  # noqa: F811
    return sum(_posterior_terms(encoder, path)).sum()


def _down(decoder, noise, scale=lambda std: std):
    path = [noise[-1]]
    for t in range(decoder.levels, 0, -1):
        step = decoder.transition(t)
        path.insert(0, step.mean(path[0]) + scale(step.std) * noise[t - 1])
    return path


@mutant("2.3", "variance for standard deviation", says="The standard deviation is squared here",
        keeps=("posterior_sample: paths", "posterior_sample: covariance"))
def ancestral_sample(decoder, noise):
    return _down(decoder, noise, torch.square)


@mutant("2.3", "standard deviation used as variance", says="std is a standard deviation; it is used as a variance")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise, torch.sqrt)


@mutant("2.3", "noise not scaled", says="The noise is not scaled by the transition's std")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise, torch.ones_like)


@mutant("2.3", "means only", says="No noise is added after the first draw")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise, torch.zeros_like)


@mutant("2.3", "x without noise", says="x is a draw from p(x | z_1), not its mean")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, [torch.zeros_like(noise[0]), *noise[1:]])


@mutant("2.3", "path from the top", says="the path begins with z_T", keeps=("posterior_sample: paths",))
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise)[::-1]


@mutant("2.3", "top level starts at zero", says="z_T is noise[T] itself")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, [*noise[:-1], torch.zeros_like(noise[-1])])


@mutant("2.3", "returns x only", says="the path should be a list of")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise)[0]


@mutant("2.3", "encoder: variance for standard deviation", says="The standard deviation is squared here",
        keeps=("ancestral_sample: paths", "ancestral_sample: covariance"))
def posterior_sample(encoder, x, noise):
    path = [x]
    for step, draw in zip(encoder.transitions, noise):
        path.append(step.mean(path[-1]) + step.std**2 * draw)
    return path


@mutant("2.3", "encoder: x not in the path", says="the path should be a list of")
def posterior_sample(encoder, x, noise):  # noqa: F811
    path = []
    for step, draw in zip(encoder.transitions, noise):
        x = step.mean(x) + step.std * draw
        path.append(x)
    return path


@mutant("2.3", "encoder: bias left out", says="The bias of the transitions is left out")
def posterior_sample(encoder, x, noise):  # noqa: F811
    path = [x]
    for step, draw in zip(encoder.transitions, noise):
        path.append(path[-1] @ step.weight.T + step.std * draw)
    return path


@mutant("2.4", "logarithm of the mean", says="This is the logarithm of the mean ratio", keeps=("exact posterior",))
def hierarchical_elbo(log_joint, log_posterior):
    return (log_joint - log_posterior).logsumexp(0) - math.log(len(log_joint))


@mutant("2.4", "sum over the paths", says="take their mean")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).sum(0)


@mutant("2.4", "negative", says="this is the negative ELBO")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_posterior - log_joint).mean(0)


@mutant("2.4", "encoder forgotten", says="The encoder's density is missing")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return log_joint.mean(0)


@mutant("2.4", "encoder added", says="The encoder's log-density is added")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint + log_posterior).mean(0)


@mutant("2.4", "mean over the batch too", says="The batch is averaged too")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).mean()


@mutant("2.4", "mean over the last axis", says="The mean is taken over the last axis")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).mean(-1)


@mutant("2.4", "mean of the ratio", says="This is the mean of the ratio itself")
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).exp().mean(0)


@mutant("2.4", "detached", says="No gradient reaches the arguments", keeps=("mean over the paths", "sigma points"))
def hierarchical_elbo(log_joint, log_posterior):  # noqa: F811
    return (log_joint - log_posterior).mean(0).detach()


_REPORTS = ("same dimension", "fixed encoder", "standard normal end")


@mutant("2.6", "KL swapped", says="The arguments of the KL are swapped", keeps=_REPORTS[:2])
def prior_matching_kl(encoder, x):
    mean, covariance = _climb(encoder, x)
    prior = MultivariateNormal(torch.zeros_like(mean), torch.eye(mean.shape[1]).double())
    return kl_divergence(prior, MultivariateNormal(mean, covariance))


@mutant("2.6", "standard deviation as variance", says="its square is what adds to the covariance", keeps=_REPORTS[:2])
def prior_matching_kl(encoder, x):  # noqa: F811
    mean, covariance = x, x.new_zeros(x.shape[1], x.shape[1])
    for step in encoder.transitions:
        mean = step.mean(mean)
        covariance = step.weight @ covariance @ step.weight.T + torch.diag(step.std)
    return 0.5 * (covariance.trace() + (mean**2).sum(-1) - mean.shape[1] - torch.logdet(covariance))


@mutant("2.6", "noise of the last transition only", says="Only the noise of the last transition is counted")
def prior_matching_kl(encoder, x):  # noqa: F811
    mean, _ = _climb(encoder, x)
    variance = encoder.transitions[-1].std ** 2
    return 0.5 * (variance.sum() + (mean**2).sum(-1) - mean.shape[1] - variance.log().sum())


@mutant("2.6", "no factor one half", says="The factor 1/2 is missing")
def prior_matching_kl(encoder, x):  # noqa: F811
    return 2 * _kl(encoder, x)


@mutant("2.6", "mean over the rows", says="return one for each row of x")
def prior_matching_kl(encoder, x):  # noqa: F811
    return _kl(encoder, x).mean()


@mutant("2.6", "correlations dropped", says="Only the diagonal of the covariance is kept")
def prior_matching_kl(encoder, x):  # noqa: F811
    mean, covariance = _climb(encoder, x)
    variance = covariance.diagonal()
    return 0.5 * (variance.sum() + (mean**2).sum(-1) - mean.shape[1] - variance.log().sum())


@mutant("2.6", "only the ends' dimensions", says="compare all of them", keeps=("prior_matching_kl", *_REPORTS[1:]))
def restrictions(encoder, x, tolerance):
    return _report(encoder, x, tolerance, same=encoder.dims[0] == encoder.dims[-1])


@mutant("2.6", "only learnable weights", says="like any learnable parameter",
        keeps=("prior_matching_kl", _REPORTS[0], _REPORTS[2]))
def restrictions(encoder, x, tolerance):  # noqa: F811
    learned = any("weight" in step.learnable for step in encoder.transitions)
    return _report(encoder, x, tolerance, fixed=_fixed(encoder) if learned else all(
        torch.equal(step.weight, step.weight[0, 0] * torch.eye(*step.weight.shape).double()) and not step.bias.any()
        for step in encoder.transitions))


@mutant("2.6", "only the last transition is inspected", says="of any transition, makes a learned encoder")
def restrictions(encoder, x, tolerance):  # noqa: F811
    return _report(encoder, x, tolerance, fixed=not encoder.transitions[-1].learnable)


@mutant("2.6", "any linear map", says="the mean is not a multiple of the previous latent")
def restrictions(encoder, x, tolerance):  # noqa: F811
    return _report(encoder, x, tolerance, fixed=all(
        not step.learnable and not step.bias.any() for step in encoder.transitions))


@mutant("2.6", "last weight small", says="what must vanish is their product")
def restrictions(encoder, x, tolerance):  # noqa: F811
    return _report(encoder, x, tolerance, end=bool(encoder.transitions[-1].weight.abs().max() < 0.1))


@mutant("2.6", "mean over the rows in the report", says="for every row of x, not on average",
        keeps=("prior_matching_kl", *_REPORTS[:2]))
def restrictions(encoder, x, tolerance):  # noqa: F811
    return _report(encoder, x, tolerance, end=bool(_kl(encoder, x).mean() <= tolerance))


@mutant("2.6", "mean of the end only", says="its variance is not 1", keeps=("prior_matching_kl", *_REPORTS[:2]))
def restrictions(encoder, x, tolerance):  # noqa: F811
    mean, _ = _climb(encoder, x)
    return _report(encoder, x, tolerance, end=bool(((mean**2).sum(-1) / 2 <= tolerance).all()))
