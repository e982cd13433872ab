"""How chapter 7's exercises are run: schedules and models travel as tables, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor

from . import given


class AffineModel:
    """The model slope[t] x + shift[t], with a table entry for each time; it notes the times that it is called with."""

    def __init__(self, slope: Tensor, shift: Tensor):
        self.slope, self.shift = slope, shift
        self.times: list[int] = []

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        if not isinstance(t, Tensor) or t.is_floating_point() or t.shape != (len(x),):
            found = f"{t.dtype} of shape {tuple(t.shape)}" if isinstance(t, Tensor) else type(t).__name__
            raise ValueError(f"a model is called with an integer tensor of times of shape (batch,), here ({len(x)},); got {found}")
        self.times.append(int(t[0]))
        rows = (-1, *[1] * (x.ndim - 1))
        return self.slope[t].reshape(rows).to(x.dtype) * x + self.shift[t].reshape(rows).to(x.dtype)


def _setting(tables: dict[str, Tensor]) -> tuple[AffineModel, object]:
    return AffineModel(tables["slope"], tables["shift"]), given.schedule(tables["betas"], tables["alpha_bars"])


def training_loss(module, tables: dict, x0: Tensor, t: int | Tensor, noise: Tensor) -> list:
    """The loss, and the loss again."""
    model, schedule = _setting(tables)
    return [module.training_loss(model, x0, t, noise, schedule) for _ in range(2)]


def gradient_of_loss(module, tables: dict, x0: Tensor, t: int | Tensor, noise: Tensor) -> Tensor:
    """The gradients of the loss with respect to the model's two tables, stacked."""
    inputs = [tables[name].clone().requires_grad_() for name in ("slope", "shift")]
    loss = module.training_loss(AffineModel(*inputs), x0, t, noise, given.schedule(tables["betas"], tables["alpha_bars"]))
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return torch.zeros(2, len(inputs[0]), dtype=inputs[0].dtype)
    found = torch.autograd.grad(loss.sum(), inputs, allow_unused=True)
    return torch.stack([torch.zeros_like(inputs[0]) if gradient is None else gradient for gradient in found])


def reverse_variance(module, betas: Tensor, alpha_bars: Tensor, kind: str) -> object:
    """The student's table."""
    return module.reverse_variance(given.schedule(betas, alpha_bars), kind)


def ancestral_step(module, tables: dict, x_t: Tensor, t: int | Tensor, noise: Tensor, variance: Tensor) -> list:
    """The step, and the step again."""
    model, schedule = _setting(tables)
    return [module.ancestral_step(model, x_t, t, schedule, noise, variance) for _ in range(2)]


def ancestral_sample(module, tables: dict, x_T: Tensor, variance: str | Tensor, noise: Tensor) -> dict:
    """The sample, the times at which the model was called, and what the student's own steps make of the same noise."""
    model, schedule = _setting(tables)
    sample = module.ancestral_sample(model, x_T, schedule, variance=variance, noise=noise)
    called = torch.tensor(model.times)
    try:
        table = module.reverse_variance(schedule, variance) if isinstance(variance, str) else variance
        steps = x_T
        for t in range(schedule.T, 0, -1):
            steps = module.ancestral_step(model, steps, t, schedule, noise[t], table)
    except Exception:  # the answer to an earlier exercise is not to be had: the sample alone is judged
        steps = None
    return {"sample": sample, "called": called, "steps": steps}


def drawn_samples(module, function: str, tables: dict, x_T: Tensor, seed: int) -> list:
    """Samples with noise from a generator: with this seed, with the same seed, and with the next one."""
    model, schedule = _setting(tables)
    sample = getattr(module, function)
    return [sample(model, x_T, schedule, generator=torch.Generator().manual_seed(s)) for s in (seed, seed, seed + 1)]


def sample_and_graph(module, function: str, tables: dict, x_T: Tensor, noise: Tensor) -> list:
    """The sample of a model with parameters, and whether it could be differentiated."""
    model = AffineModel(tables["slope"].clone().requires_grad_(), tables["shift"])
    schedule = given.schedule(tables["betas"], tables["alpha_bars"])
    sample = getattr(module, function)(model, x_T, schedule, noise=noise)
    return [sample, bool(getattr(sample, "requires_grad", False))]


def loss_per_time(module, tables: dict, x0: Tensor, times: Tensor, noise: Tensor) -> dict:
    """The losses, whether they carry a graph, and what the student's own training loss is at these times."""
    model, schedule = _setting(tables | {"slope": tables["slope"].clone().requires_grad_()})
    losses = module.loss_per_time(model, x0, times, noise, schedule)
    try:
        single = torch.stack([module.training_loss(model, x0, t, noise, schedule) for t in times.tolist()])
    except Exception:  # the answer to an earlier exercise is not to be had
        single = None
    return {"losses": losses, "graph": bool(getattr(losses, "requires_grad", False)), "single": single}


def denoise_renoise_sample(module, tables: dict, x_T: Tensor, noise: Tensor) -> object:
    """The sample."""
    model, schedule = _setting(tables)
    return module.denoise_renoise_sample(model, x_T, schedule, noise=noise)
