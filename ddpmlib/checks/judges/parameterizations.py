"""Check of chapter 6's conversions between what a network may predict."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .forward_inputs import along, distinct_times
from .joint_gaussian import F64, by_rows, noisy, random_tables
from .precision import compare_exactly, wrong_dtype

Line = tuple[float, float]  # a kind is a line in x_t and x_0: these are the coefficients of the two

WRONG_AXIS = "The coefficients of the times run along the last axis; each belongs to a row of the batch."
ONE_STEP = "This takes the noise of one step, sqrt(beta_t); eps is the total noise, with sqrt(1 - alpha_bar_t)."
EARLY = "Off by one in t: this takes the tables' entries at t - 1; index t is time t."


def roots(tables: dict[str, Tensor], t: int) -> tuple[float, float]:
    """The coefficients of x_0 and of the noise in x_t."""
    alpha_bar = tables["alpha_bars"][t].item()
    return math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar)


def right(kind: str, tables: dict[str, Tensor], t: int) -> Line:
    """The line of a kind, as two equations: it must be right at two pairs of a datum and a noise."""
    x0 = torch.tensor([[1.0], [0.0]], dtype=F64)
    noise = torch.tensor([[0.0], [1.0]], dtype=F64)
    times = torch.tensor([t, t])
    x_t = noisy(x0, noise, tables["betas"], times)
    values = by_rows(kind, x0, noise, tables["betas"], times)
    of_x_t, of_x0 = torch.linalg.solve(torch.cat([x_t, x0], dim=1), values).flatten().tolist()
    return of_x_t, of_x0


def wrong(kind: str, tables: dict[str, Tensor], t: int) -> dict[str, Line]:
    """The usual misconceptions of a kind, each as its line."""
    a, b = roots(tables, t)
    beta = tables["betas"][t].item()
    before = tables["alpha_bars"][t - 1].item()
    step = math.sqrt(1 - beta)
    if kind == "eps":
        return {
            "The noise's coefficient in x_t is sqrt(1 - alpha_bar_t); this takes the variance 1 - alpha_bar_t.":
                (1 / b**2, -a / b**2),
            "The coefficient of x_0 in x_t is sqrt(alpha_bar_t), not alpha_bar_t.": (1 / b, -(a**2) / b),
            "The roles are swapped: in x_t, sqrt(alpha_bar_t) belongs to x_0 and sqrt(1 - alpha_bar_t) to the noise.":
                (1 / a, -b / a),
            "The sign of the noise is wrong.": (-1 / b, a / b),
            "x_0 and the noise are taken to add up to x_t without their coefficients.": (1.0, -1.0),
            ONE_STEP: (1 / math.sqrt(beta), -step / math.sqrt(beta)),
        }
    if kind == "v":
        return {
            "The sign of v is wrong: v = sqrt(alpha_bar_t) eps - sqrt(1 - alpha_bar_t) x_0.": (-a / b, 1 / b),
            "The roles are swapped: in v, sqrt(alpha_bar_t) belongs to the noise, sqrt(1 - alpha_bar_t) to x_0.":
                (1.0, -2 * a),
            "The two terms of v are subtracted, not added.": (a / b, -(a**2) / b + b),
            "This is eps - x_0, the velocity of flow matching's straight line; here v has the two coefficients.":
                (1 / b, -a / b - 1),
            "This treats v as eps.": (1 / b, -a / b),
        }
    if kind == "score":
        return {
            "The sign of the score is wrong: it points from x_t back to sqrt(alpha_bar_t) x_0.": (1 / b**2, -a / b**2),
            "This treats the score as -eps; it is -eps / sqrt(1 - alpha_bar_t).": (-1 / b, a / b),
            "This divides the noise by the variance 1 - alpha_bar_t; it is -eps / sqrt(1 - alpha_bar_t).":
                (-1 / b**3, a / b**3),
            "The mean of q(x_t | x_0) is sqrt(alpha_bar_t) x_0, not x_0.": (-1 / b**2, 1 / b**2),
        }
    if kind == "mean":
        return {
            "The roles of x_t and x_0 in the posterior mean are swapped.":
                (math.sqrt(before) * beta / b**2, step * (1 - before) / b**2),
            "The posterior mean's coefficients hold sqrt(alpha_t) and sqrt(alpha_bar_{t-1}); the roots are missing.":
                (step**2 * (1 - before) / b**2, before * beta / b**2),
            "This has alpha_bar_t where alpha_bar_{t-1} is due.": (step, a * beta / b**2),
            "This has 1 - sqrt(alpha_bar_{t-1}) where 1 - alpha_bar_{t-1} is due.":
                (step * (1 - math.sqrt(before)) / b**2, math.sqrt(before) * beta / b**2),
            "This is sqrt(alpha_bar_{t-1}) x_0, the mean without knowledge of x_t.": (0.0, math.sqrt(before)),
        }
    return {}


def converted(line: Line, call: str, value: Tensor, x_t: Tensor) -> Tensor:
    """The result of a conversion along a line: from x_0, or to x_0."""
    of_x_t, of_x0 = line
    if call == "from_x0":
        return of_x_t * x_t + of_x0 * value
    return (value - of_x_t * x_t) / of_x0 if of_x0 else torch.full_like(x_t, torch.nan)


class Conversions(Check):
    """Exercise 6.3. Oracle: x_0 and the noise are known, and each kind is found from them by another road than its formula."""

    number = "6.3"
    parts = {"x0 and eps": 2, "v": 2, "score": 1, "mean": 2, "a time for each row": 2, "float32 near t = 1": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        tables = random_tables(draw)
        T = len(tables["betas"]) - 1
        for kind, part in [("x0", "x0 and eps"), ("eps", "x0 and eps"), ("v", "v"), ("score", "score"), ("mean", "mean")]:
            for t in (draw.integer(3, T - 1), 1, T):
                yield from self._both(draw, part, kind, tables, (2, 3), t)
            yield from self._both(draw, "a time for each row", kind, tables, (3, 3), distinct_times(draw, 3, T))
        yield from self._both(draw, "a time for each row", "mean", tables, (2, 2, 3), distinct_times(draw, 2, T))
        yield from self._both(draw, "a time for each row", "v", tables, (3,), torch.tensor(T - 1))
        yield from self._single(draw)
        for call in ("from_x0", "to_x0"):
            for kind in ("eps", "v", "score", "mean"):
                t = draw.integer(3, T - 1)
                arguments = {"function": call, "value": draw.normal(2, 3), "x_t": draw.normal(2, 3), "kind": kind, "t": t}
                yield Case("gradient", "gradients", arguments | tables, f"{call}, kind {kind!r}, t = {t}")

    @staticmethod
    def _both(draw: Draw, part: str, kind: str, tables: dict, shape: tuple[int, ...], t: int | Tensor) -> Iterable[Case]:
        x0, noise = draw.normal(*shape), draw.normal(*shape)
        times = torch.as_tensor(t).expand(shape[0])
        x_t = noisy(x0, noise, tables["betas"], times)
        value = by_rows(kind, x0, noise, tables["betas"], times)
        says = f"kind {kind!r}, shape {shape}, t = {t if isinstance(t, int) else t.tolist()} of {len(tables['betas']) - 1}"
        shared = {"kind": kind, "x_t": x_t, "t": t} | tables
        yield Case(part, "from_x0", shared | {"x0": x0}, f"from_x0, {says}", {"expected": value})
        yield Case(part, "to_x0", shared | {"prediction": value}, f"to_x0, {says}", {"expected": x0})

    @staticmethod
    def _single(draw: Draw) -> Iterable[Case]:
        """float32 data at a time so early that 1 - alpha_bar_t is lost when the table is rounded to float32."""
        betas = torch.tensor([0.0, 67.5 * 2.0**-24, 0.02, 0.1], dtype=F64)
        tables = {"betas": betas, "alpha_bars": (1 - betas).cumprod(0)}
        for kind in ("eps", "v", "score"):
            x0, x_t = draw.normal(3, 2).float(), draw.normal(3, 2).float()
            of_x_t, of_x0 = right(kind, tables, 1)
            size = (abs(of_x_t) * x_t.abs() + abs(of_x0) * x0.abs()).max().item()
            yield Case("float32 near t = 1", "from_x0", {"kind": kind, "x0": x0, "x_t": x_t, "t": 1} | tables,
                       f"from_x0, kind {kind!r}, float32, alpha_bar_t = 1 - 4e-6",
                       {"expected": of_x_t * x_t.double() + of_x0 * x0.double(), "atol": 6e-7 * size})
        prediction, x_t = draw.normal(3, 2).float(), draw.normal(3, 2).float()
        of_x_t, of_x0 = right("eps", tables, 3)
        yield Case("float32 near t = 1", "to_x0", {"kind": "eps", "prediction": prediction, "x_t": x_t, "t": 3} | tables,
                   "to_x0, kind 'eps', float32", {"expected": converted((of_x_t, of_x0), "to_x0", prediction.double(), x_t.double()),
                                                  "atol": 1e-5})

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "gradient":
            return self._judge_gradient(case, result)
        expected, what = case.secret["expected"], "x_0" if case.call == "to_x0" else case.arguments["kind"]
        if case.part == "float32 near t = 1":
            problem = compare(result, expected, what=what, rtol=0, atol=case.secret["atol"])
            if problem:
                return (f"{problem}\nIn float32, 1 - alpha_bar_t has few right digits near t = 1: compute the coefficients in "
                        "the table's float64, and convert them afterwards.")
            return wrong_dtype(result, torch.float32, "x_t", "the result")
        return compare_exactly(result, expected, what=what, known=lambda: self._known(case), digits=9)

    @staticmethod
    def _known(case: Case) -> dict[str, Tensor]:
        arguments, call, kind = case.arguments, case.call, case.arguments["kind"]
        x_t = arguments["x_t"]
        value = arguments["x0" if call == "from_x0" else "prediction"]
        times = torch.as_tensor(arguments["t"]).expand(len(x_t)).tolist()

        def rows(lines: list[Line]) -> Tensor:
            return torch.stack([converted(line, call, row, noisy_row) for line, row, noisy_row in zip(lines, value, x_t)])

        found = [wrong(kind, arguments, t) for t in times]
        known = {name: rows([lines[name] for lines in found]) for name in found[0]}
        if call == "to_x0" and kind == "v":
            known["This is eps, not x_0."] = rows([(-roots(arguments, t)[1] / roots(arguments, t)[0],
                                                    1 / roots(arguments, t)[0]) for t in times])
        if call == "to_x0" and kind == "eps":
            known["The division by sqrt(alpha_bar_t) is missing."] = (
                x_t - along([roots(arguments, t)[1] for t in times], x_t) * value)
        if kind != "x0":
            known[EARLY] = rows([right(kind, arguments, max(t - 1, 1)) for t in times])
            known["All rows have the time of the first row."] = rows([right(kind, arguments, times[0])] * len(times))
            other = "to_x0" if call == "from_x0" else "from_x0"
            known[f"This converts in the other direction: it is what {other} returns."] = torch.stack([
                converted(right(kind, arguments, t), other, row, noisy_row) for t, row, noisy_row in zip(times, value, x_t)])
        if x_t.ndim == 2 and len(set(x_t.shape)) == 1:
            known[WRONG_AXIS] = torch.stack([converted(right(kind, arguments, t), call, column, noisy_column)
                                             for t, column, noisy_column in zip(times, value.T, x_t.T)]).T
        return known

    @staticmethod
    def _judge_gradient(case: Case, result: object) -> str | None:
        arguments = case.arguments
        of_x_t, of_x0 = right(arguments["kind"], arguments, arguments["t"])
        slopes = (of_x0, of_x_t) if arguments["function"] == "from_x0" else (1 / of_x0, -of_x_t / of_x0)
        ones = torch.ones_like(arguments["x_t"])
        expected = torch.stack([slope * ones for slope in slopes])
        zero = torch.zeros_like(ones)
        return compare_exactly(result, expected, what="the gradient with respect to (prediction or x_0, x_t)", digits=8, known=lambda: {
            "No gradient flows: the result is detached from its arguments.": torch.zeros_like(expected),
            "No gradient flows to the prediction or x_0.": torch.stack([zero, expected[1]]),
            "No gradient flows to x_t.": torch.stack([expected[0], zero]),
        })


CHECKS = [Conversions()]
