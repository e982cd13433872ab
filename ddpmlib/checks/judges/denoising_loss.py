"""Check of chapter 6's exercise on the loss of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .forward_inputs import along, distinct_times
from .joint_gaussian import F64, by_rows, random_tables
from .precision import compare_exactly, compare_lazily, wrong_dtype

KINDS = ("x0", "eps", "v", "score", "mean")


class DenoisingLoss(Check):
    """Exercise 6.6. Oracle: targets by another road than their formulas, and squared norms row by row."""

    number = "6.6"
    parts = {"L_simple": 2, "x0, v, score and mean": 2, "weights": 2, "float32 stays float32": 1, "gradient": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        tables = random_tables(draw)
        T = len(tables["betas"]) - 1

        def arguments(kind: str, shape: tuple[int, ...], t: int | Tensor, dtype: torch.dtype = F64) -> dict:
            tensors = {name: draw.normal(*shape).to(dtype) for name in ("prediction", "x0", "noise")}
            return {"kind": kind, "t": t} | tensors | tables

        weights = draw.uniform(0.2, 5.0, T + 1)
        for shape, t in [((4, 3), draw.integer(2, T)), ((3, 3), distinct_times(draw, 3, T)), ((2, 2, 3), distinct_times(draw, 2, T))]:
            yield self._case("L_simple", arguments("eps", shape, t))
        for kind in ("x0", "v", "score", "mean"):
            for t in (distinct_times(draw, 3, T), 1, T):
                yield self._case("x0, v, score and mean", arguments(kind, (3, 2), t))
        for kind in KINDS:
            yield self._case("weights", arguments(kind, (4, 3), distinct_times(draw, 4, T)) | {"weights": weights})
        yield self._case("weights", arguments("eps", (4, 3), draw.integer(2, T)) | {"weights": weights})
        yield self._case("float32 stays float32",
                         arguments("v", (4, 3), distinct_times(draw, 4, T), torch.float32) | {"weights": weights})
        for kind, given in [("eps", {}), ("v", {"weights": weights}), ("mean", {"weights": weights})]:
            case = self._case("gradient", arguments(kind, (3, 2), distinct_times(draw, 3, T)) | given)
            yield Case(case.part, "gradient_of_loss", case.arguments, case.says)

    @staticmethod
    def _case(part: str, arguments: dict) -> Case:
        t = arguments["t"]
        shape = tuple(arguments["x0"].shape)
        weighted = "with" if "weights" in arguments else "without"
        says = f"kind {arguments['kind']!r}, shape {shape}, t = {t if isinstance(t, int) else t.tolist()}, {weighted} weights"
        return Case(part, "denoising_loss", arguments, says)

    def judge(self, case: Case, result: object) -> str | None:
        arguments = case.arguments
        prediction, x0, noise = (arguments[name].double() for name in ("prediction", "x0", "noise"))
        kind, betas = arguments["kind"], arguments["betas"]
        times = torch.as_tensor(arguments["t"]).expand(len(x0))
        factors = arguments["weights"][times] if "weights" in arguments else torch.ones(len(x0), dtype=F64)
        right = by_rows(kind, x0, noise, betas, times)
        if case.part == "gradient":
            expected = 2 * along((factors / len(x0)).tolist(), x0) * (prediction - right)
            return compare_exactly(result, expected, what="the gradient with respect to the prediction", digits=9, known=lambda: {
                "No gradient reaches the prediction: the loss is detached from it.": torch.zeros_like(expected),
                "The gradient has the wrong sign: is it the negative loss?": -expected,
            })
        if not isinstance(result, list):
            return compare(result, torch.zeros((), dtype=F64), what="the loss")
        loss, own_target = result

        def of(goal: Tensor) -> Tensor:
            squares = [float(((row - guess) ** 2).sum()) for row, guess in zip(goal, prediction)]
            return factors * torch.tensor(squares, dtype=F64)

        rows = of(right)

        def known() -> dict[str, Tensor]:
            return self._known(arguments, of, rows, factors, right, own_target)

        if case.part == "float32 stays float32":
            problem = compare_lazily(loss, rows.mean(), what="the loss", known=known, rtol=2e-5, atol=1e-6)
            return problem or wrong_dtype(loss, torch.float32, "the prediction", "the loss")
        return compare_exactly(loss, rows.mean(), what="the loss", known=known)

    @staticmethod
    def _known(arguments: dict, of: Callable[[Tensor], Tensor], rows: Tensor, factors: Tensor, right: Tensor,
               own_target: object) -> dict[str, Tensor]:
        x0, noise = arguments["x0"].double(), arguments["noise"].double()
        kind, times = arguments["kind"], torch.as_tensor(arguments["t"]).expand(len(x0))
        plain = rows / factors
        known = {}
        if isinstance(own_target, Tensor) and own_target.shape == x0.shape:
            known["Your from_x0 (Exercise 6.3) gives another target here; first repair it."] = of(own_target.double()).mean()
        known |= {
            "This is the mean over all components; the squared error of a row is their sum.": rows.mean() / x0[0].numel(),
            "This is the sum over the batch; the mean over its rows is asked for.": rows.sum(),
            "This is one number a row; the mean over the batch is asked for.": rows,
            "This is the sum over the batch and the mean over the components; it should be the other way round.":
                rows.sum() / x0[0].numel(),
            "This takes the norm of the error, without the square.": (factors * plain.sqrt()).mean(),
            "The factor 1/2 does not belong here: it is in the weights.": rows.mean() / 2,
        }
        if "weights" in arguments:
            known |= {
                "The weights are not used.": plain.mean(),
                "This divides by the sum of the weights; it should divide by the number of rows.": rows.sum() / factors.sum(),
                "The weights are those of the rows' places in the batch, not of their times.":
                    (plain * arguments["weights"][: len(x0)]).mean(),
                "The weights are read at t - 1; index t is time t.": (plain * arguments["weights"][times - 1]).mean(),
                "The weights are squared: they multiply the squared error, not the error.": (factors**2 * plain).mean(),
                "All rows have the weight of the first row's time.": (factors[0] * plain).mean(),
            }
        for name in KINDS:
            if name != kind:
                known[f"The target is that of the kind {name!r}; it should be that of {kind!r}."] = (
                    of(by_rows(name, x0, noise, arguments["betas"], times)).mean())
        known["The sign of the target is wrong."] = of(-right).mean()
        return known

