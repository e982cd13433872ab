"""How chapter 9's exercises on learning are run: small networks and optimizers travel as tensors and numbers, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Bowls(nn.Module):
    """Parameters with a quadratic loss, sum of w (p - target)^2 / 2; one of them has no part in it."""

    def __init__(self, start: dict[str, Tensor], weights: dict[str, Tensor], targets: dict[str, Tensor]):
        super().__init__()
        for name, value in start.items():
            self.register_parameter(name, nn.Parameter(value.clone()))
        self.weights, self.targets = weights, targets

    def loss(self, spoil: str = "") -> Tensor:
        """The loss; or one that is not a number, or infinite, or that has no gradient that is a number."""
        total = sum((self.weights[name] * (getattr(self, name) - target).square()).sum() / 2 for name, target in self.targets.items())
        if spoil == "gradient":  # the root of 0 has the slope infinity, and 0 times that is none
            return total + (getattr(self, next(iter(self.targets))) * 0.0).sum().abs().sqrt()
        return total * float(spoil) if spoil else total

    def values(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.named_parameters()}


def _optimizer(net: nn.Module, rate: float, momentum: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum)


def training_steps(module, net: dict, rate: float, momentum: float, max_norm: float | None, left_over: dict, count: int) -> dict:
    """So many steps: what each returned, the parameters after it, and the gradients that an earlier step left (if any) before it."""
    bowls = Bowls(**net)
    optimizer = _optimizer(bowls, rate, momentum)
    for name, value in left_over.items():
        getattr(bowls, name).grad = value.clone()
    limit = {} if max_norm is None else {"max_norm": max_norm}
    returned, after = [], []
    for _ in range(count):
        result = module.training_step(bowls, optimizer, bowls.loss(), **limit)
        floats = isinstance(result, tuple) and len(result) == 2 and all(isinstance(value, float) for value in result)
        returned.append(list(result) if floats else _described(result))
        after.append(bowls.values())
    return {"returned": returned, "after": after}


def _described(result: object) -> str:
    if isinstance(result, (tuple, list)):
        return f"a {type(result).__name__} of {', '.join(type(value).__name__ for value in result) or 'nothing'}"
    return "None (is a return missing?)" if result is None else type(result).__name__


def refused_step(module, net: dict, rate: float, momentum: float, max_norm: float | None, spoil: str) -> dict:
    """One good step, then one whose loss or gradient is spoilt: which error it raised, and whether anything moved."""
    bowls = Bowls(**net)
    optimizer = _optimizer(bowls, rate, momentum)
    limit = {} if max_norm is None else {"max_norm": max_norm}
    module.training_step(bowls, optimizer, bowls.loss(), **limit)
    before, raised = (bowls.values(), _state(optimizer)), ""
    try:
        module.training_step(bowls, optimizer, bowls.loss(spoil), **limit)
    except NotImplementedError:
        raise
    except Exception as error:
        raised = type(error).__name__
    return {"raised": raised, "before": before[0], "after": bowls.values(), "state before": before[1], "state after": _state(optimizer)}


def _state(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [value.clone() for entry in optimizer.state.values() for value in entry.values() if isinstance(value, Tensor)]


class Weights(nn.Module):
    """Parameters and a buffer, from tensors."""

    def __init__(self, parameters: dict[str, Tensor], buffer: Tensor, gradients: bool):
        super().__init__()
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(value.clone(), requires_grad=gradients))
        self.register_buffer("count", buffer.clone())


def ema_updates(module, ema: dict, models: list, buffers: list, decay: float, gradients: bool) -> dict:
    """The average after following several models, what became of the last model, and whether the average is still its own."""
    average = Weights(ema, buffers[0], gradients)
    objects = dict(average.named_parameters())
    for parameters, buffer in zip(models, buffers[1:]):
        model = Weights(parameters, buffer, gradients=True)
        module.ema_update(average, model, decay)
    after = {name: value.detach().clone() for name, value in average.named_parameters()}
    left = {name: value.detach().clone() for name, value in model.named_parameters()}
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1.0)
        model.count.add_(1)
    return {
        "after": after, "buffer": average.count.clone(), "model": left,
        "moved with the model": any(not torch.equal(after[name], value.detach()) for name, value in average.named_parameters()),
        "same objects": all(value is objects.get(name) for name, value in average.named_parameters()),
        "graph": any(value.grad_fn is not None or value.requires_grad != gradients for value in average.parameters()),
    }


def ema_decay(module, steps: list, decay: float) -> list:
    """The decays of these steps."""
    return [module.ema_decay(step, decay) for step in steps]


def learning_rates(module, chosen: list, steps: int, peak: float, warmup: int) -> list:
    """The learning rates of these steps."""
    return [module.learning_rate(step, steps, peak=peak, warmup=warmup) for step in chosen]
