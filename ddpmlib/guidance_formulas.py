# Stub: write your code where NotImplementedError is raised.
"""The formulas of chapter 11 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def guided_eps_formula() -> sympy.Expr:
    r"""Exercise 11.1. Return the noise that belongs to the score "score of x_t, plus s times g".

    Use the symbols ``eps`` for the noise that belongs to the score of x_t, ``g`` for the gradient of log p(y | x_t), ``s`` for the scale (all
    real), and ``abar`` for alpha_bar_t (between 0 and 1).

    Source: chapter 11, "Scores and Bayes".
    """
    eps, g, s = sympy.symbols("eps g s", real=True)
    abar = sympy.Symbol("abar", positive=True)
    raise NotImplementedError("Exercise 11.1: write guided_eps_formula in ddpmlib/guidance_formulas.py")


def x0_shift_formula() -> sympy.Expr:
    r"""Exercise 11.1. Return what is added to the datum that the noise implies, if s g is added to the score.

    Use the symbols ``g``, ``s`` (real) and ``abar`` (between 0 and 1).

    Source: chapter 11, "Scores and Bayes".
    """
    g, s = sympy.symbols("g s", real=True)
    abar = sympy.Symbol("abar", positive=True)
    raise NotImplementedError("Exercise 11.1: write x0_shift_formula in ddpmlib/guidance_formulas.py")


def mean_shift_formula() -> sympy.Expr:
    r"""Exercise 11.1. Return what is added to the mean of an ancestral step, if s g is added to the score.

    Use the symbols ``g``, ``s`` (real), ``alpha_t`` for alpha_t and ``abar`` for alpha_bar_t (both between 0 and 1), as far as you need them.

    Source: chapter 11, "Scores and Bayes".
    """
    g, s = sympy.symbols("g s", real=True)
    alpha_t, abar = sympy.symbols("alpha_t abar", positive=True)
    raise NotImplementedError("Exercise 11.1: write mean_shift_formula in ddpmlib/guidance_formulas.py")


def tilted_variance_formula() -> sympy.Expr:
    r"""Exercise 11.9. Return the variance of the law with a density proportional to p(x | y)^gamma p(x)^(1 - gamma).

    Here p(x | y) = N(m, v) and p(x) = N(0, u). Use the symbols ``v``, ``u`` and ``gamma`` (positive; v < u).

    Source: chapter 11, "What guidance samples".
    """
    v, u, gamma = sympy.symbols("v u gamma", positive=True)
    raise NotImplementedError("Exercise 11.9: write tilted_variance_formula in ddpmlib/guidance_formulas.py")


def tilted_mean_formula() -> sympy.Expr:
    r"""Exercise 11.9. Return the mean of the law with a density proportional to p(x | y)^gamma p(x)^(1 - gamma).

    Here p(x | y) = N(m, v) and p(x) = N(0, u). Use the symbols ``m`` (real), ``v``, ``u`` and ``gamma`` (positive; v < u).

    Source: chapter 11, "What guidance samples".
    """
    m = sympy.Symbol("m", real=True)
    v, u, gamma = sympy.symbols("v u gamma", positive=True)
    raise NotImplementedError("Exercise 11.9: write tilted_mean_formula in ddpmlib/guidance_formulas.py")


def guided_variance_formula() -> sympy.Expr:
    r"""Exercise 11.9. Return the variance of the law at time t with a density proportional to p(x_t | y)^gamma p(x_t)^(1 - gamma).

    Here x_0 has the laws p(x_0 | y) = N(m, v) and p(x_0) = N(0, u). Use the symbols ``v``, ``u``, ``gamma`` (positive; v < u), and
    ``abar`` for alpha_bar_t (between 0 and 1).

    Source: chapter 11, "What guidance samples".
    """
    v, u, gamma, abar = sympy.symbols("v u gamma abar", positive=True)
    raise NotImplementedError("Exercise 11.9: write guided_variance_formula in ddpmlib/guidance_formulas.py")
