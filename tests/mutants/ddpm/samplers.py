"""Wrong answers to exercises 7.5 and 7.8: the two samplers."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.ddpm import ancestral_step, reverse_variance
from ddpmlib.models import draw_noise

SMALL, LARGE, DRAWN, GRAPH, PRECISION = (
    ("small",), ("large, and a table",), ("noise from the generator",), ("no graph",), ("precision",))


@torch.no_grad()
def walk(model, x, schedule, variance, noise, generator, *, times=None, used=lambda t: t, scale=1.0):
    table = variance if isinstance(variance, torch.Tensor) else reverse_variance(schedule, variance)
    for t in times or range(schedule.T, 0, -1):
        z = draw_noise(x, generator) if noise is None else noise[used(t)]
        x = ancestral_step(model, x, t, schedule, scale * z, table)
    return x


@mutant("7.5", "ends at time 1", says="The walk ends at x_1", keeps=GRAPH)
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):
    return walk(model, x_T, schedule, variance, noise, generator, times=list(range(schedule.T, 1, -1)) or [1])


@mutant("7.5", "begins at T - 1", says="The walk begins at T - 1", keeps=GRAPH)
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    return walk(model, x_T, schedule, variance, noise, generator, times=list(range(schedule.T - 1, 0, -1)) or [1])


@mutant("7.5", "upwards", says="The walk goes upwards", keeps=GRAPH)
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    return walk(model, x_T, schedule, variance, noise, generator, times=range(1, schedule.T + 1))


@mutant("7.5", "noise late by one", says="The step from t uses noise[t - 1]", keeps=(*DRAWN, *GRAPH))
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    return walk(model, x_T, schedule, variance, noise, generator, used=lambda t: t - 1)


@mutant("7.5", "noise in the order of the steps", says="in the order of the steps", keeps=(*DRAWN, *GRAPH))
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    return walk(model, x_T, schedule, variance, noise, generator, used=lambda t: schedule.T - t)


@mutant("7.5", "no noise", says="No noise is added anywhere", keeps=GRAPH)
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    return walk(model, x_T, schedule, variance, noise, generator, scale=0.0)


@mutant("7.5", "always small", says="The argument variance is ignored", keeps=(*SMALL, *DRAWN, *GRAPH, *PRECISION))
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    return walk(model, x_T, schedule, "small", noise, generator)


@mutant("7.5", "returns the path", says="the whole path; return x_0 alone", keeps=())
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    table = variance if isinstance(variance, torch.Tensor) else reverse_variance(schedule, variance)
    path = [x_T]
    for t in range(schedule.T, 0, -1):
        z = draw_noise(x_T, generator) if noise is None else noise[t]
        path.append(ancestral_step(model, path[-1], t, schedule, z, table))
    return path


@mutant("7.5", "one noise for all steps", says="Every step gets the same noise", keeps=(*SMALL, *LARGE, *GRAPH))
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    if noise is None:
        noise = draw_noise(x_T, generator).expand(schedule.T + 1, *x_T.shape)
    return walk(model, x_T, schedule, variance, noise, None)


@mutant("7.5", "one noise for all rows", says="All rows get the same noise", keeps=(*SMALL, *LARGE, *GRAPH))
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    if noise is None:
        noise = torch.randn(schedule.T + 1, 1, *x_T.shape[1:], generator=generator, dtype=x_T.dtype).expand(-1, *x_T.shape)
    return walk(model, x_T, schedule, variance, noise, None)


@mutant("7.5", "generator forgotten", says="draw the noise with the generator", keeps=(*SMALL, *LARGE, *GRAPH))
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    noise = torch.randn(schedule.T + 1, *x_T.shape, dtype=x_T.dtype) if noise is None else noise
    return walk(model, x_T, schedule, variance, noise, None)


@mutant("7.5", "with a graph", says="the sample carries a graph", keeps=(*SMALL, *LARGE, *DRAWN, *PRECISION))
def ancestral_sample(model, x_T, schedule, *, variance="small", noise=None, generator=None):  # noqa: F811
    with torch.enable_grad():
        return walk.__wrapped__(model, x_T, schedule, variance, noise, generator)


RENOISE = ("one step",), ("the walk",)


@torch.no_grad()
def renoise(model, x, schedule, noise, generator, *, signal=None, spread=None, again=False, late=1, last=1):
    abar = schedule.alpha_bars
    signal = abar.sqrt() if signal is None else signal
    spread = (1 - abar).sqrt() if spread is None else spread
    for t in range(schedule.T, last - 1, -1):
        eps = model(x, torch.full((len(x),), t))
        z = eps if again else draw_noise(x, generator) if noise is None else noise[t]
        xhat = (x - (1 - abar[t]).sqrt().to(x.dtype) * eps) / abar[t].sqrt().to(x.dtype)
        x = signal[t - late].to(x.dtype) * xhat + spread[t - late].to(x.dtype) * z
    return x


@mutant("7.8", "as the deck prints it", says="the line as the deck prints it", keeps=(*RENOISE[0], *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):
    fresh = schedule.alphas.clone()
    fresh[0] = 0
    return renoise(model, x_T, schedule, noise, generator, signal=torch.ones_like(fresh), spread=fresh)


@mutant("7.8", "noise level of t", says="at the level of t again", keeps=GRAPH)
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return renoise(model, x_T, schedule, noise, generator, late=0)


@mutant("7.8", "signal not shrunk", says="xhat is not multiplied by sqrt(alpha_bar_{t-1})", keeps=(*RENOISE[0], *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return renoise(model, x_T, schedule, noise, generator, signal=torch.ones_like(schedule.betas))


@mutant("7.8", "variances as coefficients", says="The coefficients are variances", keeps=(*RENOISE[0], *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return renoise(model, x_T, schedule, noise, generator, signal=schedule.alpha_bars, spread=1 - schedule.alpha_bars)


@mutant("7.8", "noise of one step", says="This has the noise of one step", keeps=(*RENOISE[0], *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return renoise(model, x_T, schedule, noise, generator, spread=schedule.betas.sqrt())


@mutant("7.8", "no fresh noise", says="No fresh noise is added", keeps=(*RENOISE[0], *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return renoise(model, x_T, schedule, noise, generator, spread=torch.zeros_like(schedule.betas))


@mutant("7.8", "predicted noise again", says="a deterministic one", keeps=(*RENOISE[0], *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return renoise(model, x_T, schedule, noise, generator, again=True)


@mutant("7.8", "the ancestral sampler", says="This is the ancestral sampler", keeps=(*RENOISE[0], *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return walk(model, x_T, schedule, "small", noise, generator)


@mutant("7.8", "ends at time 1", says="The walk ends at x_1", keeps=GRAPH)
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    return renoise(model, x_T, schedule, noise, generator, last=2)


@mutant("7.8", "with a graph", says="the sample carries a graph", keeps=(*RENOISE[0], *RENOISE[1], *DRAWN))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    with torch.enable_grad():
        return renoise.__wrapped__(model, x_T, schedule, noise, generator)


@mutant("7.8", "float32 tables", says="right to single precision only", keeps=(*RENOISE[0], *RENOISE[1], *DRAWN, *GRAPH))
def denoise_renoise_sample(model, x_T, schedule, *, noise=None, generator=None):  # noqa: F811
    abar = schedule.alpha_bars.float()
    return renoise(model, x_T, schedule, noise, generator, signal=abar.sqrt(), spread=(1 - abar).sqrt())
