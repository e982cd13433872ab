"""The check of chapter 4's exercise on Bayes' rule with the extra x_0."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import Normal

from ..judging import Case, Check, Draw, compare
from .dense_diffusion import STRICT, Dense, compare_strictly, dense_forward, draw_betas, tables


class BayesPosterior(Check):
    """Exercise 4.3. Oracle: x_{t-1} of the dense Gaussian, conditioned on x_0 and *all* later levels.

    That the later levels make no difference is the Markov lemma; they are drawn at random and stay in the judging half.
    """

    number = "4.3"
    parts = {"one time for all": 2, "a time for each row": 2, "t = 2 and t = T": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        T = draw.integer(6, 8)
        betas = draw_betas(draw, T)

        def case(part: str, shape: tuple[int, ...], t: int | Tensor) -> Case:
            path = draw.normal(T + 1, *shape)
            times = torch.as_tensor(t).expand(shape[0])
            rows = torch.arange(shape[0])
            arguments = {"x_prev": path[times - 1, rows], "x_t": path[times, rows], "x0": path[0], "t": t,
                         "schedule": tables(betas)}
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, "posterior_log_prob", arguments, f"shape {shape}, t = {shown}", {"path": path})

        yield case("one time for all", (2, 3), draw.integer(3, T - 1))
        yield case("one time for all", (3, 2, 3), draw.integer(3, T - 1))
        yield case("one time for all", (2, 3), torch.tensor(draw.integer(3, T - 1)))
        yield case("a time for each row", (3, 3), torch.randperm(T - 2, generator=draw.generator)[:3] + 3)
        yield case("a time for each row", (4, 2, 3), torch.randperm(T - 1, generator=draw.generator)[:4] + 2)
        yield case("t = 2 and t = T", (2, 3), torch.tensor([2, T]))

    def judge(self, case: Case, result: object) -> str | None:
        path, betas = case.secret["path"], case.arguments["schedule"]["betas"]
        times = torch.as_tensor(case.arguments["t"]).expand(len(path[0])).tolist()
        sure = torch.stack([_row(path[:, row], t, betas, wrong=False)["expected"] for row, t in enumerate(times)])
        if compare(result, sure.sum(-1), **STRICT) is None:
            return None
        tables_of_rows = [_row(path[:, row], t, betas) for row, t in enumerate(times)]
        expected, *wrong = (torch.stack(values) for values in zip(*(table.values() for table in tables_of_rows)))
        known = {says: value.sum(-1) for says, value in zip(list(tables_of_rows[0])[1:], wrong)}
        summed = expected.sum(-1)
        first = [_row(path[:, row], times[0], betas, states=path[[t - 1, t], row]) for row, t in enumerate(times)]
        known |= {
            "All rows have the time of the first row.": torch.stack([row["expected"] for row in first]).sum(-1),
            "The sign is wrong: this is minus the log-density.": -summed,
            "The components are averaged; log-densities of independent components add up.": expected.mean(-1),
            "The components are not added up: sum over the last axis.": expected,
            "This is the density; its logarithm is asked for.": summed.exp(),
            "The whole batch is added up; one number for each row is asked for.": summed.sum(),
            "The sum is taken over the rows; sum over the components, the last axis.": expected.sum(0),
        }
        return compare_strictly(result, summed, what="the log-density", known=known)


def _row(path: Tensor, t: int, betas: Tensor, states: Tensor | None = None, wrong: bool = True) -> dict[str, Tensor]:
    """What a row (..., D) should be at time t, a number for each component; if ``wrong``, also what misconceptions make of it.

    ``states`` are x_{t-1} and x_t in the place of the path's own.
    """
    if states is not None:
        path = path.clone()
        path[t - 1 : t + 1] = states
    T = len(path) - 1
    none = torch.zeros(path.shape[-1]).double()
    forward: Dense = dense_forward(betas, path[0], none)
    mean, variance = forward.conditional(path, t - 1, list(range(t, T + 1)))
    expected = Normal(mean, variance.sqrt()).log_prob(path[t - 1])
    if not wrong:
        return {"expected": expected}
    step = forward.log_conditional(path, t, [t - 1])
    before, after = forward.log_prob(path, [t - 1]), forward.log_prob(path, [t])
    moved = path.clone()
    moved[t] = path[t - 1]
    early = Normal((1 - betas[t - 1]).sqrt() * path[t - 1], betas[t - 1].sqrt()).log_prob(path[t]) if t > 1 else step
    backwards = Normal((1 - betas[t]).sqrt() * path[t], betas[t].sqrt()).log_prob(path[t - 1])
    return {
        "expected": expected,
        "The two jumps are exchanged: q(x_{t-1} | x_0) stands above the bar, q(x_t | x_0) below.": step + after - before,
        "The denominator q(x_t | x_0) is missing: this is the joint density of x_{t-1} and x_t.": step + before,
        "The factor q(x_{t-1} | x_0) is missing.": step - after,
        "The factor q(x_t | x_{t-1}) is missing.": before - after,
        "This is q(x_t | x_{t-1}) alone; Bayes' rule has two more densities.": step,
        "All three logarithms are added; that of the denominator is to be subtracted.": step + before + after,
        "Off by one: q(x_{t-1} | x_0) is the jump to time t - 1.": step + forward.log_prob(moved, [t]) - after,
        "Off by one: the step to x_t is that of time t.": early + before - after,
        "The step is read backwards: q(x_t | x_{t-1}) is a density of x_t, at x_t.": backwards + before - after,
    }
