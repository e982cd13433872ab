"""Checks of chapter 4's exercises: the first form of the ELBO here, the others in the modules imported."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .bayes_posterior import BayesPosterior
from .denoising_terms import Form2
from .dense_diffusion import (
    STRICT, compare_strictly, dense_forward, dense_reverse, draw_betas, draw_reverse, kl, misshapen, tables,
)
from .model_gradients import judge_model_gradients
from .optimal_reverse import OptimalReverse


class Form1(Check):
    """Exercise 4.1. Oracle: quotients of joint densities of the dense Gaussians of q, given x_0, and of p."""

    number = "4.1"
    parts = {"reconstruction": 1, "consistency": 2, "prior matching": 1, "one step (T = 1)": 1, "gradient to the model": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for T, batch in ((draw.integer(4, 6), (3,)), (3, (2, 3))):
            arguments = self._arguments(draw, T, batch)
            for part in ("reconstruction", "consistency", "prior matching"):
                yield Case(part, "form1_terms", arguments, f"T = {T}, path of shape {(T + 1, *batch, 3)}")
        yield Case("one step (T = 1)", "form1_terms", self._arguments(draw, 1, (2,)), "T = 1")
        arguments = self._arguments(draw, 4, (2,)) | {"weights": draw.uniform(0.5, 1.5, 5, 2)}
        yield Case("gradient to the model", "gradient_of_form1", arguments, f"T = 4, path of shape {(5, 2, 3)}")

    @staticmethod
    def _arguments(draw: Draw, T: int, batch: tuple[int, ...]) -> dict[str, object]:
        schedule = tables(draw_betas(draw, T))
        return {"path": draw.normal(T + 1, *batch, 3), "schedule": schedule, "reverse": draw_reverse(draw, T, 3)}

    def judge(self, case: Case, result: object) -> str | None:
        path, reverse = case.arguments["path"], case.arguments["reverse"]
        if case.part == "gradient to the model":
            return self._judge_gradient(case, result)
        T = len(path) - 1
        forward = dense_forward(case.arguments["schedule"]["betas"], path[0], torch.zeros(3).double())
        backward = dense_reverse(reverse)
        p = torch.stack([backward.log_conditional(path, t, [t + 1][: T - t]) for t in range(T + 1)])
        q = torch.stack([torch.zeros_like(p[0])] + [forward.log_conditional(path, t, [t - 1][: t - 1]) for t in range(1, T + 1)])
        expected = p - q
        summed = expected.sum(-1)
        if compare(result, summed, **STRICT) is None:
            return None
        jumps = torch.stack([q[0]] + [forward.log_prob(path, [t]) for t in range(1, T + 1)])
        upside_down = torch.cat([_upside_down(reverse, path)[None], expected[1:]])
        wrong = {
            "log q is missing.": p,
            "Each row pairs the two densities of one step, p(x_t | x_{t+1}) with q(x_{t+1} | x_t). The first form pairs the two "
            "densities of one variable: p(x_t | x_{t+1}) with q(x_t | x_{t-1}).": p - torch.cat([q[1:], q[:1]]),
            "The rows are moved by one: the model's density of x_{t-1} stands in row t, and that of x_T in row 0.":
                torch.cat([p[-1:], p[:-1]]) - q,
            "This is the divergence from q(x_t | x_{t-1}) to the model's law, as the decks print it: it draws x_t anew. Take the "
            "log-ratio at the path's own x_t.": _printed(case, forward, backward, expected),
            "This is q(x_t | x_0), the jump, in the place of q(x_t | x_{t-1}), the last step.": p - jumps,
            "The sign is wrong: a term contributes log p - log q to the ELBO.": torch.cat([p[:1], -expected[1:]]),
            "log q is added; the logarithm of p / q needs it subtracted.": p + q,
            "The sign is wrong: log p(x_0 | x_1) contributes to the ELBO as it is.": -expected,
            "This is the standard normal density of x_T; the model's own is reverse.prior.":
                torch.cat([expected[:-1], (torch.distributions.Normal(0.0, 1.0).log_prob(path[T]) - q[T])[None]]),
            "x_0 and x_1 are exchanged: the reconstruction is p(x_0 | x_1) at x_0.": upside_down,
        }
        known = {says: table.sum(-1) for says, table in wrong.items()} | {
            "The components are averaged; log-densities of independent components add up.": expected.mean(-1),
            "These are densities; their logarithms are asked for.": summed.exp(),
        }
        if not isinstance(result, Tensor) or result.shape != summed.shape:
            return compare_strictly(result, summed, what="the table of terms", known=misshapen(expected))
        rows = {"reconstruction": slice(0, 1), "consistency": slice(1, T), "prior matching": slice(T, T + 1)}
        row = rows.get(case.part, slice(None))
        return compare_strictly(result[row], summed[row], what=_where(case.part, T),
                                known={says: table[row] for says, table in known.items()})

    @staticmethod
    def _judge_gradient(case: Case, result: object) -> str | None:
        path = case.arguments["path"]
        T = len(path) - 1

        def densities(reverse: dict[str, Tensor]) -> Tensor:
            backward = dense_reverse(reverse)
            return torch.stack([backward.log_conditional(path, t, [t + 1][: T - t]).sum(-1) for t in range(T + 1)])

        return judge_model_gradients(case, result, densities, "the table of terms")


def _where(part: str, T: int) -> str:
    return {"reconstruction": "row 0", "consistency": f"rows 1 to {T - 1}", "prior matching": f"row {T}"}.get(part, "the table")


def _upside_down(reverse: dict[str, Tensor], path: Tensor) -> Tensor:
    slope, shift, variance = (reverse[name][1] for name in ("slopes", "shifts", "variances"))
    return torch.distributions.Normal(slope * path[0] + shift, variance.sqrt()).log_prob(path[1])


def _printed(case: Case, forward, backward, expected: Tensor) -> Tensor:
    """The terms with the divergence that the decks print in the place of the log-ratio."""
    path = case.arguments["path"]
    T = len(path) - 1
    rows = [expected[0]]
    for t in range(1, T + 1):
        q = forward.conditional(path, t, [t - 1]) if t > 1 else (forward.mean[..., 1], forward.covariance[:, 1, 1])
        p = backward.conditional(path, t, [t + 1]) if t < T else (backward.mean[..., T], backward.covariance[:, T, T])
        rows.append(-kl(q[0], q[1].expand(q[0].shape), p[0].expand(q[0].shape), p[1].expand(q[0].shape)))
    return torch.stack(rows)


CHECKS = [Form1(), BayesPosterior(), Form2(), OptimalReverse()]
