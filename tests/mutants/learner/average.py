"""Wrong answers to exercises 9.3 and 9.4: the average of the weights, and the learning rate."""

from __future__ import annotations

import copy
import math

import torch
from answers import mutant

AVERAGE, BUFFERS, PLACE, PRECISION, DECAY = "the average", "buffers", "in place", "precision", "the decay"
RISE, FALL, ENDS = "the rise", "the fall", "the ends"


def pairs(ema, model):
    return zip(ema.parameters(), model.parameters())


def copy_buffers(ema, model):
    for kept, buffer in zip(ema.buffers(), model.buffers()):
        kept.copy_(buffer)


@mutant("9.3", "exchanged", says="Decay and 1 - decay are exchanged", keeps=(BUFFERS, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):
    for average, parameter in pairs(ema, model):
        average.mul_(1 - decay).add_(decay * parameter)
    copy_buffers(ema, model)


@mutant("9.3", "sum", says="The new weights come in with the factor 1", keeps=(BUFFERS, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for average, parameter in pairs(ema, model):
        average.mul_(decay).add_(parameter)
    copy_buffers(ema, model)


@mutant("9.3", "not written", says="is it written into ema?", keeps=(BUFFERS, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for average, parameter in pairs(ema, model):
        average = decay * average + (1 - decay) * parameter
    copy_buffers(ema, model)


@mutant("9.3", "copied", says="This is the model, not an average", keeps=(BUFFERS, DECAY))
def ema_update(ema, model, decay):  # noqa: F811
    ema.load_state_dict(model.state_dict())


@mutant("9.3", "into the model", says="is it written into ema?", keeps=(BUFFERS, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for average, parameter in pairs(ema, model):
        parameter.lerp_(average, decay)
    copy_buffers(ema, model)


@mutant("9.3", "the model too", says="the model has changed; only ema should", keeps=(BUFFERS, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for average, parameter in pairs(ema, model):
        average.lerp_(parameter.clone(), 1 - decay)
    for average, parameter in pairs(ema, model):
        parameter.copy_(average)
    copy_buffers(ema, model)


@mutant("9.3", "new objects", says="the parameters of ema are new objects", keeps=(AVERAGE, BUFFERS, PRECISION, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for name, parameter in model.named_parameters():
        old = getattr(ema, name)
        setattr(ema, name, torch.nn.Parameter(old.lerp(parameter, 1 - decay), requires_grad=old.requires_grad))
    copy_buffers(ema, model)


@mutant("9.3", "buffers forgotten", says="The buffer is left as it was", keeps=(AVERAGE, PLACE, PRECISION, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for average, parameter in pairs(ema, model):
        average.lerp_(parameter, 1 - decay)


@mutant("9.3", "in float32", says="right to single precision only", keeps=(AVERAGE, BUFFERS, PLACE, DECAY))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    for average, parameter in pairs(ema, model):
        average.copy_(average.float().lerp(parameter.float(), 1 - decay))
    copy_buffers(ema, model)


@mutant("9.3", "into a copy", says="is it written into ema?", keeps=(DECAY,))
@torch.no_grad()
def ema_update(ema, model, decay):  # noqa: F811
    ema = copy.deepcopy(ema)
    for average, parameter in pairs(ema, model):
        average.lerp_(parameter, 1 - decay)
    copy_buffers(ema, model)


@mutant("9.3", "larger of the two", says="This is the larger of the two", keeps=(AVERAGE, BUFFERS, PLACE, PRECISION))
def ema_decay(step, decay):
    return max(decay, (1 + step) / (10 + step))


@mutant("9.3", "no limit", says="This never stops growing", keeps=(AVERAGE, BUFFERS, PLACE, PRECISION))
def ema_decay(step, decay):  # noqa: F811
    return (1 + step) / (10 + step)


@mutant("9.3", "no warm-up", says="in the first ones it should be less", keeps=(AVERAGE, BUFFERS, PLACE, PRECISION))
def ema_decay(step, decay):  # noqa: F811
    return decay


@mutant("9.3", "counted from 0", says="The steps are counted from 0 here", keeps=(AVERAGE, BUFFERS, PLACE, PRECISION))
def ema_decay(step, decay):  # noqa: F811
    return min(decay, step / (9 + step))


@mutant("9.3", "product", says="This multiplies the two", keeps=(AVERAGE, BUFFERS, PLACE, PRECISION))
def ema_decay(step, decay):  # noqa: F811
    return decay * (1 + step) / (10 + step)


def fall(step, steps, peak, warmup):
    return peak * (1 + math.cos(math.pi * (step - warmup) / (steps + 1 - warmup))) / 2


def rate(rise, down):
    """A learning rate of two pieces."""

    def learning_rate(step, steps, *, peak, warmup):
        return rise(step, peak, warmup) if step <= warmup else down(step, steps, peak, warmup)

    return learning_rate


@mutant("9.4", "rise from 0", says="The rise starts at 0", keeps=(FALL,))
def learning_rate(step, steps, *, peak, warmup):
    return rate(lambda n, peak, w: peak * (n - 1) / w, fall)(step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "no rise", says="There is no rise", keeps=(FALL,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak, fall)(step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "rise too long", says="The rise arrives one step late", keeps=(FALL,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak * n / (w + 1), fall)(step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "multiplied", says="Warm-up and fall are multiplied")
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return peak * min(1.0, step / max(warmup, 1)) * (1 + math.cos(math.pi * step / (steps + 1))) / 2


@mutant("9.4", "0 in the last step", says="The fall arrives at 0 in the last step", keeps=(RISE,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak * n / w, lambda n, steps, peak, w: peak * (1 + math.cos(math.pi * (n - w) / max(steps - w, 1))) / 2)(
        step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "straight fall", says="This is a straight fall", keeps=(RISE,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak * n / w, lambda n, steps, peak, w: peak * (1 - (n - w) / (steps + 1 - w)))(
        step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "not halved", says="The cosine is not halved", keeps=(RISE,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak * n / w, lambda *arguments: 2 * fall(*arguments))(step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "negative rates", says="The fall ends below 0", keeps=(RISE,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak * n / w, lambda n, steps, peak, w: peak * math.cos(math.pi * (n - w) / (steps + 1 - w)))(
        step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "quarter", says="This is a quarter of a cosine's period", keeps=(RISE,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak * n / w, lambda n, steps, peak, w: peak * math.cos(math.pi / 2 * (n - w) / (steps + 1 - w)))(
        step, steps, peak=peak, warmup=warmup)


@mutant("9.4", "constant", says="The learning rate stays at its peak", keeps=(RISE,))
def learning_rate(step, steps, *, peak, warmup):  # noqa: F811
    return rate(lambda n, peak, w: peak * n / w, lambda n, steps, peak, w: peak)(step, steps, peak=peak, warmup=warmup)
