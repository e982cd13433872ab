"""How chapter 12's exercises are run: autoencoders and text networks travel as tables, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ddpmlib import latent_layers

from . import given
from .unet import _gradients, _loaded, _own, _twice


class SmallAutoencoder(nn.Module):
    """Cells of a few pixels each side are averaged and mixed; back, a cell (and a share of all of
    them) becomes a pattern of pixels."""

    def __init__(self, tables: dict[str, Tensor]):
        super().__init__()
        self.into, self.back = nn.Parameter(tables["into"].clone()), nn.Parameter(tables["back"].clone())
        self.pattern = tables["pattern"].clone()
        self.encoded = 0

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.encoded += 1
        cells = functional.avg_pool2d(x, len(self.pattern))
        mean = torch.einsum("zc,bchw->bzhw", self.into.to(x.dtype), cells) + 0.3
        return mean, mean / 2 - 1

    def decode(self, z: Tensor) -> Tensor:
        around = z + 0.6 * z.mean(dim=(2, 3), keepdim=True)
        colours = torch.tanh(torch.einsum("cz,bzhw->bchw", self.back.to(z.dtype), around))
        side = len(self.pattern)
        pixels = colours.repeat_interleave(side, dim=2).repeat_interleave(side, dim=3)
        return pixels + self.pattern.to(z.dtype).repeat(z.shape[2], z.shape[3])


class SmallTextNetwork(nn.Module):
    """tanh(slope[t] z + a share of the mean over all cells + what the words say); it notes what it is asked."""

    def __init__(self, tables: dict[str, Tensor]):
        super().__init__()
        self.slope, self.words = nn.Parameter(tables["slope"].clone()), nn.Parameter(tables["words"].clone())
        self.weights = tables["weights"].clone()
        self.times: list[Tensor] = []

    def forward(self, z: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        for name, value, shape in (("times", t, (len(z),)), ("tokens", tokens, (len(z), len(self.weights)))):
            if not isinstance(value, Tensor) or value.is_floating_point() or value.shape != shape:
                found = f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(f"a text network is called as net(z_t, t, tokens), here with integer {name} of shape {shape}; got {found}")
        self.times.append(t.clone())
        said = torch.einsum("k,bkc->bc", self.weights, self.words[tokens])
        inner = self.slope[t][:, None, None, None] * z + 0.7 * z.mean(dim=(2, 3), keepdim=True) + said[:, :, None, None]
        return torch.tanh(inner.to(z.dtype))


def autoencoder_loss(module, **arguments) -> list:
    """The loss, and again."""
    return _twice(lambda: module.autoencoder_loss(**arguments))


def gradients_of_autoencoder_loss(module, kl_weight: float, **inputs: Tensor) -> dict:
    """The gradients with respect to reconstruction, mean and log_var, and the loss."""
    x = inputs.pop("x")
    return _gradients(lambda **given: module.autoencoder_loss(x, kl_weight=kl_weight, **given), inputs, torch.ones((), dtype=x.dtype))


def latent_scale(module, latents: Tensor, told: bool = False) -> dict:
    """The scale, twice, and whether it has a graph for latents that have one."""
    found = _twice(lambda: module.latent_scale(latents.clone()))
    graph = module.latent_scale(latents.clone().requires_grad_() * 1)
    return {"found": found, "graph": bool(getattr(graph, "requires_grad", False))}


def to_latents(module, autoencoder: dict, x: Tensor, scale: float | Tensor) -> dict:
    """The latents, twice, and whether they have a graph."""
    made = SmallAutoencoder(autoencoder)
    found = _twice(lambda: module.to_latents(made, x, scale))
    return {"found": found, "graph": bool(getattr(found[1], "requires_grad", False))}


def from_latents(module, autoencoder: dict, z: Tensor, scale: float | Tensor) -> dict:
    """The images, twice, and whether they have a graph."""
    made = SmallAutoencoder(autoencoder)
    found = _twice(lambda: module.from_latents(made, z, scale))
    return {"found": found, "graph": bool(getattr(found[1], "requires_grad", False))}


def cross_attention(module, heads: int, state: dict, x: Tensor, context: Tensor) -> list:
    """The layer's output, and again."""
    layer = _loaded(latent_layers.CrossAttention(x.shape[1], context.shape[2], heads), state)
    return _twice(lambda: module.cross_attention(layer, x, context))


def gradients_of_cross_attention(module, heads: int, state: dict, x: Tensor, context: Tensor, probe: Tensor) -> dict:
    """The gradients with respect to images, words and every parameter."""
    layer = _loaded(latent_layers.CrossAttention(x.shape[1], context.shape[2], heads), state)
    return _gradients(lambda **given: module.cross_attention(layer, **given), {"x": x, "context": context}, probe, layer)


def drop_captions(module, tokens: Tensor, dropped: Tensor, empty: Tensor) -> dict:
    """The words that are told, and whether the given ones are still what they were."""
    before = tokens.clone()
    told = module.drop_captions(tokens, dropped, empty)
    return {"told": told, "kept": bool(torch.equal(before, tokens))}


def text_guided_model(module, network: dict, tokens: Tensor, gamma: float, empty: Tensor, z_t: Tensor, t: Tensor) -> dict:
    """What the guided model says, twice."""
    guided = module.text_guided_model(SmallTextNetwork(network), tokens, gamma, empty)
    if not callable(guided):
        return {"found": None, "kind": type(guided).__name__}
    return {"found": _twice(lambda: guided(z_t, t)), "kind": "callable"}


def text_to_image(module, autoencoder: dict, network: dict, tables: dict, **arguments) -> dict:
    """The images of captions, the times at which the network was called, and whether the images have a graph."""
    return _picture(module, "text_to_image", autoencoder, network, tables, arguments)


def image_to_image(module, autoencoder: dict, network: dict, tables: dict, **arguments) -> dict:
    """The changed images, the times at which the network was called, and whether the images have a graph."""
    return _picture(module, "image_to_image", autoencoder, network, tables, arguments)


def inpaint(module, autoencoder: dict, network: dict, tables: dict, **arguments) -> dict:
    """The painted images, the times at which the network was called, and whether the images have a graph."""
    return _picture(module, "inpaint", autoencoder, network, tables, arguments)


def clip_loss(module, **arguments) -> list:
    """The loss, and again."""
    return _twice(lambda: module.clip_loss(**arguments))


def gradients_of_clip_loss(module, **inputs: Tensor) -> dict:
    """The gradients with respect to both features and the temperature, and the loss."""
    return _gradients(module.clip_loss, inputs, torch.ones((), dtype=inputs["images"].dtype))


def _picture(module, function: str, autoencoder: dict, network: dict, tables: dict, arguments: dict) -> dict:
    made, net = SmallAutoencoder(autoencoder), SmallTextNetwork(network)
    draw = getattr(module, function)
    images = draw(made, net, given.schedule(**tables), **arguments)
    times = _own(lambda: torch.stack([t[0] for t in net.times]).unique_consecutive())
    again = draw(made, net, given.schedule(**tables), **arguments)
    return {"found": [images, again], "times": times, "graph": bool(getattr(images, "requires_grad", False))}
