# Stub: write your code where NotImplementedError is raised.
"""One step of learning, and what is put around it: clipping, a moving average of the weights, a learning rate that changes (chapter 9).

The loops that call these functions are given: ``lab.py`` for the labs, ``train.py`` for the command line.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ddpmlib.validation import require_instance, require_integer, require_number, require_tensor


def training_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss: Float[Tensor, ""], *, max_norm: float | None = None
) -> tuple[float, float]:
    r"""Exercise 9.1. One step of learning: gradients of the loss, clipped if they are too long, and the optimizer's step.

    Parameters
    ----------
    model
        the network; the gradient is taken with respect to its parameters. Some may have no part in the loss.
    optimizer
        an optimizer of these parameters.
    loss
        the loss of this batch, a tensor of shape () that the parameters have a part in.
    max_norm
        the largest norm that the gradient may have, above 0: a longer one is scaled down to it, its direction kept. None: no limit.

    Returns
    -------
    The loss, and the norm of the gradient *before* clipping (of all parameters together, as one long vector): two floats.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or ``max_norm`` is not above 0.
    FloatingPointError
        if the loss or the gradient's norm is infinite or not a number. The parameters and the optimizer's state are then as they were.

    Gradients of an earlier step, if any are left in the parameters, have no part in this one.

    Source: Pascanu, Mikolov and Bengio (2013), Algorithm 1, for the clipping; chapter 9, "One step".
    """
    require_instance("model", model, nn.Module)
    require_instance("optimizer", optimizer, torch.optim.Optimizer)
    require_tensor("loss", loss, ndim=0)
    if max_norm is not None:
        require_number("max_norm", max_norm, above=0)
    raise NotImplementedError("Exercise 9.1: write training_step in ddpmlib/learner.py")


def ema_decay(step: int, decay: float) -> float:
    r"""Exercise 9.3. The decay of the moving average in one step: small at first, so that the initial weights are soon forgotten.

    Parameters
    ----------
    step
        the number of the step, from 1.
    decay
        the decay in the long run, between 0 and 1.

    Returns
    -------
    The smaller of ``decay`` and (1 + step)/(10 + step).

    Raises
    ------
    TypeError, ValueError
        if ``step`` is not an integer of at least 1, or ``decay`` lies outside (0, 1).

    Source: TensorFlow's ``ExponentialMovingAverage``; chapter 9, "The first steps of the average".
    """
    require_integer("step", step, low=1)
    require_number("decay", decay, above=0, below=1)
    raise NotImplementedError("Exercise 9.3: write ema_decay in ddpmlib/learner.py")


def ema_update(ema: nn.Module, model: nn.Module, decay: float) -> None:
    r"""Exercise 9.3. One step of the moving average of a network's weights, written into ``ema``.

    Every parameter p of ``ema`` becomes decay * p + (1 - decay) * (the model's parameter of this name). Buffers, which are no
    weights (a counter, say), are copied from the model.

    Parameters
    ----------
    ema
        the network that holds the average: a copy of the model, with tensors of its own. It is changed in place: its
        parameters remain the same objects, of the same dtype, and no gradient can flow through the update.
    model
        the network in training. It stays as it is.
    decay
        between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the networks do not have the same parameters, or ``decay`` lies outside (0, 1).

    Source: Polyak and Juditsky (1992) for averaging; Ho et al. (2020), appendix B; chapter 9, "The average of the weights".
    """
    require_twins(ema, model)
    require_number("decay", decay, above=0, below=1)
    raise NotImplementedError("Exercise 9.3: write ema_update in ddpmlib/learner.py")


def learning_rate(step: int, steps: int, *, peak: float, warmup: int) -> float:
    r"""Exercise 9.4. The learning rate of one step: a straight rise over ``warmup`` steps, then half a cosine down.

    With w = ``warmup``: peak * n/w at the steps n = 1, ..., w; then peak * (1 + cos(pi * u))/2 with
    u = (n - w)/(steps + 1 - w), which would arrive at 0 one step after the last.

    Parameters
    ----------
    step
        the number n of the step, in 1..steps.
    steps
        the number of all steps.
    peak
        the largest learning rate, above 0.
    warmup
        the number of steps that the rise takes, in 0..steps; 0 for no rise.

    Returns
    -------
    A float above 0.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or lies outside its range.

    Source: Loshchilov and Hutter (2017), equation 5, for the cosine; chapter 9, "Slow, fast, slow".
    """
    require_integer("steps", steps, low=1)
    require_integer("step", step, low=1, high=steps)
    require_number("peak", peak, above=0)
    require_integer("warmup", warmup, low=0, high=steps)
    raise NotImplementedError("Exercise 9.4: write learning_rate in ddpmlib/learner.py")


def require_twins(ema: object, model: object) -> None:
    """Raise unless two networks have parameters and buffers of the same names and shapes, and share none."""
    require_instance("ema", ema, nn.Module)
    require_instance("model", model, nn.Module)
    for kind in ("parameters", "buffers"):
        ours, theirs = dict(getattr(ema, f"named_{kind}")()), dict(getattr(model, f"named_{kind}")())
        for name in [*theirs, *(name for name in ours if name not in theirs)]:
            shapes = [tuple(tensors[name].shape) if name in tensors else None for tensors in (ours, theirs)]
            if shapes[0] != shapes[1]:
                words = ["nothing of this name" if shape is None else f"shape {shape}" for shape in shapes]
                raise ValueError(f"ema must have the model's {kind}; got for {name}: {words[0]} in ema, {words[1]} in the model")
            if ours[name] is theirs[name]:
                raise ValueError(f"ema must have {kind} of its own, got the model's {name}; make it with copy.deepcopy(model)")
