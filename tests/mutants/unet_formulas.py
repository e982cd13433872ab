"""Wrong answers to chapter 8's derivations."""

from __future__ import annotations

import sympy
from answers import mutant

w, d, P, h, c, N = sympy.symbols("w d P h c N", positive=True)
PRODUCT, SPEED = ("the product",), ("the speed",)
BLOCK, ATTENTION, EVEN = ("residual block",), ("attention",), ("break even",)


@mutant("8.2", "mixed product", says="this is the mixed product", keeps=SPEED)
def embedding_product_formula():
    return sympy.sin(w * d)


@mutant("8.2", "squared distance", says="the inner product is asked for", keeps=SPEED)
def embedding_product_formula():  # noqa: F811
    return 2 - 2 * sympy.cos(w * d)


@mutant("8.2", "no frequency", says="The frequency is missing", keeps=SPEED)
def embedding_product_formula():  # noqa: F811
    return sympy.cos(d)


@mutant("8.2", "first terms", says="the exact product is asked for", keeps=SPEED)
def embedding_product_formula():  # noqa: F811
    return 1 - w**2 * d**2 / 2


@mutant("8.2", "halved", says="There is a factor 1/2 too much", keeps=SPEED)
def embedding_product_formula():  # noqa: F811
    return sympy.cos(w * d) / 2


@mutant("8.2", "not squared", says="The frequencies enter squared", keeps=PRODUCT)
def embedding_speed_formula():
    return (1 - 1 / P) / (1 - P ** (-1 / h))


@mutant("8.2", "from 1", says="The sum begins at i = 0", keeps=PRODUCT)
def embedding_speed_formula():  # noqa: F811
    return P ** (-2 / h) * (1 - P**-2) / (1 - P ** (-2 / h))


@mutant("8.2", "one too many", says="one term too many", keeps=PRODUCT)
def embedding_speed_formula():  # noqa: F811
    return (1 - P ** (-2 * (h + 1) / h)) / (1 - P ** (-2 / h))


@mutant("8.2", "infinitely many", says="infinitely many", keeps=PRODUCT)
def embedding_speed_formula():  # noqa: F811
    return 1 / (1 - P ** (-2 / h))


@mutant("8.2", "root", says="the squared distance over d^2 is asked for", keeps=PRODUCT)
def embedding_speed_formula():  # noqa: F811
    return sympy.sqrt((1 - P**-2) / (1 - P ** (-2 / h)))


@mutant("8.2", "h - 1 below", says="this is the sum for -i/(h - 1)", keeps=PRODUCT)
def embedding_speed_formula():  # noqa: F811
    return (1 - P ** (-2 * h / (h - 1))) / (1 - P ** (-2 / (h - 1)))


@mutant("8.9", "one convolution", says="This is one of the two convolutions", keeps=(*ATTENTION, *EVEN))
def block_work_formula():
    return 9 * c**2 * N


@mutant("8.9", "three places", says="A kernel has 3 x 3 places", keeps=(*ATTENTION, *EVEN))
def block_work_formula():  # noqa: F811
    return 6 * c**2 * N


@mutant("8.9", "channels once", says="so c enters squared", keeps=(*ATTENTION, *EVEN))
def block_work_formula():  # noqa: F811
    return 18 * c * N


@mutant("8.9", "weights alone", says="This is for one pixel", keeps=(*ATTENTION, *EVEN))
def block_work_formula():  # noqa: F811
    return 18 * c**2


@mutant("8.9", "pairs alone", says="The layers qkv and out are missing", keeps=(*BLOCK, *EVEN))
def attention_work_formula():
    return 2 * c * N**2


@mutant("8.9", "no out", says="The layer out is missing", keeps=(*BLOCK, *EVEN))
def attention_work_formula():  # noqa: F811
    return 3 * c**2 * N + 2 * c * N**2


@mutant("8.9", "no means", says="The means of the values are missing", keeps=(*BLOCK, *EVEN))
def attention_work_formula():  # noqa: F811
    return 4 * c**2 * N + c * N**2


@mutant("8.9", "pairs without channels", says="the factor c is missing in the work on pairs", keeps=(*BLOCK, *EVEN))
def attention_work_formula():  # noqa: F811
    return 4 * c**2 * N + 2 * N**2


@mutant("8.9", "pairs with channels squared", says="there c is not squared", keeps=(*BLOCK, *EVEN))
def attention_work_formula():  # noqa: F811
    return 4 * c**2 * N + 2 * c**2 * N**2


@mutant("8.9", "unordered pairs", says="the pairs are ordered", keeps=(*BLOCK, *EVEN))
def attention_work_formula():  # noqa: F811
    return 4 * c**2 * N + c * N * (N + 1)


@mutant("8.9", "no channels", says="c is missing", keeps=(*BLOCK, *ATTENTION))
def break_even_formula():
    return sympy.Integer(7)


@mutant("8.9", "pairs against block", says="qkv and out count too", keeps=(*BLOCK, *ATTENTION))
def break_even_formula():  # noqa: F811
    return 9 * c


@mutant("8.9", "side", says="the number of pixels is asked for", keeps=(*BLOCK, *ATTENTION))
def break_even_formula():  # noqa: F811
    return sympy.sqrt(7 * c)
