"""How chapter 8's exercises are run: layers travel as their tensors and are built here."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional

from ddpmlib import layers

DTYPES = {"float16": torch.float16, "float32": torch.float32, "float64": torch.float64}


def time_embedding(module, t: Tensor, dim: int, dtype: str, **options) -> list:
    """The embedding in a dtype, and again."""
    if dtype != "float32":
        options["dtype"] = DTYPES[dtype]
    return _twice(lambda: module.time_embedding(t, dim, **options))


def group_norm(module, **arguments) -> list:
    """The normalised images, and again."""
    return _twice(lambda: module.group_norm(**arguments))


def attention(module, q: Tensor, k: Tensor, v: Tensor) -> list:
    """What is found, and again."""
    return _twice(lambda: module.attention(q, k, v))


def gradients_of_group_norm(module, probe: Tensor, groups: int, **inputs: Tensor) -> dict:
    """The gradients of the sum of probe times output with respect to all tensors."""
    return _gradients(lambda **given: module.group_norm(groups=groups, **given), inputs, probe)


def gradients_of_attention(module, probe: Tensor, **inputs: Tensor) -> dict:
    """The gradients of the sum of probe times output with respect to queries, keys and values."""
    return _gradients(module.attention, inputs, probe)


def residual_block(module, sizes: list, state: dict, x: Tensor, emb: Tensor) -> list:
    """The block's output, and again."""
    block = _loaded(layers.ResidualBlock(*sizes), state)
    return _twice(lambda: module.residual_block(block, x, emb))


def gradients_of_block(module, sizes: list, state: dict, x: Tensor, emb: Tensor, probe: Tensor) -> dict:
    """The gradients with respect to the inputs and to every parameter."""
    block = _loaded(layers.ResidualBlock(*sizes), state)
    return _gradients(lambda **given: module.residual_block(block, **given), {"x": x, "emb": emb}, probe, block)


def self_attention(module, heads: int, state: dict, x: Tensor, q: Tensor) -> dict:
    """The layer's output, twice, and what the student's own ``attention`` makes of some numbers."""
    block = _loaded(layers.SelfAttention(x.shape[1], heads), state)
    found = _twice(lambda: module.self_attention(block, x))
    return {"found": found, "own": _own(lambda: module.attention(q, q.flip(0), q.square()))}


def gradients_of_self_attention(module, heads: int, state: dict, x: Tensor, probe: Tensor) -> dict:
    """The gradients with respect to the images and to every parameter."""
    block = _loaded(layers.SelfAttention(x.shape[1], heads), state)
    return _gradients(lambda x: module.self_attention(block, x), {"x": x}, probe, block)


def condition(module, settings: dict, state: dict, t: Tensor, y: Tensor | None) -> dict:
    """What the blocks are told, twice, and the student's own embedding of the times."""
    net = _told_net(settings, state)
    given = () if y is None else (y,)
    found = _twice(lambda: module.condition(net, t, *given))
    return {"found": found, "own": _own(lambda: module.time_embedding(t, net.dim, dtype=net.dtype))}


def gradients_of_condition(module, settings: dict, state: dict, t: Tensor, y: Tensor, probe: Tensor) -> dict:
    """The gradients with respect to the parameters of ``time`` and ``label``."""
    net = _told_net(settings, state)
    return _gradients(lambda: module.condition(net, t, y), {}, probe, net, list(state))


def unet(module, net: dict, x: Tensor, emb: Tensor) -> list:
    """The network's output, and again."""
    made = _wired_net(net, x, emb)
    return _twice(lambda: module.unet(made, x, emb))


def gradients_of_unet(module, net: dict, x: Tensor, emb: Tensor, probe: Tensor) -> dict:
    """The gradients with respect to the images, to what the blocks are told, and to every parameter."""
    made = _wired_net(net, x, emb)
    names = [name for name, _ in made.named_parameters() if not name.startswith("time.")]
    return _gradients(lambda **given: module.unet(made, **given), {"x": x, "emb": emb}, probe, made, names)


class PlainLayer(nn.Module):
    """A layer for wiring: it halves or doubles the images (or neither), and then takes tanh(W x + b) in every pixel."""

    def __init__(self, weight: Tensor, bias: Tensor, scale: str = "keep"):
        super().__init__()
        self.weight, self.bias, self.scale = nn.Parameter(weight), nn.Parameter(bias), scale

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.weight.shape[1]:
            raise ValueError(f"a layer for images of {self.weight.shape[1]} channels is called with images of {x.shape[1]}")
        if self.scale == "halve":
            x = functional.avg_pool2d(x, 2)
        elif self.scale == "double":
            x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        return torch.tanh(torch.einsum("oc,bchw->bohw", self.weight, x) + self.bias[:, None, None])


class PlainBlock(nn.Module):
    """A block for wiring: tanh(W x + b + B emb) in every pixel."""

    def __init__(self, weight: Tensor, bias: Tensor, told: Tensor):
        super().__init__()
        self.weight, self.bias, self.told = nn.Parameter(weight), nn.Parameter(bias), nn.Parameter(told)

    def forward(self, x: Tensor, emb: Tensor | None = None) -> Tensor:
        if emb is None:
            raise TypeError("a block is called as block(h, emb); here emb is missing")
        if x.shape[1] != self.weight.shape[1]:
            raise ValueError(f"a block for images of {self.weight.shape[1]} channels is called with images of {x.shape[1]}; "
                             "on the way up a block gets the kept channels behind those from below")
        shift = self.bias + emb @ self.told.T
        return torch.tanh(torch.einsum("oc,bchw->bohw", self.weight, x) + shift[:, :, None, None])


def _wired_net(net: dict, x: Tensor, emb: Tensor) -> layers.UNet:
    """A U-Net of plain layers."""
    width = len(net["first.bias"])
    made = _empty_net(x.shape[1], width, None).to(x.dtype)
    made.dim = emb.shape[1]
    made.down, made.up = (nn.ModuleList(_level(level) for level in net[way]) for way in ("down", "up"))
    made.middle = nn.ModuleList(PlainBlock(**block) for block in net["middle"])
    missing = made.load_state_dict({name: value for name, value in net.items() if isinstance(value, Tensor)}, strict=False)
    if missing.unexpected_keys:
        raise ValueError(f"the network has no {missing.unexpected_keys}")
    return made


@functools.cache  # a net takes longer to make than all the rest of a case; whoever gets it puts his own tensors into it
def _empty_net(colours: int, width: int, classes: int | None) -> layers.UNet:
    return layers.UNet((colours, 2, 2), channels=[width], attention=[False], classes=classes)


def _level(level: dict) -> layers.Level:
    attention, resample = (nn.Identity() if layer is None else PlainLayer(**layer) for layer in (level["attention"], level["resample"]))
    return layers.Level(PlainBlock(**level["block"]), attention, resample)


def _told_net(settings: dict, state: dict) -> layers.UNet:
    """A U-Net of which ``time`` and ``label`` have the given parameters."""
    net = _empty_net(1, settings["width"], settings["classes"]).to(next(iter(state.values())).dtype)
    net.load_state_dict(state, strict=False)
    return net


def _loaded(layer: nn.Module, state: dict) -> nn.Module:
    layer.to(next(iter(state.values())).dtype).load_state_dict(state)
    return layer


def _twice(call) -> list:
    """Two results of a call; the first is copied, so that a second call cannot change it."""
    first = call()
    return [first.clone() if isinstance(first, Tensor) else first, call()]


def _own(call) -> object:
    try:
        return call()
    except Exception:  # the answer to an earlier exercise is not to be had
        return None


def _gradients(call, inputs: dict, probe: Tensor, layer: nn.Module | None = None, names: list | None = None) -> dict:
    """The gradients of the sum of probe times output, by name (0 where none arrives), and the output."""
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    parameters = dict(layer.named_parameters()) if layer is not None else {}
    wanted = leaves | {name: value for name, value in parameters.items() if names is None or name in names}
    out = call(**leaves)
    zeros = {name: torch.zeros_like(value) for name, value in wanted.items()}
    if not isinstance(out, Tensor) or out.shape != probe.shape:
        return {"shape": list(out.shape) if isinstance(out, Tensor) else type(out).__name__}
    output = {"output": out.detach().clone()}
    if not out.requires_grad:
        return zeros | output
    found = torch.autograd.grad((out * probe).sum(), list(wanted.values()), allow_unused=True)
    return {name: zeros[name] if gradient is None else gradient for name, gradient in zip(wanted, found)} | output
