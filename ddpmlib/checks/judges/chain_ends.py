"""The check of chapter 2's exercise on the three restrictions."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from ..judging import Case, Check, Draw, compare
from ..plain import Raised
from .dense_chain import changed, dense_encoder, draw_chain

_KEYS = ("same dimension", "fixed encoder", "standard normal end")
_DEEP = 8


class Restrictions(Check):
    """Exercise 2.6. Oracles: torch's KL at the dense Gaussian's last level, and chains built to break one thing."""

    number = "2.6"
    parts = {"prior_matching_kl": 2, **dict.fromkeys(_KEYS, 1)}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for dims in [(3, 2), (2, 4, 3), (3, 3, 2, 2)]:
            arguments = {"chain": draw_chain(draw, dims, climbs=True), "x": draw.normal(5, dims[0])}
            yield Case("prior_matching_kl", "prior_matching_kl", arguments, f"dims {dims}, 5 rows")
        for says, chain, x, broken, trap in _chains(draw):
            arguments = {"chain": chain, "x": x, "tolerance": 0.02}
            for key in trap or _KEYS:  # a chain made for one mistake tests one restriction
                secret = {"expected": key != broken, "trap": trap}
                yield Case(key, "restrictions", arguments, says, secret=secret)

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "prior_matching_kl":
            return _judge_kl(case, result)
        report, square = result["report"], len({step["weight"].shape for step in case.arguments["chain"]}) == 1
        if isinstance(report, Raised):
            return f"your code raised {report}" + (
                "" if square else "\nThe weights here are not all of one square shape: a report is due all the same.")
        if not isinstance(report, dict) or set(report) != set(_KEYS):
            return f"the report should be a dict with the keys {', '.join(map(repr, _KEYS))}; got {str(report)[:80]}"
        value = report[case.part]
        if isinstance(value, Tensor) and value.numel() == 1:
            value = bool(value)
        if not isinstance(value, bool):
            return f'"{case.part}" should be True or False, got {str(value)[:60]}'
        if value == case.secret["expected"]:
            return None
        problem = f'"{case.part}" should be {not value}, got {value}'
        if case.part == _KEYS[2] and _judge_kl(case, result["kl"]) is not None:
            return f"{problem}\nFirst repair prior_matching_kl: it is wrong on this chain."
        return f'{problem}\n{case.secret["trap"].get(case.part, "")}'.rstrip()


def _judge_kl(case: Case, result: object) -> str | None:
    chain, x = case.arguments["chain"], case.arguments["x"]
    end = dense_encoder(chain, x).last()
    size = end.mean.shape[-1]
    prior = MultivariateNormal(torch.zeros(size).double(), torch.eye(size).double())
    expected = kl_divergence(end, prior)
    if compare(result, expected) is None:
        return None

    def with_covariance(covariance: Tensor) -> Tensor:
        return kl_divergence(MultivariateNormal(end.mean, covariance), prior)

    through = torch.linalg.multi_dot([torch.eye(size).double(), *(step["weight"] for step in chain[::-1])])
    diagonal = torch.diag(end.covariance_matrix[0].diagonal())
    roots = dense_encoder(changed(chain, std=torch.sqrt), x).last()
    known = {
        "std is a standard deviation: its square is what adds to the covariance.":
            kl_divergence(roots, prior),
        "The arguments of the KL are swapped: this is KL(N(0, I) || q(z_T | x)).": kl_divergence(prior, end),
        "The factor 1/2 is missing.": 2 * expected,
        "The mean's term m^T m is missing.": expected - (end.mean**2).sum(-1) / 2,
        "log det S has the wrong sign.": expected + torch.logdet(end.covariance_matrix),
        "The bias of the transitions is left out: use transition.mean.":
            kl_divergence(dense_encoder(changed(chain, bias=torch.zeros_like), x).last(), prior),
        "The covariance starts from I; x is given, so it starts from 0.":
            with_covariance(end.covariance_matrix + through @ through.T),
        "d is the dimension of z_T, not that of x.": expected + (size - x.shape[-1]) / 2,
        "The KL is divided by the dimension.": expected / size,
        "-log det S is missing.": expected + torch.logdet(end.covariance_matrix) / 2,
        "The dimension d is not subtracted.": expected + size / 2,
        "Only the noise of the last transition is counted: the noise of the earlier ones comes through its weight.":
            with_covariance(torch.diag(chain[-1]["std"] ** 2)),
        "Only the diagonal of the covariance is kept; the components of z_T are correlated.": with_covariance(diagonal),
        "The KL is averaged over the rows; return one for each row of x.": expected.mean(),
    }
    return compare(result, expected, what="KL(q(z_T | x) || N(0, I))", known=known)


def _step(out: int, inputs: int, weight: float, std: float) -> dict:
    return {"weight": weight * torch.eye(out, inputs).double(), "bias": torch.zeros(out).double(),
            "std": torch.full((out,), std).double(), "learnable": []}


def _diffusing(dims: tuple[int, ...], weights: list[float]) -> list[dict]:
    return [_step(upper, lower, weight, math.sqrt(1 - weight**2))
            for lower, upper, weight in zip(dims, dims[1:], weights)]


def _noisy(draw: Draw) -> list[dict]:
    """Fixed steps whose noise preserves nothing, and differs by step and by component."""
    chain = _diffusing((3, 3, 3), [draw.number(0.4, 0.6), draw.number(0.4, 0.6)])
    return [step | {"std": draw.uniform(low, low + 0.2, 3)} for step, low in zip(chain, (0.3, 1.2))]


def _chains(draw: Draw) -> Iterable[tuple[str, list[dict], Tensor, str | None, dict[str, str]]]:
    """Chains that break one restriction or none: a name, the chain, x, what is broken, and hints by restriction."""
    x = draw.uniform(-1.0, 1.0, 4, 3)
    small = [draw.number(0.03, 0.06) for _ in range(3)]
    yield "all three hold", _diffusing((3, 3, 3, 3), small), x, None, {_KEYS[0]: "", _KEYS[2]: "", _KEYS[1]:
        "Each weight here is exactly a multiple of the identity. A matrix that you compare it with needs its dtype."}
    slow = _diffusing((3,) * (_DEEP + 1), [draw.number(0.57, 0.6) for _ in range(_DEEP)])
    yield f"{_DEEP} gentle steps", slow, x, None, {
        _KEYS[2]: "Each weight is near 0.6, also the last, and yet z_T forgets x: what must vanish is their product."}
    yield "dims (3, 3, 2)", _diffusing((3, 3, 2), small[:2]), x, _KEYS[0], {
        _KEYS[0]: "The last level has another dimension: compare all levels."}
    yield "dims (4, 3, 3)", _diffusing((4, 3, 3), small[:2]), draw.uniform(-1.0, 1.0, 4, 4), _KEYS[0], {
        _KEYS[0]: "z_1 and z_2 have one dimension here, but x has another: x counts too."}
    yield "fixed steps with other noise", _noisy(draw), x, None, {
        _KEYS[1]: "Any fixed standard deviations will do; whether they fit is the third restriction's affair."}
    chain, name = _diffusing((3, 3, 3, 3), small), ("bias", "std")[draw.integer(0, 1)]
    chain[1]["learnable"] = [name]
    yield f"the {name} of transition 2 is learnable", chain, x, _KEYS[1], {
        _KEYS[1]: f"A learnable {name}, like any learnable parameter of any transition, makes a learned encoder."}
    chain = _diffusing((3, 3, 3), small[:2])
    chain[0]["bias"] = draw.uniform(0.1, 0.3, 3)
    yield "transition 1 has a bias", chain, x, _KEYS[1], {
        _KEYS[1]: "A transition with a bias is not centred at a multiple of the previous latent."}
    chain = _diffusing((3, 3, 3), small[:2])
    chain[0]["weight"][0, 2] = 0.04
    yield "transition 1 mixes components", chain, x, _KEYS[1], {
        _KEYS[1]: "A weight off the diagonal mixes components: the mean is not a multiple of the previous latent."}
    chain = _diffusing((3, 3, 3), small[:2])
    chain[1]["weight"][1, 1] *= -1
    yield "transition 2 turns one component round", chain, x, _KEYS[1], {
        _KEYS[1]: "The diagonal of the weight is not constant: the mean is not a multiple of the previous latent."}
    # last, as here code that takes every weight for a square one raises an error
    yield "dims (3, 4, 2, 3)", _diffusing((3, 4, 2, 3), small), x, _KEYS[0], {
        _KEYS[0]: "x and z_T have one dimension here, but the levels between have others: compare all of them.",
        _KEYS[1]: "These transitions are fixed and keep the first components: only the dimensions differ."}
    yield from _wrong_ends(draw, small)


def _wrong_ends(draw: Draw, small: list[float]) -> Iterable[tuple]:
    x = draw.uniform(0.5, 1.0, 4, 3)
    yield "the product of the weights is 0.6", _diffusing((3, 3, 3), [0.75, 0.8]), x, _KEYS[2], {
        _KEYS[2]: "z_T still remembers x: the product of the weights is far from 0."}
    narrow = [*_diffusing((3, 3), small[:1]), _step(3, 3, 0.01, 0.5)]
    yield "the end's variance is 1/4", narrow, x, _KEYS[2], {
        _KEYS[2]: "The mean of z_T is near 0, but its variance is not 1: both matter."}
    lone = 0.01 * x
    lone[-1] = math.sqrt(draw.number(9.0, 12.0) / 3)  # its KL is 2 to 3 tolerances, the mean over the rows below 1
    yield "one row of x is far out", _diffusing((3, 3, 3), [0.2, 0.5]), lone, _KEYS[2], {
        _KEYS[2]: "The KL must be below the tolerance for every row of x, not on average."}
