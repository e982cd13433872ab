"""Wrong answers to exercises 13.8 to 13.10: the coefficients around the network, the levels, the loss, Heun's method."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.edm import preconditioning as right_coefficients
from ddpmlib.edm import sigma_schedule as right_levels
from ddpmlib.noise_levels import beside_rows, constant_level

NAMED = ("c_skip", "c_out", "c_in", "c_noise")
COEFFICIENTS = (*NAMED, "precision")
DENOISER = ("the denoiser", "a level for each row")
LEVELS, LOSS = ("levels", "any rho", "float64"), ("loss", "a level for each row", "gradient")


@mutant("13.8", "skip of the noise", says="This is what the noise has of the variance of x", keeps=("c_out", "c_in", "c_noise"))
def preconditioning(sigma, sigma_data):
    _, c_out, c_in, c_noise = right_coefficients(sigma, sigma_data)
    return sigma**2 / (sigma**2 + sigma_data**2), c_out, c_in, c_noise


@mutant("13.8", "no squares", says="squares are missing", keeps=("c_out", "c_in", "c_noise"))
def preconditioning(sigma, sigma_data):  # noqa: F811
    return sigma_data / (sigma + sigma_data), *right_coefficients(sigma, sigma_data)[1:]


@mutant("13.8", "variance for output", says="This is the variance of the target", keeps=("c_skip", "c_in", "c_noise"))
def preconditioning(sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, c_noise = right_coefficients(sigma, sigma_data)
    return c_skip, c_out**2, c_in, c_noise


@mutant("13.8", "noise prediction", says="This is sigma: the network would predict the noise itself", keeps=("c_skip", "c_in", "c_noise"))
def preconditioning(sigma, sigma_data):  # noqa: F811
    c_skip, _, c_in, c_noise = right_coefficients(sigma, sigma_data)
    return c_skip, sigma.clone(), c_in, c_noise


@mutant("13.8", "input times deviation", says="the network's input is divided by it", keeps=("c_skip", "c_out", "c_noise"))
def preconditioning(sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, c_noise = right_coefficients(sigma, sigma_data)
    return c_skip, c_out, 1 / c_in, c_noise


@mutant("13.8", "no quarter", says="The factor 1/4 is missing", keeps=("c_skip", "c_out", "c_in"))
def preconditioning(sigma, sigma_data):  # noqa: F811
    return *right_coefficients(sigma, sigma_data)[:3], sigma.log()


@mutant("13.8", "another order", says="the order is c_skip, c_out, c_in, c_noise", keeps=("c_skip", "c_noise"))
def preconditioning(sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, c_noise = right_coefficients(sigma, sigma_data)
    return c_skip, c_in, c_out, c_noise


@mutant("13.8", "sigma_data ignored", says="sigma_data is 1 here, whatever is passed in", keeps=("c_noise",))
def preconditioning(sigma, sigma_data):  # noqa: F811
    return right_coefficients(sigma, 1.0)


@mutant("13.8", "float32", says="right to single precision only", keeps=(*NAMED, "the denoiser"))
def preconditioning(sigma, sigma_data):  # noqa: F811
    return tuple(value.to(sigma.dtype) for value in right_coefficients(sigma.float(), sigma_data))


def parts(x, sigma, sigma_data):
    return [beside_rows(c, x) for c in right_coefficients(sigma, sigma_data)]


@mutant("13.8", "raw input", says="The network gets x as it is", keeps=COEFFICIENTS)
def precondition(net, x, sigma, sigma_data):
    c_skip, c_out, _, c_noise = parts(x, sigma.expand(len(x)), sigma_data)
    return c_skip * x + c_out * net(x, c_noise.flatten())


@mutant("13.8", "told sigma", says="The network is told sigma; it should be told c_noise", keeps=COEFFICIENTS)
def precondition(net, x, sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, _ = parts(x, sigma.expand(len(x)), sigma_data)
    return c_skip * x + c_out * net(c_in * x, sigma.expand(len(x)).to(x.dtype))


@mutant("13.8", "no skip", says="c_skip x is missing", keeps=COEFFICIENTS)
def precondition(net, x, sigma, sigma_data):  # noqa: F811
    _, c_out, c_in, c_noise = parts(x, sigma.expand(len(x)), sigma_data)
    return c_out * net(c_in * x, c_noise.flatten())


@mutant("13.8", "skip of the scaled input", says="c_skip multiplies c_in x", keeps=COEFFICIENTS)
def precondition(net, x, sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, c_noise = parts(x, sigma.expand(len(x)), sigma_data)
    x = c_in * x
    return c_skip * x + c_out * net(x, c_noise.flatten())


@mutant("13.8", "along the last axis", says="run along the last axis", keeps=COEFFICIENTS)
def precondition(net, x, sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, c_noise = right_coefficients(sigma.expand(len(x)), sigma_data)
    if x.ndim != 2 or len(x) != x.shape[1]:
        c_skip, c_out, c_in = (beside_rows(c, x) for c in (c_skip, c_out, c_in))
    return (c_skip * x + c_out * net((c_in * x).to(x.dtype), c_noise.to(x.dtype))).to(x.dtype)


@mutant("13.8", "level of the first row", says="All rows have the level of the first row", keeps=(*COEFFICIENTS, "the denoiser"))
def precondition(net, x, sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, c_noise = parts(x, sigma.expand(len(x))[:1].expand(len(x)), sigma_data)
    return c_skip * x + c_out * net(c_in * x, c_noise.flatten())


@mutant("13.8", "c_noise beside rows", says="the network's second argument is c_noise", keeps=COEFFICIENTS)
def precondition(net, x, sigma, sigma_data):  # noqa: F811
    c_skip, c_out, c_in, c_noise = parts(x.reshape(len(x), -1, 1), sigma.expand(len(x)), sigma_data)
    return net(x, c_noise)


@mutant("13.9", "no zero", says="The last entry, 0, is missing", keeps=LOSS)
def sigma_schedule(steps, sigma_min, sigma_max, rho):
    return right_levels(steps, sigma_min, sigma_max, rho)[:-1]


@mutant("13.9", "rising", says="The levels rise", keeps=LOSS)
def sigma_schedule(steps, sigma_min, sigma_max, rho):  # noqa: F811
    return right_levels(steps, sigma_min, sigma_max, rho).flip(0)


@mutant("13.9", "shares of N", says="The shares are i / N", keeps=LOSS)
def sigma_schedule(steps, sigma_min, sigma_max, rho):  # noqa: F811
    levels = right_levels(steps + 1, sigma_min, sigma_max, rho)
    return torch.cat([levels[:-2], levels[-1:]])


@mutant("13.9", "rho ignored", says="rho is ignored", keeps=LOSS)
def sigma_schedule(steps, sigma_min, sigma_max, rho):  # noqa: F811
    return right_levels(steps, sigma_min, sigma_max, 1.0)


@mutant("13.9", "rho upside down", says="The power is 1/rho where it should be rho", keeps=LOSS)
def sigma_schedule(steps, sigma_min, sigma_max, rho):  # noqa: F811
    return right_levels(steps, sigma_min, sigma_max, 1 / rho)


@mutant("13.9", "rho is 7", says="rho is 7, whatever is passed in", keeps=(*LOSS, "levels", "float64"))
def sigma_schedule(steps, sigma_min, sigma_max, rho):  # noqa: F811
    return right_levels(steps, sigma_min, sigma_max, 7.0)


@mutant("13.9", "float32 levels", says="right to single precision only", keeps=(*LOSS, "levels"))
def sigma_schedule(steps, sigma_min, sigma_max, rho):  # noqa: F811
    share = torch.linspace(0, 1, steps)
    roots = sigma_max ** (1 / rho) + share * (sigma_min ** (1 / rho) - sigma_max ** (1 / rho))
    return torch.cat([roots**rho, torch.zeros(1)]).double()


def away(net, x0, sigma, noise, sigma_data, made=None, target=None):
    sigma = sigma.expand(len(x0))
    x = x0 + beside_rows(sigma, x0) * noise if made is None else made(beside_rows(sigma, x0))
    c_skip, c_out, c_in, c_noise = parts(x, sigma, sigma_data)
    guess = c_skip * x + c_out * net(c_in * x, c_noise.flatten())
    return guess - (x0 if target is None else target), beside_rows(sigma, x0), c_out


@mutant("13.9", "no weight", says="The weight lambda(sigma) is missing", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):
    return away(net, x0, sigma, noise, sigma_data)[0].square().mean()


@mutant("13.9", "weight of the noise", says="The weight is 1 / sigma^2", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, level, _ = away(net, x0, sigma, noise, sigma_data)
    return (off / level).square().mean()


@mutant("13.9", "weight not squared", says="sigma sigma_data, is not squared", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, level, _ = away(net, x0, sigma, noise, sigma_data)
    return ((level**2 + sigma_data**2) / (level * sigma_data) * off.square()).mean()


@mutant("13.9", "sum", says="The squares are summed", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, _, c_out = away(net, x0, sigma, noise, sigma_data)
    return (off / c_out).square().sum()


@mutant("13.9", "noise for target", says="The denoiser is compared with the noise", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, _, c_out = away(net, x0, sigma, noise, sigma_data, target=noise)
    return (off / c_out).square().mean()


@mutant("13.9", "shrunk", says="The datum is shrunk, as in DDPM", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, _, c_out = away(net, x0, sigma, noise, sigma_data, made=lambda s: (x0 + s * noise) / (1 + s**2).sqrt())
    return (off / c_out).square().mean()


@mutant("13.9", "noise not scaled", says="The noise is not multiplied by sigma", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, _, c_out = away(net, x0, sigma, noise, sigma_data, made=lambda s: x0 + noise)
    return (off / c_out).square().mean()


@mutant("13.9", "averaged weights", says="The weights are averaged before they multiply", keeps=(*LEVELS, "loss"))
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, _, c_out = away(net, x0, sigma, noise, sigma_data)
    return (1 / c_out**2).mean() * off.square().mean()


@mutant("13.9", "detached", says="The loss carries no graph", keeps=(*LEVELS, "loss", "a level for each row"))
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    with torch.no_grad():
        off, _, c_out = away(net, x0, sigma, noise, sigma_data)
        return (off / c_out).square().mean()


@mutant("13.9", "own noise", says="two calls with the same arguments give two results", keeps=LEVELS)
def edm_loss(net, x0, sigma, noise, sigma_data):  # noqa: F811
    off, _, c_out = away(net, x0, sigma, torch.randn_like(x0), sigma_data)
    return (off / c_out).square().mean()


def slope_at(denoiser, x, sigma):
    return (x - denoiser(x, constant_level(sigma, x))) / sigma


def heun(x, sigmas, step, slope):
    levels = sigmas.tolist()
    with torch.no_grad():
        for sigma, lower in zip(levels, levels[1:]):
            first = slope(x, sigma)
            ahead = x + (lower - sigma) * first
            x = step(x, ahead, first, sigma, lower) if lower > 0 else ahead
    return x


@mutant("13.10", "euler", says="This is Euler's method", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):
    return heun(x, sigmas, lambda y, a, k, s, r: a, lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "slope at the end", says="The whole step is made with the slope at its end", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    return heun(x, sigmas, lambda y, a, k, s, r: y + (r - s) * slope_at(denoiser, a, r), lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "midpoint", says="The second slope is found in the middle of the step", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    def step(y, a, k, s, r):
        return y + (r - s) * slope_at(denoiser, y + (r - s) / 2 * k, (s + r) / 2)

    return heun(x, sigmas, step, lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "sum of slopes", says="The slopes are summed", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    return heun(x, sigmas, lambda y, a, k, s, r: y + (r - s) * (k + slope_at(denoiser, a, r)), lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "goes on from the end", says="The second half starts from the Euler step's end", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    return heun(x, sigmas, lambda y, a, k, s, r: a + (r - s) * (k + slope_at(denoiser, a, r)) / 2, lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "second slope at x", says="The second slope is found at x", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    return heun(x, sigmas, lambda y, a, k, s, r: y + (r - s) * (k + slope_at(denoiser, y, r)) / 2, lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "second slope at the old level", says="The second slope is found with the level at which the step starts", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    return heun(x, sigmas, lambda y, a, k, s, r: y + (r - s) * (k + slope_at(denoiser, a, s)) / 2, lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "not divided", says="The slope is not divided by sigma", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    def slope(y, s):
        return y - denoiser(y, constant_level(s, y))

    return heun(x, sigmas, lambda y, a, k, s, r: y + (r - s) * (k + slope(a, r)) / 2, slope)


@mutant("13.10", "correction at zero", says="At level 0 the slope is 0/0", keeps=("one step", "the walk", "no graph"))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    levels = sigmas.tolist()
    with torch.no_grad():
        for sigma, lower in zip(levels, levels[1:]):
            first = slope_at(denoiser, x, sigma)
            ahead = x + (lower - sigma) * first
            there = (ahead - denoiser(ahead, constant_level(lower, x))) / torch.tensor(lower, dtype=x.dtype)
            x = x + (lower - sigma) * (first + there) / 2
    return x


@mutant("13.10", "stops early", says="The walk ends one level too early", keeps=("no graph",))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    return heun(x, sigmas[:-1], lambda y, a, k, s, r: y + (r - s) * (k + slope_at(denoiser, a, r)) / 2, lambda y, s: slope_at(denoiser, y, s))


@mutant("13.10", "slopes found twice", says="twice a step and once in the step to 0", keeps=("one step", "the walk", "to level 0", "no graph", "precision"))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    def slope(y, s):
        denoiser(y, constant_level(s, y))
        return slope_at(denoiser, y, s)

    return heun(x, sigmas, lambda y, a, k, s, r: y + (r - s) * (k + slope(a, r)) / 2, slope)


@mutant("13.10", "float32 walk", says="right to single precision only", keeps=("one step", "the walk", "to level 0", "no graph"))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    def slope(y, s):
        return slope_at(denoiser, y, s).float()

    return heun(x, sigmas, lambda y, a, k, s, r: y + (r - s) * (k + slope(a, r)) / 2, slope)


@mutant("13.10", "with a graph", says="the sample carries a graph", keeps=("one step", "the walk", "to level 0", "calls", "precision"))
def heun_sample(denoiser, x, sigmas):  # noqa: F811
    levels = sigmas.tolist()
    for sigma, lower in zip(levels, levels[1:]):
        first = slope_at(denoiser, x, sigma)
        ahead = x + (lower - sigma) * first
        x = ahead if lower == 0 else x + (lower - sigma) * (first + slope_at(denoiser, ahead, lower)) / 2
    return x
