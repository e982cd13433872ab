"""Check of chapter 6's denoiser of a mixture of Gaussians."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from ..judging import Case, Check, Draw
from .joint_gaussian import F64
from .precision import compare_exactly, compare_lazily, wrong_dtype


def by_score(weights: Tensor, means: Tensor, variances: Tensor, x_t: Tensor, alpha_bar: Tensor) -> Tensor:
    """E[x_0 | x_t] of each row from the gradient of log q(x_t), by autograd; at alpha_bar = 0 the mean of the data."""
    left = alpha_bar[:, None]
    spread = (left * variances + 1 - left).sqrt()[..., None].expand(-1, -1, means.shape[1])
    law = MixtureSameFamily(Categorical(weights.expand(len(x_t), -1)),
                            Independent(Normal(left.sqrt()[..., None] * means, spread), 1))
    x = x_t.clone().requires_grad_()
    (score,) = torch.autograd.grad(law.log_prob(x).sum(), x)
    centre = (weights[:, None] * means).sum(dim=0)
    return torch.where(left > 0, (x_t + (1 - left) * score) / left.clamp(min=1e-300).sqrt(), centre)


class MixtureDenoiser(Check):
    """Exercise 6.7. Oracle: the gradient of the logarithm of the diffused density."""

    number = "6.7"
    parts = {"one component": 1, "several components": 2, "points (variance 0)": 1, "a value for each row": 1,
             "far from all components": 2, "float32 stays float32": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def mixture(count: int, dim: int, points: bool = False) -> dict[str, Tensor]:
            weights = draw.uniform(0.3, 1.0, count)
            variances = torch.zeros(count, dtype=F64) if points else draw.uniform(0.1, 0.9, count)
            return {"weights": weights / weights.sum(), "means": 1.5 * draw.normal(count, dim), "variances": variances}

        def case(part: str, law: dict[str, Tensor], x_t: Tensor, alpha_bar: object) -> Case:
            shown = f"{alpha_bar:.3g}" if isinstance(alpha_bar, float) else [round(value, 3) for value in alpha_bar.tolist()]
            says = f"K = {len(law['weights'])}, x_t of shape {tuple(x_t.shape)}, alpha_bar = {shown}"
            return Case(part, "mixture_denoiser", law | {"x_t": x_t, "alpha_bar": alpha_bar}, says)

        yield case("one component", mixture(1, 2), draw.normal(3, 2), draw.number(0.2, 0.8))
        yield case("several components", mixture(3, 3), draw.normal(3, 3), draw.number(0.2, 0.8))
        yield case("several components", mixture(2, 1), draw.normal(4, 1), draw.number(0.2, 0.8))
        yield case("several components", mixture(3, 2), draw.normal(2, 2), 0.0)
        yield case("points (variance 0)", mixture(4, 2, points=True), draw.normal(3, 2), draw.number(0.2, 0.8))
        yield case("a value for each row", mixture(3, 3), draw.normal(3, 3), draw.uniform(0.2, 0.8, 3))
        yield case("a value for each row", mixture(2, 2, points=True), draw.normal(3, 2), draw.uniform(0.2, 0.8, 3))
        for points in (False, True):
            yield case("far from all components", mixture(3, 2, points), 200 * draw.normal(2, 2).sign() + draw.normal(2, 2),
                       draw.number(0.4, 0.8))
        yield case("float32 stays float32", mixture(3, 2), draw.normal(3, 2).float(), draw.number(0.2, 0.8))

    def judge(self, case: Case, result: object) -> str | None:
        weights, means, variances, x_t, alpha_bar = (torch.as_tensor(value, dtype=F64) for value in case.arguments.values())
        alpha_bar = alpha_bar.expand(len(x_t))
        law = (weights, means, variances)
        expected = by_score(*law, x_t, alpha_bar)

        def known() -> dict[str, Tensor]:
            return self._known(law, x_t, alpha_bar)

        if case.part == "float32 stays float32":
            problem = compare_lazily(result, expected, what="E[x_0 | x_t]", known=known, rtol=2e-5, atol=2e-5)
            return problem or wrong_dtype(result, torch.float32, "x_t", "the result")
        problem = compare_exactly(result, expected, what="E[x_0 | x_t]", digits=8 if "far" in case.part else 9, known=known)
        if problem and case.part == "far from all components" and isinstance(result, Tensor) and result.isnan().any():
            return (f"{problem}\nFar away all densities are 0 in floating point, and 0/0 is NaN; work with their logarithms, "
                    "and take the differences before the exponential.")
        return problem

    @staticmethod
    def _known(law: tuple[Tensor, Tensor, Tensor], x_t: Tensor, alpha_bar: Tensor) -> dict[str, Tensor]:
        weights, means, variances = law
        dim = x_t.shape[1]
        left = alpha_bar[:, None]
        spread = left * variances + 1 - left
        centres = left.sqrt()[..., None] * means
        away = x_t[:, None, :] - centres
        logs = torch.log(weights) - away.square().sum(-1) / (2 * spread) - 0.5 * dim * torch.log(spread)
        within = means + (left.sqrt() * variances / spread)[..., None] * away

        def mean(logits: Tensor, values: Tensor = within) -> Tensor:
            return (torch.softmax(logits.expand(len(x_t), -1), dim=1)[..., None] * values).sum(dim=1)

        unscaled = x_t[:, None, :] - means
        return {
            "Each component counts with its prior weight; it should count with its responsibility for x_t.":
                mean(torch.log(weights)),
            "The weights of the mixture are left out of the responsibilities.": mean(logs - torch.log(weights)),
            "The responsibilities use the data's variances; at time t a component has alpha_bar v_k + 1 - alpha_bar.":
                mean(torch.log(weights) - away.square().sum(-1) / (2 * variances) - 0.5 * dim * torch.log(variances)),
            "The responsibilities lack the factor sqrt(alpha_bar) of the components' means.":
                mean(torch.log(weights) - unscaled.square().sum(-1) / (2 * spread) - 0.5 * dim * torch.log(spread)),
            "The densities lack their normalising factors, which differ between components.":
                mean(torch.log(weights) - away.square().sum(-1) / (2 * spread)),
            "A density in D dimensions has the normalising factor to the power D.": mean(logs + 0.5 * (dim - 1) * torch.log(spread)),
            "The squared distance is divided by 2 times the variance, not by the variance.":
                mean(torch.log(weights) - away.square().sum(-1) / spread - 0.5 * dim * torch.log(spread)),
            "Each component contributes its mean; it should contribute its posterior mean, which depends on x_t.":
                mean(logs, means.expand(len(x_t), -1, -1)),
            "The gain is Cov(x_0, x_t) / Var(x_t); this lacks sqrt(alpha_bar) in the covariance.":
                mean(logs, means + (variances / spread)[..., None] * away),
            "The gain is Cov(x_0, x_t) / Var(x_t); this has alpha_bar where its root is due.":
                mean(logs, means + (left * variances / spread)[..., None] * away),
            "The posterior mean moves by the distance of x_t from sqrt(alpha_bar) m_k, not from m_k.":
                mean(logs, means + (left.sqrt() * variances / spread)[..., None] * unscaled),
            "Only the most responsible component is used; all of them count.":
                within[torch.arange(len(x_t)), logs.argmax(dim=1)],
            "This is the mean of x_t's component, sqrt(alpha_bar) times that of x_0.": mean(logs, left.sqrt()[..., None] * within),
            "This is x_t / sqrt(alpha_bar), which knows nothing of the data's law.": x_t / left.sqrt(),
            "All rows have the alpha_bar of the first row.": by_score(*law, x_t, alpha_bar[:1].expand(len(x_t))),
        }


CHECKS = [MixtureDenoiser()]
