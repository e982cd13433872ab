"""Formulas are read by a grammar that runs no code, compared for all admissible values, and wrong ones are explained."""

import pytest
import sympy

from ddpmlib.checks import expressions
from ddpmlib.checks.expressions import compare_expression, read, symbol
from ddpmlib.checks.judging import Draw
from ddpmlib.checks.plain import Expression, Raised, plain

SYMBOLS = {"a": (0.2, 0.8), "v": (1.5, 3.0), "x": (-2.0, 2.0)}
A, V, X = (symbol(name, SYMBOLS) for name in SYMBOLS)
EXPECTED = sympy.sqrt(A) * X + (1 - A) / V


def verdict(answer, **hints):
    return compare_expression(plain(answer), EXPECTED, SYMBOLS, Draw(0), **hints)


@pytest.mark.parametrize(
    "answer",
    [
        EXPECTED,
        (A * X * V + sympy.sqrt(A) - A ** sympy.Rational(3, 2)) / (V * sympy.sqrt(A)),
        sympy.sympify("x*exp(log(a)/2) + 1/v - a/v"),
        sympy.sympify("1.0*x*a**0.5 + (1 - a)/v"),
        sympy.expand(EXPECTED * 3) * (1 / 3),
        EXPECTED * (2 * sympy.pi * sympy.E) / sympy.pi / (2 * sympy.exp(1)) + sympy.log(sympy.E * A) - sympy.log(A) - 1,
    ],
)
def test_equal_forms_are_accepted(answer):
    assert verdict(answer) is None


def test_symbols_of_other_assumptions_are_the_same_symbols():
    a, v, x = sympy.symbols("a v x", real=True)
    assert verdict(sympy.sqrt(a) * x + (1 - a) / v) is None


def test_a_number_is_an_expression():
    assert compare_expression(1, sympy.Integer(1), SYMBOLS, Draw(0)) is None


def test_a_symbol_that_cancels_is_no_symbol():
    y = sympy.Symbol("y")
    assert verdict(sympy.Mul(2, y + EXPECTED, evaluate=False) - 2 * y - EXPECTED) is None


def test_wrong_answers_are_explained():
    assert "off by a factor 2" in verdict(2 * EXPECTED)
    assert "off by a factor sqrt(a)" in verdict(EXPECTED * sympy.sqrt(A))
    assert "has the wrong sign" in verdict(-EXPECTED)
    assert "has a term v/2 too much" in verdict(EXPECTED + V / 2)
    assert "lacks a term 3" in verdict(EXPECTED - 3)
    known = {"The root is missing.": A * X + (1 - A) / V}
    assert "The root is missing." in verdict(A * X + (1 - A) / V, known=known)
    assert "right for x = 0, but not in general" in verdict(A * X + (1 - A) / V, special={"for x = 0": {"x": 0}})
    assert "the symbol y is not one of this exercise's: a, v, x" in verdict(sympy.Symbol("y"))
    assert "the symbol y is not one of this exercise's: a, v, x" in verdict(EXPECTED + sympy.Symbol("y"))
    assert "is a return missing" in verdict(None)
    assert "got NameError: y" in compare_expression(Raised("NameError", "y"), EXPECTED, SYMBOLS, Draw(0))


@pytest.mark.parametrize("answer", [sympy.Integer(1), EXPECTED + A / V, sympy.sqrt(A) * X, EXPECTED / (1 - A), V])
def test_no_explanation_gives_the_answer_away(answer):
    assert "Your answer" not in verdict(answer)


def test_a_case_in_which_all_vanishes_explains_nothing():
    symbols = {"a": (0.2, 0.8), "x": (-2.0, 2.0)}
    right, wrong = (symbol("a", symbols) ** power * symbol("x", symbols) for power in (2, 1))
    said = compare_expression(plain(wrong), right * (1 + symbol("x", symbols)), symbols, Draw(0), special={"for x = 0": {"x": 0}})
    assert "It is right" not in said


def test_an_infinite_answer_is_wrong_and_not_an_error():
    assert "does it divide by zero" in verdict(EXPECTED + 1 / (A - A))
    assert "not a finite number" in verdict(Expression("x + 1/(a - a)"))


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "x.real", "open", "[a for a in x]", "lambda: 1", "a if x else v", "'text'",
     "a @ v", "f(a)", "sqrt(a, v)", "a < v", "(", "a" * 3000, "+".join("a" * 500), "9**9**9**9", "True",
     "((((9**12)**12)**12)**12)**12", "1e300**a**13"],
)
def test_anything_else_is_refused_at_once(text):
    with pytest.raises(ValueError):
        read(text, SYMBOLS)


def test_an_answer_that_sympy_cannot_simplify_in_time_is_still_judged(monkeypatch):
    monkeypatch.setattr(expressions, "_SYMBOLIC_SECONDS", 0.2)
    monster = "((a + v + x + 1)**12 + x)**12 - ((a + v + x + 2)**12 + a)**12"
    assert verdict(Expression(monster)) is not None
