"""Wrong answers to exercises 10.5, 10.6, 10.8 and 10.9: the times, the two walks, and the arc."""

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib.ddim import ddim_step
from ddpmlib.ddim import time_subsequence as reference_times
from ddpmlib.models import draw_noise

EVEN, ODD, SQUARE, CROWD = ("uniform",), ("uniform, T no multiple of S",), ("quadratic",), ("crowded",)
STILL, NOISE, CHAIN, DRAWN, GRAPH, PRECISION = (
    ("eta = 0",), ("with noise",), ("all times, eta = 1",), ("noise from the generator",), ("no graph",), ("precision",))
ONCE, WALK, ALL = ("one step",), ("the walk",), ("all times",)
ROWS, IMAGES, LENGTHS, ENDS = ("rows",), ("images",), ("rows of different length",), ("ends and equal rows",)


@mutant("10.5", "rising", says="The times rise")
def time_subsequence(T, steps, spacing="uniform"):
    return reference_times(T, steps, spacing)[::-1]


@mutant("10.5", "ends in 0", says="The list ends in 0")
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    return [*reference_times(T, steps, spacing), 0]


@mutant("10.5", "spacing ignored", says="The argument spacing is ignored", keeps=(*EVEN, *ODD))
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    return reference_times(T, steps)


@mutant("10.5", "leading", says='diffusers\' "leading" times')
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    return [i * (T // steps) for i in range(steps)][::-1] if spacing == "uniform" else reference_times(T, steps, spacing)


@mutant("10.5", "counted from 0", says="These are times counted from 0")
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    return [t - 1 for t in reference_times(T, steps, spacing)]


@mutant("10.5", "steps of T // S", says="The times step down from T by T // S", keeps=EVEN)
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    return [T - i * (T // steps) for i in range(steps)]


@mutant("10.5", "rounded", says="rounded to the nearest")
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    power = 1 if spacing == "uniform" else 2
    return [max(i if power == 2 else 1, round(T * i**power / steps**power)) for i in range(steps, 0, -1)]


@mutant("10.5", "floating point", says="pushes a floor one too low", keeps=(*EVEN, *SQUARE, *CROWD))
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    if spacing == "uniform" and T % steps:
        return [int(T / steps * i) for i in range(steps, 0, -1)]
    return reference_times(T, steps, spacing)


@mutant("10.5", "zeros and repetitions", says="there the larger one of i and the floor", keeps=(*EVEN, *ODD))
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    power = 1 if spacing == "uniform" else 2
    return [T * i**power // steps**power for i in range(steps, 0, -1)]


@mutant("10.5", "a tensor", says="got a tensor")
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    return torch.tensor(reference_times(T, steps, spacing))


@torch.no_grad()
def down(model, x, schedule, times, eta, noise, generator, *, ends=None, used=lambda t, s: t):
    for t, s in zip(times, ends or [*times[1:], 0]):
        z = None
        if eta > 0:
            z = draw_noise(x, generator) if noise is None else noise[used(t, s)]
        x = ddim_step(model, x, t, s, schedule, z, eta)
    return x


@mutant("10.6", "every time", says="The walk takes every time", keeps=(*CHAIN, *GRAPH))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):
    return down(model, x_T, schedule, list(range(times[0], 0, -1)), eta, noise, generator)


@mutant("10.6", "to t - 1", says="Each step ends at t - 1", keeps=(*CHAIN, *GRAPH))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    return down(model, x_T, schedule, times, eta, noise, generator, ends=[t - 1 for t in times])


@mutant("10.6", "stops early", says="The walk ends at the last of the times", keeps=GRAPH)
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    return down(model, x_T, schedule, times[:-1], eta, noise, generator, ends=times[1:]) if len(times) > 1 else x_T


@mutant("10.6", "always deterministic", says="whatever eta is", keeps=(*STILL, *GRAPH))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    return down(model, x_T, schedule, times, 0.0, None, generator)


@mutant("10.6", "noise of the end", says="The step from t to s uses noise[s]", keeps=(*STILL, *GRAPH, *DRAWN))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    return down(model, x_T, schedule, times, eta, noise, generator, used=lambda t, s: s)


@mutant("10.6", "noise in the order of the steps", says="The noises are used in the order of the steps", keeps=(*STILL, *GRAPH, *DRAWN))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    count = iter(range(len(times)))
    return down(model, x_T, schedule, times, eta, noise, generator, used=lambda t, s: next(count))


@mutant("10.6", "steps of T // S", says="as in diffusers", keeps=GRAPH)
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    gap = max(schedule.T // len(times), 1)
    return down(model, x_T, schedule, times, eta, noise, generator, ends=[max(t - gap, 0) for t in times])


@mutant("10.6", "one noise for all steps", says="Every step gets the same noise", keeps=(*STILL, *NOISE, *CHAIN, *GRAPH, *PRECISION))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    if eta > 0 and noise is None:
        noise = draw_noise(x_T, generator).expand(schedule.T + 1, *x_T.shape)
    return down(model, x_T, schedule, times, eta, noise, generator)


@mutant("10.6", "generator forgotten", says="draw the noise with the generator", keeps=(*STILL, *NOISE, *CHAIN, *GRAPH, *PRECISION))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    if eta > 0 and noise is None:
        noise = torch.randn(schedule.T + 1, *x_T.shape, dtype=x_T.dtype)
    return down(model, x_T, schedule, times, eta, noise, generator)


@mutant("10.6", "with a graph", says="the sample carries a graph", keeps=(*STILL, *NOISE, *CHAIN, *DRAWN, *PRECISION))
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    return down.__wrapped__(model, x_T, schedule, times, eta, noise, generator)


@mutant("10.6", "returns the path", says="the whole path; return x_0 alone")
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    path = [x_T]
    for t, s in zip(times, [*times[1:], 0]):
        z = None if eta == 0 else draw_noise(x_T, generator) if noise is None else noise[t]
        path.append(ddim_step(model, path[-1], t, s, schedule, z, eta))
    return path


@torch.no_grad()
def up(model, x, schedule, pairs, asked=lambda s, t: max(s, 1)):
    signal, spread = schedule.alpha_bars.sqrt().tolist(), (1 - schedule.alpha_bars).sqrt().tolist()
    for s, t in pairs:
        eps = model(x, torch.full((len(x),), asked(s, t)))
        x = signal[t] * (x - spread[s] * eps) / signal[s] + spread[t] * eps
    return x


def rising(times):
    return list(zip([0, *times[::-1]], times[::-1]))


@mutant("10.8", "asked at t", says="The model is asked at t, where the step ends", keeps=GRAPH)
def ddim_invert(model, x0, schedule, times):
    return up(model, x0, schedule, rising(times), lambda s, t: t)


@mutant("10.8", "asked at 0", says="The model is asked at time 0", keeps=GRAPH)
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    return up(model, x0, schedule, rising(times), lambda s, t: s)


@mutant("10.8", "starts at the smallest time", says="The step from time 0 to the smallest of the times is missing", keeps=GRAPH)
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    return up(model, x0, schedule, rising(times)[1:])


@mutant("10.8", "down", says="This is the walk down", keeps=GRAPH)
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    return down(model, x0, schedule, times, 0.0, None, None)


@mutant("10.8", "every time", says="The walk takes every time", keeps=(*ALL, *GRAPH))
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    return up(model, x0, schedule, rising(list(range(times[0], 0, -1))))


@mutant("10.8", "falling", says="upwards they come in the other order", keeps=(*ONCE, *GRAPH))
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    return up(model, x0, schedule, zip([*times[1:], 0], times))


@mutant("10.8", "with a graph", says="the sample carries a graph", keeps=(*ONCE, *WALK, *ALL, *PRECISION))
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    return up.__wrapped__(model, x0, schedule, rising(times))


@mutant("10.8", "float32 tables", says="right to single precision only", keeps=(*ONCE, *WALK, *ALL, *GRAPH))
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    class Rounded:
        alpha_bars = schedule.alpha_bars.float()

    return up(model, x0, Rounded, rising(times))


def flat(x):
    return x.flatten(1)


def lengths(x):
    return flat(x).norm(dim=1).reshape(-1, *[1] * (x.ndim - 1))


def angle(a, b):
    cosine = (flat(a) * flat(b)).sum(1).reshape(-1, *[1] * (a.ndim - 1)) / (lengths(a) * lengths(b))
    return torch.acos(cosine.clamp(-1 + 1e-12, 1 - 1e-12))


def arc(a, b, share, theta):
    return (torch.sin((1 - share) * theta) * a + torch.sin(share * theta) * b) / torch.sin(theta)


@mutant("10.9", "the straight line", says="This is the straight line between the two")
def slerp(a, b, share):
    return (1 - share) * a + share * b


@mutant("10.9", "the stretched line", says="stretched to the right length")
def slerp(a, b, share):  # noqa: F811
    line = (1 - share) * a + share * b
    return line / lengths(line) * ((1 - share) * lengths(a) + share * lengths(b))


@mutant("10.9", "share from b", says="share counts from b")
def slerp(a, b, share):  # noqa: F811
    return arc(b, a, share, angle(a, b))


@mutant("10.9", "not divided", says="The division by sin(theta) is missing")
def slerp(a, b, share):  # noqa: F811
    return arc(a, b, share, angle(a, b)) * angle(a, b).sin()


@mutant("10.9", "one angle for the batch", says="The angle is that of the whole batch")
def slerp(a, b, share):  # noqa: F811
    return arc(a, b, share, torch.acos((a * b).sum() / (a.norm() * b.norm())))


@mutant("10.9", "unit vectors", says="The rows are divided by their lengths")
def slerp(a, b, share):  # noqa: F811
    return arc(a / lengths(a), b / lengths(b), share, angle(a, b))


@mutant("10.9", "last axis", says="The angle is that of the last axis", keeps=(*ROWS, *LENGTHS, *ENDS))
def slerp(a, b, share):  # noqa: F811
    cosine = (a * b).sum(-1, keepdim=True) / (a.norm(dim=-1, keepdim=True) * b.norm(dim=-1, keepdim=True))
    return arc(a, b, share, torch.acos(cosine.clamp(-1 + 1e-12, 1 - 1e-12)))


@mutant("10.9", "0/0", says="Where the angle is 0 this is 0/0", keeps=(*ROWS, *IMAGES, *LENGTHS))
def slerp(a, b, share):  # noqa: F811
    cosine = (flat(a) * flat(b)).sum(1).reshape(-1, *[1] * (a.ndim - 1)) / (lengths(a) * lengths(b))
    return arc(a, b, share, torch.acos(cosine.clamp(-1, 1).where(cosine < 1 - 1e-14, torch.ones_like(cosine))))


@mutant("10.9", "the roots", says="the mixture that keeps the variance")
def slerp(a, b, share):  # noqa: F811
    return math.sqrt(1 - share) * a + math.sqrt(share) * b


@mutant("10.9", "single precision", says="right to single precision only", keeps=(*ROWS, *IMAGES, *LENGTHS))
def slerp(a, b, share):  # noqa: F811
    theta = angle(a, b).float()
    close = theta < 1e-3
    found = arc(a, b, share, torch.where(close, torch.ones_like(theta), theta))
    return torch.where(close, (1 - share) * a + share * b, found)
