"""Checks of chapter 11's exercises in which a classifier guides: a noise predictor, and one ancestral step."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, WRONG_AXIS, Setting, by_rows, compare_precision, compare_values, random_setting, row_values
from .forward_inputs import distinct_times
from .guidance_oracles import (
    component_noise, distinct_labels, mixture_noise, model_of, one_hot, random_classifier, random_mixture, spreads, tables_of,
)

CLASSES = 5


class ClassifierGuidedModel(Check):
    """Exercise 11.4. Oracles: scores followed by hand, and on a mixture the noise given the component, without any classifier."""

    number = "11.4"
    parts = {"values": 2, "a mixture, exactly": 2, "in a sampler": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw)
        T = setting.T

        def case(part: str, shape: tuple[int, ...], scale: float, kind: torch.dtype = F64, sampling: bool = False) -> Case:
            tables = random_classifier(draw, int(torch.tensor(shape[1:]).prod()), T + 2, CLASSES)
            arguments = {"tables": tables_of(setting), "model": model_of(setting), "classifier": tables.tables(),
                         "y": distinct_labels(draw, shape[0], CLASSES), "scale": scale, "x_t": draw.normal(*shape).to(kind),
                         "t": distinct_times(draw, shape[0], T), "sampling": sampling}
            says = f"x_t of shape {shape}, t = {arguments['t'].tolist()}, scale {scale:.3g}"
            return Case(part, "classifier_guided_model", arguments, says, {"setting": setting, "classifier": tables})

        yield case("values", (3, 2), draw.number(2.1, 3.9))
        yield case("values", (3, 3), draw.number(0.3, 0.8))
        yield case("values", (4, 1, 2, 2), draw.number(-3.0, -1.5))
        for scale in (1.0, 0.0, 1.0):
            mixture = random_mixture(draw, 2)
            arguments = {"tables": tables_of(setting), "mixture": mixture, "y": torch.tensor([2, 0, 1, 1]), "scale": scale,
                         "x_t": draw.normal(4, 2), "t": distinct_times(draw, 4, T)}
            yield Case("a mixture, exactly", "classifier_guided_mixture", arguments,
                       f"the exact noise and the exact classifier of a mixture, t = {arguments['t'].tolist()}, scale {scale:g}",
                       {"setting": setting})
        yield case("in a sampler", (3, 2), draw.number(1.5, 4.0), sampling=True)
        for kind in (torch.float64, torch.float32):
            yield case("precision", (3, 2), draw.number(1.5, 4.0), kind)

    def judge(self, case: Case, result: object) -> str | None:
        setting: Setting = case.secret["setting"]
        x, t, y, scale = (case.arguments[name] for name in ("x_t", "t", "y", "scale"))
        if case.part == "a mixture, exactly":
            mixture = case.arguments["mixture"]
            plain = mixture_noise(setting, mixture, x, t)
            told = torch.cat([component_noise(setting, mixture, x[i : i + 1], t[i : i + 1], k) for i, k in enumerate(y.tolist())])
            known = {"This is the noise without the class.": plain, "The class pushes the wrong way.": 2 * plain - told} if scale else {}
            return compare_values(result, told if scale else plain, "the guided noise", known)
        if result["kind"] != "callable":
            return f"a new model is asked for, a function of x_t and t; got {result['kind']}"
        if result["calls"] != 1:
            return f"one call of the guided model should call the model once; it called it {result['calls']} times"
        gradient, eps = case.secret["classifier"].gradient(x.double(), t, y), by_rows(setting.model, x.double(), t)
        spread = row_values(spreads(setting), t, x)
        expected = -spread * (-eps / spread + scale * gradient)  # the noise of the sum of the scores
        if case.part == "precision":
            return compare_precision(result["eps"], expected, "the guided noise", x, "x_t")
        tables, count = case.secret["classifier"], len(x)
        signal, before = row_values([mean for mean, _ in setting.moments], t, x), row_values(spreads(setting), t - 1, x)
        known = {
            "The gradient is added; noise points the other way, away from where the class is probable.": eps + spread * scale * gradient,
            "The gradient is not multiplied by the standard deviation of the noise.": eps - scale * gradient,
            "The gradient is multiplied by the variance 1 - alpha_bar_t; it should be the root.": eps - spread**2 * scale * gradient,
            "The gradient is multiplied by sqrt(alpha_bar_t), the factor of the datum.": eps - signal * scale * gradient,
            "The gradient is divided by the standard deviation; it should be multiplied.": eps - scale * gradient / spread,
            "The scale is missing.": eps - spread * gradient,
            "The scale enters squared.": eps - spread * scale**2 * gradient,
            "The scale is cut to a whole number.": eps - spread * int(scale) * gradient,
            "The gradient enters with 1 + s; its factor is s.": eps - spread * (1 + scale) * gradient,
            "The gradient is multiplied by sqrt(beta_t), the deviation of one step's noise; x_t has the noise of all steps up to t.":
                eps - row_values(setting.betas.sqrt(), t, x) * scale * gradient,
            "This has the gradient of the logit of y in the place of that of log p: is Exercise 11.3's function used, and passed?":
                eps - spread * scale * tables.pull(x.double(), t, one_hot(y, CLASSES)),
            "The gradient is divided by the number of rows: is Exercise 11.3's function used, and passed?":
                eps - spread * scale * gradient / count,
            "The gradient is taken at the datum that the noise implies; asked for is the gradient at x_t.":
                eps - spread * scale * tables.gradient(by_rows(setting.clean, x.double(), t), t, y),
            "The gradient is taken at the model's noise; asked for is the gradient at x_t.":
                eps - spread * scale * tables.gradient(eps, t, y),
            "The classifier is told t - 1; here times count from 1, for the classifier too.":
                eps - spread * scale * tables.gradient(x.double(), t - 1, y),
            "This is the model's noise: no gradient enters.": eps,
            "This is what is added to the model's noise; the sum is asked for.": -spread * scale * gradient,
            "The coefficient is that of time t - 1.": eps - before * scale * gradient,
            "All rows have the coefficient of the first row's time.": eps - spread[:1] * scale * gradient,
            "All rows have the time of the first row.":
                by_rows(setting.model, x.double(), t[:1].expand(count)) - spread[:1] * scale * tables.gradient(x.double(), t[:1].expand(count), y),
            "All rows have the class of the first row.": eps - spread * scale * tables.gradient(x.double(), t, y[:1].expand(count)),
            "The two are mixed with the weights 1 - s and s; the gradient is added to the whole noise.":
                (1 - scale) * eps - spread * scale * gradient,
            "This is the guided score; the noise that belongs to it is asked for.": -eps / spread + scale * gradient,
        }
        if x.ndim == 2 and x.shape[0] == x.shape[1]:
            known[WRONG_AXIS] = eps - spread.T * scale * gradient
        return compare_values(result["eps"], expected, "the guided noise", known)


class ClassifierGuidedStep(Check):
    """Exercise 11.5. Oracle: the mean by conditioning (x_{t-1}, x_t), the gradient by hand."""

    number = "11.5"
    parts = {"the shift": 3, "the noise": 1, "the last step": 1, "a time for each row": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        setting = random_setting(draw)
        T = setting.T

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, z: float = 1.0, kind: torch.dtype = F64, says: str = "") -> Case:
            tables = random_classifier(draw, int(torch.tensor(shape[1:]).prod()), T + 2, CLASSES)
            arguments = {"tables": tables_of(setting), "model": model_of(setting), "classifier": tables.tables(),
                         "x_t": draw.normal(*shape).to(kind), "t": t, "y": distinct_labels(draw, shape[0], CLASSES),
                         "scale": draw.number(1.5, 4.0), "noise": (z * draw.normal(*shape)).to(kind),
                         "variance": draw.uniform(0.2, 0.7, T + 1)}
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, "classifier_guided_step", arguments, f"x_t of shape {shape}, t = {shown}, scale {arguments['scale']:.3g}{says}",
                        {"setting": setting, "classifier": tables})

        yield case("the shift", (2, 3), draw.integer(3, T - 1), z=0, says=", noise = 0")
        yield case("the shift", (3, 1, 2, 2), torch.tensor(T), z=0, says=", noise = 0")
        yield case("the noise", (2, 3), draw.integer(3, T))
        yield case("the last step", (2, 3), 1)
        others = distinct_times(draw, 3, T - 2)[:2] + 2
        yield case("a time for each row", (3, 3), torch.tensor([others[0], 1, others[1]]))
        for kind in (torch.float64, torch.float32):
            yield case("precision", (3, 2), torch.tensor([others[1], 1, others[0]]), kind=kind)

    def judge(self, case: Case, result: object) -> str | None:
        setting: Setting = case.secret["setting"]
        x, noise = (case.arguments[name].double() for name in ("x_t", "noise"))
        y, scale, variance = (case.arguments[name] for name in ("y", "scale", "variance"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x))
        first, again = result
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return ("two calls with the same arguments give two results: use the noise that is passed in, and leave the arguments "
                    "as they are")
        tables = case.secret["classifier"]
        gradient, mean = tables.gradient(x, t, y), by_rows(setting.step_mean, x, t)
        width = row_values(variance, t, x)
        last = row_values(range(setting.T + 1), t, x) == 1
        added = torch.where(last, torch.zeros_like(x), width.sqrt() * noise)
        expected = mean + scale * width * gradient + added
        if case.part == "precision":
            return compare_precision(first, expected, "x_{t-1}", case.arguments["x_t"], "x_t")
        beta, spread = row_values(setting.betas, t, x), row_values(spreads(setting), t, x)
        root = (1 - beta).sqrt()
        at_mean = tables.gradient(mean, t, y)
        known = {
            "The mean is not shifted.": mean + added,
            "The shift has the standard deviation sigma_t; it should have the variance.": mean + scale * width.sqrt() * gradient + added,
            "The shift lacks the variance sigma_t^2.": mean + scale * gradient + added,
            "The shift goes away from the class.": mean - scale * width * gradient + added,
            "The scale is missing.": mean + width * gradient + added,
            "The scale enters squared.": mean + scale**2 * width * gradient + added,
            "The shift has sqrt(1 - alpha_bar_t), the factor of a gradient in the noise; in the mean of a step it has the step's variance.":
                mean + scale * spread * gradient + added,
            "The shift has beta_t; it should have the table's variance.": mean + scale * beta * gradient + added,
            "This is the step with the guided noise: its shift has beta_t / sqrt(alpha_t) in the place of sigma_t^2.":
                mean + scale * beta / root * gradient + added,
            "The shift stands inside the bracket: it is divided by sqrt(alpha_t) too.": mean + scale * width / root * gradient + added,
            "The gradient is taken at the mean; asked for is the gradient at x_t.": mean + scale * width * at_mean + added,
            "The gradient is taken at x_{t-1}; asked for is the gradient at x_t.":
                mean + added + scale * width * tables.gradient(mean + added, t, y),
            "The classifier is told t - 1; it is asked about x_t, so it is told t.":
                mean + scale * width * tables.gradient(x, (t - 1).clamp(min=1), y) + added,
            "x_t is shifted before the step; it is the mean of the step that has to be shifted.":
                by_rows(setting.step_mean, x + scale * width * gradient, t) + added,
            "The class pushes twice: in the noise, and in the mean.": mean + scale * (width + beta / root) * gradient + added,
            "The gradient enters like noise that is subtracted: it is multiplied by sqrt(1 - alpha_bar_t).":
                mean - scale * width * spread * gradient + added,
            "All rows have the class of the first row.": mean + scale * width * tables.gradient(x, t, y[:1].expand(len(y))) + added,
            "The shift has the variance of the first row's time in all rows.": mean + scale * width[:1] * gradient + added,
            "The shift has the variance of time t - 1.": mean + scale * row_values(variance, t - 1, x) * gradient + added,
            "No noise is added." if not last.any() else "No row gets noise; only at t = 1 there should be none.":
                mean + scale * width * gradient,
            "The scale multiplies the noise too.": mean + scale * (width * gradient + added),
        }
        if last.any():
            known |= {
                "Noise is added at t = 1 too; the last step has z = 0.": mean + scale * width * gradient + width.sqrt() * noise,
                "There is no shift at t = 1; only the noise is left out there.":
                    mean + torch.where(last, torch.zeros_like(x), scale * width * gradient) + added,
            }
        if not noise.any():
            known = {words: value for words, value in known.items() if not words.startswith(("No noise", "The scale multiplies"))}
        if x.ndim == 2 and x.shape[0] == x.shape[1]:
            known[WRONG_AXIS] = mean + scale * width.T * gradient + added
        return compare_values(first, expected, "x_{t-1}", known)
