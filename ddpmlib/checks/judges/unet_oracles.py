"""What the checks of chapter 8 compare with: the layers once more, by other roads and in float64."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..judging import Draw, compare
from .precision import compare_lazily

F64 = torch.float64
SINGLE = ("The values are right to single precision only: something on the way is float32 (keep the dtype that comes in), or a small "
          "number is added where none belongs.")
PARTLY = "The output is right, so look for something that is detached on the way, or computed under torch.no_grad()."
TWICE = ("two calls with the same arguments give two results; does your code change an argument in place (with +=, say), or draw "
         "random numbers?")
Known = Callable[[], Mapping[str, Tensor]]
KnownGradients = Callable[[], Mapping[str, Mapping[str, Tensor]]]


def embedding_rows(t: Tensor, dim: int, max_period: float) -> Tensor:
    """Cosines, then sines: a step of the time turns the pair number i by its frequency, and t steps are a power."""
    half = dim // 2
    turns = [cmath.exp(1j * max_period ** (-i / half)) for i in range(half)]
    pairs = [[turn**time for turn in turns] for time in t.tolist()]
    return torch.tensor([[pair.real for pair in row] + [pair.imag for pair in row] for row in pairs], dtype=F64)


def silu(x: Tensor) -> Tensor:
    return x / (1 + torch.exp(-x))


def normalise(x: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Group normalisation, group by group; a variance is half of the mean squared difference of all pairs."""
    per, images = x.shape[1] // groups, []
    for image in x:
        parts = []
        for first in range(0, x.shape[1], per):
            part = image[first : first + per]
            values = part.flatten()
            variance = (values[:, None] - values).square().sum() / (2 * len(values) ** 2)
            parts.append((part - values.sum() / len(values)) / torch.exp(0.5 * torch.log(variance + eps)))
        images.append(torch.cat(parts))
    result = torch.stack(images)
    return result if weight is None else _along(weight, x) * result + _along(bias, x)


def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A convolution of the same size: the sum of shifted copies of the image, each times a matrix of channels."""
    size, (height, width) = weight.shape[-1], x.shape[-2:]
    padded = torch.nn.functional.pad(x, [size // 2] * 4)
    shifted = [torch.einsum("oc,bchw->bohw", weight[:, :, i, j], padded[:, :, i : i + height, j : j + width])
               for i in range(size) for j in range(size)]
    return sum(shifted) + _along(bias, x)


def attend(q: Tensor, k: Tensor, v: Tensor, scale: float | None = None) -> Tensor:
    """Attention of (n, d), (m, d), (m, e), query by query; weight j is 1 over the sum of exp(score_l - score_j) over l."""
    rows = []
    for query in q:
        scores = (query * k).sum(dim=1) * (q.shape[-1] ** -0.5 if scale is None else scale)
        weights = 1 / torch.exp(scores - scores[:, None]).sum(dim=1)
        rows.append((weights[:, None] * v).sum(dim=0))
    return torch.stack(rows)


def _along(values: Tensor, x: Tensor) -> Tensor:
    """A number for each channel, shaped so that it multiplies images."""
    return values.reshape(1, -1, *[1] * (x.ndim - 2))


def random_state(draw: Draw, shapes: Mapping[str, tuple[int, ...]], size: float = 0.5) -> dict[str, Tensor]:
    """Random parameters of these shapes; those of a normalisation are near 1."""
    return {name: size * draw.normal(*shape) + (1.0 if name.startswith("norm") and name.endswith("weight") else 0.0)
            for name, shape in shapes.items()}


def compare_closely(result: object, expected: Tensor, what: str, known: Known | None = None) -> str | None:
    """Compare to 9 digits, those of small entries counted from the largest."""
    size = float(expected.abs().max()) or 1.0
    problem = compare_lazily(result, expected, what=what, known=known, rtol=1e-9, atol=1e-10 * size)
    if problem is None or "\n" in problem:
        return problem
    if compare(result, expected, rtol=1e-4, atol=1e-4 * size) is None:
        return f"{problem}\n{SINGLE}"
    return problem


def twice(result: object) -> tuple[object, str | None]:
    """The first of two results, and a sentence if they differ."""
    if not isinstance(result, list) or len(result) != 2:
        return result, None
    first, again = result
    if isinstance(first, Tensor) and isinstance(again, Tensor) and not _same(first, again):
        return first, TWICE
    return first, None


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-12, atol=1e-12, equal_nan=True)


def gradients(function: Callable[..., Tensor], inputs: Mapping[str, Tensor], probe: Tensor) -> dict[str, Tensor]:
    """The gradients of the sum of probe times function, and as "output" what the function gives."""
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    output = function(leaves)
    found = torch.autograd.grad((output * probe).sum(), list(leaves.values()))
    return dict(zip(leaves, found)) | {"output": output.detach()}


def compare_gradients(result: object, expected: Mapping[str, Tensor], known: KnownGradients | None = None) -> str | None:
    """Compare gradients by name; one that is missing altogether is told as that. ``known`` holds all gradients of misconceptions."""
    if not isinstance(result, dict) or result.keys() != expected.keys():
        return "there is no output to take gradients of, or it has the wrong shape"
    right = compare_closely(result["output"], expected["output"], "the output") is None
    expected = {name: gradient for name, gradient in expected.items() if name != "output"}
    for name, gradient in expected.items():
        if isinstance(result[name], Tensor) and not result[name].any() and gradient.abs().max() > 1e-12:
            return (f"no gradient reaches {name}: nothing may be detached, taken as .data, made a number with .item(), or computed "
                    "under torch.no_grad()")
    for name, gradient in expected.items():
        values = None if known is None else lambda name=name: {words: of[name] for words, of in known().items()}
        problem = compare_closely(result[name], gradient, f"the gradient with respect to {name}", values)
        if problem is not None:
            return f"{problem}\n{PARTLY}" if right and "\n" not in problem else problem
    return None
