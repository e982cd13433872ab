"""Check of chapter 3's exercise on the jump from x_0 to x_t."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .digits import compare_digits, compare_kept
from .forward_inputs import along, distinct_times, misplaced, random_betas, simulate

EARLY = "float32, x0 = 0, alpha_bar_t within 2e-4 of 1"
FLOAT32, FLOAT64 = "float32 stays float32", "float64 keeps its digits"


def chain(betas: Tensor) -> dict[str, Tensor]:
    """These betas, which stay in the judging half, and the table of alpha_bar, which the student gets."""
    steps = range(len(betas))
    alpha_bars = [simulate(betas, t)[0] ** 2 for t in steps]
    return {"betas": betas, "alpha_bars": torch.tensor(alpha_bars, dtype=torch.float64)}


def first_step_between_floats(draw: Draw) -> Tensor:
    """Betas whose alpha_bar_1 lies half way between two float32 numbers close to 1: rounding loses the most there."""
    spacing = 2.0**-24  # of float32 numbers between 1/2 and 1
    return torch.tensor([0.0, (draw.integer(900, 3000) + 0.5) * spacing, 0.2], dtype=torch.float64)


class QSample(Check):
    """Exercise 3.6. Oracle: mean and variance followed through the chain step by step."""

    number = "3.6"
    parts = {"one time for all": 2, "a time for each row": 2, "t = 0 and t = T": 1, FLOAT32: 1, FLOAT64: 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        T = draw.integer(8, 12)
        tables = chain(random_betas(draw, T))

        def case(part: str, shape: tuple[int, ...], t: int | Tensor, kind: torch.dtype = torch.float64) -> Case:
            arguments = {"x0": draw.normal(*shape).to(kind), "t": t, "alpha_bars": tables["alpha_bars"],
                         "noise": draw.normal(*shape).to(kind)}
            shown = t if isinstance(t, int) else t.tolist()
            return Case(part, "q_sample", arguments, f"x0 of shape {shape}, t = {shown}", {"betas": tables["betas"]})

        yield case("one time for all", (2, 3), draw.integer(2, T - 1))
        yield case("one time for all", (3,), draw.integer(2, T - 1))
        for shape in [(3, 3), (3, 3, 3, 3), (4, 2, 3, 5), (5,)]:
            yield case("a time for each row", shape, distinct_times(draw, shape[0], T))
        yield case("t = 0 and t = T", (2, 2), torch.tensor([0, T]))
        yield case("t = 0 and t = T", (2, 3), T)
        yield case(FLOAT32, (3, 3), distinct_times(draw, 3, T), torch.float32)
        yield case(FLOAT64, (2, 3), draw.integer(2, T - 1))
        yield case(FLOAT64, (3, 3), distinct_times(draw, 3, T))
        tables = chain(first_step_between_floats(draw))
        early = case(FLOAT32, (3, 3), torch.ones(3, dtype=torch.int64), torch.float32)
        yield Case(FLOAT32, "q_sample", early.arguments | {"x0": torch.zeros(3, 3)}, EARLY, early.secret)

    def judge(self, case: Case, result: object) -> str | None:
        x0, noise = (case.arguments[name].double() for name in ("x0", "noise"))
        t = torch.as_tensor(case.arguments["t"]).expand(len(x0))
        means, spreads = self._moments(case, t)
        expected = along(means, x0) * x0 + along(spreads, x0) * noise
        if case.says == EARLY:
            return compare_digits(result, expected, what="x_t", rtol=1e-5, atol=0.0, why=(
                "x_0 = 0 here, so this is the noise and its coefficient. It is off as if alpha_bar_t had been "
                "rounded to float32 before it was subtracted from 1."))
        if case.part in {FLOAT32, FLOAT64}:
            return compare_kept(result, expected, case.arguments["x0"], what="x_t", of="x0")
        return compare(result, expected, what="x_t", known=self._known(case, x0, noise, t))

    def _known(self, case: Case, x0: Tensor, noise: Tensor, t: Tensor) -> dict[str, Tensor]:
        before = (t - 1).clamp(min=0)
        mean, spread = (along(values, x0) for values in self._moments(case, t))
        early_mean, early_spread = (along(values, x0) for values in self._moments(case, before))
        first_mean, first_spread = (along(values, x0) for values in self._moments(case, t[:1].expand(len(t))))
        beta = along(case.secret["betas"][t].tolist(), x0)
        known = {
            "The coefficients are variances; take the square roots: standard deviations multiply.":
                mean**2 * x0 + spread**2 * noise,
            "The noise is scaled by the variance 1 - alpha_bar_t; it should be scaled by the standard deviation.":
                mean * x0 + spread**2 * noise,
            "The coefficient of x_0 is alpha_bar_t; it should be its square root.": mean**2 * x0 + spread * noise,
            "The roles are swapped: sqrt(alpha_bar_t) belongs to x_0.": spread * x0 + mean * noise,
            "The coefficients should satisfy a^2 + b^2 = 1; this is b = 1 - sqrt(alpha_bar_t).":
                mean * x0 + (1 - mean) * noise,
            "This is beta_t in the place of 1 - alpha_bar_t: the noise of one step, not of all t.":
                mean * x0 + beta.sqrt() * noise,
            "This is alpha_t in the place of alpha_bar_t: one step, not all t.":
                (1 - beta).sqrt() * x0 + beta.sqrt() * noise,
            "Off by one in t: this is alpha_bar_{t-1}; index t is time t.":
                early_mean * x0 + early_spread * noise,
            "All rows have the time of the first row.": first_mean * x0 + first_spread * noise,
        }
        if x0.ndim == 1:
            known["The coefficients have an axis that x0 has not: the batch is the only axis of x0."] = (
                mean[:, None] * x0 + spread[:, None] * noise)
        means, spreads = self._moments(case, t)
        return known | {says: along(means, x0, axis) * x0 + along(spreads, x0, axis) * noise
                        for says, axis in misplaced(x0).items()}

    @staticmethod
    def _moments(case: Case, t: Tensor) -> tuple[list[float], list[float]]:
        """The mean of x_t for x_0 = 1 and the standard deviation, for each row's time."""
        means, spreads = zip(*(simulate(case.secret["betas"], time) for time in t.tolist()))
        return list(means), list(spreads)
