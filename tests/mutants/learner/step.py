"""Wrong answers to exercise 9.1: one step of learning."""

from __future__ import annotations

import torch
from answers import mutant

ONE, ROW, CLIP, REFUSAL = "one step", "steps in a row", "clipping", "refusal"


def refused(value):
    if not torch.isfinite(value):
        raise FloatingPointError("no number")


def gradients(model):
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


def total_norm(model):
    return torch.stack([gradient.norm() for gradient in gradients(model)]).norm()


def scaled(model, norm, max_norm):
    if max_norm is not None and norm > max_norm:
        for gradient in gradients(model):
            gradient.mul_(max_norm / norm)


def start(optimizer, loss, model):
    refused(loss)
    optimizer.zero_grad()
    loss.backward()
    norm = total_norm(model)
    refused(norm)
    return norm


@mutant("9.1", "old gradients stay", says="Gradients that were there before are added", keeps=(ONE,))
def training_step(model, optimizer, loss, *, max_norm=None):
    refused(loss)
    loss.backward()
    norm = total_norm(model)
    refused(norm)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "gradients deleted after backward", says="is the optimizer's step taken?")
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    optimizer.zero_grad()
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "no step", says="is the optimizer's step taken?")
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    return loss.item(), norm.item()


@mutant("9.1", "no clipping", says="The gradient is not clipped", keeps=(ONE, ROW, REFUSAL))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "clipped after the step", says="or only after the step", keeps=(ONE, ROW, REFUSAL))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    optimizer.step()
    scaled(model, norm, max_norm)
    return loss.item(), norm.item()


@mutant("9.1", "each on its own", says="Each parameter's gradient is clipped on its own", keeps=(ONE, ROW, REFUSAL))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    for gradient in gradients(model):
        if max_norm is not None and gradient.norm() > max_norm:
            gradient.mul_(max_norm / gradient.norm())
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "by value", says="Every element is clipped on its own", keeps=(ONE, ROW, REFUSAL))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    if max_norm is not None:
        torch.nn.utils.clip_grad_value_(model.parameters(), max_norm)
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "always of norm max_norm", says="is stretched to it", keeps=(ONE, ROW, REFUSAL))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    if max_norm is not None:
        for gradient in gradients(model):
            gradient.mul_(max_norm / norm)
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "norm after clipping", says="This is the norm after clipping", keeps=(ONE, ROW, REFUSAL))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item(), total_norm(model).item()


@mutant("9.1", "sum of the norms", says="The norms of the parameters' gradients are added")
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    added = sum(gradient.norm() for gradient in gradients(model)) * (norm / total_norm(model))
    optimizer.step()
    return loss.item(), added.item()


@mutant("9.1", "squared norm", says="This is the square of the norm")
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item(), norm.item() ** 2


@mutant("9.1", "tensors", says="return two floats")
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss, norm


@mutant("9.1", "loss alone", says="return two floats, the loss and the norm of the gradient")
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item()


@mutant("9.1", "no refusal", says="look at it before the optimizer's step", keeps=(ONE, ROW, CLIP))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    optimizer.zero_grad()
    loss.backward()
    norm = total_norm(model)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "refused after the step", says="look at it before the optimizer's step", keeps=(ONE, ROW, CLIP))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    optimizer.zero_grad()
    loss.backward()
    norm = total_norm(model)
    scaled(model, norm, max_norm)
    optimizer.step()
    refused(loss)
    refused(norm)
    return loss.item(), norm.item()


@mutant("9.1", "the loss only", says="loss or gradient is no number", keeps=(ONE, ROW, CLIP))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    refused(loss)
    optimizer.zero_grad()
    loss.backward()
    norm = total_norm(model)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "skipped in silence", says="nothing was raised", keeps=(ONE, ROW, CLIP))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    optimizer.zero_grad()
    loss.backward()
    norm = total_norm(model)
    if torch.isfinite(loss) and torch.isfinite(norm):
        scaled(model, norm, max_norm)
        optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "another error", says="FloatingPointError should be raised, got ValueError", keeps=(ONE, ROW, CLIP))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    if not torch.isfinite(loss):
        raise ValueError("no number")
    norm = start(optimizer, loss, model)
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item(), norm.item()


@mutant("9.1", "NaN only", says="although loss or gradient is no number", keeps=(ONE, ROW, CLIP))
def training_step(model, optimizer, loss, *, max_norm=None):  # noqa: F811
    optimizer.zero_grad()
    loss.backward()
    norm = total_norm(model)
    if torch.isnan(loss):
        raise FloatingPointError("NaN")
    scaled(model, norm, max_norm)
    optimizer.step()
    return loss.item(), norm.item()
