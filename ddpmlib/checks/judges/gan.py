"""Checks of chapter 14's exercises on adversarial networks. Oracles: mpmath with 60 digits, and the divergence of Jensen and Shannon."""

from __future__ import annotations

from collections.abc import Iterable

import mpmath
import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare

F64 = torch.float64
EXACT = {"rtol": 1e-9, "atol": 1e-12}


def probability(a: float) -> mpmath.mpf:
    return 1 / (1 + mpmath.exp(-mpmath.mpf(a)))


def mean_log(logits: Tensor, real: bool) -> float:
    """The mean of log D, or of log(1 - D)."""
    with mpmath.workdps(450):
        values = [mpmath.log(probability(a) if real else 1 - probability(a)) for a in logits.flatten().tolist()]
        return float(mpmath.fsum(values) / len(values))


class Losses(Check):
    """Exercise 14.4. Oracle: mpmath, from probabilities with hundreds of digits."""

    number = "14.4"
    parts = {"discriminator": 2, "saturating": 1, "non-saturating": 1, "large logits": 2, "slopes": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for n, m in ((3, 5), (4, 2)):
            yield Case("discriminator", "discriminator_loss", {"real_logits": 2 * draw.normal(n), "fake_logits": 2 * draw.normal(m)},
                       f"{n} data, {m} samples")
        for kind in ("saturating", "non-saturating"):
            for shape in ((4,), (3, 1)):
                yield Case(kind, "generator_loss", {"fake_logits": 2 * draw.normal(*shape), "kind": kind}, f"{kind}, shape {shape}")
        far = torch.tensor([-300.0, 200.0, -120.0, 90.0], dtype=F64) * draw.number(0.9, 1.1)
        yield Case("large logits", "discriminator_loss", {"real_logits": far, "fake_logits": -far}, "logits of some hundreds")
        for kind in ("saturating", "non-saturating"):
            yield Case("large logits", "generator_loss", {"fake_logits": far, "kind": kind}, f"{kind}, logits of some hundreds")
            yield Case("slopes", "slope_of_generator_loss", {"fake_logits": torch.tensor([-3.0, 0.5, 4.0], dtype=F64) + draw.normal(3),
                                                            "kind": kind}, f"the gradient of the {kind} loss")

    def judge(self, case: Case, result: object) -> str | None:
        fake = case.arguments["fake_logits"]
        if case.part == "slopes":
            wanted = [-probability(a) if case.arguments["kind"] == "saturating" else probability(a) - 1 for a in fake.tolist()]
            expected = torch.tensor([float(value) / len(fake) for value in wanted], dtype=F64)
            if isinstance(result, Tensor) and not result.any():
                return "no gradient reaches the logits: is something detached?"
            return compare(result, expected, what="the gradient in the logits", **EXACT)
        says_fake = mean_log(fake, False)
        if case.call == "discriminator_loss":
            real = case.arguments["real_logits"]
            right, count = mean_log(real, True), (real.numel(), fake.numel())
            expected = -right - says_fake
            known = {
                "The sign: the discriminator maximises the value, so it minimises its negative.": -expected,
                "Data and samples are exchanged.": -mean_log(fake, True) - mean_log(real, False),
                "Samples enter by log(1 - D), not by log D.": -right - mean_log(fake, True),
                "Data enter by log D, not by log(1 - D).": -mean_log(real, False) - says_fake,
                "These are sums; each of the two is a mean.": -right * count[0] - says_fake * count[1],
                "Each part is a mean of its own; here one mean is taken over both.":
                    -(right * count[0] + says_fake * count[1]) / sum(count),
                "Half of the loss: the two means are added, not averaged.": expected / 2,
                "The samples' part is missing.": -right,
            }
        else:
            kind = case.arguments["kind"]
            losses = {"saturating": says_fake, "non-saturating": -mean_log(fake, True)}
            expected = losses.pop(kind)
            (other,) = losses.values()
            known = {
                "This is the other one of the two losses.": other,
                "The sign is wrong: the generator minimises this.": -expected,
                "This is the discriminator's part for samples, which the generator works against.": -says_fake,
                "This is a sum; a mean is asked for.": expected * fake.numel(),
                "This is the mean of the logits; the logarithm of the probability is asked for.": -fake.mean(),
            }
        problem = compare(result, expected, what="the loss", **EXACT, known=known)
        if problem and case.part == "large logits" and isinstance(result, (Tensor, float)):
            return (f"{problem}\nA probability that is rounded to 0 or 1 has no useful logarithm: take the logarithm of the sigmoid in "
                    "one function, from the logit.")
        return problem


def densities(case: Case) -> tuple[list, list]:
    with mpmath.workdps(40):
        return tuple([mpmath.exp(mpmath.mpf(a)) for a in case.arguments[name].flatten().tolist()] for name in ("log_data", "log_model"))


class BestAnswer(Check):
    """Exercise 14.5. Oracles: fractions of densities with 60 digits; 2 JS - log 4 at the best discriminator."""

    number = "14.5"
    parts = {"best discriminator": 2, "far out": 1, "value": 2, "value at the best": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for shape in ((5,), (2, 3)):
            arguments = {"log_data": draw.normal(*shape) - 1, "log_model": draw.normal(*shape) - 1}
            yield Case("best discriminator", "optimal_discriminator", arguments, f"points of shape {shape}")
        low = torch.tensor([-3000.0, -900.0, -5000.0], dtype=F64)
        yield Case("far out", "optimal_discriminator", {"log_data": low + draw.normal(3), "log_model": low + draw.normal(3)},
                   "densities that underflow")
        for part in ("value", "value at the best"):
            spacing = draw.number(0.12, 0.18)
            x = torch.arange(-8, 8, spacing, dtype=F64)
            logs = [-0.5 * ((x - draw.number(-1, 1)) / s) ** 2 - torch.log(torch.tensor(s * 2.5066282746310002, dtype=F64))
                    for s in (draw.number(0.5, 0.9), draw.number(0.8, 1.2))]
            logits = logs[0] - logs[1] if part == "value at the best" else draw.number(0.5, 1.5) * torch.sin(x) + draw.number(-0.5, 0.5)
            yield Case(part, "game_value", {"logits": logits, "log_data": logs[0], "log_model": logs[1], "spacing": spacing},
                       f"{len(x)} points of a grid")

    def judge(self, case: Case, result: object) -> str | None:
        p, q = densities(case)
        shape = case.arguments["log_data"].shape

        def table(values: Iterable) -> Tensor:
            return torch.tensor([float(value) for value in values], dtype=F64).reshape(shape)

        if case.call == "optimal_discriminator":
            expected = table(a / (a + b) for a, b in zip(p, q))
            problem = compare(result, expected, what="D*(x)", rtol=1e-9, atol=1e-12, known={
                "This is the probability of a sample; D is that of a datum.": 1 - expected,
                "This is the logit; the probability is asked for.": case.arguments["log_data"] - case.arguments["log_model"],
                "This is the ratio of the densities; D* is p / (p + q).": table(a / b for a, b in zip(p, q)),
                "Logarithms are used as if they were densities.": table(
                    a / (a + b) for a, b in zip(case.arguments["log_data"].flatten().tolist(), case.arguments["log_model"].flatten().tolist())),
                "The densities enter squared.": table(a * a / (a * a + b * b) for a, b in zip(p, q)),
            })
            if problem and case.part == "far out" and isinstance(result, Tensor):
                return f"{problem}\nexp of such logarithms is 0: form the difference of the logarithms first."
            return problem
        spacing = case.arguments["spacing"]
        with mpmath.workdps(40):
            d = [probability(a) for a in case.arguments["logits"].tolist()]
            data = float(mpmath.fsum(a * mpmath.log(s) for a, s in zip(p, d)) * spacing)
            fake = float(mpmath.fsum(b * mpmath.log(1 - s) for b, s in zip(q, d)) * spacing)
            expected = data + fake
            if case.part == "value at the best":  # 2 JS - log 4, as two divergences from the mixture
                halves = [(a + b) / 2 for a, b in zip(p, q)]
                apart = mpmath.fsum(a * mpmath.log(a / h) + b * mpmath.log(b / h) for a, b, h in zip(p, q, halves)) * spacing
                expected = float(apart - mpmath.log(4))
        return compare(result, expected, what="the value", rtol=1e-9, atol=1e-9, known={
            "The spacing is missing: a sum over the grid is no integral.": (data + fake) / spacing,
            "This is the discriminator's loss; the value is its negative.": -(data + fake),
            "The samples' part is missing.": data,
            "The data's part is missing.": fake,
            "The samples' part has the wrong sign.": data - fake,
            "The densities are missing: this is not an expectation.": float(
                sum(mpmath.log(s) + mpmath.log(1 - s) for s in d) * spacing),
            "The weights are logarithms of densities; the densities are asked for.": float(sum(
                a * mpmath.log(s) + b * mpmath.log(1 - s) for a, b, s in zip(
                    case.arguments["log_data"].tolist(), case.arguments["log_model"].tolist(), d)) * spacing),
            "Data and samples are exchanged.": float(mpmath.fsum(
                b * mpmath.log(s) + a * mpmath.log(1 - s) for a, b, s in zip(p, q, d)) * spacing),
        })


CHECKS = [Losses(), BestAnswer()]
