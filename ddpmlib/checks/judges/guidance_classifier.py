"""Checks of chapter 11's exercises on a classifier of noisy data: its loss and its gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, ROUNDED, Setting, compare_precision, compare_values, random_setting, row_values
from .ddpm_training import NO_GRADIENT, noisy
from .forward_inputs import distinct_times
from .guidance_oracles import distinct_labels, one_hot, random_classifier, sure_classifier, tables_of

CLASSES = 5


class NoisyClassifierLoss(Check):
    """Exercise 11.2. Oracles: moments followed step by step, shares of exponentials, and the last layer's gradient by hand."""

    number = "11.2"
    parts = {"one time for all": 1, "a time for each row": 2, "gradient": 1, "logits far apart": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw)
        T = setting.T

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, call: str = "noisy_classifier_loss",
                 kind: torch.dtype = F64) -> Case:
            tables = random_classifier(draw, int(torch.tensor(shape[1:]).prod()), T + 2, CLASSES)
            arguments = {"tables": tables_of(setting), "classifier": tables.tables(), "x0": (2 * draw.normal(*shape)).to(kind),
                         "y": distinct_labels(draw, shape[0], CLASSES), "t": t, "noise": draw.normal(*shape).to(kind)}
            shown = t if isinstance(t, int) else t.tolist()
            says = f"x0 of shape {shape}, t = {shown}, y = {arguments['y'].tolist()}"
            return Case(part, call, arguments, says, {"setting": setting, "classifier": tables})

        yield case("one time for all", (3, 2), draw.integer(2, T - 1))
        yield case("one time for all", (5, 3), torch.tensor(draw.integer(2, T - 1)))
        yield case("a time for each row", (3, 3), distinct_times(draw, 3, T))
        yield case("a time for each row", (4, 1, 2, 2), distinct_times(draw, 4, T))
        yield case("gradient", (3, 2), distinct_times(draw, 3, T), "gradient_of_classifier_loss")
        x0, noise, t = 2 * draw.normal(1, 3), draw.normal(1, 3), draw.integer(1, T)
        tables, y = sure_classifier(draw, noisy(setting, x0, torch.tensor([t]), noise), T + 2, t, CLASSES)
        arguments = {"tables": tables_of(setting), "classifier": tables.tables(), "x0": x0.float(), "y": y, "t": t, "noise": noise.float()}
        yield Case("logits far apart", "noisy_classifier_loss", arguments, "one row in float32, the logit of y 300 below the largest",
                   {"setting": setting, "classifier": tables})
        for shape, kind in (((3, 2), torch.float64), ((6, 3), torch.float64), ((3, 2), torch.float32)):
            yield case("precision", shape, distinct_times(draw, 3, T).repeat(2)[: shape[0]], kind=kind)

    def judge(self, case: Case, result: object) -> str | None:
        setting, tables = case.secret["setting"], case.secret["classifier"]
        x0, noise = (case.arguments[name].double() for name in ("x0", "noise"))
        y, t = case.arguments["y"], torch.as_tensor(case.arguments["t"]).expand(len(x0))
        x_t = noisy(setting, x0, t, noise)
        if case.part == "gradient":
            error = tables.log_probs(x_t, t).exp() - one_hot(y, CLASSES)
            expected = tables.hidden(x_t, t).T @ error / len(x0)
            return compare_values(result, expected, "the gradient with respect to the classifier's last layer",
                                  {NO_GRADIENT.replace("model", "classifier"): torch.zeros_like(expected),
                                   "The gradient has the wrong sign.": -expected})
        first, again = result["losses"]
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return ("two calls with the same arguments give two results: use the noise and the times that are passed in, and leave the "
                    "arguments as they are")
        expected = -tables.log_probs(x_t, t)[range(len(y)), y].mean()
        if case.part == "precision":
            return compare_precision(first, expected, "the loss", case.arguments["x0"], "x0")
        if case.part == "logits far apart":
            return compare_values(first, expected, "the loss", {
                "The probability has been rounded to 0 before its logarithm is taken: take the logarithm of the softmax in one go.":
                    torch.tensor(math.inf)})
        problem = compare_values(first, expected, "the loss", self._known(setting, tables, x0, y, t, noise))
        if problem is None and result["calls"] != 2:
            return f"the classifier should be called once for a loss; it was called {result['calls'] / 2:g} times"
        return problem

    @staticmethod
    def _known(setting: Setting, tables, x0: Tensor, y: Tensor, t: Tensor, noise: Tensor) -> dict[str, Tensor]:
        means, deviations = zip(*setting.moments)
        mean, spread, beta = (row_values(table, t, x0) for table in (means, deviations, setting.betas))
        x_t = mean * x0 + spread * noise

        def rows(x: Tensor, times: Tensor = t, labels: Tensor = y) -> Tensor:
            return -tables.log_probs(x, times)[range(len(y)), labels]

        right, logits = rows(x_t), tables.logits(x_t, t)
        twice = tables.log_probs(x_t, t).exp().exp()
        known = {
            "The classifier gets the clean x_0; it should get x_t.": rows(x0).mean(),
            "This is the sum over the batch; the mean is asked for.": right.sum(),
            "These are the losses of the rows; their mean is asked for.": right,
            "This is the mean of log p; the loss is minus that.": -right.mean(),
            "The loss is also divided by the number of classes.": right.mean() / CLASSES,
            "This is minus the mean logit of the class; the logarithm of the sum of exponentials is missing.":
                -logits[range(len(y)), y].mean(),
            "This is minus the mean probability of the class; its logarithm is missing.": -(-right).exp().mean(),
            "The logarithm stands outside of the mean: log of the mean probability.": -(-right).exp().mean().log(),
            "The softmax is taken twice: cross_entropy wants logits.": -(twice / twice.sum(1, keepdim=True)).log()[range(len(y)), y].mean(),
            "The classifier is told t - 1; here times count from 1, for the classifier too.": rows(x_t, t - 1).mean(),
            "x_t is that of time t - 1; index t is time t.": rows(noisy(setting, x0, t - 1, noise)).mean(),
            "x_t is made with variances as coefficients; take the square roots.": rows(mean**2 * x0 + spread**2 * noise).mean(),
            "The noise in x_t is scaled by the variance 1 - alpha_bar_t; it should be scaled by the root.":
                rows(mean * x0 + spread**2 * noise).mean(),
            "The coefficients of x_0 and the noise are swapped.": rows(spread * x0 + mean * noise).mean(),
            "This x_t is one step from x_0: alpha_t stands in the place of alpha_bar_t.":
                rows((1 - beta).sqrt() * x0 + beta.sqrt() * noise).mean(),
            "All rows have the time of the first row.": rows(noisy(setting, x0, t[:1].expand(len(t)), noise), t[:1].expand(len(t))).mean(),
            "All rows have the class of the first row.": rows(x_t, t, y[:1].expand(len(y))).mean(),
            "The classifier's own best guess stands in the place of the class.": rows(x_t, t, logits.argmax(1)).mean(),
            "x_t is made with the first row's time in all rows.": rows(noisy(setting, x0, t[:1].expand(len(t)), noise)).mean(),
            "The softmax goes over the batch; it belongs along the classes.":
                -(logits - logits.exp().sum(dim=0).log())[range(len(y)), y].mean(),
            "This is in bits; nats are asked for: the natural logarithm.": right.mean() / math.log(2),
            "Each class is judged by itself, with a sigmoid: binary cross-entropy. One of the classes is right: their softmax is needed.":
                -torch.where(one_hot(y, CLASSES) > 0, logits, -logits).sigmoid().log().mean(),
            "This compares all classes alike; only the row's own class counts.": -tables.log_probs(x_t, t).mean(),
        }
        return known


class ClassifierGradient(Check):
    """Exercise 11.3. Oracle: the chain rule by hand, through softmax, layer and tanh."""

    number = "11.3"
    parts = {"values": 3, "in a sampler": 2, "no trace": 2, "logits far apart": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        entries = 9

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, sampling: bool = False, kind: torch.dtype = F64) -> Case:
            tables = random_classifier(draw, int(torch.tensor(shape[1:]).prod()), entries, CLASSES)
            arguments = {"classifier": tables.tables(), "x_t": draw.normal(*shape).to(kind), "t": t,
                         "y": distinct_labels(draw, shape[0], CLASSES), "sampling": sampling}
            shown = t if isinstance(t, int) else t.tolist()
            says = f"x_t of shape {shape}, t = {shown}, y = {arguments['y'].tolist()}" + ", under torch.no_grad()" * sampling
            return Case(part, "classifier_gradient", arguments, says, {"classifier": tables})

        yield case("values", (3, 2), draw.integer(1, 8))
        yield case("values", (4, 4), distinct_times(draw, 4, 8))
        yield case("values", (3, 1, 2, 2), distinct_times(draw, 3, 8))
        yield case("values", (1, 3), torch.tensor(draw.integer(1, 8)))
        yield case("in a sampler", (3, 2), distinct_times(draw, 3, 8), sampling=True)
        yield case("no trace", (3, 2), distinct_times(draw, 3, 8))
        x, t = draw.normal(1, 3), draw.integer(1, 8)
        tables, y = sure_classifier(draw, x, entries, t, CLASSES)
        arguments = {"classifier": tables.tables(), "x_t": x.float(), "t": t, "y": y, "sampling": False}
        yield Case("logits far apart", "classifier_gradient", arguments, "one row in float32, the logit of y 300 below the largest",
                   {"classifier": tables})
        for kind in (torch.float64, torch.float32):
            yield case("precision", (2, 3), distinct_times(draw, 2, 8), kind=kind)

    def judge(self, case: Case, result: object) -> str | None:
        tables = case.secret["classifier"]
        x, y = case.arguments["x_t"].double(), case.arguments["y"]
        t = torch.as_tensor(case.arguments["t"]).expand(len(x))
        if "failed" in result:
            return ("your function fails when gradients are switched off around it, as in every sampler; it has to switch them on "
                    f"for what it does\n(PyTorch says: {result['failed'].splitlines()[0][:120]})")
        if result["switched"]:
            return (f"your function leaves the switch for gradients {'on' if case.arguments['sampling'] else 'off'}, as it was not "
                    "before: what comes after it would go on like that; switch for a block of your function only")
        found, expected = result["gradient"], tables.gradient(x, t, y)
        if case.part == "no trace":
            if result["touched"]:
                return ("something is left in the classifier's parameters (a gradient in .grad, or requires_grad switched off); the next "
                        "optimizer step would take it along")
            if result["input"]:
                return "x_t is not as it was: it requires a gradient now; work on a copy"
            if result["graph"]:
                return "the result carries a graph; a sampler would keep all of its steps in memory"
            return compare_values(found, expected, "the gradient")
        if case.part == "precision":
            return compare_precision(found, expected, "the gradient", case.arguments["x_t"], "x_t", ROUNDED)
        if case.part == "logits far apart":
            return compare_values(found, expected, "the gradient", {
                "The probability has been rounded to 0 before its logarithm is taken: take the logarithm of the softmax in one go.":
                    torch.full_like(x, math.nan)})
        return compare_values(found, expected, "the gradient", self._known(tables, x, t, y))

    @staticmethod
    def _known(tables, x: Tensor, t: Tensor, y: Tensor) -> dict[str, Tensor]:
        right, probabilities = tables.gradient(x, t, y), tables.log_probs(x, t).exp()
        label, count = one_hot(y, CLASSES), len(x)
        chosen = probabilities[range(count), y].reshape(-1, *[1] * (x.ndim - 1))
        best = tables.log_probs(x, t).argmax(dim=1)
        powers = tables.logits(x, t).exp()
        across = powers / powers.sum(dim=0, keepdim=True)  # the softmax over the batch: then rows disturb each other
        column = torch.zeros_like(label)
        for row, own in enumerate(y.tolist()):
            column[:, own] -= across[:, own]
            column[row, own] += 1
        known = {
            "This is the gradient of -log p; the sign is the other one.": -right,
            "This is the gradient of the loss: of minus the mean over the batch. Each row has a gradient of its own, of log p.":
                -right / count,
            "The gradient is divided by the number of rows: a mean over the batch stands where each row has a gradient of its own.":
                right / count,
            "This is the gradient of the logit of y; log p also has minus the logarithm of the sum of exponentials.":
                tables.pull(x, t, label),
            "This is the gradient of the probability p(y | x); its logarithm is asked for.": right * chosen,
            "This is the gradient of the log-probabilities of all classes together; only the row's own class counts.":
                tables.pull(x, t, 1 - CLASSES * probabilities),
            "This is the gradient for the class that the classifier finds most probable; asked for is the class in y.":
                tables.gradient(x, t, best),
            "All rows have the class of the first row.": tables.gradient(x, t, y[:1].expand(count)),
            "All rows have the time of the first row.": tables.gradient(x, t[:1].expand(count), y),
            "The classifier is told t - 1; here times count from 1, for the classifier too.": tables.gradient(x, t - 1, y),
            "The softmax goes over the batch; it belongs along the classes.": tables.pull(x, t, column),
            "The gradient is scaled to length 1; its length says how much is to be gained.":
                right / right.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.ndim - 1)),
            "This is the sign of the gradient; its size matters too.": right.sign(),
            "All classes in y count in each row; only the row's own class should.": sum(tables.gradient(x, t, y[i : i + 1].expand(count))
                                                                                       for i in range(count)),
            "The gradient of the whole batch is scaled to length 1.": right / right.norm(),
            "All rows have time 1; each has its own.": tables.gradient(x, torch.ones_like(t), y),
            "The gradients of the rows are summed; each row has its own.": right.sum(dim=0).expand_as(right),
        }
        return known
