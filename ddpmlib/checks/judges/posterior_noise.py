"""Check of chapter 5's exercise on the posterior mean, written with the total noise."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .forward_inputs import along, distinct_times, misplaced
from .posterior_oracles import Walk, compare_exactly, judge_float32, judge_gradients, published_walk, random_walk


class MeanFromNoise(Check):
    """Exercise 5.6. Oracle: the datum behind x_t and its noise, then prior times likelihood on a grid."""

    number = "5.6"
    parts = {"one time for all": 2, "a time for each row": 1, "t = 1 and t = T": 1, "float32": 1, "gradients": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        steps = random_walk(draw, 8, 12)
        T = steps.T

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, call: str = "posterior_mean_from_noise",
                 by: Walk = steps, kind: torch.dtype = torch.float64) -> Case:
            noise = draw.normal(*shape).to(kind)
            x_t = by.latents(draw.normal(*shape), t, noise.double()).to(kind)
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, call, {"x_t": x_t, "noise": noise, "t": t, **by.tables()},
                        f"x_t of shape {shape}, t = {shown}", {"walk": by})

        yield case("one time for all", (2, 3), draw.integer(2, T - 1))
        yield case("one time for all", (3,), torch.tensor(draw.integer(2, T - 1)))
        yield case("a time for each row", (3, 3), distinct_times(draw, 3, T - 2) + 1)
        yield case("a time for each row", (4, 2, 3, 5), distinct_times(draw, 4, T))
        yield case("t = 1 and t = T", (2, 3), torch.tensor([T, 1]))
        yield case("t = 1 and t = T", (2, 3), 1)
        early = torch.tensor([1, 2, 3, 500, 1000])[torch.randperm(5, generator=draw.generator)]
        yield case("float32", (5, 4), early, by=published_walk(), kind=torch.float32)
        alone = case("float32", (5, 4), early.flip(0), by=published_walk(), kind=torch.float32)
        alone.arguments["x_t"].zero_()  # what the noise's coefficient has lost must not hide behind x_t
        yield alone
        yield case("gradients", (3, 2), distinct_times(draw, 3, T), "gradients_of_mean_from_noise")

    def judge(self, case: Case, result: object) -> str | None:
        steps: Walk = case.secret["walk"]
        x_t, noise = (case.arguments[name].double() for name in ("x_t", "noise"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x_t))
        of_x_t, of_noise = self._coefficients(steps, t, x_t)
        if case.part == "gradients":
            return judge_gradients(result, of_x_t.expand_as(x_t), of_noise.expand_as(x_t), ("x_t", "noise"))
        known = self._known(steps, t, x_t, noise, of_x_t, of_noise)
        expected = of_x_t * x_t + of_noise * noise
        if case.part == "float32":
            return judge_float32(result, expected, "the mean", known, atol=2e-6 if x_t.any() else 1e-9)
        return compare_exactly(result, expected, "the mean", known)

    @staticmethod
    def _coefficients(steps: Walk, t: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        """What multiplies x_t and the noise: x_0 = (x_t - sqrt(noise's variance) eps) / signal enters with its weight."""
        of_x_t, of_x0 = steps.weights(t, x_t)
        shape = (-1, *[1] * (x_t.ndim - 1))
        return (of_x_t + of_x0 / steps.signal[t].reshape(shape),
                -of_x0 * (steps.noise[t].sqrt() / steps.signal[t]).reshape(shape))

    def _known(self, steps: Walk, t: Tensor, x_t: Tensor, noise: Tensor, of_x_t: Tensor, of_noise: Tensor) -> dict[str, Tensor]:
        shape = (-1, *[1] * (x_t.ndim - 1))
        root, beta = (1 - steps.betas[t]).sqrt().reshape(shape), steps.betas[t].reshape(shape)
        spread, before, signal = (
            table.reshape(shape) for table in (steps.noise[t].sqrt(), steps.noise[t - 1].sqrt(), steps.signal[t]))

        def at(times: Tensor) -> Tensor:
            of_x_t, of_noise = self._coefficients(steps, times, x_t)
            return of_x_t * x_t + of_noise * noise

        known = {
            "The noise is multiplied by sqrt(beta_t): this undoes the last step as if the noise were that step's own; "
            "it is the total noise of x_t.": (x_t - beta.sqrt() * noise) / root,
            "The noise is multiplied by beta_t; the division by sqrt(1 - alpha_bar_t) is missing.":
                (x_t - beta * noise) / root,
            "The noise is divided by 1 - alpha_bar_t; it should be the square root.": (x_t - beta / spread**2 * noise) / root,
            "The root is taken of beta_t too: in front of the noise belongs beta_t / sqrt(1 - alpha_bar_t).":
                (x_t - beta.sqrt() / spread * noise) / root,
            "The noise is multiplied by alpha_t in the place of beta_t = 1 - alpha_t.":
                (x_t - root**2 / spread * noise) / root,
            "x_t and the noise are exchanged.": of_x_t * noise + of_noise * x_t,
            "This takes all the noise out, not what one step back takes.": (x_t - spread * noise) / root,
            "This is x_0, the datum itself; the mean of x_{t-1} is asked for.": (x_t - spread * noise) / signal,
            "The division by sqrt(alpha_t) is missing.": x_t - beta / spread * noise,
            "This divides by alpha_t; it should be the square root.": (x_t - beta / spread * noise) / root**2,
            "Only x_t is divided by sqrt(alpha_t); the noise's term belongs into the bracket too.":
                x_t / root - beta / spread * noise,
            "This multiplies by sqrt(alpha_t); a step back divides by it.": (x_t - beta / spread * noise) * root,
            "This divides by sqrt(alpha_bar_t); one step back divides by sqrt(alpha_t).": (x_t - beta / spread * noise) / signal,
            "The noise is added; it should be subtracted.": of_x_t * x_t - of_noise * noise,
            "Off by one: the root is that of 1 - alpha_bar_{t-1}; it should be that of 1 - alpha_bar_t.":
                (x_t - beta / before * noise) / root,
            "Off by one: these are the coefficients of time t - 1; index t is time t.": at((t - 1).clamp(min=1)),
            "Off by one: these are the coefficients of time t + 1; index t is time t.": at((t + 1).clamp(max=steps.T)),
            "All rows have the time of the first row.": at(t[:1].expand(len(t))),
        }
        for mistake, axis in misplaced(x_t).items():
            on_x_t, on_noise = (along(weight.flatten().tolist(), x_t, axis) for weight in (of_x_t, of_noise))
            known[mistake] = on_x_t * x_t + on_noise * noise
        return known
