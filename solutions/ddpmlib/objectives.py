"""What a diffusion model is trained on: a KL divergence at each time, which is a weighted squared error (chapter 6)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ddpmlib.parameterizations import Kind, require_kind
from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule
from ddpmlib.validation import require_same_shape, require_tensor, require_times


def gaussian_kl(
    mean_q: Float[Tensor, "batch *shape"],
    var_q: float | Float[Tensor, "..."],
    mean_p: Float[Tensor, "batch *shape"],
    var_p: float | Float[Tensor, "..."],
) -> Float[Tensor, "batch"]:
    r"""Exercise 6.1. KL( N(mean_q, var_q) || N(mean_p, var_p) ) in nats, for each row; all components are independent.

    Parameters
    ----------
    mean_q, mean_p
        the means, of the same shape (batch, ...); all axes but the first are dimensions of one row.
    var_q, var_p
        the variances, positive: a number for all components, or a tensor that broadcasts to the means' shape.

    Returns
    -------
    The divergence of each row, of shape (batch,): summed over all dimensions, and differentiable in the tensors.

    Raises
    ------
    TypeError, ValueError
        if the means differ in shape or have no batch axis, or a variance does not broadcast to them or is not positive.

    Source: chapter 6, "Two Gaussians".
    """
    require_same_shape(mean_q=mean_q, mean_p=mean_p)
    if mean_q.ndim == 0:
        raise ValueError("mean_q must have a batch axis: shape (batch, ...), got ()")
    var_q, var_p = (_require_positive(name, var, mean_q) for name, var in (("var_q", var_q), ("var_p", var_p)))
    ### BEGIN SOLUTION
    ratio = var_q / var_p
    nats = 0.5 * ((mean_q - mean_p) ** 2 / var_p + ratio - 1 - torch.log(ratio))
    return nats.reshape(len(mean_q), -1).sum(dim=1)
    ### END SOLUTION


def loss_weights(kind: Kind, schedule: Schedule, variances: Float[Tensor, "T+1"]) -> Float[Tensor, "T+1"]:
    r"""Exercise 6.5. The factor before the squared error of a prediction in the ELBO's term L_{t-1}, for each time.

    With reverse kernels N(mean, variances[t] I), L_{t-1} = weights[t] * ||target - prediction||^2 + C, where C holds no
    parameters.

    Parameters
    ----------
    kind
        what the network predicts: "x0", "eps", "v", "score" or "mean".
    schedule
        the schedule's tables.
    variances
        sigma_t^2, the variance of each component of the reverse step from t to t-1, at index t: positive for t = 2, ..., T.
        At t = 1 it may be 0, and entry 0 is ignored.

    Returns
    -------
    The float64 table of shape (T + 1,): index t is time t. Entry 0 is 0, as no step leads away from time 0; entry 1 is inf
    if ``variances[1]`` is 0.

    Raises
    ------
    TypeError, ValueError
        if the kind is unknown, or ``variances`` is not such a table.

    Source: Ho et al. (2020), equations 8 and 12; chapter 6, "The exact weights".
    """
    require_kind("kind", kind)
    require_schedule("schedule", schedule)
    require_variances("variances", variances, schedule)
    ### BEGIN SOLUTION
    left, before, beta = schedule.alpha_bars[1:], schedule.alpha_bars[:-1], schedule.betas[1:]
    of_x0 = before.sqrt() * beta / (1 - left)  # the mean moves by this much when x_0 moves by 1
    step = {
        "mean": torch.ones_like(left),
        "x0": of_x0,
        "eps": of_x0 * ((1 - left) / left).sqrt(),
        "v": of_x0 * (1 - left).sqrt(),
        "score": of_x0 * (1 - left) / left.sqrt(),
    }[kind]
    return torch.cat([torch.zeros(1, dtype=torch.float64), step**2 / (2 * variances[1:].double())])
    ### END SOLUTION


def denoising_loss(
    kind: Kind,
    prediction: Float[Tensor, "batch *shape"],
    x0: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    schedule: Schedule,
    weights: Float[Tensor, "T+1"] | None = None,
) -> Float[Tensor, ""]:
    r"""Exercise 6.6. The loss of a batch: the mean over its rows of weights[t] * ||target - prediction||^2.

    Parameters
    ----------
    kind
        what was predicted, and so what the target is: "x0", "eps", "v", "score" or "mean".
    prediction
        the network's output at x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise, of shape (batch, ...).
    x0, noise
        the data and the total noise, of the same shape.
    t
        the time, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,).
    schedule
        the schedule's tables.
    weights
        a table of T + 1 factors (index t is time t), or None for factors 1: with kind "eps" this is L_simple.

    Returns
    -------
    A tensor of shape (), of the dtype of ``prediction`` and differentiable in it. The squared error of a row is summed over
    all its dimensions.

    Raises
    ------
    TypeError, ValueError
        if the kind is unknown, the shapes differ, a dtype is wrong, a time lies outside 1..T, or ``weights`` is no such table.

    Source: Ho et al. (2020), equation 14; chapter 6, "What is trained in practice".
    """
    require_kind("kind", kind)
    require_same_shape(prediction=prediction, x0=x0, noise=noise)
    if x0.ndim == 0:
        raise ValueError("prediction must have a batch axis: shape (batch, ...), got ()")
    require_schedule("schedule", schedule)
    t = require_times("t", t, low=1, high=schedule.T, batch=len(x0))
    if weights is not None:
        require_table("weights", weights, schedule)
    ### BEGIN SOLUTION
    signal, spread = schedule.alpha_bars.sqrt(), (1 - schedule.alpha_bars).sqrt()
    if kind == "x0":
        target = x0
    elif kind == "eps":
        target = noise
    elif kind == "v":
        target = at_times(signal, t, x0) * noise - at_times(spread, t, x0) * x0
    elif kind == "score":
        target = -at_times(1 / spread, t, x0) * noise
    else:
        x_t = at_times(signal, t, x0) * x0 + at_times(spread, t, x0) * noise
        inner = at_times(schedule.betas / spread, t, x0) * noise
        target = at_times(1 / schedule.alphas.sqrt(), t, x0) * (x_t - inner)
    squares = (target - prediction).square().reshape(len(x0), -1).sum(dim=1)
    if weights is not None:
        squares = weights[t].to(squares.dtype) * squares
    return squares.mean()
    ### END SOLUTION


def require_table(name: str, table: object, schedule: Schedule) -> None:
    """Raise unless ``table`` is a floating-point tensor with an entry for each of the times 0, ..., T of the schedule."""
    require_tensor(name, table, ndim=1)
    if len(table) != schedule.T + 1:
        raise ValueError(f"{name} must have {schedule.T + 1} entries, one for each time 0, ..., T; got {len(table)}")


def require_variances(name: str, variances: object, schedule: Schedule) -> None:
    """Raise unless ``variances`` is a table of the schedule's length, at least 0 at t = 1 and positive for t = 2, ..., T."""
    require_table(name, variances, schedule)
    allowed = torch.cat([variances[1:2] >= 0, variances[2:] > 0]) & variances[1:].isfinite()
    wrong = allowed.logical_not().nonzero().flatten()
    if len(wrong):
        t = wrong[0].item() + 1
        raise ValueError(f"{name}[{t}] must be {'positive' if t > 1 else 'at least 0'}, got {variances[t].item()}")


def _require_positive(name: str, variance: object, mean: Tensor) -> Tensor:
    """The variance as a tensor in the dtype of the means, if it is positive and broadcasts to their shape."""
    if isinstance(variance, (int, float)) and not isinstance(variance, bool):
        variance = mean.new_tensor(float(variance))
    require_tensor(name, variance)
    try:
        fits = torch.broadcast_shapes(variance.shape, mean.shape) == mean.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must broadcast to the shape of mean_q, {tuple(mean.shape)}, got {tuple(variance.shape)}")
    wrong = variance.detach()[((variance > 0) & variance.isfinite()).logical_not()]
    if wrong.numel():
        raise ValueError(f"{name} must be positive and finite, got {wrong.flatten()[0].item()}")
    return variance
