"""Correct answers to chapter 9's code exercises on learning that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative


@alternative("9.1", "PyTorch's clipping")
def training_step(model, optimizer, loss, *, max_norm=None):
    value = loss.item()
    if math.isnan(value) or math.isinf(value):
        raise FloatingPointError(value)
    model.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), math.inf if max_norm is None else max_norm).item()
    if not math.isfinite(norm):
        raise FloatingPointError(norm)
    optimizer.step()
    return value, norm


@alternative("9.1", "gradients by torch.autograd.grad")
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    norm = math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients if gradient is not None))
    if not math.isfinite(float(loss.detach()) + norm):
        raise FloatingPointError("loss or gradient is no number")
    scale = 1.0 if max_norm is None else min(1.0, max_norm / norm)
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = None if gradient is None else gradient * scale
    optimizer.step()
    return float(loss.detach()), norm


@alternative("9.3", "by name, with data")
def ema_update(ema, model, decay):
    new, old = model.state_dict(), ema.state_dict()
    weights = dict(ema.named_parameters())
    for name, value in old.items():
        value.copy_(decay * value + (1 - decay) * new[name] if name in weights else new[name])


@alternative("9.3", "add the difference")
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for (_, average), (_, parameter) in zip(ema.named_parameters(), model.named_parameters()):
        average.sub_((1 - decay) * (average - parameter.detach()))
    for name, buffer in model.named_buffers():
        ema.get_buffer(name).copy_(buffer)


@alternative("9.3", "with an if")
def ema_decay(step, decay):
    early = 1 - 9 / (10 + step)
    return early if early < decay else decay


@alternative("9.4", "half angle")
def learning_rate(step, steps, *, peak, warmup):
    if warmup and step <= warmup:
        return peak / warmup * step
    return peak * math.cos(math.pi / 2 * (step - warmup) / (steps - warmup + 1)) ** 2


@alternative("9.4", "one expression")
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    u = max(0.0, (step - warmup) / (steps + 1 - warmup))
    return min(1.0, step / max(warmup, 1)) * peak * (0.5 + 0.5 * math.cos(math.pi * u))
