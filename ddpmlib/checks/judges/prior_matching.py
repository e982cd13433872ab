"""Check of chapter 3's exercise on the distance between the last latent and the prior."""

from __future__ import annotations

import math
from collections.abc import Iterable

import mpmath
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..judging import Case, Check, Draw, compare


ROUNDED = "In float32, 1 - alpha_bar_T rounds to 1: compute the logarithm in float64, or with log1p."


class PriorMatching(Check):
    """Exercise 3.9. Oracles: ``torch.distributions``, and 40 digits where alpha_bar_T is tiny."""

    number = "3.9"
    parts = {"values": 2, "a row is one datum": 1, "tiny alpha_bar_T": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, shape in [("values", (4, 6)), ("values", (5, 1)), ("a row is one datum", (3, 2, 5))]:
            alpha_bar = draw.number(0.2, 0.7)
            yield Case(part, "prior_matching_bits_per_dim", {"x0": 1.5 * draw.normal(*shape), "alpha_bar_T": alpha_bar},
                       f"x0 of shape {shape}, alpha_bar_T = {alpha_bar:.4g}")
        arguments = {"x0": draw.uniform(-1.0, 1.0, 3, 8).float(), "alpha_bar_T": draw.number(2e-9, 3e-9)}
        yield Case("tiny alpha_bar_T", "prior_matching_bits_per_dim", arguments,
                   f"float32 x0, alpha_bar_T = {arguments['alpha_bar_T']:.3g}")

    def judge(self, case: Case, result: object) -> str | None:
        x0, alpha_bar = case.arguments["x0"].double().flatten(1), case.arguments["alpha_bar_T"]
        if case.part == "tiny alpha_bar_T":
            return self._judge_tiny(result, x0, alpha_bar)
        q = Normal(alpha_bar**0.5 * x0, (1 - alpha_bar) ** 0.5)
        p = Normal(torch.zeros_like(x0), torch.ones_like(x0))
        nats = kl_divergence(q, p)
        bits = nats / math.log(2)
        unrooted = Normal(alpha_bar * x0, (1 - alpha_bar) ** 0.5)
        spread = Normal(alpha_bar**0.5 * x0, 1 - alpha_bar)
        return compare(result, bits.mean(1), what="the divergence", known={
            "This is in nats; one bit is log 2 nats.": nats.mean(1),
            "This is multiplied by log 2: the number in bits should be larger than the one in nats.":
                nats.mean(1) * math.log(2),
            "This has the square of the mean over the dimensions; the mean of the squares is asked for.":
                bits.mean(1) + alpha_bar * (x0.mean(1) ** 2 - (x0**2).mean(1)) / (2 * math.log(2)),
            "This is the sum over a row; bits per dimension are the mean.": bits.sum(1),
            "This is the mean over the batch; one number for each row is asked for.": bits.mean(),
            "This is the mean over the rows, for each dimension; the mean over the dimensions is asked for.":
                bits.mean(0),
            "The arguments are swapped: this is KL(N(0, I) || q(x_T | x_0)).":
                kl_divergence(p, q).mean(1) / math.log(2),
            "The factor 1/2 is missing.": 2 * bits.mean(1),
            "The mean of q(x_T | x_0) is sqrt(alpha_bar_T) x_0, so its square has the factor alpha_bar_T.":
                kl_divergence(unrooted, p).mean(1) / math.log(2),
            "The variance of q(x_T | x_0) is 1 - alpha_bar_T; this takes it for the standard deviation.":
                kl_divergence(spread, p).mean(1) / math.log(2),
            "Only the last axis is averaged; all axes but the first are dimensions.":
                bits.reshape(case.arguments["x0"].shape).mean(-1),
            "The logarithm of the variance is missing: how narrow q is counts too.":
                alpha_bar * (x0**2 - 1).mean(1) / (2 * math.log(2)),
        })

    @staticmethod
    def _judge_tiny(result: object, x0: Tensor, alpha_bar: float) -> str | None:
        with mpmath.workdps(40):
            a = mpmath.mpf(alpha_bar)
            squares = [sum(mpmath.mpf(x) ** 2 for x in row) / len(row) for row in x0.tolist()]
            bits = [float((a * (square - 1) - mpmath.log(1 - a)) / (2 * mpmath.log(2))) for square in squares]
        bits = torch.tensor(bits, dtype=torch.float64)
        no_logarithm = alpha_bar * ((x0**2).mean(1) - 1) / (2 * math.log(2))
        return compare(result, bits, what="the divergence", rtol=1e-3, atol=0, known={
            "This is in nats; one bit is log 2 nats.": bits * math.log(2),
            "This is multiplied by log 2: the number in bits should be larger than the one in nats.":
                bits * math.log(2) ** 2,
            "This is the sum over a row; bits per dimension are the mean.": bits * x0.shape[1],
            "This has the square of the mean over the dimensions; the mean of the squares is asked for.":
                alpha_bar * x0.mean(1) ** 2 / (2 * math.log(2)),
            "The factor 1/2 is missing.": 2 * bits,
            f"This is what is left where log(1 - alpha_bar_T) counts as 0. {ROUNDED}": no_logarithm,
            f"Nothing is left of it. {ROUNDED}": torch.zeros(3),
        })
