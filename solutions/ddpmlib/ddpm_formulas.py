"""The formulas of chapter 7 that you derive, as SymPy expressions. The data are N(0, c) in every component."""

from __future__ import annotations

import sympy


def shortfall_formula() -> sympy.Expr:
    r"""Exercise 7.4. Return what the small choice lacks in one step: Var(x_{t-1} | x_t) - beta-tilde_t, for data of variance c.

    Use the symbols ``alpha_t`` for alpha_t, ``abar_prev`` for alpha_bar_{t-1} (both between 0 and 1) and ``c`` > 0.

    Source: chapter 7, "Which variance?".
    """
    alpha_t, abar_prev, c = sympy.symbols("alpha_t abar_prev c", positive=True)
    ### BEGIN SOLUTION
    noise = 1 - alpha_t * abar_prev
    weight = sympy.sqrt(abar_prev) * (1 - alpha_t) / noise
    return weight**2 * c * noise / (alpha_t * abar_prev * c + noise)
    ### END SOLUTION


def variance_after_step_formula() -> sympy.Expr:
    r"""Exercise 7.4. Return the variance of the sampler's x_{t-1}, if its x_t has mean 0 and variance u.

    Use the symbols ``alpha_t`` for alpha_t, ``v_t`` for the variance of the *data* at time t (which the model knows),
    ``u`` for the variance of the *sampler's* x_t, and ``s2`` for sigma_t^2.

    Source: chapter 7, "Which variance?".
    """
    alpha_t, v_t, u, s2 = sympy.symbols("alpha_t v_t u s2", positive=True)
    ### BEGIN SOLUTION
    factor = (1 - (1 - alpha_t) / v_t) / sympy.sqrt(alpha_t)
    return factor**2 * u + s2
    ### END SOLUTION


def loss_floor_formula() -> sympy.Expr:
    r"""Exercise 7.6. Return the loss of the best model at one time: the smallest mean of (eps - model(x_t, t))^2.

    Use the symbols ``abar`` for alpha_bar_t (between 0 and 1) and ``c`` > 0 for the variance of the data.

    Source: chapter 7, "The floor".
    """
    abar, c = sympy.symbols("abar c", positive=True)
    ### BEGIN SOLUTION
    return abar * c / (abar * c + 1 - abar)
    ### END SOLUTION


def renoised_variance_formula() -> sympy.Expr:
    r"""Exercise 7.9. Return the variance of x_{t-1} after one step of "denoise, then renoise" from an x_t of the right law.

    Use the symbols ``abar`` for alpha_bar_t, ``abar_prev`` for alpha_bar_{t-1} (both between 0 and 1) and ``c`` > 0.

    Source: chapter 7, "Denoise, then renoise".
    """
    abar, abar_prev, c = sympy.symbols("abar abar_prev c", positive=True)
    ### BEGIN SOLUTION
    return abar_prev * abar * c**2 / (abar * c + 1 - abar) + 1 - abar_prev
    ### END SOLUTION


def renoise_rest_formula() -> sympy.Expr:
    r"""Exercise 7.9. Return the variance that a step of "denoise, then renoise" leaves as it is, for alpha_bar_{t-1} = alpha_bar_t.

    Use the symbols ``abar`` for both alpha_bars (between 0 and 1) and ``c`` > 0 for the variance of the data.

    Source: chapter 7, "Denoise, then renoise".
    """
    abar, c = sympy.symbols("abar c", positive=True)
    ### BEGIN SOLUTION
    gain = abar * c / (abar * c + 1 - abar)
    return (1 - abar) / (1 - gain**2)
    ### END SOLUTION
