"""Wrong answers to exercise 2.6: where the chain ends, and the three restrictions."""

from __future__ import annotations

import torch
from answers import mutant
from torch.distributions import MultivariateNormal, kl_divergence

_REPORTS = ("same dimension", "fixed encoder", "standard normal end")


def _climb(encoder, x):
    mean, covariance = x, x.new_zeros(x.shape[1], x.shape[1])
    for step in encoder.transitions:
        mean = step.mean(mean)
        covariance = step.weight @ covariance @ step.weight.T + torch.diag(step.std**2)
    return mean, covariance


def _kl(encoder, x):
    return _kl_of(*_climb(encoder, x))


def _kl_of(mean, covariance):
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


@mutant("2.6", "bias left out", says="The bias of the transitions is left out")
def prior_matching_kl(encoder, x):  # noqa: F811
    mean, (_, covariance) = x, _climb(encoder, x)
    for step in encoder.transitions:
        mean = mean @ step.weight.T
    return _kl_of(mean, covariance)


@mutant("2.6", "covariance starts from I", says="so it starts from 0")
def prior_matching_kl(encoder, x):  # noqa: F811
    mean, covariance = x, torch.eye(x.shape[1]).double()
    for step in encoder.transitions:
        mean = step.mean(mean)
        covariance = step.weight @ covariance @ step.weight.T + torch.diag(step.std**2)
    return _kl_of(mean, covariance)


@mutant("2.6", "dimension of x", says="d is the dimension of z_T")
def prior_matching_kl(encoder, x):  # noqa: F811
    return _kl(encoder, x) + (encoder.dims[-1] - encoder.dims[0]) / 2


@mutant("2.6", "sign of the determinant", says="log det S has the wrong sign")
def prior_matching_kl(encoder, x):  # noqa: F811
    return _kl(encoder, x) + torch.logdet(_climb(encoder, x)[1])


@mutant("2.6", "mean over the components", says="The KL is divided by the dimension")
def prior_matching_kl(encoder, x):  # noqa: F811
    return _kl(encoder, x) / encoder.dims[-1]


@mutant("2.6", "x's dimension ignored", says="x counts too", keeps=("prior_matching_kl", *_REPORTS[1:]))
def restrictions(encoder, x, tolerance):
    return _report(encoder, x, tolerance, same=len(set(encoder.dims[1:])) == 1)


@mutant("2.6", "only the ends' dimensions", says="compare all of them", keeps=("prior_matching_kl", *_REPORTS[1:]))
def restrictions(encoder, x, tolerance):  # noqa: F811
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


_ALL_BUT_FIXED = ("prior_matching_kl", _REPORTS[0], _REPORTS[2])


@mutant("2.6", "noise must preserve variance 1", says="whether they fit is the third restriction's affair",
        keeps=_ALL_BUT_FIXED)
def restrictions(encoder, x, tolerance):  # noqa: F811
    ones = [step.weight[0, 0] ** 2 + step.std**2 for step in encoder.transitions]
    return _report(encoder, x, tolerance, fixed=_fixed(encoder) and all(
        torch.allclose(value, torch.ones_like(value)) for value in ones))


@mutant("2.6", "noise must be alike in all components", says="Any fixed standard deviations will do",
        keeps=_ALL_BUT_FIXED)
def restrictions(encoder, x, tolerance):  # noqa: F811
    alike = all((step.std == step.std[0]).all() for step in encoder.transitions)
    return _report(encoder, x, tolerance, fixed=_fixed(encoder) and bool(alike))


@mutant("2.6", "identity in single precision", says="A matrix that you compare it with needs its dtype",
        keeps=_ALL_BUT_FIXED)
def restrictions(encoder, x, tolerance):  # noqa: F811
    return _report(encoder, x, tolerance, fixed=_fixed(encoder) and all(
        torch.equal(step.weight, (step.weight[0, 0] * torch.eye(*step.weight.shape)).double())
        for step in encoder.transitions))


@mutant("2.6", "every weight taken for a square one", says="The weights here are not all of one square shape",
        keeps=("prior_matching_kl", _REPORTS[2]))
def restrictions(encoder, x, tolerance):  # noqa: F811
    return _report(encoder, x, tolerance, fixed=all(
        not step.learnable and not step.bias.any() and (step.weight - torch.diag(step.weight.diagonal()) == 0).all()
        for step in encoder.transitions))


@mutant("2.6", "square weights, any diagonal", says="The diagonal of the weight is not constant")
def restrictions(encoder, x, tolerance):  # noqa: F811
    return _report(encoder, x, tolerance, fixed=all(
        not step.learnable and not step.bias.any() and (step.weight - torch.diag(step.weight.diagonal()) == 0).all()
        for step in encoder.transitions))
