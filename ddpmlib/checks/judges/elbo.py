"""Checks of chapter 1's code exercises."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..judging import Case, Check, Draw, compare
from .elbo_oracles import kl_by_quadrature, log_mean_exp
from .elbo_terms import ElboTerms


class Reparameterize(Check):
    """Exercise 1.1. Oracle: the inverse of the normal distribution function, and the known derivatives of E[z^2]."""

    number = "1.1"
    parts = {"values": 2, "the given noise": 1, "gradient": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for shape in [(4,), (3, 2)]:
            arguments = {
                "mu": draw.normal(*shape),
                "log_var": draw.uniform(-3.0, 2.0, *shape),
                "noise": draw.normal(*shape),
            }
            yield Case("values", "reparameterize", arguments, f"shape {shape}")
        wide = {
            "mu": draw.normal(2, 2), "log_var": torch.tensor([[-30.0, 30.0]] * 2).double(), "noise": draw.normal(2, 2)
        }
        yield Case("values", "reparameterize", wide, "log_var -30 and 30")
        arguments = {"mu": draw.normal(4), "log_var": draw.uniform(-3.0, 2.0, 4), "noise": draw.normal(4)}
        yield Case("the given noise", "three_calls", arguments, "the same noise twice")
        arguments = {"mu": draw.uniform(0.4, 2.0, 5), "log_var": draw.uniform(-2.0, 1.0, 5)}
        yield Case("gradient", "gradient_of_second_moment", arguments, "gradient of E[sum z^2]")

    @staticmethod
    def _judge_noise(result: object, mu: Tensor) -> str | None:
        if not isinstance(result, list) or not all(isinstance(z, Tensor) and z.shape == mu.shape for z in result):
            return f"z should be a tensor of the shape of mu, {tuple(mu.shape)}"
        first, again, other = (z.nan_to_num() for z in result)
        if not torch.equal(first, again):
            return "two calls with the same noise differ: draw nothing yourself, use the argument noise"
        return "other noise gives the same z: use the argument noise" if torch.equal(first, other) else None

    def judge(self, case: Case, result: object) -> str | None:
        mu, log_var = case.arguments["mu"], case.arguments["log_var"]
        if case.part == "the given noise":
            return self._judge_noise(result, mu)
        if case.part == "gradient":
            # E[z^2] = mu^2 + sigma^2, so the gradients are 2 mu and sigma^2
            expected = torch.stack([2 * mu, log_var.exp()])
            zeros = torch.zeros_like(mu)
            known = {
                "No gradient reaches mu and log_var: do not detach them.": torch.stack([zeros, zeros]),
                "No gradient reaches log_var: the standard deviation must stay a function of it.":
                    torch.stack([2 * mu, zeros]),
            }
            return compare(result, expected, what="the gradient to (mu, log_var)", known=known)
        noise = case.arguments["noise"]
        return compare(
            result,
            Normal(mu, log_var.exp().sqrt()).icdf(Normal(0.0, 1.0).cdf(noise)),
            what="z",
            rtol=1e-4,
            known={
                "The noise is scaled by the variance; it should be scaled by the standard deviation.":
                    mu + log_var.exp() * noise,
                "log_var is the logarithm of the variance: the standard deviation is exp(log_var / 2).":
                    mu + log_var * noise,
                "The root of log_var is taken; take the root of the variance, which is exp(log_var).":
                    mu + log_var.sqrt() * noise,
                "The noise is divided by the standard deviation; multiply.": mu + (-log_var / 2).exp() * noise,
                "The noise is subtracted; it should be added.": mu - (log_var / 2).exp() * noise,
                "The mean is scaled too: only the noise is multiplied by the standard deviation.":
                    (mu + noise) * (log_var / 2).exp(),
            },
        )


class KLToStandardNormal(Check):
    """Exercise 1.2. Oracle: Gauss-Hermite quadrature of log q - log p, exact for a quadratic."""

    number = "1.2"
    parts = {"one vector": 1, "a batch": 1, "far below underflow": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        arguments = {"mu": draw.uniform(0.5, 2.0, 4), "log_var": draw.uniform(0.3, 1.5, 4)}
        yield Case("one vector", "kl_to_standard_normal", arguments, "shape (4,)")
        for shape in [(5, 3), (2, 3, 4)]:
            arguments = {"mu": draw.uniform(0.5, 2.0, *shape), "log_var": draw.uniform(-3.0, 1.5, *shape)}
            yield Case("a batch", "kl_to_standard_normal", arguments, f"shape {shape}")
        log_var = torch.cat([torch.tensor([[-1000.0, -0.3]]).double(), draw.uniform(-3.0, -0.3, 1, 2)])
        arguments = {"mu": draw.uniform(0.5, 2.0, 2, 2), "log_var": log_var}
        yield Case("far below underflow", "kl_to_standard_normal", arguments, "one log_var of -1000")
        arguments = {"mu": draw.uniform(0.4, 2.0, 3), "log_var": draw.uniform(-2.0, -0.3, 3)}
        yield Case("gradient", "gradient_of_kl", arguments, "the gradient")

    def judge(self, case: Case, result: object) -> str | None:
        mu, log_var = case.arguments["mu"], case.arguments["log_var"]
        if case.part == "gradient":
            expected = torch.stack([mu, torch.expm1(log_var) / 2])
            frozen = {"No gradient reaches mu and log_var: do not detach them.": torch.zeros_like(expected)}
            return compare(result, expected, what="the gradient to (mu, log_var)", known=frozen)
        each = kl_by_quadrature(mu, log_var)
        var = log_var.exp()
        if case.part == "far below underflow":
            lost = torch.tensor([math.inf, each[1].sum()])
            said = "exp(-1000) is 0 in double precision, and log(0) infinite: log_var is the logarithm already."
            return compare(result, each.sum(-1), what="the KL", known={said: lost})
        swapped = kl_divergence(Normal(0.0, 1.0), Normal(mu, var.sqrt()))
        return compare(
            result,
            each.sum(-1),
            what="the KL",
            known={
                "These are the divergences of the components: sum over the last axis.": each,
                "This is the mean over the components; a KL of independent components is their sum.": each.mean(-1),
                "This is summed over the first axis; sum over the last one.": each.sum(0),
                "This is summed over all axes; the batch axes stay.": each.sum(),
                "This is KL(N(0, I) || q): the arguments are swapped.": swapped.sum(-1),
                "The factor 1/2 is missing.": 2 * each.sum(-1),
                "The sign is wrong: this is minus the KL, and a KL is never negative.": -each.sum(-1),
                "log_var is taken for the logarithm of the standard deviation.":
                    kl_by_quadrature(mu, 2 * log_var).sum(-1),
                "The -1 is missing: at mu = 0, log_var = 0 the KL must be 0.": (each + 0.5).sum(-1),
                "The term mu^2 is missing: the mean's distance from 0 counts.": (each - mu**2 / 2).sum(-1),
                "The mean is not squared.": (each - mu**2 / 2 + mu / 2).sum(-1),
                "The sign of log sigma^2 is turned: then a narrow encoder costs nothing.": (each + log_var).sum(-1),
                "exp(log_var / 2) is the standard deviation; the variance is due there.":
                    (each - var / 2 + var.sqrt() / 2).sum(-1),
                "log_var / 2 is the logarithm of the standard deviation; that of the variance is due there.":
                    (each + log_var / 4).sum(-1),
                "The standard deviation stands where the variance is due.": kl_by_quadrature(mu, log_var / 2).sum(-1),
                "The logarithm of log_var is taken; log_var is a logarithm already.":
                    (each + log_var / 2 - log_var.log() / 2).sum(-1),
                "The factor 1/2 belongs to all four terms, not to mu^2 only.": (2 * each - mu**2 / 2).sum(-1),
                "The last axis is still there, with one entry: sum it away.": each.sum(-1, keepdim=True),
            },
        )


class ImportanceLogMarginal(Check):
    """Exercise 1.4. Oracle: the same sum in multiple-precision arithmetic."""

    number = "1.4"
    parts = {"values": 2, "far below underflow": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for shape in [(5,), (4, 3), (3, 2, 5)]:
            arguments = {"log_joint": draw.uniform(-5.0, -1.0, *shape), "log_proposal": draw.uniform(-3.0, 0.5, *shape)}
            yield Case("values", "importance_log_marginal", arguments, f"shape {shape}")
        for says, offset in [("log_joint near -1e4", -1e4), ("log_joint near +1e4", 1e4)]:
            log_joint, log_proposal = offset + draw.uniform(-5.0, 0.0, 6, 2), draw.uniform(-3.0, 0.0, 6, 2)
            arguments = {"log_joint": log_joint, "log_proposal": log_proposal}
            yield Case("far below underflow", "importance_log_marginal", arguments, says)
        offsets = torch.tensor([-1e4, 0.0], dtype=torch.float64)
        log_joint, log_proposal = offsets + draw.uniform(-5.0, 0.0, 6, 2), draw.uniform(-3.0, 0.0, 6, 2)
        arguments = {"log_joint": log_joint, "log_proposal": log_proposal}
        says = "log_joint near -1e4 beside others near 0"
        yield Case("far below underflow", "importance_log_marginal", arguments, says)

    def judge(self, case: Case, result: object) -> str | None:
        log_joint, log_proposal = case.arguments["log_joint"], case.arguments["log_proposal"]
        weights = log_joint - log_proposal
        expected = log_mean_exp(weights, 0)
        precise = case.part == "far below underflow"
        rtol = 1e-7 if precise else 1e-5
        if compare(result, expected, rtol=rtol) is None:
            return None  # spare the many-digit sums of the misconceptions
        known = {
            "This is the mean of the log-weights: the mean belongs inside the logarithm. (What you have is an ELBO.)":
                weights.mean(0),
            "This is the logarithm of a sum; the mean lacks a division by K.":
                expected + math.log(len(weights)),
            "log K has the wrong sign.": expected + 2 * math.log(len(weights)),
            "The logarithm is divided by K; it is the sum inside it that is divided by K.":
                (expected + math.log(len(weights))) / len(weights),
            "This divides by the number of all entries; K is the number of samples, those on axis 0.":
                expected + math.log(len(weights) / weights.numel()),
            "This averages over the batch too; keep one estimate for each batch entry.":
                log_mean_exp(weights.flatten(), 0),
            "The largest log-weight was taken out of the sum and not put back.": expected - weights.amax(0),
            "This divides a mean by a mean: form the weight of each sample first.":
                log_mean_exp(log_joint, 0) - log_mean_exp(log_proposal, 0),
            "The weight is p(x, z) / q(z | x); the proposal is multiplied here.":
                log_mean_exp(log_joint + log_proposal, 0),
            "The proposal is missing: samples from q must be weighted by 1 / q.": log_mean_exp(log_joint, 0),
            "The ratio is upside down: this averages q / p.": log_mean_exp(-weights, 0),
            "The mean is over the last axis; the samples are on axis 0.": log_mean_exp(weights, -1),
            "This is the estimate of p(x) itself; return its logarithm.": expected.exp(),
        }
        if precise:
            # a naive mean of exponentials leaves the range of numbers: 0 below, infinity above
            beyond = torch.where(weights[0].abs() > 5000, torch.copysign(torch.tensor(math.inf), weights[0]), expected)
            said = "exp() below -745 is 0, above 709 infinite: take the largest log-weight out of the sum first."
            if "beside" in case.says:
                said = "What is taken out of the sum must be the largest log-weight of that batch entry, not of all."
            known = {said: beyond} | known
        return compare(result, expected, what="the estimate of log p(x)", rtol=rtol, known=known)


CHECKS = [Reparameterize(), KLToStandardNormal(), ImportanceLogMarginal(), ElboTerms()]
