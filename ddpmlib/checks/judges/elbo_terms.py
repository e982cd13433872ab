"""The check of chapter 1's two terms of the ELBO."""

from __future__ import annotations

from collections.abc import Iterable

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
    equal log p(x) - KL(q || p(z | x)).
    """

    number = "1.5"
    parts = {"reconstruction": 2, "prior matching": 2, "log p - ELBO = KL": 1}

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
            yield Case("reconstruction", "elbo_terms_of_linear_gaussian", exact, f"{shape}, sigma points")
            yield Case("reconstruction", "elbo_terms_of_linear_gaussian", chance, f"{shape}, 7 random draws")
            yield Case("prior matching", "elbo_terms_of_linear_gaussian", chance, f"{shape}, 7 random draws")
            yield Case("log p - ELBO = KL", "elbo_terms_of_linear_gaussian", exact, f"{shape}, sigma points")

    def judge(self, case: Case, result: object) -> str | None:
        if not isinstance(result, list) or len(result) != 2 or not all(isinstance(term, Tensor) for term in result):
            return "elbo_terms should return two tensors: (reconstruction, prior_matching)"
        reconstruction, prior_matching = result
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
        each = log_likelihood(case, mu + log_var.exp().sqrt() * noise)
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
