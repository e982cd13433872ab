"""The evidence lower bound of a latent-variable model (chapter 1)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.validation import require_same_shape


def reparameterize(
    mu: Float[Tensor, "*shape"], log_var: Float[Tensor, "*shape"], noise: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    r"""Exercise 1.1. Draw z ~ N(mu, sigma^2) as a differentiable function of mu and log sigma^2.

    Parameters
    ----------
    mu, log_var
        the mean, and the logarithm of the *variance*, of each component of z.
    noise
        eps ~ N(0, I), of the same shape.

    Returns
    -------
    z = mu + sigma * eps, with gradients to ``mu`` and ``log_var``.

    Source: Kingma and Welling (2014), section 2.4; chapter 1, equation (1.9).
    """
    require_same_shape(mu=mu, log_var=log_var, noise=noise)
    ### BEGIN SOLUTION
    return mu + torch.exp(0.5 * log_var) * noise
    ### END SOLUTION
