"""Correct answers to chapter 4's derivations that differ from the reference."""

from __future__ import annotations

import sympy
from answers import alternative

a, v, alpha_next, beta_t = sympy.symbols("a v alpha_next beta_t")
abar_1, abar_T, v_prev, alpha_t = sympy.symbols("abar_1 abar_T v_prev alpha_t", positive=True)


@alternative("4.2", "a power")
def printed_excess_formula():
    return beta_t * a * alpha_next ** sympy.Rational(1, 2) / v


@alternative("4.2", "difference of two squares")
def printed_excess_formula():  # noqa: F811
    link = a * sympy.sqrt(alpha_next)
    fresh = beta_t + link**2 * beta_t + a**2 * (1 - alpha_next)
    walk = (1 - link) ** 2 * beta_t + a**2 * (1 - alpha_next)
    return (fresh - walk) / (2 * v)


@alternative("4.4", "difference of two entropies")
def telescoped_formula():
    entropies = [sympy.log(2 * sympy.pi * sympy.E * (1 - abar)) / 2 for abar in (abar_1, abar_T)]
    return entropies[1] - entropies[0]


@alternative("4.4", "logarithm of the deviations")
def telescoped_formula():  # noqa: F811
    return sympy.log(sympy.sqrt(1 - abar_T)) - sympy.log(sympy.sqrt(1 - abar_1))


@alternative("4.7", "with the variance itself")
def fixed_variance_loss_formula():
    beta = 1 - alpha_t
    left = v_prev - alpha_t * v_prev**2 / (alpha_t * v_prev + beta)
    return left / (2 * beta) - sympy.Rational(1, 2) + sympy.log(beta / left) / 2


@alternative("4.7", "precisions add")
def fixed_variance_loss_formula():  # noqa: F811
    precision = 1 / v_prev + alpha_t / (1 - alpha_t)
    ratio = 1 / (precision * (1 - alpha_t))
    return (ratio - 1) / 2 - sympy.log(ratio) / 2
