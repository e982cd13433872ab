"""Correct answers to chapter 10's code exercises that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative

from ddpmlib.ddim import ddim_sigma as reference_sigma
from ddpmlib.ddim import ddim_step as reference_step
from ddpmlib.tables import at_times


def times_of(t, x):
    return torch.as_tensor(t).expand(len(x))


@alternative("10.3", "one root, over one fraction")
def ddim_sigma(schedule, t, s, eta):
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    return eta * torch.sqrt((1 - then) * (then - now) / ((1 - now) * then))


@alternative("10.3", "precisions add")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    ratio = now / then
    variance = (1 - then) * (1 - ratio) / ((1 - ratio) + ratio * (1 - then))
    return variance.sqrt().mul(eta)


@alternative("10.4", "two coefficients of x_t and eps")
def ddim_step(model, x_t, t, s, schedule, noise, eta):
    t, s = times_of(t, x_t), times_of(s, x_t)
    now, then, sigma = schedule.alpha_bars[t], schedule.alpha_bars[s], reference_sigma(schedule, t, s, eta)

    def rows(values):
        return values.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))

    of_x = (then / now).sqrt()
    of_eps = (1 - then - sigma**2).sqrt() - of_x * (1 - now).sqrt()
    x_s = rows(of_x) * x_t + rows(of_eps) * model(x_t, t)
    return x_s + rows(sigma) * noise if eta > 0 else x_s


@alternative("10.4", "row by row")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    t, s = times_of(t, x_t), times_of(s, x_t)
    found = []
    for row, (x, eps) in enumerate(zip(x_t, model(x_t, t))):
        now, then = schedule.alpha_bars[t[row]].item(), schedule.alpha_bars[s[row]].item()
        sigma = eta * math.sqrt((1 - then) / (1 - now) * (1 - now / then))
        x0 = (x - math.sqrt(1 - now) * eps) / math.sqrt(now)
        new = math.sqrt(then) * x0 + math.sqrt(1 - then - sigma**2) * eps
        found.append(new if noise is None else new + sigma * noise[row])
    return torch.stack(found)


@alternative("10.4", "as an Euler step")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    t, s = times_of(t, x_t), times_of(s, x_t)
    sigma = reference_sigma(schedule, t, s, eta)
    ratio = ((1 - schedule.alpha_bars) / schedule.alpha_bars).sqrt()
    target = ((1 - schedule.alpha_bars[s] - sigma**2) / schedule.alpha_bars[s]).sqrt()

    def rows(values):
        return values.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))

    y = x_t / rows(schedule.alpha_bars[t].sqrt()) + rows(target - ratio[t]) * model(x_t, t)
    return rows(schedule.alpha_bars[s].sqrt()) * y + (0 if noise is None else rows(sigma) * noise)


@alternative("10.5", "arange and integer division")
def time_subsequence(T, steps, spacing="uniform"):
    i = torch.arange(1, steps + 1)
    if spacing == "uniform":
        return (T * i // steps).flip(0).tolist()
    return torch.maximum(i, T * i * i // steps**2).flip(0).tolist()


@alternative("10.5", "divmod in a loop")
def time_subsequence(T, steps, spacing="uniform"):  # noqa: F811
    times = []
    for i in range(1, steps + 1):
        whole = divmod(T * i, steps)[0] if spacing == "uniform" else max(divmod(T * i * i, steps * steps)[0], i)
        times.insert(0, whole)
    return times


@alternative("10.6", "all noise drawn at once")
@torch.no_grad()
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):
    if eta > 0 and noise is None:
        noise = torch.randn(schedule.T + 1, *x_T.shape, generator=generator, dtype=x_T.dtype)
    x = x_T.clone()
    for i, t in enumerate(times):
        s = times[i + 1] if i + 1 < len(times) else 0
        x = reference_step(model, x, t, s, schedule, noise[t] if eta > 0 else None, eta)
    return x


@alternative("10.6", "without the step function")
def ddim_sample(model, x_T, schedule, times, *, eta=0.0, noise=None, generator=None):  # noqa: F811
    left, x = schedule.alpha_bars.tolist(), x_T
    for t, s in zip(times, [*times, 0][1:]):
        with torch.no_grad():
            eps = model(x, torch.full((len(x),), t))
        sigma = eta * math.sqrt((1 - left[s]) / (1 - left[t]) * (1 - left[t] / left[s]))
        x = math.sqrt(left[s] / left[t]) * (x - math.sqrt(1 - left[t]) * eps) + math.sqrt(1 - left[s] - sigma**2) * eps
        if eta > 0:
            x = x + sigma * (torch.randn(x.shape, generator=generator, dtype=x.dtype) if noise is None else noise[t])
    return x.detach()


@alternative("10.7", "the step for a model that knows the noise")
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):
    t = times_of(t, x_t)
    eps = (x_t - at_times(schedule.alpha_bars.sqrt(), t, x_t) * x0) / at_times((1 - schedule.alpha_bars).sqrt(), t, x_t)
    return reference_step(lambda x, t: eps, x_t, t, s, schedule, noise, eta)


@alternative("10.7", "two weights, of x_t and of x_0")
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    t, s = times_of(t, x_t), times_of(s, x_t)
    now, then, sigma = schedule.alpha_bars[t], schedule.alpha_bars[s], reference_sigma(schedule, t, s, eta)

    def rows(values):
        return values.to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))

    a = ((1 - then - sigma**2) / (1 - now)).sqrt()
    b = then.sqrt() - a * now.sqrt()
    return rows(a) * x_t + rows(b) * x0 + (rows(sigma) * noise if noise is not None else 0)


@alternative("10.8", "Euler's method")
@torch.no_grad()
def ddim_invert(model, x0, schedule, times):
    signal = schedule.alpha_bars.sqrt()
    ratio = (1 - schedule.alpha_bars).sqrt() / signal
    y, s = x0, 0
    for t in sorted(times):
        eps = model(signal[s].item() * y, torch.tensor([max(s, 1)] * len(y)))
        y = y + (ratio[t] - ratio[s]).item() * eps
        s = t
    return signal[s].item() * y


@alternative("10.8", "the first step apart")
@torch.no_grad()
def ddim_invert(model, x0, schedule, times):  # noqa: F811
    left = schedule.alpha_bars.tolist()
    upwards = list(reversed(times))
    first = upwards[0]
    x = math.sqrt(left[first]) * x0 + math.sqrt(1 - left[first]) * model(x0, torch.ones(len(x0), dtype=torch.int64))
    for s, t in zip(upwards, upwards[1:]):
        eps = model(x, torch.full((len(x),), s))
        guess = (x - math.sqrt(1 - left[s]) * eps) / math.sqrt(left[s])
        x = math.sqrt(left[t]) * guess + math.sqrt(1 - left[t]) * eps
    return x


@alternative("10.9", "acos, row by row")
def slerp(a, b, share):
    found = []
    for u, v in zip(a, b):
        cosine = ((u * v).sum() / (u.norm() * v.norm())).clamp(-1, 1).double()
        theta = math.acos(cosine)
        if math.sin(theta) < 1e-9:
            found.append((1 - share) * u + share * v)
        else:
            found.append((math.sin((1 - share) * theta) * u + math.sin(share * theta) * v) / math.sin(theta))
    return torch.stack(found)


@alternative("10.9", "acos and a mask")
def slerp(a, b, share):  # noqa: F811
    shape = (len(a), *[1] * (a.ndim - 1))
    cosine = torch.nn.functional.cosine_similarity(a.flatten(1), b.flatten(1), dim=1).clamp(-1, 1).reshape(shape)
    theta = torch.acos(cosine)
    turned = (torch.sin((1 - share) * theta) * a + torch.sin(share * theta) * b) / torch.sin(theta)
    return torch.where(torch.sin(theta) > 1e-6, turned, torch.lerp(a, b, share))
