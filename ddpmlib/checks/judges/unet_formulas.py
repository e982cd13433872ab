"""Checks of the formulas that chapter 8 asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import product

import sympy
from sympy import cos, sin, sqrt

from ..expressions import compare_expression, symbol
from ..judging import Case, Check, Draw

PRODUCT = {"w": (0.2, 1.4), "d": (0.3, 2.0)}
SPEED = {"P": (2.0, 9.0), "h": (2.2, 6.0)}
WORK = {"c": (2.0, 40.0), "N": (3.0, 60.0)}
BREAK_EVEN = {"c": (2.0, 40.0)}


class EmbeddingFormulas(Check):
    """Exercise 8.2. Oracles: pairs as complex numbers, and what a geometric sum does when it is multiplied by its ratio."""

    number = "8.2"
    parts = {"the product": 1, "the speed": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("the product", "embedding_product_formula", {}, "the inner product", seed)
        yield Case("the speed", "embedding_speed_formula", {}, "the squared speed", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        if case.part == "the product":
            return self._judge_product(result, draw)
        P, h = (symbol(name, SPEED) for name in SPEED)
        ratio = P ** (-2 / h)
        # ratio times the sum is the sum without its first term, 1, and with a term ratio^h = P^-2 more: one linear equation
        expected = sympy.Matrix([[1 - ratio]]).LUsolve(sympy.Matrix([1 - P**-2]))[0]

        def geometric(first: sympy.Expr, ratio: sympy.Expr, count: sympy.Expr) -> sympy.Expr:
            return first * (1 - ratio**count) / (1 - ratio)

        known = {
            "The frequencies enter squared.": geometric(1, P ** (-1 / h), h),
            "The sum begins at i = 0, with w_0 = 1.": geometric(ratio, ratio, h),
            "The sum ends at i = h - 1; here is one term too many.": geometric(1, ratio, h + 1),
            "The sum ends at i = h - 1; here one term is missing.": geometric(1, ratio, h - 1),
            "The sum has h terms; this is the one with infinitely many.": 1 / (1 - ratio),
            "The exponent is -i/h; this is the sum for -i/(h - 1).": geometric(1, P ** (-2 / (h - 1)), h),
            "The sign of the exponent is lost: the frequencies are at most 1.": geometric(1, P ** (2 / h), h),
            "This is the distance over d; the squared distance over d^2 is asked for.": sqrt(expected),
            "This is the squared length of an embedding: the differences in t are missing.": h,
            "This is the fastest frequency's part alone; the frequencies are to be summed.": sympy.Integer(1),
            "A squared cosine and a squared sine sum to 1, not to 2.": 2 * expected,
            "This is the mean over the frequencies; the sum is asked for.": expected / h,
        }
        return compare_expression(result, expected, SPEED, draw, known=known)

    @staticmethod
    def _judge_product(result: object, draw: Draw) -> str | None:
        w, d = (symbol(name, PRODUCT) for name in PRODUCT)
        expected = sympy.re(sympy.exp(sympy.I * w * d))
        known = {
            "The cosines multiply each other, and so do the sines; this is the mixed product.": sin(w * d),
            "This is the squared distance; the inner product is asked for.": 2 - 2 * expected,
            "This is the first terms for a small difference; the exact product is asked for.": 1 - (w * d) ** 2 / 2,
            "The frequency is missing.": cos(d),
            "The difference of the times is missing.": cos(w),
            "This is the inner product of an embedding with itself.": sympy.Integer(1),
            "There is a factor 1/2 too much: each addition theorem gives halves, from the cosines and from the sines.": cos(w * d) / 2,
            "The product is squared.": expected**2,
            "The product of the squared lengths is 1: no factor comes before.": 2 * expected,
            "w multiplies the time; it does not divide it.": cos(d / w),
        }
        return compare_expression(result, expected, PRODUCT, draw, known=known)


class Work(Check):
    """Exercise 8.9. Oracle: multiplications counted one by one for small sizes, and the polynomial that has these values."""

    number = "8.9"
    parts = {"residual block": 1, "attention": 1, "break even": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        seed = {"seed": draw.integer(0, 2**31)}
        yield Case("residual block", "block_work_formula", {}, "the residual block", seed)
        yield Case("attention", "attention_work_formula", {}, "the attention layer", seed)
        yield Case("break even", "break_even_formula", {}, "the break-even point", seed)

    def judge(self, case: Case, result: object) -> str | None:
        draw = Draw(case.secret["seed"])
        c, N = (symbol(name, WORK) for name in WORK)
        block, attention = fitted(count_block), fitted(count_attention)
        if case.part == "residual block":
            return compare_expression(result, block, WORK, draw, known={
                "This is one of the two convolutions.": block / 2,
                "A kernel has 3 x 3 places, not 3.": block / 3,
                "Each output channel looks at all c input channels, so c enters squared.": block / c,
                "This is for one pixel; there are N.": block / N,
                "A convolution looks at 9 pixels of each channel, not at all N.": 2 * c**2 * N**2,
                "The 9 places of a kernel are missing.": block / 9,
                "N is the number of pixels already, not the side of the image.": block * N,
                "Multiplications are asked for, without the additions.": 2 * block,
            })
        if case.part == "attention":
            dense, pairs = 4 * c**2 * N, 2 * c * N**2
            return compare_expression(result, attention, WORK, draw, known={
                "The layers qkv and out are missing.": pairs,
                "Scores and means are missing.": dense,
                "The layer out is missing.": attention - c**2 * N,
                "qkv makes 3c numbers of a pixel's c, so it counts three times.": attention - 2 * c**2 * N,
                "The layer qkv is missing.": attention - 3 * c**2 * N,
                "The means of the values are missing: N weights times N values of c numbers.": attention - c * N**2,
                "The scores are missing: a product of c numbers for each pair of pixels.": attention - c * N**2,
                "A score is a product of c numbers: the factor c is missing in the work on pairs.": dense + 2 * N**2,
                "There are N^2 pairs of pixels, not N.": dense + 2 * c * N,
                "A score takes c products and a mean c more for each pair: there c is not squared.": dense + c * pairs,
                "Every pixel asks every pixel, also the other way round: the pairs are ordered.": dense + c * N * (N + 1),
                "Scores and means are counted for each head at its full width; all heads together have c channels.": dense + 2 * pairs,
                "out makes c numbers of a pixel's c, so it counts once.": attention + 2 * c**2 * N,
                "Each layer has c inputs and c outputs for a pixel, so c enters squared.": 4 * c * N + pairs,
                "Multiplications are asked for, without the additions.": 2 * attention,
            })
        (expected,) = [root for root in sympy.solve(attention - block, N) if root != 0]
        return compare_expression(result, expected, BREAK_EVEN, draw, known={
            "This compares the block with scores and means alone; qkv and out count too.": 9 * c,
            "This compares with one convolution; the block has two.": sympy.Rational(5, 2) * c,
            "This compares scores and means with qkv and out; the block is to be compared with the whole layer.": 2 * c,
            "The side of the image is its root; the number of pixels is asked for.": sqrt(expected),
            "The point moves with the channels: c is missing.": expected / c,
            "This is the point for 64 channels; it is asked for c of them.": expected.subs(c, 64),
            "Both works were added; they should be equal.": 11 * c,
            "The work on pairs has the factor 2: scores and means.": 14 * c,
        })


def count_block(c: int, n: int) -> int:
    """Two convolutions: for each pixel and output channel, each input channel at nine places."""
    return sum(1 for _ in product(range(2), range(n), range(c), range(c), range(3), range(3)))


def count_attention(c: int, n: int) -> int:
    """For each pixel 3c outputs of c inputs; for each pair c products of a score and c of a mean; for each pixel c outputs."""
    qkv = sum(1 for _ in product(range(n), range(3 * c), range(c)))
    scores = sum(1 for _ in product(range(n), range(n), range(c)))
    means = sum(1 for _ in product(range(n), range(c), range(n)))
    out = sum(1 for _ in product(range(n), range(c), range(c)))
    return qkv + scores + means + out


@cache
def fitted(count: Callable[[int, int], int]) -> sympy.Expr:
    """The polynomial in c and N, of degree 2 in each, that has the counted values."""
    c, N = (symbol(name, WORK) for name in WORK)
    powers = list(product(range(3), repeat=2))
    matrix = sympy.Matrix([[size**a * pixels**b for a, b in powers] for size, pixels in product(range(1, 4), repeat=2)])
    values = sympy.Matrix([count(size, pixels) for size, pixels in product(range(1, 4), repeat=2)])
    return sum(factor * c**a * N**b for factor, (a, b) in zip(matrix.LUsolve(values), powers))


CHECKS = [EmbeddingFormulas(), Work()]
