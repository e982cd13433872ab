"""Checks of chapter 6's exercises on the divergence of Gaussians and the weights of the losses."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Normal

from ..judging import Case, Check, Draw
from .denoising_loss import DenoisingLoss
from .forward_inputs import simulate
from .joint_gaussian import F64, random_tables, reverse_step, reverse_variances, target
from .precision import compare_exactly, compare_lazily, wrong_dtype


def divergence(mean_q: Tensor, var_q: Tensor | float, mean_p: Tensor, var_p: Tensor | float) -> Tensor:
    """The divergence of each component: the mean of log q - log p under q by Gauss-Hermite, exact for a quadratic."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    var_q, var_p = (torch.as_tensor(var, dtype=F64).expand(mean_q.shape) for var in (var_q, var_p))
    q, p = Normal(mean_q, var_q.sqrt()), Normal(mean_p, var_p.sqrt())
    total = torch.zeros_like(mean_q)
    for node, weight in zip(nodes, weights / weights.sum()):
        x = mean_q + var_q.sqrt() * node
        total = total + weight * (q.log_prob(x) - p.log_prob(x))
    return total


class GaussianKL(Check):
    """Exercise 6.1. Oracle: quadrature of the difference of two log densities."""

    number = "6.1"
    parts = {"the same variance": 1, "different variances": 2, "a row is one datum": 1, "float32 stays float32": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, shape: tuple[int, ...], var_q: object, var_p: object, kind: torch.dtype = F64) -> Case:
            arguments = {"mean_q": draw.normal(*shape).to(kind), "var_q": var_q,
                         "mean_p": draw.normal(*shape).to(kind), "var_p": var_p}
            told = [tuple(var.shape) if isinstance(var, Tensor) else f"{var:.3g}" for var in (var_q, var_p)]
            return Case(part, "gaussian_kl", arguments, f"means of shape {shape}, var_q {told[0]}, var_p {told[1]}")

        var = draw.number(0.2, 0.6)
        yield case("the same variance", (2, 3), var, var)
        yield case("the same variance", (3,), 2.0 + var, 2.0 + var)
        yield case("different variances", (2, 3), draw.number(0.2, 0.6), draw.number(1.5, 3.0))
        yield case("different variances", (2, 3), draw.uniform(1.5, 3.0, 2, 3), draw.uniform(0.2, 0.6, 2, 3))
        yield case("a row is one datum", (3, 3), draw.uniform(0.2, 0.6, 3, 1), draw.uniform(1.5, 3.0, 3))
        yield case("a row is one datum", (2, 2, 3), draw.uniform(0.2, 0.6, 2, 1, 1), draw.number(1.5, 3.0))
        yield case("float32 stays float32", (2, 3), 0.5, draw.uniform(1.5, 3.0, 2, 3).float(), torch.float32)
        tensors = {"mean_q": draw.normal(2, 3), "var_q": draw.uniform(0.2, 0.6, 2, 3),
                   "mean_p": draw.normal(2, 3), "var_p": draw.uniform(1.5, 3.0, 2, 3)}
        yield Case("gradient", "gradients_of_kl", tensors, "all arguments of shape (2, 3)")

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "gradient":
            return self._judge_gradient(case, result)
        values = [torch.as_tensor(value, dtype=F64) for value in case.arguments.values()]
        mean_q, var_q, mean_p, var_p = (value.expand(values[0].shape) for value in values)
        each = divergence(mean_q, var_q, mean_p, var_p)

        def known() -> dict[str, Tensor]:
            return self._known(each, mean_q, var_q, mean_p, var_p)

        if case.part == "float32 stays float32":
            problem = compare_lazily(result, self._rows(each), what="the divergence", known=known, rtol=1e-5, atol=1e-6)
            return problem or wrong_dtype(result, torch.float32, "mean_q", "the divergence")
        return compare_exactly(result, self._rows(each), what="the divergence", known=known)

    @classmethod
    def _known(cls, each: Tensor, mean_q: Tensor, var_q: Tensor, mean_p: Tensor, var_p: Tensor) -> dict[str, Tensor]:
        square = (mean_q - mean_p) ** 2
        ratio = var_q / var_p
        wrong = {
            "The arguments are swapped: this is KL(p || q).": divergence(mean_p, var_p, mean_q, var_q),
            "The factor 1/2 is missing.": 2 * each,
            "The squared distance of the means is divided by var_p, the variance of the second law.":
                each + 0.5 * square * (1 / var_q - 1 / var_p),
            "The variances are taken for standard deviations; they are not to be squared.":
                divergence(mean_q, var_q**2, mean_p, var_p**2),
            "The variances' part of the divergence is missing; only the distance of the means is there.": 0.5 * square / var_p,
            "The logarithm of the ratio has the wrong sign.": each + torch.log(ratio),
            "The logarithm of the ratio is missing.": each + 0.5 * torch.log(ratio),
            "log sigma has a factor 1/2 of its own, if it is the logarithm of a variance: (1/2) log var.":
                each - 0.5 * torch.log(ratio),
            "The constant -1 is missing: the divergence of a law from itself is 0.": each + 0.5,
            "This is in bits; nats are asked for.": each / math.log(2),
        }
        sums = {name: cls._rows(value) for name, value in wrong.items()}
        count = each[0].numel() or 1
        known = sums | {
            "This is the mean over the dimensions of a row; the divergence of independent components is their sum.":
                cls._rows(each) / count,
            "This is one number for the batch; each row has its own divergence.": each.sum(),
            "This is the mean over the batch; each row has its own divergence.": cls._rows(each).mean(),
            "The components have not been added up: one number a row is asked for.": each,
            "Only the last axis has been added up; all axes but the first belong to a row.": each.sum(-1),
        }
        if each.ndim == 2:
            known["This adds up the batch; the sum runs over the dimensions of a row."] = each.sum(0)
        return known

    @staticmethod
    def _rows(each: Tensor) -> Tensor:
        return each.reshape(len(each), -1).sum(dim=1)

    @staticmethod
    def _judge_gradient(case: Case, result: object) -> str | None:
        inputs = [value.clone().requires_grad_() for value in case.arguments.values()]
        expected = torch.stack(torch.autograd.grad(divergence(*inputs).sum(), inputs))
        known = {"No gradient flows: the result is detached from its arguments.": torch.zeros_like(expected)}
        for index, name in enumerate(case.arguments):
            without = expected.clone()
            without[index] = 0
            known[f"No gradient flows to {name}."] = without
        return compare_exactly(result, expected, what="the gradient with respect to (mean_q, var_q, mean_p, var_p)",
                               known=lambda: known, digits=9)


KINDS = ("mean", "x0", "eps", "v", "score")


class LossWeights(Check):
    """Exercise 6.5. Oracle: how far the reverse mean moves when a target moves by 1, from a conditioned joint Gaussian."""

    number = "6.5"
    parts = {"mean": 1, "x0": 2, "eps": 2, "v": 1, "score": 1, "the table": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        tables = random_tables(draw, 6, 8)
        betas = tables["betas"]
        chosen = {
            "the posterior's variances (entry 1 is 0)": reverse_variances(betas),
            "the betas as variances": betas,
            "random variances": torch.cat([torch.zeros(1, dtype=F64), draw.uniform(0.2, 0.7, len(betas) - 1)]),
        }
        for kind in KINDS:
            for says, variances in chosen.items():
                yield Case(kind, "loss_weights", tables | {"kind": kind, "variances": variances}, f"kind {kind!r}, {says}")
        one = {"betas": betas[:2], "alpha_bars": tables["alpha_bars"][:2], "variances": betas[:2]}
        yield Case("the table", "loss_weights", one | {"kind": "eps"}, "T = 1")
        yield Case("the table", "loss_weights", tables | {"kind": "x0", "variances": betas.float()}, "float32 variances")

    def judge(self, case: Case, result: object) -> str | None:
        betas, variances, kind = (case.arguments[name] for name in ("betas", "variances", "kind"))
        variances = variances.double()
        right = _table(self._moves(kind, betas) ** 2, variances)
        problem = compare_exactly(result, right, what="the table of weights", known=lambda: self._known(case, right))
        return problem or wrong_dtype(result, F64, "the schedule", "the table")

    @classmethod
    def _known(cls, case: Case, right: Tensor) -> dict[str, Tensor]:
        betas, variances, kind = (case.arguments[name] for name in ("betas", "variances", "kind"))
        moves = {name: cls._moves(name, betas) for name in KINDS}

        def table(squared: Tensor, spread: Tensor = variances.double()) -> Tensor:
            return _table(squared, spread)

        variances = variances.double()
        known = {
            "The factor 1/2 is missing.": 2 * right,
            "The squared error is divided by 2 sigma_t^2; variances holds sigma_t^2 already.": table(moves[kind] ** 2, variances**2),
            "variances holds sigma_t^2; its root is not asked for.": table(moves[kind] ** 2, variances.sqrt()),
            "The factor of the error enters squared.": table(moves[kind]),
            "The variance of the reverse step is given by variances; this takes the posterior's beta-tilde_t.":
                table(moves[kind] ** 2, reverse_variances(betas)),
            "The variance of the reverse step is given by variances; this takes beta_t.": table(moves[kind] ** 2, betas),
            "This is the table without its entry for time 0: index t must be time t.": right[1:],
            "Off by one in t: this is the weight of t + 1 at t.": torch.cat([right[1:], right[:1]]),
            "Entry 0 is to be 0: no step leads away from time 0.": torch.cat([torch.full((1,), torch.nan, dtype=F64), right[1:]]),
        }
        for other in KINDS:
            if other != kind:
                known[f"These are the weights of the kind {other!r}."] = table(moves[other] ** 2)
        noise = (1 - case.arguments["alpha_bars"][1:]) / case.arguments["alpha_bars"][1:]
        if kind == "eps":
            known["An error of eps is an error of x_0 times sqrt((1 - alpha_bar_t) / alpha_bar_t); squared, without the root."] = (
                table((moves["x0"] * noise) ** 2))
        return known

    @staticmethod
    def _moves(kind: str, betas: Tensor) -> Tensor:
        """How far the reverse mean moves, for each t, when x_t stays and the target of this kind moves by 1.

        A datum x_0 = 1 with x_t = 0 has a noise of its own, and so its target of every kind; all are linear.
        """
        found = []
        one = torch.ones((), dtype=F64)
        for t in range(1, len(betas)):
            signal, spread = simulate(betas, t)
            value = target(kind, one, torch.tensor(-signal / spread, dtype=F64), betas, t)
            found.append(reverse_step(betas, t)[1] / value.item())
        return torch.tensor(found, dtype=F64)


def _table(squared: Tensor, variances: Tensor) -> Tensor:
    """The table of squared moves over twice the variances, with its entry for time 0."""
    return torch.cat([torch.zeros(1, dtype=F64), squared / (2 * variances[1:])])


CHECKS = [GaussianKL(), LossWeights(), DenoisingLoss()]
