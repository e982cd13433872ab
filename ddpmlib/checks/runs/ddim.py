"""How chapter 10's exercises are run: schedules and models travel as tables, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor

from . import given
from .ddpm import AffineModel, _setting


def ddim_sigma(module, tables: dict, t: int | Tensor, s: int | Tensor, eta: float) -> object:
    """The deviation."""
    return module.ddim_sigma(_setting(tables)[1], t, s, eta)


def ddim_step(module, tables: dict, x_t: Tensor, t: int | Tensor, s: int | Tensor, noise: Tensor | None, eta: float) -> list:
    """The step, and the step again."""
    model, schedule = _setting(tables)
    return [module.ddim_step(model, x_t, t, s, schedule, noise, eta) for _ in range(2)]


def ddim_step_from_x0(
    module, tables: dict, x_t: Tensor, x0: Tensor, t: int | Tensor, s: int | Tensor, noise: Tensor | None, eta: float
) -> list:
    """The step, and the step again."""
    schedule = _setting(tables)[1]
    return [module.ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta) for _ in range(2)]


def ddim_sample(module, tables: dict, x_T: Tensor, times: list, eta: float, noise: Tensor | None) -> dict:
    """The sample, the times at which the model was called, and what the student's own steps make of the same noise."""
    model, schedule = _setting(tables)
    sample = module.ddim_sample(model, x_T, schedule, times, eta=eta, noise=noise)
    called = torch.tensor(model.times)
    try:
        steps = x_T
        for t, s in zip(times, [*times[1:], 0]):
            steps = module.ddim_step(model, steps, t, s, schedule, None if noise is None else noise[t], eta)
    except Exception:  # the answer to an earlier exercise is not to be had: the sample alone is judged
        steps = None
    return {"sample": sample, "called": called, "steps": steps}


def drawn_samples(module, tables: dict, x_T: Tensor, times: list, eta: float, seed: int) -> list:
    """Samples with noise from a generator: with this seed, with the same seed, and with the next one."""
    model, schedule = _setting(tables)
    return [module.ddim_sample(model, x_T, schedule, times, eta=eta, generator=torch.Generator().manual_seed(number))
            for number in (seed, seed, seed + 1)]


def walk_and_graph(module, function: str, tables: dict, start: Tensor, times: list) -> list:
    """Where a deterministic walk ends for a model with parameters, and whether it could be differentiated."""
    model = AffineModel(tables["slope"].clone().requires_grad_(), tables["shift"])
    end = getattr(module, function)(model, start, given.schedule(tables["betas"], tables["alpha_bars"]), times)
    return [end, bool(getattr(end, "requires_grad", False))]


def ddim_invert(module, tables: dict, x0: Tensor, times: list) -> dict:
    """The end of the walk upwards, and the times at which the model was called."""
    model, schedule = _setting(tables)
    end = module.ddim_invert(model, x0, schedule, times)
    return {"end": end, "called": torch.tensor(model.times)}
