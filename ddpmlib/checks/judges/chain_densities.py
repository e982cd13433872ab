"""The checks of chapter 2's exercises on the log-densities of paths."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .chain_gradients import judge_gradients, parameters, tracked
from .dense_chain import changed, dense_decoder, dense_encoder, draw_chain, standard_normal

USED_AS_VARIANCE = "std is a standard deviation; it is used as a variance here."
SQUARED = "The standard deviation is squared here: torch.distributions.Normal and noise * std take std itself."
_LONG = 40


class LogDensity(Check):
    """What Exercises 2.1 and 2.2 share: the oracle is the log-density of one dense Gaussian, and its autograd."""

    parts = {"one level": 1, "several levels": 2, "many paths for one x": 1, "gradient": 1}
    call: str
    climbs: bool
    what: str

    def cases(self, draw: Draw) -> Iterable[Case]:
        # equal dimensions come first: there a transition that is used the wrong way round raises no error
        for part, dims, batch in [("one level", (3, 3), (4,)), ("one level", (3, 2), (4,)),
                                  ("several levels", (3, 3, 3), (4,)), ("several levels", (3, 2, 4, 5), (6,)),
                                  ("several levels", (2, 4, 3), (3, 5))]:
            yield self._case(part, draw, dims, [batch] * len(dims))
        yield self._long(draw)
        yield self._case("many paths for one x", draw, (3, 3, 3), [(5,), (7, 5), (7, 5)])
        values = self._case("gradient", draw, (3, 3, 3), [(4,)] * 3)
        yield Case("gradient", f"gradient_of_{self.call}", values.arguments, values.says)

    def _case(self, part: str, draw: Draw, dims: tuple[int, ...], batches: list[tuple[int, ...]]) -> Case:
        path = [draw.normal(*batch, dim) for batch, dim in zip(batches, dims)]
        arguments = {"chain": draw_chain(draw, dims, climbs=self.climbs), "path": path}
        return Case(part, self.call, arguments, f"T = {len(dims) - 1}, dims {dims}, batch {batches[-1]}")

    def _long(self, draw: Draw) -> Case:
        """A path so long and so unlikely that its density is 0 in float64."""
        dims = (3,) * (_LONG + 1)
        chain = changed(draw_chain(draw, dims, climbs=self.climbs), weight=lambda weight: 0.3 * weight)
        path = [3 * draw.normal(4, dim) for dim in dims]
        return Case("several levels", self.call, {"chain": chain, "path": path}, f"T = {_LONG}, dims 3, batch (4,)")

    def density(self, chain: list[dict], path: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def factors(self, chain: list[dict], path: list[Tensor]) -> list[tuple[Tensor, int]]:
        """The logarithm of each factor, and the number of components of its variable."""
        raise NotImplementedError

    def dropped(self, chain: list[dict], path: list[Tensor], expected: Tensor) -> dict[str, Tensor]:
        """What comes out if factors are left out, added, or turned round."""
        raise NotImplementedError

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "gradient":
            return self._judge_gradient(case, result)
        chain, path = case.arguments["chain"], case.arguments["path"]
        expected = self.density(chain, path)
        if compare(result, expected, atol=1e-5) is None:
            return None
        known = self.dropped(chain, path, expected)
        counted = sum(level.shape[-1] for level in path[0 if not self.climbs else 1 :])
        log_stds = sum(step["std"].log().sum() for step in chain)
        known |= {
            USED_AS_VARIANCE: self.density(changed(chain, std=torch.sqrt), path),
            SQUARED: self.density(changed(chain, std=torch.square), path),
            "The constant -log(2 pi)/2 is missing, once for each component.":
                expected + counted / 2 * math.log(2 * math.pi),
            "The term -log(std) of the transitions' densities is missing.": expected + log_stds,
            "This is the density; its logarithm is asked for.": expected.exp(),
            "The bias of the transitions is left out: use transition.mean.":
                self.density(changed(chain, bias=torch.zeros_like), path),
            "Everything is summed; sum over the components of each level only and keep the batch.": expected.sum(),
            "The components of a level are averaged; they are independent, so their log-densities add up.":
                sum(value / size for value, size in self.factors(chain, path)),
        }
        if not expected.exp().any():
            known["The density of this long path is 0 in floating point: add logarithms, multiply no densities."] = (
                torch.full_like(expected, -math.inf))
        return compare(result, expected, what=self.what, atol=1e-5, known=known)

    def _judge_gradient(self, case: Case, result: dict) -> str | None:
        chain = tracked(case.arguments["chain"])
        path = [level.clone().requires_grad_() for level in case.arguments["path"]]
        expected = self.density(chain, path)
        if compare(result["value"], expected.detach(), atol=1e-5) is not None:
            return f"first repair {self.call}: its value is wrong on this chain"
        named = parameters(chain) | {f"path[{t}]": level for t, level in enumerate(path)}
        return judge_gradients(result["gradients"], expected.sum(), named)


class LogJoint(LogDensity):
    """Exercise 2.1."""

    number = "2.1"
    call, climbs, what = "log_joint", False, "log p(x, z_{1:T})"

    def density(self, chain: list[dict], path: list[Tensor]) -> Tensor:
        return dense_decoder(chain).log_prob(path[::-1])

    def factors(self, chain: list[dict], path: list[Tensor]) -> list[tuple[Tensor, int]]:
        steps = [(self.density([step], [low, high]) - standard_normal(high), low.shape[-1])
                 for step, low, high in zip(chain, path, path[1:])]
        return [(standard_normal(path[-1]), path[-1].shape[-1]), *steps]

    def dropped(self, chain: list[dict], path: list[Tensor], expected: Tensor) -> dict[str, Tensor]:
        prior = standard_normal(path[-1])
        found = {"The prior log p(z_T) is missing.": expected - prior,
                 "The prior p(z_T) = N(0, I) is counted twice.": expected + prior,
                 "The prior N(0, I) is that of z_T, not of x.": expected - prior + standard_normal(path[0])}
        if len(chain) > 1:
            found["The term log p(x | z_1) is missing: the product over t begins at t = 1 with z_0 = x."] = (
                self.density(chain[1:], path[1:]))
        top = self.density(chain[-1:], path[-2:])  # log p(z_{T-1}, z_T) = log p(z_{T-1} | z_T) + prior
        found["The transition p(z_{T-1} | z_T) is missing: t runs up to T."] = expected - top + prior
        if len({level.shape[-1] for level in path}) == 1:
            found["The decoder points down: transition t leads from z_t to z_{t-1}, not the other way round."] = (
                dense_encoder(chain, path[0]).log_prob(path[1:]) + prior)
        return found


class LogPosterior(LogDensity):
    """Exercise 2.2."""

    number = "2.2"
    call, climbs, what = "log_posterior", True, "log q(z_{1:T} | x)"

    def density(self, chain: list[dict], path: list[Tensor]) -> Tensor:
        return dense_encoder(chain, path[0]).log_prob(path[1:])

    def factors(self, chain: list[dict], path: list[Tensor]) -> list[tuple[Tensor, int]]:
        return [(self.density([step], [low, high]), high.shape[-1]) for step, low, high in zip(chain, path, path[1:])]

    def dropped(self, chain: list[dict], path: list[Tensor], expected: Tensor) -> dict[str, Tensor]:
        found = {"A prior log p(z_T) is added: it belongs to the joint, not to the encoder.":
                 expected + standard_normal(path[-1]),
                 "A density of x is added: x is given here, and has no factor.": expected + standard_normal(path[0])}
        if len(chain) > 1:
            found["The term log q(z_1 | x) is missing: the product over t begins at t = 1 with z_0 = x."] = (
                self.density(chain[1:], path[1:]))
            found["The transition q(z_T | z_{T-1}) is missing: t runs up to T."] = self.density(chain[:-1], path[:-1])
        else:
            found["No factor was added: t takes the values 1 to T, both included."] = torch.tensor(0.0)
        if len({level.shape[-1] for level in path}) == 1:
            found["The encoder points up: transition t leads from z_{t-1} to z_t, not the other way round."] = (
                dense_decoder(chain).log_prob(path[::-1]) - standard_normal(path[-1]))
            found["Each z_t is drawn given z_{t-1}, the level below it, not given x."] = sum(
                self.density([step], [path[0], level]) for step, level in zip(chain, path[1:]))
        return found
