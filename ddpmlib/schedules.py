# Stub: write your code where NotImplementedError is raised.
"""Noise schedules: how fast the forward process forgets (chapter 3).

The index convention of the course
----------------------------------
A table of coefficients has T + 1 entries, and **index t is time t**. Time 0 is the data, where nothing has happened
yet: ``betas[0] == 0``, ``alphas[0] == 1`` and ``alpha_bars[0] == 1``. Step t = 1, ..., T leads from x_{t-1} to x_t
and uses ``betas[t]``. Tables are float64. Formulas of the papers are then typed as they are printed, and the entry
before the first step is an entry like any other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ddpmlib.tables import require_betas, require_fractions
from ddpmlib.validation import require_integer, require_number


def linear_betas(T: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Float[Tensor, "T+1"]:
    r"""Exercise 3.2. The linear schedule: beta_1, ..., beta_T are equally spaced.

    Parameters
    ----------
    T
        the number of steps, at least 1.
    beta_start, beta_end
        beta_1 and beta_T, each strictly between 0 and 1 (for T = 1 the one step has beta_start).

    Returns
    -------
    The float64 table (0, beta_1, ..., beta_T) of shape (T + 1,); index t is time t.

    Raises
    ------
    TypeError, ValueError
        if T is not an integer >= 1, or an end point lies outside (0, 1).

    Source: Ho et al. (2020), section 4; chapter 3, "The linear schedule".
    """
    require_integer("T", T, low=1)
    require_number("beta_start", beta_start, above=0, below=1)
    require_number("beta_end", beta_end, above=0, below=1)
    raise NotImplementedError("Exercise 3.2: write linear_betas in ddpmlib/schedules.py")


def alpha_bars(betas: Float[Tensor, "T+1"]) -> Float[Tensor, "T+1"]:
    r"""Exercise 3.2. How much of the data's variance is left: alpha_bar_t = prod_{s <= t} (1 - beta_s).

    Parameters
    ----------
    betas
        a table (0, beta_1, ..., beta_T).

    Returns
    -------
    The float64 table (1, alpha_bar_1, ..., alpha_bar_T) of shape (T + 1,), computed in float64.

    Raises
    ------
    TypeError, ValueError
        if ``betas`` is not such a table.

    Source: Ho et al. (2020), above equation 4; chapter 3, "How much of the data is left".
    """
    require_betas("betas", betas)
    raise NotImplementedError("Exercise 3.2: write alpha_bars in ddpmlib/schedules.py")


def cosine_betas(T: int, s: float = 0.008, max_beta: float = 0.999) -> Float[Tensor, "T+1"]:
    r"""Exercise 3.3. The cosine schedule, which prescribes alpha_bar_t and derives beta_t from it.

    With f(t) = cos^2( (t/T + s) / (1 + s) * pi/2 ):  beta_t = min(1 - f(t)/f(t-1), max_beta).

    Parameters
    ----------
    T
        the number of steps, at least 1.
    s
        the offset that keeps the first steps from being too small, at least 0.
    max_beta
        the largest beta allowed, strictly between 0 and 1.

    Returns
    -------
    The float64 table (0, beta_1, ..., beta_T) of shape (T + 1,); index t is time t.

    Raises
    ------
    TypeError, ValueError
        if T is not an integer >= 1, s is negative, or max_beta lies outside (0, 1).

    Source: Nichol and Dhariwal (2021), equation 17; chapter 3, "The cosine schedule".
    """
    require_integer("T", T, low=1)
    if require_number("s", s) < 0:
        raise ValueError(f"s must be at least 0, got {s}")
    require_number("max_beta", max_beta, above=0, below=1)
    raise NotImplementedError("Exercise 3.3: write cosine_betas in ddpmlib/schedules.py")


def signal_to_noise(alpha_bar: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    r"""Exercise 3.4. The signal-to-noise ratio of q(x_t | x_0), a ratio of variances.

    Parameters
    ----------
    alpha_bar
        values of alpha_bar_t in [0, 1], of any shape.

    Returns
    -------
    alpha_bar / (1 - alpha_bar), of the same shape: 0 where alpha_bar = 0, and inf where alpha_bar = 1.

    Raises
    ------
    TypeError, ValueError
        if ``alpha_bar`` is not a floating-point tensor with values in [0, 1].

    Source: Kingma et al. (2021), equation 2; chapter 3, "The signal-to-noise ratio".
    """
    require_fractions("alpha_bar", alpha_bar)
    raise NotImplementedError("Exercise 3.4: write signal_to_noise in ddpmlib/schedules.py")


@dataclass(frozen=True, eq=False)
class Schedule:
    """A schedule's tables, each float64 of shape (T + 1,): index t is time t, and index 0 is the data.

    Make one with ``Schedule.linear(T)``, ``Schedule.cosine(T)`` or ``Schedule.from_betas(betas)``.
    """

    T: int
    betas: Float[Tensor, "T+1"]
    alphas: Float[Tensor, "T+1"]
    alpha_bars: Float[Tensor, "T+1"]

    @classmethod
    def from_betas(cls, betas: Float[Tensor, "T+1"]) -> Schedule:
        """The schedule of a table (0, beta_1, ..., beta_T)."""
        betas = require_betas("betas", betas).double()
        return cls(T=len(betas) - 1, betas=betas, alphas=1 - betas, alpha_bars=alpha_bars(betas))

    @classmethod
    def linear(cls, T: int, beta_start: float = 1e-4, beta_end: float = 0.02) -> Schedule:
        """The linear schedule of Ho et al. (2020)."""
        return cls.from_betas(linear_betas(T, beta_start, beta_end))

    @classmethod
    def cosine(cls, T: int, s: float = 0.008, max_beta: float = 0.999) -> Schedule:
        """The cosine schedule of Nichol and Dhariwal (2021)."""
        return cls.from_betas(cosine_betas(T, s, max_beta))
