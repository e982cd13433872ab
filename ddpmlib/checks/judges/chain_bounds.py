"""The check of chapter 2's ELBO exercise."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from ..judging import Case, Check, Draw, compare
from .dense_chain import dense_decoder, dense_encoder, draw_chain

_DIMS = (2, 3, 1)


class HierarchicalElbo(Check):
    """Exercise 2.4. Oracles: log p(x) where the encoder is exact, and log p(x) - KL at sigma points of the encoder.

    With the exact posterior every path gives log p(x). The log-ratio of two Gaussian densities is a quadratic, and the
    points mean +- sqrt(n) (column of the Cholesky factor) average a quadratic exactly: so the mean over these paths is
    log p(x) - KL(q, posterior), whose parts come from conditioning the dense Gaussian of all levels.
    """

    number = "2.4"
    parts = {"mean over the paths": 2, "exact posterior": 1, "sigma points": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for shape in [(5, 3), (4, 2, 3), (6,)]:
            joint, posterior = -6 + 2 * draw.normal(*shape), -4 + 2 * draw.normal(*shape)
            arguments = {"log_joint": joint, "log_posterior": posterior}
            yield Case("mean over the paths", "hierarchical_elbo", arguments, f"{shape[0]} paths, batch {shape[1:]}",
                       secret={"expected": torch.einsum("k...->...", joint - posterior) / shape[0]})
        yield self._with_posterior(draw)
        yield self._with_sigma_points(draw)
        arguments = {name: draw.normal(4, 3) for name in ("log_joint", "log_posterior")}
        quarter = torch.full((4, 3), 0.25).double()
        yield Case("gradient", "gradient_of_elbo", arguments, "gradient to log_joint and log_posterior",
                   secret={"expected": torch.stack([quarter, -quarter])})

    def _with_posterior(self, draw: Draw) -> Case:
        chain, x = draw_chain(draw, _DIMS, climbs=False), draw.normal(3, _DIMS[0])
        evidence, posterior = _condition(chain, x)
        size = posterior.mean.shape[-1]
        latents = posterior.mean + torch.einsum("kbn,bmn->kbm", draw.normal(5, 3, size), posterior.scale_tril)
        arguments = {"log_joint": _log_joint(chain, x, latents), "log_posterior": posterior.log_prob(latents)}
        return Case("exact posterior", "hierarchical_elbo", arguments, "the encoder is the exact posterior",
                    secret={"expected": evidence})

    def _with_sigma_points(self, draw: Draw) -> Case:
        decoder, x = draw_chain(draw, _DIMS, climbs=False), draw.normal(3, _DIMS[0])
        evidence, posterior = _condition(decoder, x)
        dense = dense_encoder(draw_chain(draw, _DIMS, climbs=True), x)
        encoder = MultivariateNormal(dense.mean, dense.covariance)
        size = encoder.mean.shape[-1]
        directions = math.sqrt(size) * torch.linalg.cholesky(dense.covariance).T
        latents = encoder.mean + torch.cat([directions, -directions])[:, None]
        arguments = {"log_joint": _log_joint(decoder, x, latents), "log_posterior": encoder.log_prob(latents)}
        return Case("sigma points", "hierarchical_elbo", arguments, "the encoder is not the posterior",
                    secret={"expected": evidence - kl_divergence(encoder, posterior)})

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "gradient":
            frozen = {"No gradient reaches the arguments: do not detach them.": torch.zeros(2, 4, 3)}
            return compare(result, case.secret["expected"], what="the gradient", known=frozen)
        joint, posterior = case.arguments["log_joint"], case.arguments["log_posterior"]
        ratio = joint - posterior
        known = {
            "This is the logarithm of the mean ratio (importance-weighted bound); the ELBO is the mean of the logarithm.":
                ratio.logsumexp(0) - math.log(len(ratio)),
            "This is the mean of the ratio itself, an estimate of p(x); take the mean of its logarithm.":
                ratio.exp().mean(0),
            "The log-ratios are summed over the paths; take their mean.": ratio.sum(0),
            "The sign is wrong: this is the negative ELBO.": -ratio.mean(0),
            "The encoder's density is missing: the ratio is p / q.": joint.mean(0),
            "The encoder's log-density is added; the ratio p / q needs it subtracted.": (joint + posterior).mean(0),
            "This divides one logarithm by the other; the logarithm of a ratio is a difference.":
                (joint / posterior).mean(0),
            "This is one value for each path; take their mean.": ratio,
            "The batch is averaged too; average over the first axis, the paths, only.": ratio.mean(),
            "The mean is taken over the last axis; the paths lie along the first one.": ratio.mean(-1),
        }
        return compare(result, case.secret["expected"], what="the ELBO", atol=1e-5, known=known)


def _split(latents: Tensor) -> list[Tensor]:
    return list(latents.split(_DIMS[1:], dim=-1))


def _log_joint(chain: list[dict], x: Tensor, latents: Tensor) -> Tensor:
    return dense_decoder(chain).log_prob([*_split(latents)[::-1], x])


def _condition(chain: list[dict], x: Tensor) -> tuple[Tensor, MultivariateNormal]:
    """log p(x), and the posterior of (z_1, ..., z_T), by conditioning the dense Gaussian of (z_T, ..., z_1, x) on x."""
    dense = dense_decoder(chain)
    places = dict(zip(range(len(_DIMS) - 1, -1, -1), torch.arange(sum(_DIMS)).split(dense.dims)))
    seen, hidden = places[0], torch.cat([places[level] for level in range(1, len(_DIMS))])
    cross = dense.covariance[hidden][:, seen]
    evidence = MultivariateNormal(dense.mean[seen], dense.covariance[seen][:, seen])
    gain = torch.linalg.solve(evidence.covariance_matrix, cross.T).T
    mean = dense.mean[hidden] + (x - dense.mean[seen]) @ gain.T
    left = dense.covariance[hidden][:, hidden] - gain @ cross.T
    return evidence.log_prob(x), MultivariateNormal(mean, (left + left.T) / 2)
