"""The check of chapter 2's exercise on sampling a chain."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .chain_densities import SQUARED, USED_AS_VARIANCE
from .chain_gradients import judge_gradients, parameters, tracked
from .dense_chain import Dense, changed, dense_decoder, dense_encoder, draw_chain


class Sampling(Check):
    """Exercise 2.3. Oracle: the dense Gaussian's covariance, its Cholesky factor, and autograd through that."""

    number = "2.3"
    parts = {"ancestral_sample: paths": 2, "ancestral_sample: covariance": 1, "ancestral_sample: gradient": 1,
             "posterior_sample: paths": 2, "posterior_sample: covariance": 1, "posterior_sample: gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        # equal dimensions come first, as there noise of another level raises no error; T = 1 comes last, as there
        # two of the mistakes look alike
        for dims, batch in [((3, 3, 3), (5,)), ((2, 3, 1, 2), (3, 4)), ((3, 2), (4,))]:
            says = f"T = {len(dims) - 1}, dims {dims}, batch {batch}"
            noise = [draw.normal(*batch, dim) for dim in dims]
            down = {"chain": draw_chain(draw, dims, climbs=False)}
            up = {"chain": draw_chain(draw, dims, climbs=True), "x": draw.normal(*batch, dims[0])}
            yield Case("ancestral_sample: paths", "ancestral_sample", down | {"noise": noise}, says)
            yield Case("ancestral_sample: covariance", "ancestral_responses", down, says)
            yield Case("posterior_sample: paths", "posterior_sample", up | {"noise": noise[1:]}, says)
            alone = up | {"x": draw.normal(dims[0])}
            yield Case("posterior_sample: covariance", "posterior_responses", alone, says)
            if len(dims) == 3:
                weights = {"weights": [draw.normal(*batch, dim) for dim in dims]}
                yield Case("ancestral_sample: gradient", "gradient_of_ancestral",
                           down | weights | {"noise": noise}, says)
                yield Case("posterior_sample: gradient", "gradient_of_posterior",
                           up | weights | {"noise": noise[1:]}, says)

    def judge(self, case: Case, result: object) -> str | None:
        chain, x = case.arguments["chain"], case.arguments.get("x")
        levels = len(chain) + 1
        if "gradient" in case.part:
            return self._judge_gradient(case, result)
        again = result
        if "paths" in case.part:
            result, again = result
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
        if isinstance(again, list) and all(isinstance(level, Tensor) for level in again) and not _agree(result, again):
            return "two calls with the same noise give different paths; use the noise that is given, and draw none"
        if _agree(result[::-1], expected):
            return "the path begins with z_T; path[0] should be x and path[t] z_t"
        known = {
            SQUARED: _path_of(_dense_of(changed(chain, std=torch.square), x), noise, x),
            USED_AS_VARIANCE: _path_of(_dense_of(changed(chain, std=torch.sqrt), x), noise, x),
            "The noise is not scaled by the transition's std.":
                _path_of(_dense_of(changed(chain, std=torch.ones_like), x), noise, x),
            "The bias of the transitions is left out: use transition.mean.":
                _path_of(_dense_of(changed(chain, bias=torch.zeros_like), x), noise, x),
        }
        silent = [torch.zeros_like(value) for value in noise]
        if x is not None:
            known["No noise is added: each level is only the mean given the level below it."] = (
                _path_of(dense, silent, x))
        else:
            known["No noise is added after the first draw: each level is only the mean given the level above it."] = (
                _path_of(dense, [*silent[:-1], noise[-1]]))
            no_noise_in_x = [torch.zeros_like(noise[0]), *noise[1:]]
            known["No noise is added to x: x is a draw from p(x | z_1), not its mean."] = _path_of(dense, no_noise_in_x)
            known["z_T is noise[T] itself, a draw from N(0, I); here the path starts at 0."] = (
                _path_of(dense, [*noise[:-1], torch.zeros_like(noise[-1])]))
        if len(set(dense.dims)) == 1:  # else noise of another level does not fit
            known["The noise is used in the reverse order: the list goes from the low levels to the high ones."] = (
                _path_of(dense, noise[::-1], x))
            if x is None:
                known["noise[t] is for z_t, so the draw of z_{t-1} uses noise[t - 1]; here it uses noise[t]."] = (
                    _path_of(dense, [*noise[1:], noise[-1]]))
        for level, (got, wanted) in enumerate(zip(result, expected)):
            name = "path[0] (x)" if level == 0 else f"path[{level}] (z_{level})"
            problem = compare(got, wanted, what=name)
            if problem:
                named = [words for words, path in known.items() if _agree(result, path)]
                return "\n".join([problem, *named[:1]])
        return None

    def _judge_gradient(self, case: Case, result: dict) -> str | None:
        chain, x, noise = tracked(case.arguments["chain"]), case.arguments.get("x"), case.arguments["noise"]
        named = parameters(chain)
        if x is not None:
            x = named["x"] = x.clone().requires_grad_()
        expected = _path_of(_dense_of(chain, x), noise, x)
        path, name = result["path"], case.part.partition(":")[0]
        if not isinstance(path, list) or len(path) != len(expected) or not _agree(path, expected):
            return f"first repair {name}: its path is wrong on this chain"
        total = sum((level * weight).sum() for level, weight in zip(expected, case.arguments["weights"]))
        return judge_gradients(result["gradients"], total, named)

    def _judge_covariance(self, dense: Dense, result: list, x: Tensor | None) -> str | None:
        drawn = result[::-1] if x is None else result[1:]
        count = sum(dense.dims)
        for level, size in zip(drawn, dense.dims):
            if not isinstance(level, Tensor) or level.shape != (count + 1, size):
                shape = tuple(getattr(level, "shape", ()))
                unused = "; the noise has a batch axis here: is it used?" if shape == (size,) else ""
                return f"a level should have shape {(count + 1, size)}, got {shape}{unused}"
        stacked = torch.cat(drawn, dim=-1).double()
        responses = stacked[1:] - stacked[0]
        names = "z_T, ..., z_1, x" if x is None else "z_1, ..., z_T"
        return compare(responses.T @ responses, dense.covariance, what=f"the covariance of ({names})", atol=1e-5)


def _dense_of(chain: list[dict], x: Tensor | None) -> Dense:
    return dense_decoder(chain) if x is None else dense_encoder(chain, x)


def _path_of(dense: Dense, noise: list[Tensor], x: Tensor | None = None) -> list[Tensor]:
    return dense.paths(noise[::-1])[::-1] if x is None else [x, *dense.paths(noise)]


def _agree(result: list, path: list[Tensor]) -> bool:
    return all(isinstance(got, Tensor) and got.shape == wanted.shape
               and torch.allclose(got.double(), wanted.double(), rtol=1e-5, atol=1e-6, equal_nan=True)
               for got, wanted in zip(result, path))
