"""The check of chapter 4's exercise on the second form of the ELBO."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .dense_diffusion import (
    STRICT, Dense, compare_strictly, dense_forward, dense_reverse, draw_betas, draw_reverse, kl, misshapen, tables,
)
from .model_gradients import judge_model_gradients


class Form2(Check):
    """Exercise 4.5. Oracles: conditioning the dense Gaussians of q, given x_0, and of p; the divergence by quadrature."""

    number = "4.5"
    parts = {"divergence, one time": 1, "divergence, a time a row": 1, "reconstruction": 1, "denoising matching": 1,
             "prior matching": 1, "one step (T = 1)": 0.5, "gradient to the model": 0.5}

    def cases(self, draw: Draw) -> Iterable[Case]:
        T = draw.integer(6, 8)
        yield self._single(draw, "divergence, one time", T, (2, 3), draw.integer(3, T - 1))
        yield self._single(draw, "divergence, one time", T, (2, 4, 3), torch.tensor(2))
        yield self._single(draw, "divergence, a time a row", T, (3, 3), torch.randperm(T - 1, generator=draw.generator)[:3] + 2)
        yield self._single(draw, "divergence, a time a row", T, (2, 3), torch.tensor([2, T]))
        for T, batch in ((draw.integer(4, 6), (3,)), (3, (2, 3))):
            arguments = self._table(draw, T, batch)
            for part in ("reconstruction", "denoising matching", "prior matching"):
                yield Case(part, "form2_terms", arguments, f"T = {T}, path of shape {(T + 1, *batch, 3)}")
        yield Case("one step (T = 1)", "form2_terms", self._table(draw, 1, (2,)), "T = 1")
        arguments = self._table(draw, 4, (2,)) | {"weights": draw.uniform(0.5, 1.5, 5, 2)}
        yield Case("gradient to the model", "gradient_of_form2", arguments, "form2_terms, T = 4")
        single = self._single(draw, "gradient to the model", 4, (2, 3), 3)
        yield Case(single.part, "gradient_of_denoising", single.arguments | {"weights": draw.uniform(0.5, 1.5, 2)},
                   "denoising_matching, t = 3", single.secret)

    @staticmethod
    def _table(draw: Draw, T: int, batch: tuple[int, ...]) -> dict[str, object]:
        return {"path": draw.normal(T + 1, *batch, 3), "schedule": tables(draw_betas(draw, T)),
                "reverse": draw_reverse(draw, T, 3)}

    @staticmethod
    def _single(draw: Draw, part: str, T: int, shape: tuple[int, ...], t: int | Tensor) -> Case:
        path = draw.normal(T + 1, *shape)
        times, rows = torch.as_tensor(t).expand(shape[0]), torch.arange(shape[0])
        arguments = {"x0": path[0], "x_t": path[times, rows], "t": t, "schedule": tables(draw_betas(draw, T)),
                     "reverse": draw_reverse(draw, T, shape[-1])}
        shown = t if isinstance(t, int) else t.tolist()
        return Case(part, "denoising_matching", arguments, f"shape {shape}, t = {shown}", {"path": path})

    def judge(self, case: Case, result: object) -> str | None:
        if case.call == "denoising_matching":
            return self._judge_single(case, result)
        if case.part == "gradient to the model":
            return self._judge_gradient(case, result)
        reverse, path, betas = case.arguments["reverse"], case.arguments["path"], case.arguments["schedule"]["betas"]
        if compare(result, _terms(path, betas, reverse, wrong=False)["expected"].sum(-1), **STRICT) is None:
            return None
        return self._judge_table(case, result, path, _terms(path, betas, reverse))

    @staticmethod
    def _judge_gradient(case: Case, result: object) -> str | None:
        betas = case.arguments["schedule"]["betas"]
        if case.call == "gradient_of_form2":
            return judge_model_gradients(
                case, result, lambda reverse: _terms(case.arguments["path"], betas, reverse, wrong=False)["expected"].sum(-1),
                "the table of terms")
        path = case.secret["path"]
        forward = dense_forward(betas, path[0], torch.zeros(path.shape[-1]).double())
        return judge_model_gradients(
            case, result,
            lambda reverse: _divergences(path, case.arguments["t"], forward, dense_reverse(reverse), wrong=False)["expected"].sum(-1),
            "the divergence")

    @staticmethod
    def _judge_single(case: Case, result: object) -> str | None:
        path, betas, reverse = case.secret["path"], case.arguments["schedule"]["betas"], case.arguments["reverse"]
        backward = dense_reverse(reverse)
        times = torch.as_tensor(case.arguments["t"]).expand(len(path[0])).tolist()
        rows = [_divergences(path[:, row], t, dense_forward(betas, path[0, row], torch.zeros(path.shape[-1]).double()), backward)
                for row, t in enumerate(times)]
        found = {says: torch.stack([row[says] for row in rows]) for says in rows[0]}
        expected = found.pop("expected")
        known = {says: value.sum(-1) for says, value in found.items()} | {
            "The sign is wrong: a divergence is not negative.": -expected.sum(-1),
            "The components are averaged; the divergences of independent components add up.": expected.mean(-1),
            "The components are not added up: sum over the last axis.": expected,
            "The whole batch is added up; one number for each row is asked for.": expected.sum(),
            "The batch is averaged; one number for each row is asked for.": expected.sum(-1).mean(0),
        }
        return compare_strictly(result, expected.sum(-1), what="the divergence", known=known)

    @staticmethod
    def _judge_table(case: Case, result: object, path: Tensor, found: dict[str, Tensor]) -> str | None:
        T = len(path) - 1
        expected = found.pop("expected")
        summed = expected.sum(-1)
        known = {says: value.sum(-1) for says, value in found.items()} | {
            "The components are averaged; the terms of independent components add up.": expected.mean(-1),
            "The sign is wrong: log p(x_0 | x_1) contributes as it is, and each divergence with a minus.": -summed,
        }
        if not isinstance(result, Tensor) or result.shape != summed.shape:
            return compare_strictly(result, summed, what="the table of terms", known=misshapen(expected))
        rows = {"reconstruction": slice(0, 1), "denoising matching": slice(1, T), "prior matching": slice(T, T + 1)}
        row = rows.get(case.part, slice(None))
        what = {"reconstruction": "row 0", "denoising matching": f"rows 1 to {T - 1}", "prior matching": f"row {T}"}
        return compare_strictly(result[row], summed[row], what=what.get(case.part, "the table"),
                                known={says: table[row] for says, table in known.items()})


def _divergences(path: Tensor, t: int, forward: Dense, backward: Dense, wrong: bool = True) -> dict[str, Tensor]:
    """KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) for each component, and what misconceptions make of it (if ``wrong``)."""
    def broad(law: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return law[0].expand(path[0].shape), law[1].expand(path[0].shape)

    q, p = broad(forward.conditional(path, t - 1, [t])), broad(backward.conditional(path, t - 1, [t]))
    if not wrong:
        return {"expected": kl(*q, *p)}
    jump = broad((forward.mean[..., t - 1], forward.covariance[:, t - 1, t - 1]))
    step = broad((forward.mean[..., t], forward.conditional(path, t, [t - 1])[1]))
    return {
        "expected": kl(*q, *p),
        "The arguments of the divergence are exchanged: q comes first.": kl(*p, *q),
        "x_t is not used: this is q(x_{t-1} | x_0) in the place of q(x_{t-1} | x_t, x_0).": kl(*jump, *p),
        "The divergence is taken with the variance beta_t of the forward step in the place of the conditional's.":
            kl(q[0], step[1], *p),
        "These are the means only: the variances of q and p differ too.": (q[0] - p[0]) ** 2 / (2 * p[1]),
    }


def _terms(path: Tensor, betas: Tensor, reverse: dict[str, Tensor], wrong: bool = True) -> dict[str, Tensor]:
    """The table of terms, for each component, and what misconceptions make of it (if ``wrong``)."""
    T = len(path) - 1
    forward, backward = dense_forward(betas, path[0], torch.zeros(path.shape[-1]).double()), dense_reverse(reverse)
    first = backward.log_conditional(path, 0, [1])
    end = (forward.mean[..., T], forward.covariance[:, T, T].expand(path[0].shape))
    prior = tuple(value.expand(path[0].shape) for value in (backward.mean[..., T], backward.covariance[:, T, T]))
    last = -kl(*end, *prior)
    middle = [_divergences(path, t, forward, backward, wrong) for t in range(2, T + 1)]
    if not wrong:
        return {"expected": torch.stack([first, *(-row["expected"] for row in middle), last])}
    ratios = [backward.log_conditional(path, t, [t + 1]) - forward.log_conditional(path, t, [t + 1]) for t in range(1, T)]
    log_last = backward.log_prob(path, [T]) - forward.log_prob(path, [T])
    step = forward.log_prob(path, [T]) if T == 1 else forward.log_conditional(path, T, [T - 1])

    def table(*rows: list[Tensor]) -> Tensor:
        return torch.stack([row for group in rows for row in group])

    minus = [-row["expected"] for row in middle]
    found = {
        "expected": table([first], minus, [last]),
        "This is the log-ratio at the path's own state; the second form has the divergence, in which that state is averaged out.":
            table([first], ratios, [log_last]),
        "This is the prior matching of the first form; the second one compares q(x_T | x_0) with the prior.":
            table([first], minus, [backward.log_prob(path, [T]) - step]),
        "A divergence contributes to the ELBO with a minus sign.": table([first], [-row for row in minus], [-last]),
        "This is p(x_0 | x_1) in reverse: the model's density is that of x_0, at x_0.":
            table([_swapped(reverse, path)], minus, [last]),
        "The arguments of the prior's divergence are exchanged: q(x_T | x_0) comes first.":
            table([first], minus, [-kl(*prior, *end)]),
        "This is the divergence to the standard normal law; the model's own prior is reverse.prior.":
            table([first], minus, [-kl(*end, torch.zeros_like(end[0]), torch.ones_like(end[1]))]),
        "The rows run backwards: row t belongs to x_t.": table([first], minus[::-1], [last]),
    }
    for says in (key for key in (middle[0] if middle else {}) if key != "expected"):
        found[says] = table([first], [-row[says] for row in middle], [last])
    return found


def _swapped(reverse: dict[str, Tensor], path: Tensor) -> Tensor:
    slope, shift, variance = (reverse[name][1] for name in ("slopes", "shifts", "variances"))
    return torch.distributions.Normal(slope * path[0] + shift, variance.sqrt()).log_prob(path[1])
