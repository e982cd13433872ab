"""Wrong answers to exercise 8.8: the U-Net's wiring."""

from __future__ import annotations

import torch
from answers import mutant
from torch.nn.functional import silu

ONE, EQUAL, THREE = ("one level",), ("equal sizes",), ("three resolutions",)


def wired(net, x, emb, *, take=lambda kept, h: kept.pop(), keep="attended", join=lambda h, skip: [h, skip],
          attend=("down", "up"), told=None, middle=None, late=False, early=False, early_down=False, end=lambda net, h: net.last(silu(net.norm(h)))):
    """The network, in which single pieces can be replaced."""
    said = {"down": emb, "middle": emb, "up": emb} | (told or {})
    h, kept = net.first(x), []
    for level in net.down:
        before = h
        made = level.block(level.attention(h) if early_down else h, said["down"])
        h = level.attention(made) if "down" in attend and not early_down else made
        after = level.resample(h)
        kept.append({"attended": h, "block": made, "input": before, "resampled": after}[keep])
        h = after
    for block in list(net.middle)[:middle]:
        h = block(h, said["middle"])
    for level in net.up:
        h = h if late else level.resample(h)
        skip = take(kept, h)
        h = level.attention(h) if early else h
        h = level.block(torch.cat(join(h, skip), dim=1), said["up"])
        h = h if early or "up" not in attend else level.attention(h)
        h = level.resample(h) if late else h
    return end(net, h)


@mutant("8.8", "skips in the wrong order", says="The kept images are used in the wrong order", keeps=ONE)
def unet(net, x, emb):
    return wired(net, x, emb, take=lambda kept, h: kept.pop(0))


@mutant("8.8", "one skip for all", says="Every level up gets the images kept at the lowest level", keeps=ONE)
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, take=lambda kept, h: kept[-1])


@mutant("8.8", "skip missing", says="the kept channels behind those from below")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, join=lambda h, skip: [h])


@mutant("8.8", "from below twice", says="gets twice what comes from below")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, join=lambda h, skip: [h, h])


@mutant("8.8", "zeros for skips", says="zeros stand in the place of the kept images")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, join=lambda h, skip: [h, 0 * skip])


@mutant("8.8", "skips in front", says="they should be put behind")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, join=lambda h, skip: [skip, h])


@mutant("8.8", "kept before attention", says="Images are kept before the attention")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, keep="block")


@mutant("8.8", "kept after resampling", says="Images are kept after resampling", keeps=ONE)
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, keep="resampled")


@mutant("8.8", "kept before the block", says="Images are kept before the block of their level")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, keep="input")


@mutant("8.8", "emb not passed", says="here emb is missing")
def unet(net, x, emb):  # noqa: F811
    h = net.first(x)
    for level in net.down:
        h = level.resample(level.attention(level.block(h)))
    return net.last(h)


@mutant("8.8", "zeros for emb", says="No block is told anything")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, 0 * emb)


@mutant("8.8", "middle told nothing", says="The middle is told nothing")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, told={"middle": 0 * emb})


@mutant("8.8", "way up told nothing", says="The blocks on the way up are told nothing")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, told={"up": 0 * emb})


@mutant("8.8", "silu of emb", says="a block does this itself")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, silu(emb))


@mutant("8.8", "no attention", says="The attention of all levels is skipped")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, attend=())


@mutant("8.8", "no attention on the way up", says="The attention on the way up is skipped")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, attend=("down",))


@mutant("8.8", "attention before the block", says="On the way up attention comes before the block")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, early=True)


@mutant("8.8", "attention before the block going down", says="On the way down attention comes before the block")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, early_down=True)


@mutant("8.8", "silu last of all", says="silu is taken after net.last")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, end=lambda net, h: silu(net.last(net.norm(h))))


@mutant("8.8", "relu at the end", says="relu in the place of silu before net.last")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, end=lambda net, h: net.last(torch.relu(net.norm(h))))


@mutant("8.8", "bounded", says="noise is not bounded")
def unet(net, x, emb):  # noqa: F811
    return torch.tanh(wired(net, x, emb))


@mutant("8.8", "subtracted", says="The output is subtracted from the input")
def unet(net, x, emb):  # noqa: F811
    return x - wired(net, x, emb)


@mutant("8.8", "resampling last", says="On the way up resampling comes after the block", keeps=ONE)
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, late=True)


@mutant("8.8", "no middle", says="The middle is left out")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, middle=0)


@mutant("8.8", "one middle block", says="Only one block of the middle is used", keeps=(*ONE, *THREE))
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, middle=1)


@mutant("8.8", "no last norm", says="The last normalisation is missing")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, end=lambda net, h: net.last(silu(h)))


@mutant("8.8", "no last silu", says="The silu before net.last is missing")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, end=lambda net, h: net.last(net.norm(h)))


@mutant("8.8", "no last norm and silu", says="Normalisation and silu before net.last are missing")
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, end=lambda net, h: net.last(h))


@mutant("8.8", "input added", says="the network's output is the noise itself")
def unet(net, x, emb):  # noqa: F811
    return x + wired(net, x, emb)


@mutant("8.8", "in place", says="two calls with the same arguments give two results")
def unet(net, x, emb):  # noqa: F811
    x *= 0.5
    return wired(net, x, emb)


@mutant("8.8", "no gradient", says="no gradient reaches", keeps=(*ONE, *EQUAL, *THREE))
def unet(net, x, emb):  # noqa: F811
    with torch.no_grad():
        return wired(net, x, emb)


@mutant("8.8", "skips detached", says="look for something that is detached", keeps=(*ONE, *EQUAL, *THREE))
def unet(net, x, emb):  # noqa: F811
    return wired(net, x, emb, join=lambda h, skip: [h, skip.detach()])
