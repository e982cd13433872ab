"""Generative adversarial networks: the losses of the two players, the best answer of one, and the value of the game (chapter 14).

A discriminator returns *logits*: a number a for each row, of which sigmoid(a) is its probability that the row is a datum.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from ddpmlib.validation import require_choice, require_number, require_same_shape, require_tensor


def discriminator_loss(real_logits: Float[Tensor, "*n"], fake_logits: Float[Tensor, "*m"]) -> Float[Tensor, ""]:
    r"""Exercise 14.4. What the discriminator minimises: - mean log D(x) over data - mean log(1 - D(G(z))) over samples.

    Parameters
    ----------
    real_logits, fake_logits
        the discriminator's logits for data and for samples, of any shapes, with at least one entry each. Their numbers may differ.

    Returns
    -------
    The loss in nats, a tensor of shape () that can be differentiated; finite for logits of any finite size.

    Raises
    ------
    TypeError, ValueError
        if an argument is not a floating-point tensor, or empty.

    Source: Goodfellow et al. (2014), equation 1; chapter 14, "Two players".
    """
    require_logits("real_logits", real_logits)
    require_logits("fake_logits", fake_logits)
    ### BEGIN SOLUTION
    return -functional.logsigmoid(real_logits).mean() - functional.logsigmoid(-fake_logits).mean()
    ### END SOLUTION


def generator_loss(
    fake_logits: Float[Tensor, "*m"], kind: Literal["saturating", "non-saturating"] = "non-saturating"
) -> Float[Tensor, ""]:
    r"""Exercise 14.4. What the generator minimises: mean log(1 - D(G(z))) ("saturating"), or - mean log D(G(z)).

    Parameters
    ----------
    fake_logits
        the discriminator's logits for samples, of any shape, with at least one entry.
    kind
        "saturating": the generator's part of the game of two players; "non-saturating": the loss that is used in its place.

    Returns
    -------
    The loss in nats, a tensor of shape () that can be differentiated; finite for logits of any finite size.

    Raises
    ------
    TypeError, ValueError
        if ``fake_logits`` is not a floating-point tensor, or empty, or ``kind`` is another text.

    Source: Goodfellow et al. (2014), section 3; chapter 14, "A loss that does not fall asleep".
    """
    require_logits("fake_logits", fake_logits)
    require_choice("kind", kind, "saturating", "non-saturating")
    ### BEGIN SOLUTION
    if kind == "saturating":
        return functional.logsigmoid(-fake_logits).mean()
    return -functional.logsigmoid(fake_logits).mean()
    ### END SOLUTION


def optimal_discriminator(log_data: Float[Tensor, "*n"], log_model: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    r"""Exercise 14.5. The best discriminator against a fixed generator, D*(x), from the logarithms of both densities.

    Parameters
    ----------
    log_data, log_model
        log p(x) of the data and log q(x) of the samples at the same points, of one shape. They may be as small as -10,000.

    Returns
    -------
    The probability D*(x) at each point, of their shape.

    Raises
    ------
    TypeError, ValueError
        if an argument is not a floating-point tensor, or the shapes differ.

    Source: Goodfellow et al. (2014), proposition 1; chapter 14, "The best discriminator".
    """
    require_same_shape(log_data=log_data, log_model=log_model)
    ### BEGIN SOLUTION
    return torch.sigmoid(log_data - log_model)
    ### END SOLUTION


def game_value(
    logits: Float[Tensor, "n"], log_data: Float[Tensor, "n"], log_model: Float[Tensor, "n"], spacing: float
) -> Float[Tensor, ""]:
    r"""Exercise 14.5. The value V(D, G) = E_p log D(x) + E_q log(1 - D(x)) on the line, by a Riemann sum over a grid.

    Parameters
    ----------
    logits
        the discriminator's logits at the n points of the grid.
    log_data, log_model
        log p(x) of the data and log q(x) of the samples there.
    spacing
        the distance of neighbouring points; each point stands for an interval of this length.

    Returns
    -------
    The value in nats, a tensor of shape (). A point at which both densities underflow to 0 adds nothing.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes differ or have not one axis, or the spacing is not positive.

    Source: Goodfellow et al. (2014), equation 1; chapter 14, "The best discriminator".
    """
    require_same_shape(logits=logits, log_data=log_data, log_model=log_model)
    require_tensor("logits", logits, ndim=1)
    spacing = require_number("spacing", spacing, above=0.0)
    ### BEGIN SOLUTION
    gain = log_data.exp() * functional.logsigmoid(logits) + log_model.exp() * functional.logsigmoid(-logits)
    return spacing * gain.sum()
    ### END SOLUTION


def require_logits(name: str, logits: object) -> None:
    """Raise unless ``logits`` is a floating-point tensor with at least one entry."""
    require_tensor(name, logits)
    if not logits.numel():
        raise ValueError(f"{name} must hold at least one logit, got shape {tuple(logits.shape)}")
