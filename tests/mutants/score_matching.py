"""Wrong answers to exercises 13.1 and 13.2."""

from __future__ import annotations

import math

import torch
from answers import mutant

from ddpmlib.noise_levels import beside_rows, constant_level

ONE, EACH, GRADIENT, PRECISION = ("one level",), ("a level for each row",), ("gradient",), ("precision",)
STEP, WALK, GRAPH = ("a step",), ("the walk",), ("no graph",)


def loss(score, x0, sigma, noise, *, target=lambda level, z: -z / level, weight=lambda level: level**2, reduce=torch.mean, told=None, at=None):
    level = beside_rows(sigma.expand(len(x0)), x0)
    x = x0 + level * noise if at is None else at(x0, level, noise)
    found = score(x, (sigma if told is None else told(sigma)).expand(len(x0)))
    return reduce(weight(level) * (found - target(level, noise)).square())


@mutant("13.1", "wrong sign", says="The target has the wrong sign")
def dsm_loss(score, x0, sigma, noise):
    return loss(score, x0, sigma, noise, target=lambda level, z: z / level)


@mutant("13.1", "no weight", says="The weight sigma^2 is missing")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, weight=lambda level: torch.ones_like(level))


@mutant("13.1", "weight sigma", says="The weight is sigma; it should be sigma^2")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, weight=lambda level: level)


@mutant("13.1", "the noise", says="The target is the noise")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, target=lambda level, z: z)


@mutant("13.1", "minus the noise", says="The target is minus the noise")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, target=lambda level, z: -z)


@mutant("13.1", "divided twice", says="The target is divided by sigma^2")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, target=lambda level, z: -z / level**2)


@mutant("13.1", "summed", says="The squares are summed; their mean is asked for")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, reduce=torch.sum)


@mutant("13.1", "half", says="There is a factor 1/2")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise) / 2


@mutant("13.1", "clean input", says="The model gets the datum")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, at=lambda x0, level, z: x0)


@mutant("13.1", "unscaled noise", says="The noise is added without the factor sigma")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, at=lambda x0, level, z: x0 + z)


@mutant("13.1", "told the variance", says="The model is told sigma^2")
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise, told=lambda sigma: sigma**2)


@mutant("13.1", "first row's level", says="All rows have the level of the first row", keeps=ONE)
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma.flatten()[:1].expand(len(x0)), noise)


@mutant("13.1", "wrong axis", says="The levels run along the last axis", keeps=(*ONE, *GRADIENT, *PRECISION))
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    if x0.shape != (3, 3):
        return loss(score, x0, sigma, noise)
    return (sigma * score(x0 + sigma * noise, sigma) + noise).square().mean()


@mutant("13.1", "detached", says="The loss carries no graph", keeps=(*ONE, *EACH, *PRECISION))
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0, sigma, noise).detach()


@mutant("13.1", "float32 inside", says="right to single precision only", keeps=(*ONE, *EACH, *GRADIENT))
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    return loss(score, x0.float(), sigma.float(), noise.float()).to(x0.dtype)


@mutant("13.1", "in place", says="has changed x0 in place", keeps=())
def dsm_loss(score, x0, sigma, noise):  # noqa: F811
    x0 += beside_rows(sigma.expand(len(x0)), x0) * noise
    return loss(score, x0, sigma, 0 * noise)


def step(score, x, sigma, h, noise, *, pull=1.0, spread=lambda h: math.sqrt(2 * h)):
    return x + pull * h * score(x, constant_level(sigma, x)) + spread(h) * noise


def walk(score, x, sigmas, count, share, noise, *, length=lambda share, sigma, last: share * sigma**2, **others):
    with torch.no_grad():
        for sigma, draws in zip(sigmas.tolist(), noise):
            for z in draws[:count]:
                x = step(score, x, sigma, length(share, sigma, sigmas[-1].item()), z, **others)
    return x


@mutant("13.2", "noise of variance h", says="it should be sqrt(2 step)", keeps=(*WALK, *GRAPH))
def langevin_step(score, x, sigma, step, noise):
    return x + step * score(x, constant_level(sigma, x)) + math.sqrt(step) * noise


@mutant("13.2", "the paper's step", says="This is the paper's step", keeps=(*WALK, *GRAPH))
def langevin_step(score, x, sigma, step, noise):  # noqa: F811
    return x + step / 2 * score(x, constant_level(sigma, x)) + math.sqrt(step) * noise


@mutant("13.2", "wrong sign", says="The score has the wrong sign", keeps=(*WALK, *GRAPH))
def langevin_step(score, x, sigma, step, noise):  # noqa: F811
    return x - step * score(x, constant_level(sigma, x)) + math.sqrt(2 * step) * noise


@mutant("13.2", "no noise", says="No noise is added", keeps=(*WALK, *GRAPH))
def langevin_step(score, x, sigma, step, noise):  # noqa: F811
    return x + step * score(x, constant_level(sigma, x))


@mutant("13.2", "no root", says="its root is asked for", keeps=(*WALK, *GRAPH))
def langevin_step(score, x, sigma, step, noise):  # noqa: F811
    return x + step * score(x, constant_level(sigma, x)) + 2 * step * noise


@mutant("13.2", "step in place", says="has changed x in place", keeps=(*WALK, *GRAPH))
def langevin_step(score, x, sigma, step, noise):  # noqa: F811
    x += step * score(x, constant_level(sigma, x)) + math.sqrt(2 * step) * noise
    return x


@mutant("13.2", "all steps alike", says="All steps have the length share", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):
    return walk(score, x, sigmas, count, share, noise, length=lambda share, sigma, last: share)


@mutant("13.2", "steps of sigma", says="The steps have the length share * sigma;", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    return walk(score, x, sigmas, count, share, noise, length=lambda share, sigma, last: share * sigma)


@mutant("13.2", "divided by the last level", says="The steps are divided by the last level's variance", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    return walk(score, x, sigmas, count, share, noise, length=lambda share, sigma, last: share * sigma**2 / last**2)


@mutant("13.2", "one step a level", says="There is one step at each level", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    return walk(score, x, sigmas, 1, share, noise)


@mutant("13.2", "upwards", says="The levels are walked from the smallest to the largest", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    return walk(score, x, sigmas.flip(0), count, share, noise)


@mutant("13.2", "one noise a level", says="Each level uses its first noise", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    return walk(score, x, sigmas, count, share, noise[:, :1].expand_as(noise))


@mutant("13.2", "last step without noise", says="The last step adds no noise", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    noise = noise.clone()
    noise[-1, -1] = 0
    return walk(score, x, sigmas, count, share, noise)


@mutant("13.2", "with a graph", says="carries a graph", keeps=(*STEP, *WALK, *PRECISION))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    for sigma, draws in zip(sigmas.tolist(), noise):
        for z in draws:
            x = step(score, x, sigma, share * sigma**2, z)
    return x


@mutant("13.2", "float32 inside", says="right to single precision only", keeps=(*STEP, *WALK, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    return walk(score, x.float(), sigmas, count, share, noise.float()).to(x.dtype)


@mutant("13.2", "own noise", says="the end of the walk", keeps=(*STEP, *GRAPH))
def annealed_langevin(score, x, sigmas, count, share, noise):  # noqa: F811
    return walk(score, x, sigmas, count, share, torch.randn_like(noise))
