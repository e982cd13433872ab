"""The check of chapter 8's exercise on the U-Net's wiring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from ddpmlib.layer_inputs import groups_of

from ..judging import Case, Check, Draw
from .unet_oracles import compare_closely, compare_gradients, convolve, gradients, normalise, silu, twice

Net = Mapping[str, object]


class Wiring(Check):
    """Exercise 8.8. Oracle: a recursion, in which a level wraps all that lies below it. The layers are plain ones, given."""

    number = "8.8"
    parts = {"one level": 1, "equal sizes": 2, "three resolutions": 3, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, widths: list[int], size: tuple[int, int], *, halve: bool = True, attends: bool = True, middle: int = 1,
                 call: str = "unet", says: str = "") -> Case:
            dim, colours, batch = 4 * widths[0], 2, 2
            net = random_net(draw, widths, colours, dim, halve=halve, attends=attends, middle=middle)
            arguments = {"net": net, "x": draw.normal(batch, colours, *size), "emb": draw.normal(batch, dim)}
            if call != "unet":
                arguments["probe"] = draw.normal(batch, colours, *size)
            return Case(part, call, arguments, f"levels of {widths} channels, x of shape {(batch, colours, *size)}{says}")

        yield case("one level", [2], (2, 3))
        yield case("equal sizes", [4, 4, 4], (4, 4), halve=False, says=", resample layers that keep the size")
        yield case("equal sizes", [2, 2], (2, 4), halve=False, middle=2, says=", resample layers that keep the size, two middle blocks")
        yield case("three resolutions", [2, 3, 4], (4, 8))
        yield case("three resolutions", [4, 2], (2, 2), attends=False, says=", no attention")
        yield case("gradient", [2, 3], (2, 4), call="gradients_of_unet")

    def judge(self, case: Case, result: object) -> str | None:
        net, x, emb = (case.arguments[name] for name in ("net", "x", "emb"))
        if case.part == "gradient":
            flat = {"x": x, "emb": emb} | flatten(net)
            expected = gradients(lambda given: net_output(unflatten(net, given), given["x"], given["emb"]), flat, case.arguments["probe"])
            return compare_gradients(result, expected)
        first, differs = twice(result)
        return differs or compare_closely(first, net_output(net, x, emb), "the output", lambda: self._known(net, x, emb))

    @staticmethod
    def _known(net: Net, x: Tensor, emb: Tensor) -> dict[str, Tensor]:
        def other(**changes) -> Tensor:
            return net_output(net, x, emb, **changes)

        equal = all(level["resample"] is None or level["resample"]["scale"] == "keep" for level in net["down"])
        same = equal and len({level["block"]["weight"].shape[0] for level in net["down"]}) == 1
        nothing = torch.zeros_like(emb)
        known = {
            "The last normalisation is missing.": other(norm=False),
            "The silu before net.last is missing.": other(act=None),
            "Normalisation and silu before net.last are missing.": other(norm=False, act=None),
            "silu comes before the last normalisation; it should come after it.": other(swap=True),
            "silu is taken after net.last; it should be taken before it.": silu(other(act=None)),
            "This takes relu in the place of silu before net.last.": other(act=torch.relu),
            "The output goes through tanh at the end; noise is not bounded.": torch.tanh(other()),
            "The input is added to the output; the network's output is the noise itself.": x + other(),
            "The output is subtracted from the input; the network's output is the noise itself.": x - other(),
            "The kept images are put before those from below; they should be put behind.": other(behind=False),
            "The skip connections are missing: each block on the way up gets twice what comes from below.": other(kept="below"),
            "Nothing is kept: zeros stand in the place of the kept images.": other(kept="zero"),
            "The middle is left out.": other(middle=0),
            "Only one block of the middle is used.": other(middle=1),
            "The attention of all levels is skipped.": other(attend=()),
            "The attention on the way down is skipped.": other(attend=("up",)),
            "The attention on the way up is skipped.": other(attend=("down",)),
            "Images are kept before the attention; they should be kept after it.": other(kept="block"),
            "On the way up attention comes before the block; it should come after it.": other(early=("up",)),
            "On the way down attention comes before the block; it should come after it.": other(early=("down",)),
            "On both ways attention comes before the block; it should come after it.": other(early=("down", "up")),
            "The blocks on the way down are told nothing: emb is not passed on.": other(told={"down": nothing}),
            "The blocks on the way up are told nothing: emb is not passed on.": other(told={"up": nothing}),
            "The middle is told nothing: emb is not passed on.": other(told={"middle": nothing}),
            "No block is told anything: emb is not passed on.": other(told={"down": nothing, "middle": nothing, "up": nothing}),
            "silu is taken of emb; a block does this itself.": net_output(net, x, silu(emb)),
        }
        if same:
            known |= {
                "The kept images are used in the wrong order: the last one kept is the first one used.": other(order="queue"),
                "Images are kept after resampling; they should be kept before it, at the level's own resolution.": other(kept="resampled"),
                "Images are kept before the block of their level; they should be kept after block and attention.": other(kept="input"),
                "On the way up resampling comes after the block; it should come first.": other(late=True),
                "Every level up gets the images kept at the lowest level; each has its own.": other(order="last"),
                "Every level up gets the images kept at the highest level; each has its own.": other(order="first"),
                "The levels of the way up are taken from the top; they go from the lowest resolution to the full one.":
                    other(upside_down=True),
            }
        return {words: value for words, value in known.items() if value is not None}


def layer(values: Mapping[str, Tensor] | None, h: Tensor, emb: Tensor | None = None) -> Tensor | None:
    """A plain layer or block: halve or double, then a matrix in every pixel, and tanh."""
    if values is None:
        return h
    batch, channels, height, width = h.shape
    if values.get("scale") == "halve":
        h = h.reshape(batch, channels, height // 2, 2, width // 2, 2).mean((3, 5))
    elif values.get("scale") == "double":
        h = h[..., None, :, None].expand(batch, channels, height, 2, width, 2).reshape(batch, channels, 2 * height, 2 * width)
    shift = values["bias"][None]
    if emb is not None:
        shift = shift + emb @ values["told"].T
    angles = torch.tensordot(h, values["weight"], dims=([1], [1])).movedim(-1, 1) + shift[:, :, None, None]
    return 1 - 2 / (torch.exp(2 * angles) + 1)


def net_output(
    net: Net, x: Tensor, emb: Tensor, *, norm: bool = True, act=silu, swap: bool = False, behind: bool = True,
    kept: str = "attended", middle: int | None = None, attend=("down", "up"), early=(), told: Mapping[str, Tensor] | None = None, order: str = "stack",
    late: bool = False, upside_down: bool = False,
) -> Tensor:
    """The network's output by recursion over the levels; the options are its known variants."""
    said = {"down": emb, "middle": emb, "up": emb} | dict(told or {})
    levels, kept_images = len(net["down"]), {}

    def attended(level: Mapping, h: Tensor, way: str) -> Tensor:
        return layer(level["attention"], h) if way in attend else h

    def from_below(i: int, h: Tensor) -> Tensor:
        """What comes up to level i, given what goes down to it."""
        if i == levels:
            for block in net["middle"][:middle]:
                h = layer(block, h, said["middle"])
            return h
        down, up = net["down"][i], net["up"][i if upside_down else levels - 1 - i]
        made = layer(down["block"], h, said["down"])
        after = attended(down, made, "down")
        if "down" in early:
            after = layer(down["block"], attended(down, h, "down"), said["down"])
        below = layer(down["resample"], after)
        kept_images[i] = {"attended": after, "block": made, "input": h, "resampled": below, "zero": 0 * after, "below": None}[kept]
        back = from_below(i + 1, below)
        if not late:
            back = layer(up["resample"], back)
        source = {"stack": i, "queue": levels - 1 - i, "last": levels - 1, "first": 0}[order]
        skip = back if kept == "below" else kept_images[source]
        if "up" in early:
            back = attended(up, back, "up")
        back = layer(up["block"], torch.cat([back, skip] if behind else [skip, back], dim=1), said["up"])
        if "up" not in early:
            back = attended(up, back, "up")
        return layer(up["resample"], back) if late else back

    h = from_below(0, convolve(x, net["first.weight"], net["first.bias"]))
    groups = groups_of(h.shape[1])
    if swap:
        h = normalise(silu(h), groups, net["norm.weight"], net["norm.bias"])
    else:
        h = normalise(h, groups, net["norm.weight"], net["norm.bias"]) if norm else h
        h = act(h) if act else h
    return convolve(h, net["last.weight"], net["last.bias"])


def random_net(draw: Draw, widths: list[int], colours: int, dim: int, *, halve: bool, attends: bool, middle: int) -> dict[str, object]:
    """The tensors of a U-Net of plain layers."""
    def plain(c_in: int, c_out: int, scale: str = "keep") -> dict[str, object]:
        return {"weight": draw.normal(c_out, c_in) * (1.5 / c_in**0.5), "bias": 0.5 * draw.normal(c_out), "scale": scale}

    def block(c_in: int, c_out: int) -> dict[str, object]:
        return {"weight": draw.normal(c_out, c_in) * (1.5 / c_in**0.5), "bias": 0.5 * draw.normal(c_out),
                "told": draw.normal(c_out, dim) * (1.0 / dim**0.5)}

    top = widths[0]
    net: dict[str, object] = {
        "first.weight": draw.normal(top, colours, 3, 3) * 0.4, "first.bias": draw.normal(top),
        "norm.weight": 1 + 0.5 * draw.normal(top), "norm.bias": 0.5 * draw.normal(top),
        "last.weight": draw.normal(colours, top, 3, 3) * 0.4, "last.bias": draw.normal(colours), "down": [], "up": [],
    }
    for i, width in enumerate(widths):
        deeper = widths[i + 1] if i + 1 < len(widths) else None
        down, up = ((None, None) if deeper is None else
                    (plain(width, deeper, "halve" if halve else "keep"), plain(deeper, width, "double" if halve else "keep")))
        attentions = [plain(width, width) if attends else None for _ in range(2)]
        net["down"].append({"block": block(width, width), "attention": attentions[0], "resample": down})
        net["up"].insert(0, {"block": block(2 * width, width), "attention": attentions[1], "resample": up})
    net["middle"] = [block(widths[-1], widths[-1]) for _ in range(middle)]
    return net


def flatten(net: Net) -> dict[str, Tensor]:
    """All parameters with the names that PyTorch gives them."""
    flat = {name: value for name, value in net.items() if isinstance(value, Tensor)}
    for way in ("down", "up"):
        for i, level in enumerate(net[way]):
            for part, values in level.items():
                flat |= {f"{way}.{i}.{part}.{name}": value for name, value in (values or {}).items() if isinstance(value, Tensor)}
    for i, values in enumerate(net["middle"]):
        flat |= {f"middle.{i}.{name}": value for name, value in values.items()}
    return flat


def unflatten(net: Net, flat: Mapping[str, Tensor]) -> dict[str, object]:
    """The network with these tensors in the place of its own."""
    def taken(prefix: str, values: Mapping | None) -> dict | None:
        return values and {name: flat.get(f"{prefix}.{name}", value) for name, value in values.items()}

    made = {name: flat.get(name, value) for name, value in net.items()}
    for way in ("down", "up"):
        made[way] = [{part: taken(f"{way}.{i}.{part}", values) for part, values in level.items()} for i, level in enumerate(net[way])]
    made["middle"] = [taken(f"middle.{i}", values) for i, values in enumerate(net["middle"])]
    return made
