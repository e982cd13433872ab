"""Wrong answers to exercise 2.3: sampling a chain."""

from __future__ import annotations

import torch
from answers import mutant


def _down(decoder, noise, scale=lambda std: std):
    path = [noise[-1]]
    for t in range(decoder.levels, 0, -1):
        step = decoder.transition(t)
        path.insert(0, step.mean(path[0]) + scale(step.std) * noise[t - 1])
    return path


@mutant("2.3", "variance for standard deviation", says="The standard deviation is squared here",
        keeps=("posterior_sample: paths", "posterior_sample: covariance"))
def ancestral_sample(decoder, noise):
    return _down(decoder, noise, torch.square)


@mutant("2.3", "standard deviation used as variance", says="std is a standard deviation; it is used as a variance")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise, torch.sqrt)


@mutant("2.3", "noise not scaled", says="The noise is not scaled by the transition's std")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise, torch.ones_like)


@mutant("2.3", "means only", says="No noise is added after the first draw")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise, torch.zeros_like)


@mutant("2.3", "x without noise", says="x is a draw from p(x | z_1), not its mean")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, [torch.zeros_like(noise[0]), *noise[1:]])


@mutant("2.3", "path from the top", says="the path begins with z_T", keeps=("posterior_sample: paths",))
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise)[::-1]


@mutant("2.3", "top level starts at zero", says="z_T is noise[T] itself")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, [*noise[:-1], torch.zeros_like(noise[-1])])


@mutant("2.3", "returns x only", says="the path should be a list of")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, noise)[0]


@mutant("2.3", "encoder: variance for standard deviation", says="The standard deviation is squared here",
        keeps=("ancestral_sample: paths", "ancestral_sample: covariance"))
def posterior_sample(encoder, x, noise):
    path = [x]
    for step, draw in zip(encoder.transitions, noise):
        path.append(step.mean(path[-1]) + step.std**2 * draw)
    return path


@mutant("2.3", "encoder: x not in the path", says="the path should be a list of")
def posterior_sample(encoder, x, noise):  # noqa: F811
    path = []
    for step, draw in zip(encoder.transitions, noise):
        x = step.mean(x) + step.std * draw
        path.append(x)
    return path


@mutant("2.3", "encoder: bias left out", says="The bias of the transitions is left out")
def posterior_sample(encoder, x, noise):  # noqa: F811
    path = [x]
    for step, draw in zip(encoder.transitions, noise):
        path.append(path[-1] @ step.weight.T + step.std * draw)
    return path


@mutant("2.3", "noise of the level above", says="so the draw of z_{t-1} uses noise[t - 1]")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, [*noise[1:], noise[-1]])


@mutant("2.3", "noise of its own", says="use the noise that is given, and draw none")
def ancestral_sample(decoder, noise):  # noqa: F811
    return _down(decoder, [torch.randn_like(draw) for draw in noise])


@mutant("2.3", "detached", says="no gradient reaches the inputs",
        keeps=("ancestral_sample: paths", "ancestral_sample: covariance"))
def ancestral_sample(decoder, noise):  # noqa: F811
    return [level.detach() for level in _down(decoder, noise)]


def _up(encoder, x, noise):
    path = [x]
    for step, draw in zip(encoder.transitions, noise):
        path.append(step.mean(path[-1]) + step.std * draw)
    return path


@mutant("2.3", "encoder: means only", says="each level is only the mean given the level below it")
def posterior_sample(encoder, x, noise):  # noqa: F811
    return _up(encoder, x, [0.0] * encoder.levels)


@mutant("2.3", "encoder: noise reversed", says="The noise is used in the reverse order")
def posterior_sample(encoder, x, noise):  # noqa: F811
    return _up(encoder, x, noise[::-1])


@mutant("2.3", "encoder: Normal.sample", says="use the noise that is given, and draw none")
def posterior_sample(encoder, x, noise):  # noqa: F811
    path = [x]
    for step in encoder.transitions:
        path.append(torch.distributions.Normal(step.mean(path[-1]), step.std).sample())
    return path


@mutant("2.3", "encoder: detached between the levels", says="the gradient to the weight of transition 1",
        keeps=("posterior_sample: paths", "posterior_sample: covariance"))
def posterior_sample(encoder, x, noise):  # noqa: F811
    path = [x]
    for step, draw in zip(encoder.transitions, noise):
        path.append(step.mean(path[-1].detach()) + step.std * draw)
    return path
