"""Correct answers to chapter 8's derivations in other forms."""

from __future__ import annotations

import sympy
from answers import alternative

w, d, P, h, c, N = sympy.symbols("w d P h c N", positive=True)


@alternative("8.2", "half angles")
def embedding_product_formula():
    return 1 - 2 * sympy.sin(w * d / 2) ** 2


@alternative("8.2", "from the identity, with s = 1")
def embedding_product_formula():  # noqa: F811
    return sympy.cos(w) * sympy.cos(w * (1 + d)) + sympy.sin(w) * sympy.sin(w * (1 + d))


@alternative("8.2", "one fraction")
def embedding_speed_formula():
    return (P**2 - 1) * P ** (2 / h) / (P**2 * (P ** (2 / h) - 1))


@alternative("8.2", "exponentials")
def embedding_speed_formula():  # noqa: F811
    return (1 - sympy.exp(-2 * sympy.log(P))) / (1 - sympy.exp(-2 * sympy.log(P) / h))


@alternative("8.9", "weights times pixels")
def block_work_formula():
    return (3 * c) ** 2 * N + c * c * 9 * N


@alternative("8.9", "factored")
def attention_work_formula():
    return 2 * c * N * (2 * c + N)


@alternative("8.9", "a quotient")
def break_even_formula():
    return (18 * c**2 - 4 * c**2) / (2 * c)
