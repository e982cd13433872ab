"""Checks of chapter 2's code exercises."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from ..judging import Case, Check, Draw, compare
from .chain_bounds import HierarchicalElbo
from .chain_ends import Restrictions
from .dense_chain import Dense, changed, dense_decoder, dense_encoder, draw_chain

_USED_AS_VARIANCE = "std is a standard deviation; it is used as a variance here."
_SQUARED = "The standard deviation is squared here: torch.distributions.Normal and noise * std take std itself."


class LogDensity(Check):
    """What Exercises 2.1 and 2.2 share: the oracle is the log-density of one dense Gaussian."""

    parts = {"one level": 1, "several levels": 2, "many paths for one x": 1}
    call: str
    climbs: bool

    def cases(self, draw: Draw) -> Iterable[Case]:
        for part, dims, batch in [("one level", (3, 2), (4,)), ("several levels", (3, 2, 4, 5), (6,)),
                                  ("several levels", (2, 4, 3), (3, 5))]:
            yield self._case(part, draw, dims, [batch] * len(dims))
        yield self._case("many paths for one x", draw, (2, 3, 4), [(5,), (7, 5), (7, 5)])

    def _case(self, part: str, draw: Draw, dims: tuple[int, ...], batches: list[tuple[int, ...]]) -> Case:
        path = [draw.normal(*batch, dim) for batch, dim in zip(batches, dims)]
        arguments = {"chain": draw_chain(draw, dims, climbs=self.climbs), "path": path}
        return Case(part, self.call, arguments, f"T = {len(dims) - 1}, dims {dims}, batch {batches[-1]}")

    def density(self, chain: list[dict], path: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def judge(self, case: Case, result: object) -> str | None:
        chain, path = case.arguments["chain"], case.arguments["path"]
        expected = self.density(chain, path)
        if compare(result, expected, atol=1e-5) is None:
            return None
        known = self.dropped(chain, path, expected)
        counted = sum(level.shape[-1] for level in path[0 if not self.climbs else 1 :])
        log_stds = sum(step["std"].log().sum() for step in chain)
        known |= {
            _USED_AS_VARIANCE: self.density(changed(chain, std=torch.sqrt), path),
            _SQUARED: self.density(changed(chain, std=torch.square), path),
            "The constant -log(2 pi)/2 is missing, once for each component.":
                expected + counted / 2 * math.log(2 * math.pi),
            "The term -log(std) of the transitions' densities is missing.": expected + log_stds,
            "This is the density; its logarithm is asked for.": expected.exp(),
            "The bias of the transitions is left out: use transition.mean.":
                self.density(changed(chain, bias=torch.zeros_like), path),
            "Everything is summed; sum over the components of each level only and keep the batch.": expected.sum(),
        }
        return compare(result, expected, what=self.what, atol=1e-5, known=known)

    def dropped(self, chain: list[dict], path: list[Tensor], expected: Tensor) -> dict[str, Tensor]:
        raise NotImplementedError


class LogJoint(LogDensity):
    """Exercise 2.1."""

    number = "2.1"
    call, climbs, what = "log_joint", False, "log p(x, z_{1:T})"

    def density(self, chain: list[dict], path: list[Tensor]) -> Tensor:
        return dense_decoder(chain).log_prob(path[::-1])

    def dropped(self, chain: list[dict], path: list[Tensor], expected: Tensor) -> dict[str, Tensor]:
        prior = _standard_normal(path[-1])
        found = {"The prior log p(z_T) is missing.": expected - prior,
                 "The prior p(z_T) = N(0, I) is counted twice.": expected + prior}
        if len(chain) > 1:
            found["The term log p(x | z_1) is missing: the product over t begins at t = 1 with z_0 = x."] = (
                self.density(chain[1:], path[1:]))
        top = self.density(chain[-1:], path[-2:])  # log p(z_{T-1}, z_T) = log p(z_{T-1} | z_T) + prior
        found["The transition p(z_{T-1} | z_T) is missing: t runs up to T."] = expected - top + prior
        return found


class LogPosterior(LogDensity):
    """Exercise 2.2."""

    number = "2.2"
    call, climbs, what = "log_posterior", True, "log q(z_{1:T} | x)"

    def density(self, chain: list[dict], path: list[Tensor]) -> Tensor:
        return dense_encoder(chain, path[0]).log_prob(path[1:])

    def dropped(self, chain: list[dict], path: list[Tensor], expected: Tensor) -> dict[str, Tensor]:
        found = {"A prior log p(z_T) is added: it belongs to the joint, not to the encoder.":
                 expected + _standard_normal(path[-1])}
        if len(chain) > 1:
            found["The term log q(z_1 | x) is missing: the product over t begins at t = 1 with z_0 = x."] = (
                self.density(chain[1:], path[1:]))
            found["The transition q(z_T | z_{T-1}) is missing: t runs up to T."] = self.density(chain[:-1], path[:-1])
        return found


def _standard_normal(value: Tensor) -> Tensor:
    size = value.shape[-1]
    return MultivariateNormal(torch.zeros(size).double(), torch.eye(size).double()).log_prob(value)


class Sampling(Check):
    """Exercise 2.3. Oracle: the Cholesky factor of the dense Gaussian's covariance, and that covariance."""

    number = "2.3"
    parts = {"ancestral_sample: paths": 2, "ancestral_sample: covariance": 1,
             "posterior_sample: paths": 2, "posterior_sample: covariance": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        # T = 1 comes last: there two of the mistakes look alike
        for dims, batch in [((2, 3, 4), (5,)), ((2, 3, 1, 2), (3, 4)), ((3, 2), (4,))]:
            says = f"T = {len(dims) - 1}, dims {dims}, batch {batch}"
            noise = [draw.normal(*batch, dim) for dim in dims]
            down = {"chain": draw_chain(draw, dims, climbs=False)}
            up = {"chain": draw_chain(draw, dims, climbs=True), "x": draw.normal(*batch, dims[0])}
            yield Case("ancestral_sample: paths", "ancestral_sample", down | {"noise": noise}, says)
            yield Case("ancestral_sample: covariance", "ancestral_responses", down, says)
            yield Case("posterior_sample: paths", "posterior_sample", up | {"noise": noise[1:]}, says)
            alone = up | {"x": draw.normal(dims[0])}
            yield Case("posterior_sample: covariance", "posterior_responses", alone, says)

    def judge(self, case: Case, result: object) -> str | None:
        chain, x = case.arguments["chain"], case.arguments.get("x")
        levels = len(chain) + 1
        if not isinstance(result, list) or len(result) != levels:
            kind = f"a list of {len(result)}" if isinstance(result, list) else type(result).__name__
            return f"the path should be a list of {levels} tensors, x, z_1, ..., z_{levels - 1}; got {kind}"
        dense = _dense_of(chain, x)
        if "covariance" in case.part:
            return self._judge_covariance(dense, result, x)
        noise = case.arguments["noise"]
        expected = _path_of(dense, noise, x)
        if _agree(result, expected):
            return None
        if _agree(result[::-1], expected):
            return "the path begins with z_T; path[0] should be x and path[t] z_t"
        known = {
            _SQUARED: _path_of(_dense_of(changed(chain, std=torch.square), x), noise, x),
            _USED_AS_VARIANCE: _path_of(_dense_of(changed(chain, std=torch.sqrt), x), noise, x),
            "The noise is not scaled by the transition's std.":
                _path_of(_dense_of(changed(chain, std=torch.ones_like), x), noise, x),
            "No noise is added after the first draw: each level is only the mean given the level before it.":
                _path_of(dense, _only_first(noise, x), x),
            "The bias of the transitions is left out: use transition.mean.":
                _path_of(_dense_of(changed(chain, bias=torch.zeros_like), x), noise, x),
        }
        if x is None:
            no_noise_in_x = [torch.zeros_like(noise[0]), *noise[1:]]
            known["No noise is added to x: x is a draw from p(x | z_1), not its mean."] = _path_of(dense, no_noise_in_x)
            known["z_T is noise[T] itself, a draw from N(0, I); here the path starts at 0."] = (
                _path_of(dense, [*noise[:-1], torch.zeros_like(noise[-1])]))
        for level, (got, wanted) in enumerate(zip(result, expected)):
            name = "path[0] (x)" if level == 0 else f"path[{level}] (z_{level})"
            problem = compare(got, wanted, what=name)
            if problem:
                named = [words for words, path in known.items() if _agree(result, path)]
                return "\n".join([problem, *named[:1]])
        return None

    def _judge_covariance(self, dense: Dense, result: list, x: Tensor | None) -> str | None:
        drawn = result[::-1] if x is None else result[1:]
        count = sum(dense.dims)
        for level, size in zip(drawn, dense.dims):
            if not isinstance(level, Tensor) or level.shape != (count + 1, size):
                return f"a level should have shape {(count + 1, size)}, got {tuple(getattr(level, 'shape', ()))}"
        stacked = torch.cat(drawn, dim=-1).double()
        responses = stacked[1:] - stacked[0]
        names = "z_T, ..., z_1, x" if x is None else "z_1, ..., z_T"
        return compare(responses.T @ responses, dense.covariance, what=f"the covariance of ({names})", atol=1e-5)


def _dense_of(chain: list[dict], x: Tensor | None) -> Dense:
    return dense_decoder(chain) if x is None else dense_encoder(chain, x)


def _path_of(dense: Dense, noise: list[Tensor], x: Tensor | None = None) -> list[Tensor]:
    return dense.paths(noise[::-1])[::-1] if x is None else [x, *dense.paths(noise)]


def _only_first(noise: list[Tensor], x: Tensor | None) -> list[Tensor]:
    kept = len(noise) - 1 if x is None else 0
    return [value if level == kept else torch.zeros_like(value) for level, value in enumerate(noise)]


def _agree(result: list, path: list[Tensor]) -> bool:
    return all(isinstance(got, Tensor) and got.shape == wanted.shape
               and torch.allclose(got.double(), wanted, rtol=1e-5, atol=1e-6) for got, wanted in zip(result, path))


CHECKS = [LogJoint(), LogPosterior(), Sampling(), HierarchicalElbo(), Restrictions()]
