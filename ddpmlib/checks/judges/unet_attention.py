"""Checks of chapter 8's exercises on attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from ddpmlib.layer_inputs import groups_of

from ..judging import Case, Check, Draw, compare
from .unet_oracles import attend, compare_closely, compare_gradients, gradients, normalise, random_state, twice


def in_all(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention for each entry of the leading axes by itself."""
    if q.ndim == 2:
        return attend(q, k, v)
    return torch.stack([in_all(*parts) for parts in zip(q, k, v)])


class Attention(Check):
    """Exercise 8.5. Oracle: query by query."""

    number = "8.5"
    parts = {"one computation": 2, "more axes": 1, "other numbers": 1, "large scores": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, lead: tuple[int, ...], n: int, m: int, d: int, e: int, size: float = 1.0, call: str = "attention") -> Case:
            arguments = {"q": size * draw.normal(*lead, n, d), "k": size * draw.normal(*lead, m, d), "v": draw.normal(*lead, m, e)}
            if call != "attention":
                arguments["probe"] = draw.normal(*lead, n, e)
            shapes = ", ".join(f"{name} of shape {tuple(arguments[name].shape)}" for name in "qkv")
            return Case(part, call, arguments, shapes)

        yield case("one computation", (), 4, 4, 4, 4)
        yield case("one computation", (), 3, 3, 5, 5)
        yield case("more axes", (2,), 3, 3, 4, 4)
        yield case("more axes", (2, 3), 2, 3, 3, 2)
        yield case("other numbers", (), 2, 5, 3, 4)
        yield case("other numbers", (2,), 5, 1, 2, 3)
        yield case("large scores", (), 3, 4, 4, 2, size=60.0)
        yield case("gradient", (2,), 3, 4, 3, 2, call="gradients_of_attention")

    def judge(self, case: Case, result: object) -> str | None:
        inputs = {name: case.arguments[name] for name in "qkv"}
        if case.part == "gradient":
            return compare_gradients(result, gradients(lambda given: in_all(**given), inputs, case.arguments["probe"]))
        first, differs = twice(result)
        if differs:
            return differs
        if case.part == "large scores" and isinstance(first, Tensor) and not first.isfinite().all():
            return ("the result is not finite: the exponential of a large score overflows. A softmax does not change if the same number "
                    "is taken from all scores of a query, for instance the largest one")
        return compare_closely(first, in_all(**inputs), "the result", lambda: self._known(**inputs))

    @staticmethod
    def _known(q: Tensor, k: Tensor, v: Tensor) -> dict[str, Tensor]:
        (n, d), (m, e) = q.shape[-2:], v.shape[-2:]
        scores = q @ k.mT

        def weighted(scale: float = d**-0.5, axis: int = -1) -> Tensor:
            return torch.softmax(scale * scores, dim=axis) @ v

        whole = scores.flatten(-2) * d**-0.5
        known = {
            "The scores are not divided by sqrt(d).": weighted(1.0),
            "The scores are divided by d; it should be its root.": weighted(1 / d),
            "The scores are multiplied by sqrt(d); they should be divided by it.": weighted(math.sqrt(d)),
            "The scores are divided by the root of the number of keys; it should be the root of d, the length of a query.":
                weighted(m**-0.5),
            "The scores are divided by the root of the length of a value; it should be the length of a query.":
                weighted(e**-0.5),
            "The softmax is over the queries; for each query it should be over the keys.": weighted(axis=-2),
            "The softmax is over the first axis; it should be over the keys.": weighted(axis=0),
            "The softmax is over all pairs at once; each query has its own.": torch.softmax(whole, -1).reshape(scores.shape) @ v,
            "The division by sqrt(d) comes after the softmax; it should come before.": torch.softmax(scores, -1) @ v * d**-0.5,
            "The softmax is missing.": scores * d**-0.5 @ v,
            "The softmax does not sum to 1: the exponentials are not divided by their sum.": torch.exp(scores * d**-0.5) @ v,
            "Each query gets the value of its best key; it should get a mean of all values.":
                torch.nn.functional.one_hot(scores.argmax(-1), m).to(v) @ v,
            "This is the plain mean of the values.": v.mean(-2, keepdim=True).expand(*q.shape[:-1], e),
            "These are the weights; they are still to be multiplied with the values.": torch.softmax(scores * d**-0.5, -1),
            "A sigmoid of each score stands in the place of the softmax.": torch.sigmoid(scores * d**-0.5) @ v,
        }
        if n == m:
            known["Queries and keys are interchanged."] = torch.softmax(scores.mT * d**-0.5, -1) @ v
        if d == e:
            known["The weights multiply the keys; they should multiply the values."] = torch.softmax(scores * d**-0.5, -1) @ k
        return known


class SelfAttention(Check):
    """Exercise 8.6. Oracle: image by image and head by head, pixels as vectors, query by query."""

    number = "8.6"
    parts = {"one head": 2, "several heads": 2, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, c: int, heads: int, size: tuple[int, int], call: str = "self_attention", batch: int = 2) -> Case:
            shapes = {"norm.weight": (c,), "norm.bias": (c,), "qkv.weight": (3 * c, c), "qkv.bias": (3 * c,), "out.weight": (c, c),
                      "out.bias": (c,)}
            arguments = {"heads": heads, "state": random_state(draw, shapes), "x": draw.normal(batch, c, *size)}
            arguments |= {"q": draw.normal(3, 4)} if call == "self_attention" else {"probe": draw.normal(batch, c, *size)}
            return Case(part, call, arguments, f"x of shape {(batch, c, *size)}, heads = {heads}")

        yield case("one head", 4, 1, (2, 2))
        yield case("one head", 8, 1, (2, 3))
        yield case("several heads", 8, 2, (2, 3))
        yield case("several heads", 16, 4, (3, 2))
        yield case("several heads", 6, 2, (1, 3), batch=1)
        yield case("gradient", 4, 2, (2, 2), "gradients_of_self_attention")

    def judge(self, case: Case, result: object) -> str | None:
        heads, state, x = (case.arguments[name] for name in ("heads", "state", "x"))
        if case.part == "gradient":
            expected = gradients(lambda given: layer_output(given, heads, given["x"]), {"x": x} | state, case.arguments["probe"])
            return compare_gradients(result, expected)
        first, differs = twice(result["found"])
        problem = differs or compare_closely(first, layer_output(state, heads, x), "the output", lambda: self._known(state, heads, x))
        q = case.arguments["q"]
        if problem is not None and compare(result["own"], attend(q, q.flip(0), q.square()), rtol=1e-9, atol=1e-9) is not None:
            return f"{problem}\nYour attention is not right yet: first repair Exercise 8.5."
        return problem

    @staticmethod
    def _known(p: Mapping[str, Tensor], heads: int, x: Tensor) -> dict[str, Tensor]:
        def other(**changes) -> Tensor:
            return layer_output(p, heads, x, **changes)

        c, pixels = x.shape[1], x.shape[2] * x.shape[3]
        d = c // heads
        known = {
            "x is not added: the layer should change the images, not replace them.": other(past="nothing"),
            "The normalised images are added; x itself should be.": other(past="normal"),
            "out is missing.": other(out=False),
            "The normalisation is missing.": other(norm=False),
            "Keys and values are interchanged: qkv makes queries, then keys, then values.": other(order=(0, 2, 1)),
            "Queries and keys are interchanged: qkv makes queries, then keys, then values.": other(order=(1, 0, 2)),
            "The order of the thirds of qkv is another one: it makes queries, then keys, then values.": other(order=(2, 1, 0)),
            "The channels of a pixel are mixed up with the pixels: images must be transposed to (pixels, channels) before reshaping.":
                other(scrambled_in=True),
            "The pixels come back mixed up with the channels: transpose to (channels, pixels) before reshaping to an image.":
                other(scrambled_out=True),
        }
        if heads > 1:
            known |= {
                "The heads are not separated: all channels attend together.": layer_output(p, 1, x),
                "Each head is scaled by the root of all channels; it should be the root of the channels of a head.": other(scale=c**-0.5),
                "qkv is cut into heads first, and each head into queries, keys and values; it should be cut into three first.":
                    other(entry=lambda part, head, k: head * 3 * d + part * d + k),
                "A head takes every heads-th channel; its channels should follow each other.":
                    other(entry=lambda part, head, k: part * c + k * heads + head),
                "A head takes every heads-th channel, and puts it back so; its channels should follow each other.":
                    other(entry=lambda part, head, k: part * c + k * heads + head, place=lambda head, k: k * heads + head),
                "What the heads find is put together in the wrong order: head 0's channels come first.":
                    other(place=lambda head, k: k * heads + head),
                "What the heads find is mixed up with the pixels: bring the head axis beside its channels before reshaping.":
                    other(scrambled_heads=True),
            }
        if pixels == c:
            known["Here channels attend to channels; pixels should attend to pixels."] = other(scrambled_in=True, scrambled_out=True)
        return known


def layer_output(
    p: Mapping[str, Tensor], heads: int, x: Tensor, *, order=(0, 1, 2), past: str = "x", out: bool = True, norm: bool = True,
    scale: float | None = None, entry: Callable[[int, int, int], int] | None = None, place: Callable[[int, int], int] | None = None,
    scrambled_in: bool = False, scrambled_out: bool = False, scrambled_heads: bool = False,
) -> Tensor:
    """The layer's output; the options are its known variants."""
    batch, c, height, width = x.shape
    pixels, d = height * width, c // heads
    entry = entry or (lambda part, head, k: part * c + head * d + k)
    place = place or (lambda head, k: head * d + k)
    normal = normalise(x, groups_of(c), p["norm.weight"], p["norm.bias"]) if norm else x
    images = []
    for image in normal:
        rows = image.reshape(pixels, c) if scrambled_in else torch.stack([image[:, i, j] for i in range(height) for j in range(width)])
        made = rows @ p["qkv.weight"].T + p["qkv.bias"]
        found = []
        for head in range(heads):
            parts = [torch.stack([made[:, entry(part, head, k)] for k in range(d)], dim=1) for part in order]
            found.append(attend(*parts, scale=scale))
        if scrambled_heads:
            together = torch.stack(found).reshape(pixels, c)
        else:
            columns = {place(head, k): found[head][:, k] for head in range(heads) for k in range(d)}
            together = torch.stack([columns[index] for index in range(c)], dim=1)
        together = together @ p["out.weight"].T + p["out.bias"] if out else together
        images.append(together.reshape(c, height, width) if scrambled_out else torch.stack([
            together[:, channel].reshape(height, width) for channel in range(c)]))
    change = torch.stack(images)
    return change + {"x": x, "normal": normal, "nothing": 0 * x}[past]
