"""Checks of chapter 1's code exercises."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from ..judging import Case, Check, Draw, compare


class Reparameterize(Check):
    """Exercise 1.1. Oracle: the inverse of the normal distribution function, and finite differences of quadrature."""

    number = "1.1"
    parts = {"values": 2, "gradient": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for shape in [(4,), (3, 2)]:
            arguments = {
                "mu": draw.normal(*shape),
                "log_var": draw.uniform(-3.0, 2.0, *shape),
                "noise": draw.normal(*shape),
            }
            yield Case("values", "reparameterize", arguments, f"shape {shape}")
        arguments = {"mu": draw.normal(5), "log_var": draw.uniform(-2.0, 1.0, 5)}
        yield Case("gradient", "gradient_of_second_moment", arguments, "gradient of E[sum z^2]")

    def judge(self, case: Case, result: object) -> str | None:
        mu, log_var = case.arguments["mu"], case.arguments["log_var"]
        if case.part == "gradient":
            # E[z^2] = mu^2 + sigma^2, so the gradients are 2 mu and sigma^2
            expected = torch.stack([2 * mu, log_var.exp()])
            frozen = {"No gradient reaches mu and log_var: do not detach them.": torch.zeros_like(expected)}
            return compare(result, expected, what="the gradient to (mu, log_var)", known=frozen)
        noise = case.arguments["noise"]
        normal = torch.distributions.Normal(mu, log_var.exp().sqrt())
        quantile = torch.distributions.Normal(0.0, 1.0).cdf(noise)
        return compare(
            result,
            normal.icdf(quantile),
            what="z",
            rtol=1e-4,
            known={
                "The noise is scaled by the variance; it should be scaled by the standard deviation.":
                    mu + log_var.exp() * noise,
                "log_var is the logarithm of the variance: the standard deviation is exp(log_var / 2).":
                    mu + log_var * noise,
            },
        )


CHECKS = [Reparameterize()]
