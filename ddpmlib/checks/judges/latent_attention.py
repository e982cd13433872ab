"""The check of chapter 12's exercise on cross-attention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from ddpmlib.layer_inputs import groups_of

from ..judging import Case, Check, Draw, compare
from .precision import wrong_dtype
from .unet_oracles import attend, compare_closely, compare_gradients, gradients, normalise, random_state, twice


class CrossAttention(Check):
    """Exercise 12.3. Oracle: image by image and head by head, pixels and words as vectors, query by query."""

    number = "12.3"
    parts = {"one head": 2, "several heads": 2, "gradient": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, c: int, heads: int, size: tuple[int, int], words: int, d: int, call: str = "cross_attention",
                 kind: torch.dtype = torch.float64) -> Case:
            shapes = {"norm.weight": (c,), "norm.bias": (c,), "q.weight": (c, c), "q.bias": (c,), "kv.weight": (2 * c, d),
                      "kv.bias": (2 * c,), "out.weight": (c, c), "out.bias": (c,)}
            state = {name: value.to(kind) for name, value in random_state(draw, shapes).items()}
            arguments = {"heads": heads, "state": state, "x": draw.normal(2, c, *size).to(kind),
                         "context": draw.normal(2, words, d).to(kind)}
            if call != "cross_attention":
                arguments["probe"] = draw.normal(2, c, *size)
            return Case(part, call, arguments, f"x of shape {(2, c, *size)}, context of shape {(2, words, d)}, heads = {heads}")

        yield case("one head", 4, 1, (2, 2), 3, 5)
        yield case("one head", 8, 1, (2, 3), 4, 8)
        yield case("several heads", 8, 2, (2, 3), 3, 5)
        yield case("several heads", 16, 4, (3, 2), 5, 3)
        yield case("several heads", 6, 2, (1, 3), 1, 6)
        yield case("gradient", 4, 2, (2, 2), 3, 5, "gradients_of_cross_attention")
        yield case("dtype", 8, 2, (2, 2), 3, 5, kind=torch.float32)

    def judge(self, case: Case, result: object) -> str | None:
        heads, state, x, context = (case.arguments[name] for name in ("heads", "state", "x", "context"))
        if case.part == "gradient":
            inputs = {"x": x, "context": context} | state
            return compare_gradients(result, gradients(lambda given: output(given, heads, given["x"], given["context"]), inputs,
                                                       case.arguments["probe"]))
        first, differs = twice(result)
        if differs:
            return differs
        if case.part == "dtype":
            exact = output({name: value.double() for name, value in state.items()}, heads, x.double(), context.double())
            problem = compare(first, exact, what="the output", rtol=1e-3, atol=1e-4)
            return problem or wrong_dtype(first, torch.float32, "x", "the output")
        return compare_closely(first, output(state, heads, x, context), "the output", lambda: self._known(state, heads, x, context))

    @staticmethod
    def _known(p: Mapping[str, Tensor], heads: int, x: Tensor, context: Tensor) -> dict[str, Tensor]:
        def other(**changes) -> Tensor:
            return output(p, heads, x, context, **changes)

        c, d = x.shape[1], x.shape[1] // heads
        known = {
            "x is not added: the layer should change the images, not replace them.": other(past="nothing"),
            "The normalised images are added; x itself should be.": other(past="normal"),
            "out is missing.": other(out=False),
            "The normalisation is missing.": other(norm=False),
            "Keys and values are interchanged: kv makes keys, then values.": other(swapped=True),
            "The pixels come back mixed up with the channels: transpose to (channels, pixels) before reshaping to an image.":
                other(scrambled_out=True),
            "The channels of a pixel are mixed up with the pixels: images must be transposed to (pixels, channels) before reshaping.":
                other(scrambled_in=True),
            "The scores are divided by sqrt(d) twice: attention does it already.": other(scale=1 / d),
            "The scores are not divided by sqrt(d).": other(scale=1.0),
            "All images see the words of the first; each has its own.": output(p, heads, x, context[:1].expand_as(context)),
            "The images see each other's words.": output(p, heads, x, context.flip(0)),
            "Each pixel gets the plain mean of the words' values.": other(scale=0.0),
        }
        if heads > 1:
            known |= {
                "The heads are not separated: all channels attend together.": output(p, 1, x, context),
                "Each head is scaled by the root of all channels; it should be the root of the channels of a head.": other(scale=c**-0.5),
                "A head takes every heads-th channel; its channels should follow each other.":
                    other(entry=lambda head, k: k * heads + head),
                "A head takes every heads-th channel, and puts it back so; its channels should follow each other.":
                    other(entry=lambda head, k: k * heads + head, place=lambda head, k: k * heads + head),
                "What the heads find is put together in the wrong order: head 0's channels come first.":
                    other(place=lambda head, k: k * heads + head),
                "kv is cut into heads first, and each head into keys and values; it should be cut into keys and values first.":
                    other(by_heads=True),
                "What the heads find is mixed up with the pixels: bring the head axis beside its channels before reshaping.":
                    other(scrambled_heads=True),
            }
        return known


def output(
    p: Mapping[str, Tensor], heads: int, x: Tensor, context: Tensor, *, past: str = "x", out: bool = True, norm: bool = True,
    swapped: bool = False, scale: float | None = None, scrambled_in: bool = False, scrambled_out: bool = False,
    scrambled_heads: bool = False, by_heads: bool = False, entry: Callable[[int, int], int] | None = None,
    place: Callable[[int, int], int] | None = None,
) -> Tensor:
    """The layer's output; the options are its known variants."""
    _, c, height, width = x.shape
    d, pixels = c // heads, height * width
    entry, place = entry or (lambda head, k: head * d + k), place or (lambda head, k: head * d + k)
    normal = normalise(x, groups_of(c), p["norm.weight"], p["norm.bias"]) if norm else x
    images = []
    for image, words in zip(normal, context):
        rows = image.reshape(pixels, c) if scrambled_in else torch.stack([image[:, i, j] for i in range(height) for j in range(width)])
        q, kv = rows @ p["q.weight"].T + p["q.bias"], words @ p["kv.weight"].T + p["kv.bias"]
        found = []
        for head in range(heads):
            of_keys = [2 * head * d + k if by_heads else entry(head, k) for k in range(d)]
            of_values = [2 * head * d + d + k if by_heads else c + entry(head, k) for k in range(d)]
            keys, values = (of_values, of_keys) if swapped else (of_keys, of_values)
            found.append(attend(q[:, [entry(head, k) for k in range(d)]], kv[:, keys], kv[:, values], scale=scale))
        if scrambled_heads:
            together = torch.stack(found).reshape(pixels, c)
        else:
            columns = {place(head, k): found[head][:, k] for head in range(heads) for k in range(d)}
            together = torch.stack([columns[index] for index in range(c)], dim=1)
        together = together @ p["out.weight"].T + p["out.bias"] if out else together
        images.append(together.reshape(c, height, width) if scrambled_out else
                      torch.stack([together[:, channel].reshape(height, width) for channel in range(c)]))
    return torch.stack(images) + {"x": x, "normal": normal, "nothing": 0 * x}[past]
