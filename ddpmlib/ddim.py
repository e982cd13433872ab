# Stub: write your code where NotImplementedError is raised.
"""Sampling in fewer steps: the family q_sigma of Song, Meng and Ermon (2021), with DDIM as its deterministic member (chapter 10).

What a *model* is, ``eps = model(x_t, t)``, stands in ``models.py``. A step leads from a time t to an earlier time s, which need not
be t - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.models import Model, draw_noise, require_model, require_noises
from ddpmlib.schedules import Schedule
from ddpmlib.steps import as_rows, entries, require_eta, require_share, require_spacing, require_step, require_times_down
from ddpmlib.tables import require_schedule
from ddpmlib.validation import require_integer, require_same_shape, require_tensor


def ddim_sigma(
    schedule: Schedule, t: int | Int[Tensor, "batch"], s: int | Int[Tensor, "batch"], eta: float
) -> Float[Tensor, "*batch"]:
    r"""Exercise 10.3. The standard deviation of the step from t to s.

    sigma = eta sqrt((1 - alpha_bar_s) / (1 - alpha_bar_t)) sqrt(1 - alpha_bar_t / alpha_bar_s).

    Parameters
    ----------
    schedule
        the schedule's tables.
    t, s
        the times, 0 <= s < t <= T: ints, or integer tensors of shape (batch,).
    eta
        the share of the Markov chain's deviation, between 0 (no noise) and 1.

    Returns
    -------
    A float64 tensor, of shape () for ints and (batch,) for tensors of times. It is 0 where s = 0.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, a time lies outside its range, or eta outside [0, 1].

    Source: Song, Meng and Ermon (2021), equation 16; chapter 10, "How much noise".
    """
    require_schedule("schedule", schedule)
    t, s = require_step(t, s, schedule.T)
    eta = require_eta(eta)
    raise NotImplementedError("Exercise 10.3: write ddim_sigma in ddpmlib/ddim.py")


def ddim_step(
    model: Model,
    x_t: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    s: int | Int[Tensor, "batch"],
    schedule: Schedule,
    noise: Float[Tensor, "batch *shape"] | None,
    eta: float,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 10.4. One step of the sampler, from x_t to x_s for any earlier time s.

    x_s = sqrt(alpha_bar_s) xhat_0 + sqrt(1 - alpha_bar_s - sigma^2) eps + sigma z, with eps = model(x_t, t) and with the datum
    xhat_0 = (x_t - sqrt(1 - alpha_bar_t) eps) / sqrt(alpha_bar_t) that this noise implies.

    Parameters
    ----------
    model
        the noise predictor; it is called once, with the times t as an integer tensor of shape (batch,).
    x_t
        where the sampler is, of shape (batch, ...).
    t, s
        where the step starts and ends, 0 <= s < t <= T: ints for the whole batch, or integer tensors of shape (batch,).
    schedule
        the schedule's tables.
    noise
        z ~ N(0, I), of the shape of ``x_t``; it may be None if eta = 0.
    eta
        the share of noise, between 0 and 1 (``ddim_sigma``).

    Returns
    -------
    x_s, of the shape and dtype of ``x_t`` (the coefficients are computed in float64 first).

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, a time lies outside its range, or eta outside [0, 1].

    Source: Song, Meng and Ermon (2021), equation 12; chapter 10, "The step".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_tensor("x_t", x_t)
    t, s = require_step(t, s, schedule.T, x_t)
    eta = require_eta(eta)
    if noise is not None or eta > 0:
        require_same_shape(x_t=x_t, noise=noise)
    raise NotImplementedError("Exercise 10.4: write ddim_step in ddpmlib/ddim.py")


def ddim_step_from_x0(
    x_t: Float[Tensor, "batch *shape"],
    x0: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    s: int | Int[Tensor, "batch"],
    schedule: Schedule,
    noise: Float[Tensor, "batch *shape"] | None,
    eta: float,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 10.7. The step of ``ddim_step``, from a predicted datum in the place of a model.

    x_s = sqrt(alpha_bar_s) x_0 + sqrt(1 - alpha_bar_s - sigma^2) eps + sigma z, with the noise eps that leads from this x_0 to x_t.

    Parameters
    ----------
    x_t
        where the sampler is, of shape (batch, ...).
    x0
        the predicted datum, of the shape of ``x_t``: a model's, perhaps clipped to the range of the data.
    t, s
        where the step starts and ends, 0 <= s < t <= T: ints for the whole batch, or integer tensors of shape (batch,).
    schedule
        the schedule's tables.
    noise
        z ~ N(0, I), of the shape of ``x_t``; it may be None if eta = 0.
    eta
        the share of noise, between 0 and 1 (``ddim_sigma``).

    Returns
    -------
    x_s, of the shape and dtype of ``x_t`` (the coefficients are computed in float64 first).

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, a time lies outside its range, or eta outside [0, 1].

    Source: Song, Meng and Ermon (2021), equation 12; chapter 10, "The step for a predicted datum".
    """
    require_schedule("schedule", schedule)
    require_same_shape(x_t=x_t, x0=x0)
    t, s = require_step(t, s, schedule.T, x_t)
    eta = require_eta(eta)
    if noise is not None or eta > 0:
        require_same_shape(x_t=x_t, noise=noise)
    raise NotImplementedError("Exercise 10.7: write ddim_step_from_x0 in ddpmlib/ddim.py")


def time_subsequence(T: int, steps: int, spacing: Literal["uniform", "quadratic"] = "uniform") -> list[int]:
    r"""Exercise 10.5. The times at which the sampler calls the model, falling from T.

    In rising order they are tau_i = floor(T i / S) for ``spacing="uniform"``, and the larger one of i and floor(T i^2 / S^2) for
    ``spacing="quadratic"``, i = 1, ..., S with S = ``steps``.

    Parameters
    ----------
    T
        the number of steps of the schedule.
    steps
        S, the number of times, between 1 and T.
    spacing
        "uniform" or "quadratic"; the second has more of its times near the data.

    Returns
    -------
    A list of S ints without repetition, from T down. (The sampler's last step leads from the last of them to time 0, which is not in
    the list.)

    Raises
    ------
    TypeError, ValueError
        if a number is no integer or lies outside its range, or the spacing is unknown.

    Source: Song, Meng and Ermon (2021), section 5 and appendix D.2; chapter 10, "Fewer times".
    """
    require_integer("T", T, low=1)
    require_integer("steps", steps, low=1, high=T)
    require_spacing("spacing", spacing)
    raise NotImplementedError("Exercise 10.5: write time_subsequence in ddpmlib/ddim.py")


def ddim_sample(
    model: Model,
    x_T: Float[Tensor, "batch *shape"],
    schedule: Schedule,
    times: Sequence[int] | Int[Tensor, "steps"],
    *,
    eta: float = 0.0,
    noise: Float[Tensor, "T+1 batch *shape"] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 10.6. Walk down through the given times and on to time 0, with a call of the model at each, and without gradients.

    Parameters
    ----------
    model
        the noise predictor.
    x_T
        where the walk starts, of shape (batch, ...).
    schedule
        the schedule's tables.
    times
        the times in falling order, all of them in 1..T, for instance from ``time_subsequence``. ``x_T`` belongs to the first; the last
        step leads to time 0.
    eta
        the share of noise, between 0 and 1.
    noise
        the noise of all steps: ``noise[t]`` is used in the step that starts from time t.
    generator
        if ``noise`` is None and eta > 0, fresh standard normal noise is drawn with it for every step.

    Returns
    -------
    x_0, of the shape and dtype of ``x_T``. It carries no graph, whatever the model's parameters are.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, the times do not fall or leave 1..T, eta lies outside [0, 1], or
        both ``noise`` and ``generator`` are missing while eta > 0.

    Source: Song, Meng and Ermon (2021), section 4.2; chapter 10, "The whole sampler".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_tensor("x_T", x_T)
    times = require_times_down("times", times, schedule.T)
    eta = require_eta(eta)
    if eta > 0 or noise is not None:
        require_noises(noise, generator, x_T, schedule.T)
    raise NotImplementedError("Exercise 10.6: write ddim_sample in ddpmlib/ddim.py")


def ddim_invert(
    model: Model, x0: Float[Tensor, "batch *shape"], schedule: Schedule, times: Sequence[int] | Int[Tensor, "steps"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 10.8. The way up: from data to the x_T that ``ddim_sample`` with eta = 0 leads back to them, nearly.

    The steps lead from s = 0 to the smallest of the times, from there to the next, and so on to the largest:
    x_t = sqrt(alpha_bar_t) xhat_0 + sqrt(1 - alpha_bar_t) eps, where eps = model(x_s, s), and xhat_0 is the datum that this noise
    implies at time s. At s = 0, where no model is trained, it is asked at time 1 (and xhat_0 is x_0).

    Parameters
    ----------
    model
        the noise predictor.
    x0
        data, of shape (batch, ...).
    schedule
        the schedule's tables.
    times
        the times in falling order, as for ``ddim_sample``; they are walked from the last to the first.

    Returns
    -------
    x at the first of the times, of the shape and dtype of ``x0``, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or the times do not fall or leave 1..T.

    Source: Song, Meng and Ermon (2021), section 4.3; chapter 10, "The way up".
    """
    require_model(model)
    require_schedule("schedule", schedule)
    require_tensor("x0", x0)
    if x0.ndim == 0:
        raise ValueError("x0 must have a batch axis: shape (batch, ...), got ()")
    times = require_times_down("times", times, schedule.T)
    raise NotImplementedError("Exercise 10.8: write ddim_invert in ddpmlib/ddim.py")


def slerp(
    a: Float[Tensor, "batch *shape"], b: Float[Tensor, "batch *shape"], share: float
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 10.9. Spherical interpolation: from a (share 0) to b (share 1) along the arc, row by row.

    With theta the angle between a row of a and that of b, each taken as one long vector:
    (sin((1 - share) theta) a + sin(share theta) b) / sin(theta). Where theta = 0 this is 0/0, and its limit (1 - share) a + share b
    is returned.

    Parameters
    ----------
    a, b
        of one shape (batch, ...); no row is 0, and no row of ``b`` points the opposite way of that of ``a``.
    share
        how far to go from a to b, between 0 and 1.

    Returns
    -------
    The points, of the shape and dtype of ``a``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes differ, or share lies outside [0, 1].

    Source: Shoemake (1985); Song, Meng and Ermon (2021), appendix D.5; chapter 10, "Between two noises".
    """
    require_same_shape(a=a, b=b)
    if a.ndim == 0:
        raise ValueError("a must have a batch axis: shape (batch, ...), got ()")
    share = require_share("share", share)
    raise NotImplementedError("Exercise 10.9: write slerp in ddpmlib/ddim.py")
