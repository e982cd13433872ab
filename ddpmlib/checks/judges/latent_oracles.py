"""What the checks of chapter 12 compare with: a small autoencoder and a small text network once more, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..judging import Draw, compare
from .ddpm_oracles import F64, Setting
from .precision import wrong_dtype
from .unet_oracles import compare_closely, twice

COLOURS, CHANNELS, SIDE, WORDS, VOCABULARY = 3, 2, 2, 3, 7
GRAPH = "the result carries a graph of the networks' parameters: it should be computed under torch.no_grad()"


def random_autoencoder(draw: Draw) -> dict[str, Tensor]:
    return {"into": draw.normal(CHANNELS, COLOURS), "back": draw.normal(COLOURS, CHANNELS), "pattern": draw.uniform(-0.5, 0.5, SIDE, SIDE)}


def random_network(draw: Draw, entries: int) -> dict[str, Tensor]:
    return {"slope": draw.uniform(0.3, 0.8, entries), "words": draw.normal(VOCABULARY, CHANNELS),
            "weights": torch.tensor([0.5, -0.8, 1.1], dtype=F64)}


def random_tokens(draw: Draw, batch: int) -> Tensor:
    """Captions without the word 0, no two alike."""
    picks = torch.randperm((VOCABULARY - 1) ** WORDS, generator=draw.generator)[:batch]
    return torch.stack([picks // (VOCABULARY - 1) ** k % (VOCABULARY - 1) + 1 for k in range(WORDS)], dim=1)


def random_empty(draw: Draw) -> Tensor:
    """An empty caption, which need not be zeros."""
    return torch.tensor([0, draw.integer(0, 2), 0])


def encoded(tables: dict[str, Tensor], x: Tensor) -> Tensor:
    """The mean of the latents, cell by cell."""
    batch, _, height, width = x.shape
    z = torch.zeros(batch, CHANNELS, height // SIDE, width // SIDE, dtype=F64)
    for i in range(z.shape[2]):
        for j in range(z.shape[3]):
            cell = x[:, :, i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE].sum(dim=(2, 3)) / SIDE**2
            z[:, :, i, j] = cell @ tables["into"].T + 0.3
    return z


def decoded(tables: dict[str, Tensor], z: Tensor) -> Tensor:
    """The image of latents, pixel by pixel."""
    batch, _, height, width = z.shape
    z = z + 0.6 * z.flatten(2).sum(dim=2)[:, :, None, None] / (height * width)
    x = torch.zeros(batch, COLOURS, height * SIDE, width * SIDE, dtype=F64)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            x[:, :, i, j] = torch.tanh(z[:, :, i // SIDE, j // SIDE] @ tables["back"].T) + tables["pattern"][i % SIDE, j % SIDE]
    return x


def answered(network: dict[str, Tensor], z: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
    """What the text network says, row by row."""
    rows = []
    for row, time, words in zip(z, t.tolist(), tokens.tolist()):
        said = sum(weight * network["words"][word] for weight, word in zip(network["weights"], words))
        mean = row.flatten(1).sum(dim=1) / row[0].numel()
        rows.append(torch.tanh(network["slope"][time] * row + (0.7 * mean + said)[:, None, None]))
    return torch.stack(rows)


def guided(network: dict[str, Tensor], z: Tensor, t: Tensor, tokens: Tensor, empty: Tensor, gamma: float) -> Tensor:
    """The guided noise, as a weighted mean of the two answers."""
    nothing = empty[None].repeat(len(tokens), 1)
    return gamma * answered(network, z, t, tokens) + (1 - gamma) * answered(network, z, t, nothing)


def noised(setting: Setting, z: Tensor, t: int, noise: Tensor) -> Tensor:
    """Latents at time t."""
    mean, deviation = setting.moments[t]
    return mean * z + deviation * noise


def stepped(setting: Setting, z: Tensor, eps: Tensor, t: int, s: int) -> Tensor:
    """The deterministic step from t to s: the datum that eps implies, and the same noise at time s."""
    mean, deviation = setting.moments[t]
    return noised(setting, (z - deviation * eps) / mean, s, eps)


def some_times(draw: Draw, T: int, count: int) -> list[int]:
    """``count`` times that fall, the last of them 1."""
    picks = torch.randperm(T - 1, generator=draw.generator)[: count - 1] + 2
    return [*sorted(picks.tolist(), reverse=True), 1]


def compare_pictures(result: dict, expected: Tensor, known, times: Sequence[int], kind: torch.dtype) -> str | None:
    """Compare images that were drawn in a walk; ``known`` makes the pictures of misconceptions."""
    first, differs = twice(result["found"])
    if differs:
        return differs
    if kind == torch.float32:
        problem = compare(first, expected, what="the images", rtol=1e-3, atol=1e-4)
        return problem or wrong_dtype(first, kind, "what comes in", "the images")
    problem = compare_closely(first, expected, "the images", known)
    called = result["times"]
    if problem and "\n" not in problem and isinstance(called, Tensor) and called.tolist() != list(times):
        problem += f"\nThe network is asked at the times {called.tolist()}; it should be at {list(times)}."
    return problem or (GRAPH if result["graph"] else None)
