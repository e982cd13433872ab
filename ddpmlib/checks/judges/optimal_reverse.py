"""The check of chapter 4's exercise on the best reverse step."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .dense_diffusion import compare_strictly, dense_forward, draw_betas, tables


class OptimalReverse(Check):
    """Exercise 4.6. Oracle: the dense Gaussian of the data and all levels, each x_{t-1} conditioned on *all* later levels."""

    number = "4.6"
    parts = {"slopes": 1, "shifts": 1, "variances": 2, "prior": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for T, dim in ((draw.integer(4, 6), 3), (1, 2), (3, 4)):
            arguments = {"mean": 0.5 + draw.uniform(0.0, 1.0, dim), "variance": draw.uniform(0.3, 3.0, dim),
                         "schedule": tables(draw_betas(draw, T))}
            for part in self.parts:
                yield Case(part, "optimal_reverse", arguments, f"T = {T}, {dim} components")

    def judge(self, case: Case, result: object) -> str | None:
        if not isinstance(result, dict):
            return f"optimal_reverse should return a ReverseChain, got {type(result).__name__}"
        mean, variance = case.arguments["mean"], case.arguments["variance"]
        betas = case.arguments["schedule"]["betas"][:, None]
        T, dense = len(betas) - 1, dense_forward(case.arguments["schedule"]["betas"], mean, variance)
        means, spreads = dense.mean.T, dense.covariance.diagonal(dim1=1, dim2=2).T
        if case.part == "prior":
            known = {
                "This is the standard normal law; the matched prior is the law of x_T for these data.":
                    torch.stack([torch.zeros_like(mean), torch.ones_like(mean)]),
                "This is the standard deviation of x_T; the variance is asked for.": torch.stack([means[T], spreads[T].sqrt()]),
                "This is q(x_T | x_0) at x_0 = mean; the prior is the law of x_T over all data.":
                    torch.stack([means[T], dense_forward(betas[:, 0], mean, 0 * variance).covariance[:, T, T]]),
                "This is the law of the data; the prior is the law of x_T.": torch.stack([mean, variance]),
            }
            got = [result["prior_mean"], result["prior_variance"]]
            if not all(isinstance(value, Tensor) and value.shape == mean.shape for value in got):
                return f"prior_mean and prior_variance should have shape {tuple(mean.shape)}"
            return compare_strictly(torch.stack(got), torch.stack([means[T], spreads[T]]),
                                    what="the prior (mean, then variance)", known=known)
        laws = [_best_step(dense, t, T) for t in range(1, T + 1)]
        expected = {name: torch.stack(values) for name, values in zip(("slopes", "shifts", "variances"), zip(*laws))}
        known = self._known(case.part, betas, variance, mean, means, spreads, expected)
        return compare_strictly(result[case.part], expected[case.part], what=f"{case.part}[1:]", known=known)

    @staticmethod
    def _known(part: str, betas: Tensor, variance: Tensor, mean: Tensor, means: Tensor, spreads: Tensor,
               expected: dict[str, Tensor]) -> dict[str, Tensor]:
        root, before, after = (1 - betas[1:]).sqrt(), spreads[:-1], spreads[1:]
        wide = torch.ones_like(after)
        if part == "slopes":
            return {
                "This inverts the forward step without its noise: 1/sqrt(alpha_t). The best guess shrinks towards the mean.":
                    wide / root,
                "This is the slope of the forward step, the mean of x_t given x_{t-1}.": root * wide,
                "The covariance is divided by the variance of x_{t-1}; the regression on x_t divides by that of x_t.": root * wide,
                "The covariance of x_{t-1} and x_t is sqrt(alpha_t) times the variance of x_{t-1}: the factor is missing.":
                    before / after,
                "This is alpha_t where its root is due.": root**2 * before / after,
                "The variance of x_t stands where that of x_{t-1} is due, and the other way round.": root * after / before,
                "This is the covariance; it is to be divided by the variance of x_t.": root * before,
                "The data's variance stands in the place of the variance of x_{t-1}.": root * variance / after,
            }
        if part == "shifts":
            slopes = expected["slopes"]
            return {
                "The shift is 0; it must move the mean of x_t to the mean of x_{t-1}.": torch.zeros_like(slopes),
                "The sign is wrong.": -expected["shifts"],
                "This is the mean of x_{t-1}; the slope's share of the mean of x_t is to be subtracted.": means[:-1],
                "The data's mean stands in the place of the means of x_{t-1} and x_t.": mean * (1 - slopes),
                "The mean of x_{t-1} is multiplied by the slope; it is that of x_t.": means[1:] - slopes * means[:-1],
            }
        left = betas[1:] * (1 - (1 - betas).cumprod(0)[:-1]) / (1 - (1 - betas).cumprod(0)[1:])
        return {
            "These are standard deviations; the variances are asked for.": expected["variances"].sqrt(),
            "This is beta_t, the variance of the forward step.": betas[1:] * wide,
            "This is the variance of q(x_{t-1} | x_t, x_0). It knows x_0, which the reverse step does not: what is left is more.":
                left * wide,
            "This is the variance of x_{t-1} before x_t is known.": before,
            "The slope enters the explained variance with x_t's variance: Var(x_{t-1}) - slope^2 Var(x_t).":
                before - expected["slopes"] ** 2 * before,
            "This is what x_t explains, not what is left.": expected["slopes"] ** 2 * after,
            "This is 1 - alpha_t times a ratio that is upside down.": betas[1:] * after / before,
        }


def _best_step(dense, t: int, T: int) -> tuple[Tensor, Tensor, Tensor]:
    """Slope, shift and variance of x_{t-1} given all later levels; the slope and shift from the mean at two points."""
    later = list(range(t, T + 1))
    dim = dense.covariance.shape[0]
    path = torch.zeros(T + 1, dim, dtype=torch.float64)
    shift, variance = dense.conditional(path, t - 1, later)
    path[t] = 1.0
    return dense.conditional(path, t - 1, later)[0] - shift, shift, variance
