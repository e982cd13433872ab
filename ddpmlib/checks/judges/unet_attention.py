"""Checks of chapter 8's exercises on attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from ddpmlib.layer_inputs import groups_of

from ..judging import Case, Check, Draw, compare
from .precision import wrong_dtype
from .unet_oracles import attend, compare_closely, compare_gradients, gradients, normalise, random_state, twice


def in_all(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention for each entry of the leading axes by itself."""
    if q.ndim == 2:
        return attend(q, k, v)
    return torch.stack([in_all(*parts) for parts in zip(q, k, v)])


class Attention(Check):
    """Exercise 8.5. Oracle: query by query."""

    number = "8.5"
    parts = {"one computation": 2, "more axes": 1, "other numbers": 1, "large scores": 1, "dtype": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, lead: tuple[int, ...], n: int, m: int, d: int, e: int, size: float = 1.0, call: str = "attention",
                 dtype: torch.dtype = torch.float64) -> Case:
            arguments = {"q": size * draw.normal(*lead, n, d), "k": size * draw.normal(*lead, m, d), "v": draw.normal(*lead, m, e)}
            if call != "attention":
                arguments["probe"] = draw.normal(*lead, n, e)
            shapes = ", ".join(f"{name} of shape {tuple(arguments[name].shape)}" for name in "qkv")
            arguments = {name: value.to(dtype) for name, value in arguments.items()}
            return Case(part, call, arguments, shapes + (", float32" if dtype == torch.float32 else ""))

        yield case("one computation", (), 4, 4, 4, 4)
        yield case("one computation", (), 3, 3, 5, 5)
        yield case("more axes", (2,), 3, 3, 4, 4)
        yield case("more axes", (2, 3), 2, 4, 3, 5)
        yield case("other numbers", (), 2, 5, 3, 4)
        yield case("other numbers", (2,), 5, 1, 2, 3)
        yield case("large scores", (), 3, 4, 4, 2, size=60.0)
        yield case("dtype", (2,), 2, 4, 3, 3, dtype=torch.float32)
        yield case("gradient", (2,), 3, 4, 3, 2, call="gradients_of_attention")

    def judge(self, case: Case, result: object) -> str | None:
        inputs = {name: case.arguments[name] for name in "qkv"}
        if case.part == "gradient":
            return compare_gradients(result, gradients(lambda given: in_all(**given), inputs, case.arguments["probe"]))
        first, differs = twice(result)
        if differs:
            return differs
        if case.part == "large scores" and isinstance(first, Tensor) and not first.isfinite().all():
            return ("the result is not finite. The exponential of a large score overflows; but a softmax does not change if the same "
                    "number is taken from all scores of a query, for instance the largest one")
        if case.part == "dtype":
            exact = in_all(**{name: value.double() for name, value in inputs.items()})
            problem = compare(first, exact, what="the result", rtol=1e-4, atol=1e-5)
            return problem or wrong_dtype(first, torch.float32, "what comes in", "the result")
        if case.part == "large scores":  # of weights that are 0 or 1 many mistakes make the same
            return compare_closely(first, in_all(**inputs), "the result")
        return compare_closely(first, in_all(**inputs), "the result", lambda: self._known(**inputs))

    @staticmethod
    def _known(q: Tensor, k: Tensor, v: Tensor) -> dict[str, Tensor]:
        (n, d), (m, e) = q.shape[-2:], v.shape[-2:]
        scores = q @ k.mT

        def weighted(scale: float = d**-0.5, axis: int = -1) -> Tensor:
            return torch.softmax(scale * scores, dim=axis) @ v

        cosines = torch.nn.functional.normalize(q, dim=-1) @ torch.nn.functional.normalize(k, dim=-1).mT
        whole = scores.flatten(-2) * d**-0.5
        known = {
            "The scores are not divided by sqrt(d).": weighted(1.0),
            "The scores are divided by d; it should be its root.": weighted(1 / d),
            "The scores are multiplied by sqrt(d); they should be divided by it.": weighted(math.sqrt(d)),
            f"The scores are divided by the root of the number of {'queries or keys' if n == m else 'keys'}; it should be the root of d, "
            "the length of a query.": weighted(m**-0.5),
            "The scores are divided by the root of the number of queries; it should be the root of d, the length of a query.":
                weighted(n**-0.5),
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
            "The scores have the wrong sign: keys that fit best get the smallest weights.": weighted(-(d**-0.5)),
            "Queries and keys are brought to length 1 first; the scores are plain inner products over sqrt(d).":
                torch.softmax(cosines * d**-0.5, -1) @ v,
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
            **{f"The order of the thirds of qkv is another one{said}: it makes queries, then keys, then values.": other(order=order)
               for said, order in {"": (2, 1, 0), " (the values come first)": (1, 2, 0), " (the queries come last)": (2, 0, 1)}.items()},
            "The channels of a pixel are mixed up with the pixels: images must be transposed to (pixels, channels) before reshaping.":
                other(scrambled_in=True),
            "The pixels come back mixed up with the channels: transpose to (channels, pixels) before reshaping to an image.":
                other(scrambled_out=True),
            "The heads attend to each other, in each pixel by itself; in each head the pixels should attend to each other.":
                other(among="heads"),
            "Here channels attend to channels; pixels should attend to pixels.": other(among="channels"),
            "All images of the batch attend together; each should attend to itself only.": other(among="images"),
            "The pixels come back in another order: rows and columns of the image are interchanged on one of the two ways.":
                other(turned="in"),
            "The pixels come back in another order: rows and columns of the image are interchanged on the way back.": other(turned="out"),
            "The scores are divided by sqrt(d) twice: attention does it already.": other(scale=1 / d),
            "qkv is cut into heads, their channels, and three; it should be cut into three first.":
                other(entry=lambda part, head, k: head * 3 * d + k * 3 + part),
        }
        if heads != 4 and c % 4 == 0:
            known["This is for 4 heads, whatever block.heads is."] = layer_output(p, 4, x)
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
            known["Pixels and channels are interchanged: images are reshaped to (pixels, channels) and back, but never transposed."] = other(
                scrambled_in=True, scrambled_out=True)
        return known


def layer_output(
    p: Mapping[str, Tensor], heads: int, x: Tensor, *, order=(0, 1, 2), past: str = "x", out: bool = True, norm: bool = True,
    scale: float | None = None, entry: Callable[[int, int, int], int] | None = None, place: Callable[[int, int], int] | None = None,
    scrambled_in: bool = False, scrambled_out: bool = False, scrambled_heads: bool = False, among: str = "pixels", turned: str = "",
) -> Tensor:
    """The layer's output; the options are its known variants."""
    batch, c, height, width = x.shape
    pixels, d = height * width, c // heads
    entry = entry or (lambda part, head, k: part * c + head * d + k)
    place = place or (lambda head, k: head * d + k)
    normal = normalise(x, groups_of(c), p["norm.weight"], p["norm.bias"]) if norm else x
    images, all_made = [], []
    for image in normal:
        places = [(i, j) for i in range(height) for j in range(width)]
        places = sorted(places, key=lambda place: place[::-1]) if turned == "in" else places
        rows = image.reshape(pixels, c) if scrambled_in else torch.stack([image[:, i, j] for i, j in places])
        all_made.append(rows @ p["qkv.weight"].T + p["qkv.bias"])
    for made in all_made:
        found, split = [], []
        for head in range(heads):
            def part_of(made: Tensor, part: int, head: int = head) -> Tensor:
                return torch.stack([made[:, entry(part, head, k)] for k in range(d)], dim=1)

            sources = [made, *[torch.cat(all_made) if among == "images" else made] * 2]
            split.append([part_of(source, part) for source, part in zip(sources, order)])
            if among == "channels":
                found.append(attend(*(part.T for part in split[-1])).T)
            else:
                found.append(attend(*split[-1], scale=scale))
        if among == "heads":
            inside = [attend(*(torch.stack([parts[i][pixel] for parts in split]) for i in range(3))) for pixel in range(pixels)]
            found = list(torch.stack(inside, dim=1))
        if scrambled_heads:
            together = torch.stack(found).reshape(pixels, c)
        else:
            columns = {place(head, k): found[head][:, k] for head in range(heads) for k in range(d)}
            together = torch.stack([columns[index] for index in range(c)], dim=1)
        together = together @ p["out.weight"].T + p["out.bias"] if out else together
        images.append(together.reshape(c, height, width) if scrambled_out else torch.stack([
            together[:, channel].reshape(width, height).T if turned == "out" else together[:, channel].reshape(height, width)
            for channel in range(c)]))
    change = torch.stack(images)
    return change + {"x": x, "normal": normal, "nothing": 0 * x}[past]
