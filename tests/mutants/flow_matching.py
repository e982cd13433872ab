"""Wrong answers to exercise 13.13: flow matching's loss, the velocity of a denoiser, Euler's method."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.noise_levels import beside_rows, constant_level

LOSS = ("loss", "a time for each row", "gradient")
IMPLIED, WALK = "velocity from a denoiser", ("the walk", "no graph")


def matched(velocity, x0, noise, u, *, point=None, target=None, told=None):
    u = u.to(x0.dtype).expand(len(x0))
    share = beside_rows(u, x0)
    x_u = (1 - share) * x0 + share * noise if point is None else point(share)
    return (velocity(x_u, u if told is None else told(u)) - (noise - x0 if target is None else target)).square()


@mutant("13.13", "target reversed", says="The target has the wrong sign", keeps=(IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):
    return matched(velocity, x0, noise, u, target=x0 - noise).mean()


@mutant("13.13", "time reversed", says="here it is the other way round", keeps=(IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    return matched(velocity, noise, x0, u).mean()


@mutant("13.13", "target is the noise", says="The target is the noise", keeps=(IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    return matched(velocity, x0, noise, u, target=noise).mean()


@mutant("13.13", "sum", says="The squares are summed", keeps=(IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    return matched(velocity, x0, noise, u).sum()


@mutant("13.13", "diffusion path", says="The point is that of a diffusion", keeps=(IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    return matched(velocity, x0, noise, u, point=lambda share: (1 - share**2).sqrt() * x0 + share * noise).mean()


@mutant("13.13", "told the other time", says="The model is told 1 - u", keeps=(IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    return matched(velocity, x0, noise, u, told=lambda u: 1 - u).mean()


@mutant("13.13", "time of the first row", says="All rows have the time of the first row", keeps=(IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    return matched(velocity, x0, noise, u.expand(len(x0))[:1].expand(len(x0))).mean()


@mutant("13.13", "along the last axis", says="The times run along the last axis", keeps=("loss", IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    if x0.ndim == 2 and len(x0) == x0.shape[1]:
        return matched(velocity, x0, noise, u, point=lambda _: (1 - u) * x0 + u * noise).mean()
    return matched(velocity, x0, noise, u).mean()


@mutant("13.13", "detached", says="The loss carries no graph", keeps=("loss", "a time for each row", IMPLIED, *WALK))
def flow_matching_loss(velocity, x0, noise, u):  # noqa: F811
    return matched(velocity, x0, noise, u).mean().detach()


@mutant("13.13", "denoiser gets x_u", says="The denoiser gets x_u", keeps=(*LOSS, *WALK))
def velocity_from_denoiser(denoiser, x, u):
    u = u.to(x.dtype).expand(len(x))
    return (x - denoiser(x, u / (1 - u))) / beside_rows(u, x)


@mutant("13.13", "denoiser told u", says="The denoiser is told u", keeps=(*LOSS, *WALK))
def velocity_from_denoiser(denoiser, x, u):  # noqa: F811
    u = u.to(x.dtype).expand(len(x))
    return (x - denoiser(x / beside_rows(1 - u, x), u)) / beside_rows(u, x)


@mutant("13.13", "wrong sign", says="The velocity has the wrong sign", keeps=(*LOSS, *WALK))
def velocity_from_denoiser(denoiser, x, u):  # noqa: F811
    u = u.to(x.dtype).expand(len(x))
    return (denoiser(x / beside_rows(1 - u, x), u / (1 - u)) - x) / beside_rows(u, x)


@mutant("13.13", "slope in sigma", says="This is the noise alone, which is the slope in sigma", keeps=(*LOSS, *WALK))
def velocity_from_denoiser(denoiser, x, u):  # noqa: F811
    u = u.to(x.dtype).expand(len(x))
    y = x / beside_rows(1 - u, x)
    return (y - denoiser(y, u / (1 - u))) / beside_rows(u / (1 - u), x)


@mutant("13.13", "not divided", says="it should be divided by u", keeps=(*LOSS, *WALK))
def velocity_from_denoiser(denoiser, x, u):  # noqa: F811
    u = u.to(x.dtype).expand(len(x))
    return x - denoiser(x / beside_rows(1 - u, x), u / (1 - u))


@mutant("13.13", "level upside down", says="it is upside down", keeps=(*LOSS, *WALK))
def velocity_from_denoiser(denoiser, x, u):  # noqa: F811
    u = u.to(x.dtype).expand(len(x))
    return (x - denoiser(x / beside_rows(1 - u, x), (1 - u) / u)) / beside_rows(u, x)


@torch.no_grad()
def stepped(velocity, x, times, at=lambda u, w: u, by=lambda u, w: w - u):
    walk = times.tolist()
    for u, lower in zip(walk, walk[1:]):
        x = x + by(u, lower) * velocity(x, constant_level(at(u, lower), x))
    return x


@mutant("13.13", "upwards", says="The step goes the wrong way", keeps=(*LOSS, IMPLIED, "no graph"))
def flow_sample(velocity, x, times):
    return stepped(velocity, x, times, by=lambda u, w: u - w)


@mutant("13.13", "asked at the end", says="The velocity is asked at the time where the step ends", keeps=(*LOSS, IMPLIED, "no graph"))
def flow_sample(velocity, x, times):  # noqa: F811
    return stepped(velocity, x, times, at=lambda u, w: w)


@mutant("13.13", "equal steps", says="All steps have the same length", keeps=(*LOSS, IMPLIED, "no graph"))
def flow_sample(velocity, x, times):  # noqa: F811
    length = ((times[-1] - times[0]) / (len(times) - 1)).item()
    return stepped(velocity, x, times, by=lambda u, w: length)


@mutant("13.13", "stops early", says="The walk ends one time too early", keeps=(*LOSS, IMPLIED, "no graph"))
def flow_sample(velocity, x, times):  # noqa: F811
    return stepped(velocity, x, times[:-1])


@mutant("13.13", "with a graph", says="the sample carries a graph", keeps=(*LOSS, IMPLIED, "the walk"))
def flow_sample(velocity, x, times):  # noqa: F811
    return stepped.__wrapped__(velocity, x, times)


@mutant("13.13", "float32 walk", says="right to single precision only", keeps=(*LOSS, IMPLIED, *WALK))
def flow_sample(velocity, x, times):  # noqa: F811
    return stepped(velocity, x.float(), times).to(x.dtype)
