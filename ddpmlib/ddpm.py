# Stub: write your code where NotImplementedError is raised.
"""Training and sampling: Algorithms 1 and 2 of Ho et al. (2020), how to look at a loss, and a sampler that fails (chapter 7).

What a *model* is, ``eps = model(x_t, t)``, stands in ``models.py``.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.models import (
    Model, draw_noise, require_kind, require_model, require_noises, require_variances, row_times,
)
from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule
from ddpmlib.validation import require_same_shape, require_tensor, require_times


def training_loss(
    model: Model,
    x0: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    noise: Float[Tensor, "batch *shape"],
    schedule: Schedule,
) -> Float[Tensor, ""]:
    r"""Exercise 7.1. The loss of one training step: the mean square of eps - model(x_t, t), over all elements.

    Parameters
    ----------
    model
        the noise predictor. It is called once, with x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps and with the
        times as an integer tensor of shape (batch,).
    x0
        a batch of data, of shape (batch, ...).
    t
        the time, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,) with one time for each row.
    noise
        eps ~ N(0, I), of the shape of ``x0``.
    schedule
        the schedule's tables.

    Returns
    -------
    A number, as a tensor of shape () and of the dtype of ``x0``, through which gradients reach the model's parameters.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a time lies outside 1..T.

    Source: Ho et al. (2020), Algorithm 1 and equation 14; chapter 7, "Training".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_same_shape(x0=x0, noise=noise)
    t = row_times("t", t, x0, schedule.T)
    raise NotImplementedError("Exercise 7.1: write training_loss in ddpmlib/ddpm.py")


def reverse_variance(schedule: Schedule, kind: Literal["small", "large"]) -> Float[Tensor, "T+1"]:
    r"""Exercise 7.2. The variances sigma_t^2 of the reverse steps.

    Parameters
    ----------
    schedule
        the schedule's tables.
    kind
        "small" for sigma_t^2 = beta-tilde_t, the variance of q(x_{t-1} | x_t, x_0); "large" for sigma_t^2 = beta_t.

    Returns
    -------
    A new float64 table of shape (T + 1,): entry t belongs to the step from t to t - 1, and entry 0 is 0. In the table
    "small", entry 1 is 0 too, since alpha_bar_0 = 1.

    Raises
    ------
    TypeError, ValueError
        if ``schedule`` is not a schedule, or the kind is unknown.

    Source: Ho et al. (2020), section 3.2; chapter 7, "Which variance?".
    """
    require_schedule("schedule", schedule)
    require_kind("kind", kind)
    raise NotImplementedError("Exercise 7.2: write reverse_variance in ddpmlib/ddpm.py")


def ancestral_step(
    model: Model,
    x_t: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
    noise: Float[Tensor, "batch *shape"],
    variance: Float[Tensor, "T+1"],
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 7.3. One step of the sampler, from x_t to x_{t-1}.

    x_{t-1} = (x_t - beta_t / sqrt(1 - alpha_bar_t) model(x_t, t)) / sqrt(alpha_t) + sigma_t z, and z = 0 at t = 1.

    Parameters
    ----------
    model
        the noise predictor; it is called once, with an integer tensor of shape (batch,).
    x_t
        where the sampler is, of shape (batch, ...).
    t
        the time that the step starts from, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,).
    schedule
        the schedule's tables.
    noise
        z ~ N(0, I), of the shape of ``x_t``. Rows with t = 1 ignore it.
    variance
        the table of the sigma_t^2, of shape (T + 1,); rows with t = 1 ignore it too.

    Returns
    -------
    x_{t-1}, of the shape and dtype of ``x_t`` (the coefficients are computed in float64 first).

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a time lies outside 1..T.

    Source: Ho et al. (2020), Algorithm 2; chapter 7, "From the posterior to Algorithm 2".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_same_shape(x_t=x_t, noise=noise)
    t = row_times("t", t, x_t, schedule.T)
    require_variances("variance", variance, schedule.T)
    raise NotImplementedError("Exercise 7.3: write ancestral_step in ddpmlib/ddpm.py")


def ancestral_sample(
    model: Model,
    x_T: Float[Tensor, "batch *shape"],
    schedule: Schedule,
    *,
    variance: Literal["small", "large"] | Float[Tensor, "T+1"] = "small",
    noise: Float[Tensor, "T+1 batch *shape"] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 7.5. Walk from x_T down to x_0, with T calls of the model and without gradients.

    Parameters
    ----------
    model
        the noise predictor.
    x_T
        where the walk starts, of shape (batch, ...).
    schedule
        the schedule's tables.
    variance
        the kind of reverse variance, or a table of shape (T + 1,).
    noise
        the noise of all steps: ``noise[t]`` is used in the step from t to t - 1. (Entries 0 and 1 are ignored.)
    generator
        if ``noise`` is None, fresh standard normal noise is drawn with it for every step.

    Returns
    -------
    x_0, of the shape and dtype of ``x_T``. It carries no graph, whatever the model's parameters are.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or both ``noise`` and ``generator`` are missing.

    Source: Ho et al. (2020), Algorithm 2; chapter 7, "The whole sampler".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_tensor("x_T", x_T)
    if not isinstance(variance, Tensor):
        require_kind("variance", variance)
    require_noises(noise, generator, x_T, schedule.T)
    raise NotImplementedError("Exercise 7.5: write ancestral_sample in ddpmlib/ddpm.py")


def loss_per_time(
    model: Model,
    x0: Float[Tensor, "batch *shape"],
    times: Int[Tensor, "n"],
    noise: Float[Tensor, "batch *shape"],
    schedule: Schedule,
) -> Float[Tensor, "n"]:
    r"""Exercise 7.7. The loss at each of some times, without gradients: what a mean over random times hides.

    Parameters
    ----------
    model
        the noise predictor.
    x0
        data, of shape (batch, ...); all rows are used at every time.
    times
        the times to look at, in 1..T, of shape (n,).
    noise
        eps ~ N(0, I), of the shape of ``x0``: the same noise at every time, so that the curve is smooth.
    schedule
        the schedule's tables.

    Returns
    -------
    Entry i is the mean square of eps - model(x_t, t) at t = ``times[i]``; of shape (n,) and of the dtype of ``x0``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a time lies outside 1..T.

    Source: chapter 7, "The loss at each time".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_same_shape(x0=x0, noise=noise)
    if not isinstance(times, Tensor):
        raise TypeError(f"times must be an integer tensor of shape (n,), got {type(times).__name__}")
    times = require_times("times", times, low=1, high=schedule.T)
    if times.ndim != 1:
        raise ValueError(f"times must have shape (n,), got {tuple(times.shape)}")
    raise NotImplementedError("Exercise 7.7: write loss_per_time in ddpmlib/ddpm.py")


def denoise_renoise_sample(
    model: Model,
    x_T: Float[Tensor, "batch *shape"],
    schedule: Schedule,
    *,
    noise: Float[Tensor, "T+1 batch *shape"] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 7.8. Denoise completely, then add noise anew; T times. A contrast: its samples do not follow the data's law.

    x_{t-1} = sqrt(alpha_bar_{t-1}) xhat + sqrt(1 - alpha_bar_{t-1}) z, where xhat is the x_0 that the model's noise implies.

    Parameters
    ----------
    model
        the noise predictor.
    x_T
        where the walk starts, of shape (batch, ...).
    schedule
        the schedule's tables.
    noise
        the noise of all steps: ``noise[t]`` is used in the step from t to t - 1. (Entries 0 and 1 are ignored.)
    generator
        if ``noise`` is None, fresh standard normal noise is drawn with it for every step.

    Returns
    -------
    x_0, of the shape and dtype of ``x_T``, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or both ``noise`` and ``generator`` are missing.

    Source: the lecture deck of IIT Hyderabad (Algorithm 2, in another scaling); chapter 7, "Denoise, then renoise".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_tensor("x_T", x_T)
    require_noises(noise, generator, x_T, schedule.T)
    raise NotImplementedError("Exercise 7.8: write denoise_renoise_sample in ddpmlib/ddpm.py")
