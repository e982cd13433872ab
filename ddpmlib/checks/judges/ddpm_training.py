"""Checks of chapter 7's exercises on the training loss."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, WRONG_AXIS, Setting, by_rows, compare_precision, compare_values, random_setting, row_values
from .forward_inputs import distinct_times

NO_GRADIENT = ("No gradient reaches the model's parameters: the loss must not be detached, made a number with .item(), or computed "
               "under torch.no_grad().")


def noisy(setting: Setting, x0: Tensor, t: int | Tensor, noise: Tensor) -> Tensor:
    """x_t for each row, with the mean and the deviation that a walk of t single steps has."""
    means, spreads = zip(*setting.moments)
    return row_values(means, t, x0) * x0 + row_values(spreads, t, x0) * noise


def mean_square(error: Tensor) -> Tensor:
    """The mean of squares, as the variance of the elements plus their squared mean."""
    return error.var(correction=0) + error.mean() ** 2


class TrainingLoss(Check):
    """Exercise 7.1. Oracles: moments followed step by step, and the gradients of a model linear in its parameters by hand."""

    number = "7.1"
    parts = {"one time for all": 1, "a time for each row": 2, "gradient": 2, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, shape: tuple[int, ...], t: int | Tensor, call: str = "training_loss", kind: torch.dtype = F64) -> Case:
            arguments = {"tables": setting.tables(), "x0": draw.normal(*shape).to(kind), "t": t,
                         "noise": draw.normal(*shape).to(kind)}
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, call, arguments, f"x0 of shape {shape}, t = {shown}", {"setting": setting})

        setting = random_setting(draw)
        T = setting.T
        yield case("one time for all", (2, 3), draw.integer(2, T - 1))
        yield case("one time for all", (4,), torch.tensor(draw.integer(2, T - 1)))
        yield case("a time for each row", (3, 3), distinct_times(draw, 3, T))
        yield case("a time for each row", (4, 2, 3), distinct_times(draw, 4, T))
        yield case("gradient", (3, 2), distinct_times(draw, 3, T), "gradient_of_loss")
        for kind in (torch.float64, torch.float32):
            yield case("precision", (3, 2), distinct_times(draw, 3, T), kind=kind)
        setting = random_setting(draw, T=1)
        yield case("one time for all", (2, 3), 1)

    def judge(self, case: Case, result: object) -> str | None:
        setting: Setting = case.secret["setting"]
        x0, noise = (case.arguments[name].double() for name in ("x0", "noise"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x0))
        x_t = noisy(setting, x0, t, noise)
        predicted = by_rows(setting.model, x_t, t)
        if case.part == "gradient":
            return self._judge_gradient(result, x_t, predicted - noise, t, len(setting.slope))
        first, again = result
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return "two calls with the same arguments give two results; use the noise and the times that are passed in"
        expected, known = mean_square(noise - predicted), self._known(setting, x0, t, noise, predicted)
        if case.part == "precision":
            return compare_precision(first, expected, "the loss", case.arguments["x0"], "x0")
        return compare_values(first, expected, "the loss", known)

    @staticmethod
    def _judge_gradient(result: object, x_t: Tensor, error: Tensor, t: Tensor, entries: int) -> str | None:
        """d loss / d slope[s] and d loss / d shift[s]: only rows at time s count."""
        def at_times(values: Tensor) -> Tensor:
            rows = 2 * values.flatten(start_dim=1).sum(dim=1) / values.numel()
            return torch.zeros(entries, dtype=F64).index_add(0, t, rows)

        expected = torch.stack([at_times(error * x_t), at_times(error)])
        return compare_values(result, expected, "the gradient with respect to the model's parameters",
                               {NO_GRADIENT: torch.zeros_like(expected), "The gradient has the wrong sign.": -expected})

    @staticmethod
    def _known(setting: Setting, x0: Tensor, t: Tensor, noise: Tensor, predicted: Tensor) -> dict[str, Tensor]:
        error, before = noise - predicted, t - 1
        means, spreads = zip(*setting.moments)
        mean, spread, beta = (row_values(table, t, x0) for table in (means, spreads, setting.betas))

        def loss(x_t: Tensor, times: Tensor = t, target: Tensor = noise) -> Tensor:
            return mean_square(target - by_rows(setting.model, x_t, times))

        known = {
            "This is the sum of the squares; the mean over all elements is asked for.": error.square().sum(),
            "The squares of a row are summed; the mean goes over the components too.": error.square().sum() / len(x0),
            "The mean is over the batch only, or over the components only; it should be one number, over all elements.":
                error.square().mean(dim=0),
            "This is the mean of each row; the mean goes over the batch too.": error.square().flatten(1).mean(1) if x0.ndim > 1
                else error.square(),
            "The squares are not averaged.": error.square(),
            "This is the root of the mean square; no root is taken.": mean_square(error).sqrt(),
            "This is the mean of |eps - model|; the square is missing.": error.abs().mean(),
            "This is half of the mean square.": mean_square(error) / 2,
            "The model's output is compared with x_0; this model predicts the noise.": loss(mean * x0 + spread * noise, target=x0),
            "The model gets the clean x_0; it should get x_t.": loss(x0),
            "x_t is made with variances as coefficients; take the square roots.": loss(mean**2 * x0 + spread**2 * noise),
            "The noise in x_t is scaled by the variance 1 - alpha_bar_t; it should be scaled by the root.":
                loss(mean * x0 + spread**2 * noise),
            "x_0 is multiplied by alpha_bar_t; it should be its square root.": loss(mean**2 * x0 + spread * noise),
            "The coefficients of x_0 and the noise are swapped.": loss(spread * x0 + mean * noise),
            "This x_t has the noise of one step only: beta_t stands in the place of 1 - alpha_bar_t.":
                loss(mean * x0 + beta.sqrt() * noise),
            "This x_t is one step from x_0: alpha_t stands in the place of alpha_bar_t.":
                loss((1 - beta).sqrt() * x0 + beta.sqrt() * noise),
            "x_t is that of time t - 1; index t is time t.": loss(noisy(setting, x0, before, noise)),
            "The model is told t - 1; here times count from 1, for the model too.": loss(mean * x0 + spread * noise, before),
            "x_t is that of time t - 1, and the model is told t - 1; index t is time t.":
                loss(noisy(setting, x0, before, noise), before),
            "All rows have the time of the first row.": loss(noisy(setting, x0, t[:1].expand(len(t)), noise), t[:1].expand(len(t))),
        }
        if x0.ndim == 2 and x0.shape[0] == x0.shape[1]:
            known[WRONG_AXIS] = loss(mean.T * x0 + spread.T * noise)
        return known


class LossPerTime(Check):
    """Exercise 7.7. Oracle: the loss of each time alone, with moments followed step by step."""

    number = "7.7"
    parts = {"values": 3, "no graph": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, shape: tuple[int, ...], times: Tensor, kind: torch.dtype = F64) -> Case:
            arguments = {"tables": setting.tables(), "x0": draw.normal(*shape).to(kind), "times": times,
                         "noise": draw.normal(*shape).to(kind)}
            return Case(part, "loss_per_time", arguments, f"x0 of shape {shape}, times = {times.tolist()}", {"setting": setting})

        setting = random_setting(draw, 7, 9)
        T = setting.T
        first, second, third = distinct_times(draw, 3, T - 1).tolist()
        yield case("values", (4, 3), torch.tensor([T, first, second, first]))
        yield case("values", (3, 3), torch.tensor([first, third, T]))
        yield case("values", (2, 3, 2), torch.tensor([third]))
        yield case("no graph", (2, 3), torch.tensor([second, T]))
        for kind in (torch.float64, torch.float32):
            yield case("precision", (2, 3), torch.tensor([first, T, third]), kind)

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "no graph":
            if result["graph"]:
                return "the losses carry a graph: compute them under torch.no_grad()"
            wanted = (len(case.arguments["times"]),)
            if getattr(result["losses"], "shape", None) != wanted:
                return f"the losses should be a tensor of shape {wanted}, one for each time"
            return None
        setting: Setting = case.secret["setting"]
        x0, noise = (case.arguments[name].double() for name in ("x0", "noise"))
        times = case.arguments["times"].tolist()

        def loss(t: int, told: int | None = None) -> Tensor:
            x_t = noisy(setting, x0, t, noise)
            return noise - setting.model(x_t, t if told is None else told)

        errors = [loss(t) for t in times]
        expected = torch.stack([mean_square(error) for error in errors])
        known = {
            "This is the mean over the times; each time has its own entry.": expected.mean(),
            "This is the sum over the times; each time has its own entry.": expected.sum(),
            "This is the sum over a time's elements; the mean is asked for.": expected * x0.numel(),
            "The components of a row are summed; the mean goes over them too.": expected * x0[0].numel(),
            "This is the root of each loss.": expected.sqrt(),
            "Entry i belongs to the time i + 1; it should belong to times[i].": torch.stack(
                [mean_square(loss(t)) for t in range(1, len(times) + 1)]),
            "Entry i belongs to the time times[i] - 1; index t is time t.": torch.stack(
                [mean_square(loss(t - 1, t - 1)) for t in times]),
            "The entries come sorted by time; entry i belongs to times[i].": torch.stack(
                [mean_square(loss(t)) for t in sorted(times)]),
            "There is one entry for each different time, in order; entry i belongs to times[i].": torch.stack(
                [mean_square(loss(t)) for t in sorted(set(times))]),
            "This is a table over all times 1..T; only those in times are asked for.": torch.stack(
                [mean_square(loss(t)) for t in range(1, setting.T + 1)]),
            "Only the mean over the batch is taken; the mean goes over the components too.": torch.stack(
                [error.square().mean(dim=0) for error in errors]),
        }
        if len(x0) == len(times):
            rows = [error[index] for index, error in enumerate(errors)]
            known["Row i is looked at at times[i] only; every time is asked about all rows."] = torch.stack(
                [mean_square(row) for row in rows])
        if case.part == "precision":
            problem = compare_precision(result["losses"], expected, "the losses", case.arguments["x0"], "x0")
        else:
            problem = compare_values(result["losses"], expected, "the losses", known)
        single, losses = result["single"], result["losses"]
        if (problem is not None and isinstance(single, Tensor) and isinstance(losses, Tensor) and torch.equal(single, losses)):
            return f"{problem}\nThis is what your training_loss gives at each time: first repair Exercise 7.1."
        return problem
