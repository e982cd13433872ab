"""Checks of chapter 12's exercises on the autoencoder."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64
from .latent_oracles import CHANNELS, COLOURS, GRAPH, SIDE, decoded, encoded, random_autoencoder
from .precision import wrong_dtype
from .unet_oracles import compare_closely, compare_gradients, gradients, twice


def divergences(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL of each latent number from N(0, 1), by PyTorch's laws."""
    law = torch.distributions.Normal(mean, torch.exp(log_var / 2))
    return torch.distributions.kl_divergence(law, torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean)))


def loss_of(x: Tensor, reconstruction: Tensor, mean: Tensor, log_var: Tensor, kl_weight: float) -> Tensor:
    """The loss as sums over counts."""
    off = (reconstruction - x).flatten()
    sizes = torch.where(off > 0, off, -off)
    return (off @ off + sizes.sum() / 2) / off.numel() + kl_weight * divergences(mean, log_var).sum() / mean.numel()


class AutoencoderLoss(Check):
    """Exercise 12.1. Oracles: sums over counts, KL of ``torch.distributions``, autograd."""

    number = "12.1"
    parts = {"reconstruction": 1, "KL term": 2, "both": 1, "gradient": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, shape: tuple[int, ...], latent: tuple[int, ...], weight: float, same: bool = False,
                 call: str = "autoencoder_loss", kind: torch.dtype = F64) -> Case:
            x = draw.normal(*shape)
            arguments = {"x": x, "reconstruction": x.clone() if same else draw.normal(*shape), "mean": draw.normal(*latent),
                         "log_var": draw.normal(*latent) - 0.5}
            arguments = {name: value.to(kind) for name, value in arguments.items()} | {"kl_weight": weight}
            return Case(part, call, arguments, f"x of shape {shape}, mean of shape {latent}, kl_weight = {weight:.3g}")

        yield case("reconstruction", (2, 3, 4, 4), (2, 2, 2, 2), 0.0)
        yield case("reconstruction", (3, 1, 2, 6), (3, 4, 1, 1), 0.0)
        yield case("KL term", (2, 3, 4, 4), (2, 2, 2, 2), 1.0, same=True)
        yield case("KL term", (3, 5), (3, 7), draw.number(0.2, 0.8), same=True)
        yield case("both", (2, 3, 4, 2), (2, 3, 2, 1), draw.number(0.2, 0.8))
        yield case("gradient", (2, 3, 2, 2), (2, 2, 1, 1), draw.number(0.2, 0.8), call="gradients_of_autoencoder_loss")
        yield case("dtype", (2, 3, 2, 2), (2, 2, 1, 1), draw.number(0.2, 0.8), kind=torch.float32)

    def judge(self, case: Case, result: object) -> str | None:
        given = dict(case.arguments)
        weight = given.pop("kl_weight")
        given = {name: value.double() for name, value in given.items()}
        if case.part == "gradient":
            x = given.pop("x")
            expected = gradients(lambda leaves: loss_of(x, kl_weight=weight, **leaves), given, torch.ones((), dtype=F64))
            return compare_gradients(result, expected)
        first, differs = twice(result)
        if differs:
            return differs
        expected = loss_of(**given, kl_weight=weight)
        if case.part == "dtype":
            problem = compare(first, expected, what="the loss", rtol=1e-4, atol=1e-5)
            return problem or wrong_dtype(first, torch.float32, "x", "the loss")
        return compare_closely(first, expected, "the loss", lambda: self._known(**given, weight=weight))

    @staticmethod
    def _known(x: Tensor, reconstruction: Tensor, mean: Tensor, log_var: Tensor, weight: float) -> dict[str, Tensor]:
        off, kl = reconstruction - x, divergences(mean, log_var)
        square, size = off.square().mean(), off.abs().mean()
        near, far = square + size / 2, weight * kl.mean()
        var = log_var.exp()
        return {
            "The absolute error is missing: half of its mean belongs to the loss.": square + far,
            "The absolute error counts in full; it should count half.": square + size + far,
            "The squared error is missing.": size / 2 + far,
            "The squared error counts half; it should count in full.": square / 2 + size / 2 + far,
            "The root of the squared error stands in the place of its mean.": square.sqrt() + size / 2 + far,
            "The errors are summed; the loss takes their mean over all entries.": (off.square() + off.abs() / 2).sum() + far,
            "The errors are summed over an image; the loss takes their mean over all entries.":
                (off.square() + off.abs() / 2).sum() / len(x) + far,
            "The KL term is summed over everything; it should be the mean over all entries of the latents.": near + weight * kl.sum(),
            "The KL term is summed over the numbers of an image; it should be the mean over all entries of the latents.":
                near + weight * kl.sum() / len(x),
            "The KL term has the wrong sign: it is subtracted.": near - far,
            "The factor 1/2 of the KL is missing.": near + 2 * far,
            "The KL term does not count: kl_weight is ignored or taken as 0.": near,
            "kl_weight is ignored: the KL term counts in full.": near + kl.mean(),
            "kl_weight multiplies everything; it should multiply the KL term only.": weight * (near + kl.mean()),
            "exp(log_var) is taken as the standard deviation; it is the variance.":
                near + weight * (mean.square() + var.square() - 1 - 2 * log_var).mean() / 2,
            "exp(log_var / 2) is taken as the variance; it is the standard deviation.":
                near + weight * (mean.square() + (log_var / 2).exp() - 1 - log_var).mean() / 2,
            "log_var is taken as the variance itself.": near + weight * (mean.square() + log_var - 1 - log_var.abs().log()).mean() / 2,
            "The mean is not squared in the KL.": near + weight * (mean + var - 1 - log_var).mean() / 2,
            "The mean is missing in the KL: the latents would drift away from 0.": near + weight * (var - 1 - log_var).mean() / 2,
            "The -1 of the KL is missing: it should be 0 for a standard normal law.":
                near + weight * (mean.square() + var - log_var).mean() / 2,
            "This is the KL the other way round, of N(0, 1) from the encoder's law.":
                near + weight * ((1 + mean.square()) / var - 1 + log_var).mean() / 2,
        }


class LatentScale(Check):
    """Exercise 12.2. Oracles: half of the mean squared difference of all pairs; the small networks cell by cell."""

    number = "12.2"
    parts = {"scale": 2, "to latents": 1, "from latents": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for shape in ((3, 2, 2, 2), (2, 4, 1, 3), (2, 1, 2, 2)):
            spread = draw.uniform(0.5, 3.0, shape[1])[:, None, None]
            latents = spread * draw.normal(*shape) + draw.number(0.5, 1.5)
            yield Case("scale", "latent_scale", {"latents": latents}, f"latents of shape {shape}")
        for part, size in (("to latents", SIDE), ("from latents", 1)):
            for scale in (draw.number(0.2, 0.7), torch.tensor(draw.number(1.5, 3.0), dtype=F64)):
                yield self._case(draw, part, size, scale, F64)
        yield Case("dtype", "latent_scale", {"latents": draw.normal(2, 2, 2, 2).float()}, "latents of dtype float32")
        yield self._case(draw, "dtype", SIDE, draw.number(0.2, 0.7), torch.float32)
        yield self._case(draw, "dtype", 1, draw.number(0.2, 0.7), torch.float32)

    @staticmethod
    def _case(draw: Draw, part: str, size: int, scale: float | Tensor, kind: torch.dtype) -> Case:
        inward = size == SIDE
        shape = (2, COLOURS if inward else CHANNELS, 2 * size, 3 * size)
        arguments = {"autoencoder": random_autoencoder(draw), "x" if inward else "z": draw.normal(*shape).to(kind), "scale": scale}
        return Case(part, "to_latents" if inward else "from_latents", arguments,
                    f"{'x' if inward else 'z'} of shape {shape}, scale = {float(scale):.3g}")

    def judge(self, case: Case, result: object) -> str | None:
        first, differs = twice(result["found"])
        if differs:
            return differs
        expected, what, known = {"latent_scale": self._scale, "to_latents": self._inward, "from_latents": self._outward}[case.call](case)
        if case.part == "dtype":
            problem = compare(first, expected, what=what, rtol=1e-4, atol=1e-5)
            return problem or wrong_dtype(first, torch.float32, "what comes in", what)
        problem = compare_closely(first, expected, what, lambda: known)
        if problem is None and result["graph"]:
            return "the scale carries a graph: it is a number that is measured once; detach the latents" if case.part == "scale" else GRAPH
        return problem

    @staticmethod
    def _scale(case: Case) -> tuple[Tensor, str, dict[str, Tensor]]:
        z = case.arguments["latents"].double()
        values = z.flatten()
        n = len(values)
        variance = (values[:, None] - values).square().sum() / (2 * n**2)
        along = z.transpose(0, 1).flatten(1)
        return variance**-0.5, "the scale", {
            "This is the standard deviation; the scale is its inverse.": variance**0.5,
            "This is the inverse of the variance; it should be that of its root.": 1 / variance,
            "This is the variance; the scale is the inverse of its root.": variance,
            "The mean is not subtracted: this is the inverse of the root mean square.": values.square().sum().div(n) ** -0.5,
            "The sum of squares is divided by n - 1; it should be divided by n, the number of entries.": (variance * n / (n - 1)) ** -0.5,
            "Each channel gets a scale of its own; there should be one number for all.": along.std(dim=1, correction=0) ** -1,
            "Each channel gets a scale of its own; there should be one number for all. (Their sums are also divided by n - 1.)":
                along.std(dim=1) ** -1,
            "The scales of the channels are averaged; it should be the scale of all entries together.":
                (along.std(dim=1, correction=0) ** -1).mean(),
            "The deviations of the channels are averaged, each around its own mean; all entries together have one mean.":
                along.std(dim=1, correction=0).mean() ** -1,
            "The variances of the channels are averaged, each around its own mean; all entries together have one mean.":
                along.var(dim=1, correction=0).mean() ** -0.5,
            "This is the inverse of the largest entry.": 1 / values.abs().max(),
        }

    @staticmethod
    def _inward(case: Case) -> tuple[Tensor, str, dict[str, Tensor]]:
        scale = float(case.arguments["scale"])
        mean = encoded(case.arguments["autoencoder"], case.arguments["x"].double())
        return scale * mean, "the latents", {
            "The latents are not scaled.": mean,
            "The latents are divided by the scale; they should be multiplied with it.": mean / scale,
            "This is the log-variance, times the scale; the mean is asked for.": scale * (mean / 2 - 1),
            "This is the standard deviation, times the scale; the mean is asked for.": scale * torch.exp((mean / 2 - 1) / 2),
            "The images are scaled before they are encoded; the latents should be scaled.":
                encoded(case.arguments["autoencoder"], scale * case.arguments["x"].double()),
        }

    @staticmethod
    def _outward(case: Case) -> tuple[Tensor, str, dict[str, Tensor]]:
        scale, z, tables = float(case.arguments["scale"]), case.arguments["z"].double(), case.arguments["autoencoder"]
        right = decoded(tables, z / scale)
        return right, "the images", {
            "The latents are decoded as they are; they should be divided by the scale first.": decoded(tables, z),
            "The latents are multiplied with the scale; on the way back they should be divided by it.": decoded(tables, scale * z),
            "The images are divided by the scale; the latents should be.": decoded(tables, z) / scale,
            "The images are clipped; they should be left as they come from the decoder.": right.clamp(-1, 1),
            "The scale is taken as its root.": decoded(tables, z / math.sqrt(scale)),
        }
