"""The check of chapter 1's two terms of the ELBO."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..judging import Case, Check, Draw, compare
from .elbo_oracles import (
    encoder,
    expected_log_likelihood,
    kl_by_quadrature,
    log_likelihood,
    log_marginal,
    log_mean_exp,
    moments,
    posterior,
    sigma_points,
)


class ElboTerms(Check):
    """Exercise 1.5. Oracle: conditioning of the joint Gaussian, and Gaussian moments by torch.distributions.

    Where the noise consists of sigma points (mean 0, covariance I) the mean of a quadratic is exact, so the ELBO must
    equal log p(x) - KL(q || p(z | x)), and its gradients are those of the exact expectations.
    """

    number = "1.5"
    parts = {"reconstruction": 2, "prior matching": 1, "log p - ELBO = KL": 1, "gradients": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for latent, batch, data in [(2, 3, 4), (3, 5, 2)]:
            arguments = {
                "W": draw.normal(data, latent), "b": draw.normal(data), "sigma": draw.number(0.4, 0.8),
                "x": draw.normal(batch, data), "mu": draw.normal(batch, latent),
                "log_var": draw.uniform(-2.0, -0.4, batch, latent),
            }
            exact = arguments | {"noise": sigma_points(latent, batch)}
            chance = arguments | {"noise": draw.normal(7, batch, latent)}
            shape = f"batch {batch}, data {data}, latent {latent}"
            yield Case("reconstruction", "difference_of_two_elbos", chance, "the same noise twice")
            yield Case("reconstruction", "elbo_terms_of_linear_gaussian", exact, f"{shape}, sigma points")
            yield Case("reconstruction", "elbo_terms_of_linear_gaussian", chance, f"{shape}, 7 random draws")
            yield Case("prior matching", "elbo_terms_of_linear_gaussian", chance, f"{shape}, 7 random draws")
            yield Case("log p - ELBO = KL", "elbo_terms_of_linear_gaussian", exact, f"{shape}, sigma points")
            yield Case("gradients", "gradients_of_elbo_terms", exact, f"{shape}, sigma points")

    def judge(self, case: Case, result: object) -> str | None:
        kind = list if case.part == "gradients" else Tensor
        if not isinstance(result, list) or len(result) != 2 or not all(isinstance(term, kind) for term in result):
            return "elbo_terms should return two tensors: (reconstruction, prior_matching)"
        if case.part == "gradients":
            return _judge_gradients(case, result)
        reconstruction, prior_matching = result
        if case.call == "difference_of_two_elbos":
            if not torch.cat([term.double().flatten() for term in result]).nan_to_num().any():
                return None
            return "two calls with the same noise differ: draw nothing yourself, use the argument noise"
        if case.part == "reconstruction":
            return self._judge_reconstruction(case, reconstruction, prior_matching)
        if case.part == "prior matching":
            return self._judge_prior_matching(case, prior_matching)
        if reconstruction.shape != prior_matching.shape:
            return "the two terms should have the same shape, (batch,)"
        return compare(
            reconstruction - prior_matching,
            log_marginal(case) - kl_divergence(encoder(case), posterior(case)),
            what="reconstruction - prior matching",
            known={"This is log p(x) plus the gap: is the sign of the prior matching turned?":
                       expected_log_likelihood(case) + kl_by_quadrature(*moments(case)).sum(-1)},
        )

    def _judge_reconstruction(self, case: Case, result: Tensor, other: Tensor) -> str | None:
        mu, log_var = moments(case)
        noise = case.arguments["noise"]
        z = mu + log_var.exp().sqrt() * noise
        each = log_likelihood(case, z)
        exact = "sigma points" in case.says
        expected = expected_log_likelihood(case) if exact else sum(each) / len(each)
        if compare(other, expected) is None:
            return "the two terms stand in the wrong order: (reconstruction, prior_matching)"
        if compare(result, expected) is None:
            return None
        return compare(
            result,
            expected,
            what="the reconstruction",
            known={
                "This is the likelihood at the encoder's mean: the noise is not used.": log_likelihood(case, mu),
                "This is summed over the samples; a Monte Carlo estimate is their mean.": each.sum(0),
                "This is the logarithm of a mean; the reconstruction is the mean of logarithms.": log_mean_exp(each, 0),
                "The noise is scaled by the variance; it should be scaled by the standard deviation.":
                    log_likelihood(case, mu + log_var.exp() * noise).mean(0),
                "This is averaged over the batch as well; keep one value for each data point.": expected.mean(),
                "These are the values of the single samples; average over axis 0.": each,
                "Samples and batch are confused: the mean is over axis 1; it should be over axis 0.": each.mean(1),
                "This is divided by the number of data dimensions; the likelihood of x is a sum over them.":
                    expected / case.arguments["x"].shape[-1],
                "The sign is wrong: this is the reconstruction loss, minus the reconstruction term.": -expected,
                "This is the ELBO; return its two terms, before they are subtracted.":
                    expected - kl_by_quadrature(mu, log_var).sum(-1),
                "This is the mean of log p(x, z): the prior's part belongs to the prior matching.":
                    (each + Normal(0.0, 1.0).log_prob(z).sum(-1)).mean(0),
                "Only the first sample is used; average over all of them.": each[0],
            },
        )

    def _judge_prior_matching(self, case: Case, result: Tensor) -> str | None:
        mu, log_var = moments(case)
        expected = kl_by_quadrature(mu, log_var).sum(-1)
        if compare(result, expected) is None:
            return None
        z = mu + (log_var / 2).exp() * case.arguments["noise"]
        ratio = (Normal(mu, (log_var / 2).exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(-1)
        return compare(
            result,
            expected,
            what="the prior matching",
            known={
                "The prior matching is estimated with the samples; it has a closed form (Exercise 1.2).": ratio.mean(0),
                "The sign is wrong: return the KL itself; the ELBO subtracts it.": -expected,
                "This is averaged over the batch as well; keep one value for each data point.": expected.mean(),
                "This is the KL to the posterior p(z | x); the prior matching is the KL to the prior.":
                    kl_divergence(encoder(case), posterior(case)),
                "This is averaged over the latent axis; sum over it.": expected / mu.shape[-1],
            },
        )


def _judge_gradients(case: Case, result: list) -> str | None:
    """Compare the gradients of both terms to mu, log_var, W and b with those of their exact values."""
    terms = list(zip(("reconstruction", "prior matching"), result, _exact_gradients(case), strict=True))
    problems = []
    for term, found, expected in terms:
        names = ("mu", "log_var", "the model's W", "the model's b")
        lacking = [name for name, got, due in zip(names, found, expected, strict=True) if due.any() and not got.any()]
        if lacking:
            problems.append(f"No gradient of the {term} reaches {', '.join(lacking)}: no detach(), torch.no_grad(), "
                            "NumPy or new tensor may stand on its way.")
    if problems:
        return "\n".join(problems)
    for term, found, expected in terms:
        for name, got, due in zip(("mu", "log_var", "W", "b"), found, expected, strict=True):
            problem = compare(got, due, what=f"the gradient of the {term} to {name}")
            if problem is not None:
                return problem
    return None


def _exact_gradients(case: Case) -> list[list[Tensor]]:
    """The gradients of E_q[log p(x | z)], by autograd, and of the KL, both summed over the batch."""
    names = ("mu", "log_var", "W", "b")
    leaves = {name: case.arguments[name].clone().requires_grad_() for name in names}
    exact = Case(case.part, case.call, case.arguments | leaves)
    of_reconstruction = torch.autograd.grad(expected_log_likelihood(exact).sum(), list(leaves.values()))
    mu, log_var = moments(case)
    of_matching = [mu, torch.expm1(log_var) / 2, *(torch.zeros_like(case.arguments[name]) for name in ("W", "b"))]
    return [list(of_reconstruction), of_matching]
