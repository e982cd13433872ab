"""The formulas of chapter 8 that you derive, as SymPy expressions."""

from __future__ import annotations

import sympy


def embedding_product_formula() -> sympy.Expr:
    r"""Exercise 8.2. Return the inner product of (cos wt, sin wt) and (cos ws, sin ws), in ``w`` and the difference ``d`` = t - s.

    Use the symbols ``w`` and ``d``, both positive.

    Source: chapter 8, "Waves of the time".
    """
    w, d = sympy.symbols("w d", positive=True)
    ### BEGIN SOLUTION
    return sympy.cos(w * d)
    ### END SOLUTION


def embedding_speed_formula() -> sympy.Expr:
    r"""Exercise 8.2. Return the limit, for d -> 0, of the squared distance of the embeddings of t + d and t, over d^2.

    Use the symbols ``P`` > 1 for max_period and ``h`` for the number of frequencies w_i = P^(-i/h), i = 0, ..., h - 1. The answer
    has no sum in it.

    Source: chapter 8, "Waves of the time".
    """
    P, h = sympy.symbols("P h", positive=True)
    ### BEGIN SOLUTION
    return (1 - P**-2) / (1 - P ** (-2 / h))
    ### END SOLUTION


def block_work_formula() -> sympy.Expr:
    r"""Exercise 8.9. Return the multiplications that the two convolutions of a residual block take for one image.

    Use the symbols ``c`` for the channels that come and go, and ``N`` for the pixels. Multiplications by the zeros around the image
    count; those of the normalisations, of silu and of the embedding do not.

    Source: chapter 8, "Where the work goes".
    """
    c, N = sympy.symbols("c N", positive=True)
    ### BEGIN SOLUTION
    return 2 * 9 * c**2 * N
    ### END SOLUTION


def attention_work_formula() -> sympy.Expr:
    r"""Exercise 8.9. Return the multiplications that a self-attention layer takes for one image: ``qkv``, scores, means and ``out``.

    Use the symbols ``c`` for the channels and ``N`` for the pixels. Those of the softmax, of its scale and of the normalisation do
    not count.

    Source: chapter 8, "Where the work goes".
    """
    c, N = sympy.symbols("c N", positive=True)
    ### BEGIN SOLUTION
    return 4 * c**2 * N + 2 * c * N**2
    ### END SOLUTION


def break_even_formula() -> sympy.Expr:
    r"""Exercise 8.9. Return the number of pixels at which a self-attention layer takes as many multiplications as a residual block.

    Use the symbol ``c`` for the channels.

    Source: chapter 8, "Where the work goes".
    """
    c = sympy.symbols("c", positive=True)
    ### BEGIN SOLUTION
    return 7 * c
    ### END SOLUTION
