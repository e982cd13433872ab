"""Correct answers to chapter 11's code exercises that differ from the reference."""

from __future__ import annotations

import math

import torch
from answers import alternative

from ddpmlib.forward import q_sample
from ddpmlib.guidance import classifier_gradient as reference_gradient


def times_of(t, x):
    return torch.as_tensor(t).expand(len(x))


@alternative("11.2", "chapter 3's jump, logarithm by hand")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):
    logits = classifier(q_sample(x0, t, schedule.alpha_bars, noise), times_of(t, x0))
    return (logits.logsumexp(dim=1) - logits[torch.arange(len(y)), y]).mean()


@alternative("11.2", "a categorical law")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    t = times_of(t, x0)
    shape = (-1, *[1] * (x0.ndim - 1))
    left = schedule.alpha_bars[t].reshape(shape)
    x_t = left.sqrt().to(x0.dtype) * x0 + (1 - left).sqrt().to(x0.dtype) * noise
    return -torch.distributions.Categorical(logits=classifier(x_t, t)).log_prob(y).mean()


@alternative("11.3", "row by row")
def classifier_gradient(classifier, x_t, t, y):
    t, rows = times_of(t, x_t), []
    for x, time, label in zip(x_t, t, y):
        with torch.enable_grad():
            x = x[None].clone().detach().requires_grad_(True)
            log_p = torch.log_softmax(classifier(x, time[None]), dim=-1)[0, label]
        rows.append(torch.autograd.grad(log_p, x)[0][0])
    return torch.stack(rows)


@alternative("11.3", "the loss, summed")
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    with torch.set_grad_enabled(True):
        x = x_t.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(classifier(x, times_of(t, x)), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, [x])
    return -gradient.detach()


@alternative("11.4", "through the score")
def classifier_guided_model(model, classifier, y, scale, schedule):
    def guided(x_t, t):
        deviation = (1 - schedule.alpha_bars[t]).sqrt().reshape(-1, *[1] * (x_t.ndim - 1)).to(x_t.dtype)
        score = -model(x_t, t) / deviation
        return -deviation * (score + scale * reference_gradient(classifier, x_t, t, y))

    return guided


@alternative("11.4", "an object, row by row")
def classifier_guided_model(model, classifier, y, scale, schedule):  # noqa: F811
    class Guided:
        def __call__(self, x_t, t):
            gradient = reference_gradient(classifier, x_t, t, y)
            pushes = [math.sqrt(1 - schedule.alpha_bars[time]) * scale * row for time, row in zip(t, gradient)]
            return model(x_t, t) - torch.stack(pushes)

    return Guided()


@alternative("11.5", "written out")
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):
    t = times_of(t, x_t)

    def rows(table):
        return table[t].to(x_t.dtype).reshape(-1, *[1] * (x_t.ndim - 1))

    weight = schedule.betas / (1 - schedule.alpha_bars).sqrt()
    mean = (x_t - rows(weight) * model(x_t, t)) / rows(schedule.alphas.sqrt())
    mean = mean + scale * rows(variance) * reference_gradient(classifier, x_t, t, y)
    return mean + rows(variance.sqrt() * (torch.arange(len(variance)) > 1)) * noise


@alternative("11.5", "row by row")
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t, rows = times_of(t, x_t), []
    gradient, eps = reference_gradient(classifier, x_t, t, y), model(x_t, t)
    for i, time in enumerate(t.tolist()):
        beta, left, width = (table[time].item() for table in (schedule.betas, schedule.alpha_bars, variance))
        mean = (x_t[i] - beta / math.sqrt(1 - left) * eps[i]) / math.sqrt(1 - beta)
        rows.append(mean + scale * width * gradient[i] + (math.sqrt(width) * noise[i] if time > 1 else 0))
    return torch.stack(rows)


@alternative("11.6", "masked fill")
def drop_labels(y, dropped, null):
    return y.masked_fill(dropped, null)


@alternative("11.6", "a copy, and an index")
def drop_labels(y, dropped, null):  # noqa: F811
    told = y.clone()
    told[dropped] = null
    return told


@alternative("11.6", "the loss written out")
def joint_loss(net, x0, y, t, noise, dropped, schedule):
    t = times_of(t, x0)
    told = y * ~dropped + net.classes * dropped
    return torch.nn.functional.mse_loss(net(q_sample(x0, t, schedule.alpha_bars, noise), t, told), noise)


@alternative("11.7", "weights")
def guided_noise(eps_uncond, eps_cond, gamma):
    return gamma * eps_cond + (1 - gamma) * eps_uncond


@alternative("11.7", "beyond the condition, and torch.lerp")
def guided_noise(eps_uncond, eps_cond, gamma):  # noqa: F811
    return torch.lerp(eps_uncond, eps_cond, gamma)


@alternative("11.7", "a dictionary")
def gamma_of(scale, convention):
    beyond = {"deck": 0, "imagen": 0, "diffusers": 0, "dhariwal-nichol": 0, "ho-salimans": 1, "diffusers-original": 1,
              "dhariwal-nichol-conditional": 1}
    return torch.tensor(scale + beyond[convention], dtype=torch.float64)


@alternative("11.8", "the condition first")
def guided_model(net, y, gamma):
    def guided(x_t, t):
        n = len(x_t)
        labels = torch.cat([y, y.new_full((n,), net.classes)])
        eps = net(x_t.repeat(2, *[1] * (x_t.ndim - 1)), t.repeat(2), labels)
        return (1 - gamma) * eps[n:] + gamma * eps[:n]

    return guided


@alternative("11.8", "interleaved")
def guided_model(net, y, gamma):  # noqa: F811
    def guided(x_t, t):
        labels = torch.stack([y, torch.full_like(y, net.classes)], dim=1).flatten()
        eps = net(x_t.repeat_interleave(2, dim=0), t.repeat_interleave(2), labels)
        return eps[1::2] + gamma * (eps[0::2] - eps[1::2])

    return guided


@alternative("11.8", "one question where one is enough")
def guided_model(net, y, gamma):  # noqa: F811
    def guided(x_t, t):
        null = torch.full_like(y, net.classes)
        if gamma in (0.0, 1.0):
            return net(x_t, t, y if gamma else null)
        cond, uncond = net(torch.cat([x_t, x_t]), torch.cat([t, t]), torch.cat([y, null])).tensor_split(2)
        return uncond + gamma * (cond - uncond)

    return guided
