"""Checks of chapter 8's exercises on group normalisation and the residual block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import gelu

from ddpmlib.layer_inputs import groups_of

from ..judging import Case, Check, Draw, compare
from .unet_oracles import (
    F64, compare_closely, compare_gradients, convolve, gradients, normalise, random_state, silu, twice,
)


class GroupNorm(Check):
    """Exercise 8.3. Oracle: group by group, with the variance from the differences of all pairs."""

    number = "8.3"
    parts = {"mean and variance": 3, "weight and bias": 1, "one group, or one for each channel": 1, "eps": 1, "dtype": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, shape: tuple[int, ...], groups: int, *, plain: bool = False, dtype: torch.dtype = F64, says: str = "",
                 call: str = "group_norm", **options: float) -> Case:
            channels = shape[1]
            channel = (*shape[:2], *[1] * (len(shape) - 2))
            x = draw.uniform(0.5, 2.0, *channel) * draw.normal(*shape) + draw.normal(*channel)
            weight, bias = draw.uniform(0.3, 2.0, channels), draw.normal(channels)
            if plain:
                weight, bias = torch.ones(channels, dtype=F64), torch.zeros(channels, dtype=F64)
            arguments = {"x": x.to(dtype), "groups": groups, "weight": weight.to(dtype), "bias": bias.to(dtype), **options}
            if call != "group_norm":
                arguments["probe"] = draw.normal(*shape)
            return Case(part, call, arguments, f"x of shape {shape}, groups = {groups}{says}")

        yield case("mean and variance", (2, 4, 3), 2, plain=True, says=", weight 1, bias 0")
        yield case("mean and variance", (2, 6, 2, 3), 3, plain=True, says=", weight 1, bias 0")
        yield case("mean and variance", (3, 6, 2, 2), 2, plain=True, says=", weight 1, bias 0")
        yield case("weight and bias", (2, 4, 2, 3), 2)
        yield case("weight and bias", (2, 4, 4, 4), 2)
        yield case("one group, or one for each channel", (2, 4, 2, 2), 1)
        yield case("one group, or one for each channel", (2, 4, 2, 3), 4)
        yield case("one group, or one for each channel", (3, 6), 2, says=" (no axis of places)")
        tiny = case("eps", (2, 4, 2, 2), 2, eps=draw.number(0.05, 0.2), says=", a large eps")
        yield tiny
        flat = case("eps", (2, 4, 2, 2), 2, says=", a group that is constant, and one that nearly is")
        flat.arguments["x"][0, :2] = 0.7
        flat.arguments["x"][1, 2:] *= 2e-3
        yield flat
        yield case("dtype", (2, 4, 2, 2), 2, dtype=torch.float32, says=", float32")
        yield case("gradient", (2, 4, 2, 2), 2, call="gradients_of_group_norm")

    def judge(self, case: Case, result: object) -> str | None:
        inputs = {name: case.arguments[name].double() for name in ("x", "weight", "bias")}
        groups, eps = case.arguments["groups"], case.arguments.get("eps", 1e-5)
        if case.part == "gradient":
            probe = case.arguments["probe"]
            expected = gradients(lambda given: normalise(given["x"], groups, given["weight"], given["bias"]), inputs, probe)
            return compare_gradients(result, expected, lambda: self._known_gradients(inputs, groups, probe))
        first, differs = twice(result)
        if differs:
            return differs
        expected = normalise(inputs["x"], groups, inputs["weight"], inputs["bias"], eps)
        if case.part == "dtype":
            problem = compare(first, expected, what="the result", rtol=1e-4, atol=1e-5)
            if problem is None and first.dtype != torch.float32:
                return f"x is float32, and the result should be; got {first.dtype}"
            return problem
        return compare_closely(first, expected, "the result", lambda: self._known(**inputs, groups=groups, eps=eps))

    @staticmethod
    def _known_gradients(inputs: Mapping[str, Tensor], groups: int, probe: Tensor) -> dict[str, dict[str, Tensor]]:
        def of(spread, freed: tuple[bool, bool] = (False, False)) -> dict[str, Tensor]:
            def output(given: Mapping[str, Tensor]) -> Tensor:
                x, column = given["x"], (1, -1, *[1] * (probe.ndim - 2))
                members = x.reshape(len(x), groups, -1)
                mean = members.mean(-1, keepdim=True)
                variance = (members - mean).square().mean(-1, keepdim=True)
                mean, variance = (value.detach() if free else value for value, free in zip((mean, variance), freed))
                normal = ((members - mean) / spread(variance)).reshape(x.shape)
                return given["weight"].reshape(column) * normal + given["bias"].reshape(column)

            return gradients(output, inputs, probe)

        def right(variance: Tensor) -> Tensor:
            return (variance + 1e-5).sqrt()

        return {
            "eps is missing.": of(torch.sqrt),
            "eps is added to the standard deviation; it should be added to the variance, under the root.": of(lambda v: v.sqrt() + 1e-5),
            "Mean and variance are detached; they depend on x, and the gradient should pass through them.": of(right, (True, True)),
            "The variance is detached; it depends on x, and the gradient should pass through it.": of(right, (False, True)),
            "The mean is detached; it depends on x, and the gradient should pass through it.": of(right, (True, False)),
        }

    @staticmethod
    def _known(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> dict[str, Tensor]:
        channels, space = x.shape[1], list(range(2, x.ndim))
        column = (1, -1, *[1] * len(space))
        w, b = weight.reshape(column), bias.reshape(column)
        grouped = x.reshape(len(x), groups, channels // groups, *x.shape[2:])
        inside = [2, *[axis + 1 for axis in space]]

        def of(values: Tensor, axes: list[int], *, spread=None, center: bool = True) -> Tensor:
            mean = values.mean(axes, keepdim=True)
            variance = values.var(axes, correction=0, keepdim=True)
            spread = (variance + eps).sqrt() if spread is None else spread(variance, values, axes)
            return ((values - mean if center else values) / spread).reshape(x.shape)

        normal = of(grouped, inside)
        strided = x.reshape(len(x), channels // groups, groups, *x.shape[2:])
        around = [1, *[axis + 1 for axis in space]]
        known = {
            "The variance divides by the number of values less one; it should divide by the number.":
                w * of(grouped, inside, spread=lambda _, v, a: (v.var(a, keepdim=True) + eps).sqrt()) + b,
            "This divides by the variance; it should divide by its root.": w * of(grouped, inside, spread=lambda v, *_: v + eps) + b,
            "eps is added to the standard deviation; it should be added to the variance, under the root.":
                w * of(grouped, inside, spread=lambda v, *_: v.sqrt() + eps) + b,
            "eps is missing.": w * of(grouped, inside, spread=lambda v, *_: v.sqrt()) + b,
            "This eps is 1e-5, whatever eps is.": w * of(grouped, inside, spread=lambda v, *_: (v + 1e-5).sqrt()) + b,
            "This eps is far from the one that is given: is it squared?":
                w * of(grouped, inside, spread=lambda v, *_: (v + eps**2).sqrt()) + b,
            "The mean is not subtracted.": w * of(grouped, inside, center=False) + b,
            "The mean is subtracted, but nothing is divided.": w * of(grouped, inside, spread=lambda v, *_: 1.0) + b,
            "A group is every groups-th channel here; it should be channels that follow each other.": w * of(strided, around) + b,
            "Mean and variance are over the whole batch; each image should have its own.": w * of(grouped, [0, *inside]) + b,
            "Mean and variance are over the images of the batch, place by place; they should be over a group of one image.":
                w * of(grouped, [0]) + b,
            "Every channel is normalised alone; a group's channels should share mean and variance.": w * of(x, space or [1]) + b,
            "All channels are normalised together; each group should have its own mean and variance.": w * of(x, [1, *space]) + b,
            "The groups are as many as a group should have channels.": w * of(strided, inside) + b,
            "Each place is normalised alone; mean and variance are over all places of a group.": w * of(grouped, [2]) + b,
            "Weight and bias are missing.": normal,
            "The weight is missing.": normal + b,
            "The bias is missing.": w * normal,
            "The weight multiplies the bias too; the bias is added last.": w * (normal + b),
            "The weight is added to 1 before it multiplies.": (1 + w) * normal + b,
            "Weight and bias are applied before the normalisation; they come after it.":
                of((w * x + b).reshape(grouped.shape), inside),
        }
        if x.ndim > 2 and x.shape[-1] == channels:
            known["Weight and bias run along the last axis; each belongs to a channel, axis 1."] = weight * normal + bias
        return known


class ResidualBlock(Check):
    """Exercise 8.4. Oracle: convolutions as sums of shifted images, normalisation group by group."""

    number = "8.4"
    parts = {"equal channels": 2, "other channels": 1, "what the block is told": 2, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, c_in: int, c_out: int, size: tuple[int, int], call: str = "residual_block", x: float = 1.0, says: str = "",
                 dim: int = 4, batch: int = 2) -> Case:
            shapes = {
                "norm1.weight": (c_in,), "norm1.bias": (c_in,), "conv1.weight": (c_out, c_in, 3, 3), "conv1.bias": (c_out,),
                "project.weight": (c_out, dim), "project.bias": (c_out,), "norm2.weight": (c_out,), "norm2.bias": (c_out,),
                "conv2.weight": (c_out, c_out, 3, 3), "conv2.bias": (c_out,),
            }
            if c_in != c_out:
                shapes |= {"skip.weight": (c_out, c_in, 1, 1), "skip.bias": (c_out,)}
            images = (batch, c_in, *size)
            arguments = {"sizes": [c_in, c_out, dim], "state": random_state(draw, shapes), "x": x * draw.normal(*images),
                         "emb": draw.normal(batch, dim)}
            if call != "residual_block":
                arguments["probe"] = draw.normal(batch, c_out, *size)
            return Case(part, call, arguments, f"{c_in} channels come, {c_out} go, x of shape {images}{says}")

        yield case("equal channels", 16, 16, (3, 2))
        yield case("equal channels", 4, 4, (4, 4), dim=4)
        yield case("other channels", 8, 16, (2, 3))
        yield case("other channels", 16, 4, (2, 2))
        yield case("what the block is told", 4, 16, (2, 3), x=0, says=", x = 0")
        yield case("what the block is told", 16, 16, (2, 2), dim=6, batch=3)
        yield case("gradient", 4, 16, (2, 2), "gradients_of_block")

    def judge(self, case: Case, result: object) -> str | None:
        state, x, emb = (case.arguments[name] for name in ("state", "x", "emb"))
        if case.part == "gradient":
            inputs = {"x": x, "emb": emb} | state
            expected = gradients(lambda given: block_output(given, given["x"], given["emb"]), inputs, case.arguments["probe"])
            return compare_gradients(result, expected)
        first, differs = twice(result)
        return differs or compare_closely(first, block_output(state, x, emb), "the output", lambda: self._known(state, x, emb))

    @staticmethod
    def _known(p: Mapping[str, Tensor], x: Tensor, emb: Tensor) -> dict[str, Tensor]:
        def other(**changes) -> Tensor:
            return block_output(p, x, emb, **changes)

        known = {
            "The block is not told anything: the projection of emb is missing.": other(tell="nowhere"),
            "emb is projected without silu before.": other(told=lambda emb: emb),
            "silu is taken after the projection of emb; it should be taken before.": other(told=lambda emb: emb, silu_after=True),
            "silu is taken before the projection of emb and after it; once, before, is enough.": other(silu_after=True),
            "All images are told what the first one is told.": block_output(p, x, emb[:1].expand_as(emb)),
            "All images are told the mean of what each is told.": other(tell="mean"),
            "The projection of emb scales the channels, as in some later networks; here it is added.": other(tell="scale"),
            "The projection of emb is added after the second convolution; it belongs between the two.": other(tell="end"),
            "The projection of emb is added after the second normalisation, where it should be before.": other(tell="after norm2"),
            "The projection of emb multiplies; it should be added.": other(tell="times"),
            "The input is not passed around: skip(x) is missing.": other(skip=False),
            "The second silu is missing.": other(act2=lambda h: h),
            # for x = 0 the two cannot be told apart
            "The first silu is missing." if x.any() else "The first silu is missing, or comes before its normalisation.":
                other(act1=lambda h: h),
            "Both silus around the convolutions are missing.": other(act1=lambda h: h, act2=lambda h: h),
            "This takes relu in the place of silu.": other(act1=torch.relu, act2=torch.relu, told=torch.relu),
            "This takes relu in the place of silu around the convolutions.": other(act1=torch.relu, act2=torch.relu),
            "This takes the sigmoid in the place of silu; silu(x) is x times it.":
                other(act1=torch.sigmoid, act2=torch.sigmoid, told=torch.sigmoid),
            "This takes gelu in the place of silu.": other(act1=gelu, act2=gelu, told=gelu),
            "silu comes before the normalisation; it should come after it.": other(swap=(1, 2)),
            "The first silu comes before its normalisation; it should come after it.": other(swap=(1,)) if x.any() else None,
            "The second silu comes before its normalisation; it should come after it.": other(swap=(2,)),
            "The first normalisation is missing.": other(norm1=False),
            "The second normalisation is missing.": other(norm2=False),
            "silu is taken of the sum at the end; nothing comes after the sum.": silu(other()),
            "Convolution, normalisation, silu is the order here; it should be normalisation, silu, convolution.": other(after=True),
            "skip gets the normalised input; it should get x itself.": other(skip="normal"),
            "skip gets silu of the normalised input; it should get x itself.": other(skip="activated"),
            "The output is twice what it should be.": 2 * other(),
            "The change is subtracted; it should be added.": other() - 2 * other(skip=False),
        }
        return {words: value for words, value in known.items() if value is not None}


def block_output(p: Mapping[str, Tensor], x: Tensor, emb: Tensor, *, tell: str = "between", told=silu, silu_after: bool = False, skip=True,
                 act1=silu, act2=silu, swap: tuple[int, ...] = (), norm1: bool = True, norm2: bool = True, after: bool = False) -> Tensor | None:
    """The block's output; the options are its known variants. None where a variant does not fit the shapes."""
    def norm(h: Tensor, name: str) -> Tensor | None:
        weight = p[f"{name}.weight"]
        return normalise(h, groups_of(len(weight)), weight, p[f"{name}.bias"]) if h.shape[1] == len(weight) else None

    def conv(h: Tensor, name: str) -> Tensor:
        return convolve(h, p[f"{name}.weight"], p[f"{name}.bias"])

    said = told(emb) @ p["project.weight"].T + p["project.bias"]
    said = (silu(said) if silu_after else said)[:, :, None, None]
    if after:
        if x.shape[1] != len(p["norm2.weight"]):
            return None
        h = act1(norm(conv(x, "conv1"), "norm1")) + said
        return x + act2(norm(conv(h, "conv2"), "norm2"))
    normal = norm(x, "norm1") if norm1 else x
    h = norm(act1(x), "norm1") if 1 in swap else act1(normal)
    h = conv(h, "conv1")
    ways = {"between": lambda: h + said, "times": lambda: h * said, "scale": lambda: h * (1 + said),
            "mean": lambda: h + said.mean(0, keepdim=True)}
    h = ways[tell]() if tell in ways else h
    if 2 in swap:
        h = norm(act2(h), "norm2")
    else:
        h = norm(h, "norm2") if norm2 else h
        h = act2(h + said if tell == "after norm2" else h)
    h = conv(h, "conv2")
    h = h + said if tell == "end" else h
    if not skip:
        return h
    past = normal if skip == "normal" else act1(normal) if skip == "activated" else x
    return h + (conv(past, "skip") if "skip.weight" in p else past)
