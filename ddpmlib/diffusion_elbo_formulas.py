# Stub: write your code where NotImplementedError is raised.
"""The formulas of chapter 4 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def printed_excess_formula() -> sympy.Expr:
    r"""Exercise 4.2. Return what the printed consistency term has too much, in nats, for one component.

    That is E[log q(x_t | x_{t-1}) - log p(x_t | x_{t+1})] with an x_t drawn afresh from q(x_t | x_{t-1}), minus the same with
    the x_t from which x_{t+1} was made. The reverse step is p(x_t | x_{t+1}) = N(a x_{t+1} + b, v).

    Use the symbols ``a``, ``b`` and ``v`` for the reverse step, ``alpha_next`` for alpha_{t+1}, ``beta_t`` for beta_t and
    ``x_prev`` for x_{t-1} (those that the answer needs).

    Source: chapter 4, "The printed form".
    """
    a, b, x_prev = sympy.symbols("a b x_prev", real=True)
    v, alpha_next, beta_t = sympy.symbols("v alpha_next beta_t", positive=True)
    raise NotImplementedError("Exercise 4.2: write printed_excess_formula in ddpmlib/diffusion_elbo_formulas.py")


def telescoped_formula() -> sympy.Expr:
    r"""Exercise 4.4. Return the expectation of the factors that telescope, in nats, for one component.

    That is E[ sum over t = 2..T of log( q(x_{t-1} | x_0) / q(x_t | x_0) ) ] over a path of the forward process.

    Use the symbols ``abar_1`` for alpha_bar_1 and ``abar_T`` for alpha_bar_T.

    Source: chapter 4, "What telescopes".
    """
    abar_1, abar_T = sympy.symbols("abar_1 abar_T", positive=True)
    raise NotImplementedError("Exercise 4.4: write telescoped_formula in ddpmlib/diffusion_elbo_formulas.py")


def fixed_variance_loss_formula() -> sympy.Expr:
    r"""Exercise 4.7. Return what one reverse step loses by the variance beta_t, in nats, for one Gaussian component.

    That is the divergence from q(x_{t-1} | x_t) to the Gaussian with the same mean and the variance beta_t.

    Use the symbols ``v_prev`` for the variance of x_{t-1} and ``alpha_t`` for alpha_t, so that beta_t = 1 - alpha_t.

    Source: chapter 4, "A variance that is fixed".
    """
    v_prev, alpha_t = sympy.symbols("v_prev alpha_t", positive=True)
    raise NotImplementedError("Exercise 4.7: write fixed_variance_loss_formula in ddpmlib/diffusion_elbo_formulas.py")
