"""Judge an answer that is a formula.

A student's SymPy expression comes as text. It is read here by a small grammar of its own (numbers, the exercise's symbols,
``+ - * / **``, ``sqrt``, ``exp``, ``log``, ``sin``, ``cos``), never by ``eval`` or ``sympify``, so that an answer cannot run code.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

import mpmath
import sympy

from .judging import Draw
from .plain import Expression, Raised
from .run import TimeLimit, time_limit

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
_FUNCTIONS = {"sqrt": sympy.sqrt, "exp": sympy.exp, "log": sympy.log, "sin": sympy.sin, "cos": sympy.cos}
_NAMES = {"pi", "E", "zoo", "oo", "nan"}
_MAX_NODES = 400
_MAX_EXPONENT = 12
_MAX_DIGITS = 30
_MAX_BITS = 2000  # of a number that is computed exactly
_SYMBOLIC_SECONDS = 10.0  # SymPy may take for ever on a strange answer, which then goes without this explanation
POINTS = 12


def read(text: str, symbols: Mapping[str, tuple[float, float]]) -> sympy.Expr:
    """Read an expression in the given (positive or real) symbols; raise ValueError where the text is anything else.

    A symbol besides these may occur if it cancels, as x does in (x + a) - x.
    """
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"cannot read the expression {text[:80]!r}") from None
    if sum(1 for _ in ast.walk(tree)) > _MAX_NODES:
        raise ValueError("the expression is too long; simplify it")
    strange = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - symbols.keys() - _FUNCTIONS.keys() - _NAMES
    if not strange:
        return _build(tree.body, symbols)
    first = next(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in strange)
    whole = _build(tree.body, dict(symbols) | {name: (-1.0, 1.0) for name in strange})
    short = _in_time(lambda: sympy.expand(whole))
    if short is None or any(part.name in strange for part in short.free_symbols):
        raise ValueError(f"the symbol {first} is not one of this exercise's: {', '.join(symbols)}")
    return short


def symbol(name: str, symbols: Mapping[str, tuple[float, float]]) -> sympy.Symbol:
    """The SymPy symbol of this name: positive if its range is."""
    return sympy.Symbol(name, **({"positive": True} if symbols[name][0] >= 0 else {"real": True}))


def _build(node: ast.AST, symbols: Mapping[str, tuple[float, float]]) -> sympy.Expr:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as value) if len(repr(value)) <= _MAX_DIGITS:
            return sympy.nsimplify(value, rational=True)
        case ast.Name(id="pi"):
            return sympy.pi
        case ast.Name(id=name) if name in symbols:
            return symbol(name, symbols)
        case ast.Name(id="E"):
            return sympy.E
        case ast.Name(id="zoo" | "oo" | "nan"):
            raise ValueError("the expression is not finite: does it divide by zero?")
        case ast.Name(id=name):
            raise ValueError(f"the symbol {name} is not one of this exercise's: {', '.join(symbols)}")
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_build(operand, symbols)
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            base, power = _build(left, symbols), _build(right, symbols)
            if power.is_number and abs(power) > _MAX_EXPONENT:
                raise ValueError(f"the exponent {power} is too large to be meant")
            if base.is_Rational and max(base.p.bit_length(), base.q.bit_length()) * _MAX_EXPONENT > _MAX_BITS:
                raise ValueError(f"the number {ast.unparse(node)[:80]} is too large to be meant")
            return base**power
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_build(left, symbols), _build(right, symbols))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_build(argument, symbols))
    raise ValueError(f"cannot read {ast.unparse(node)[:80]!r}; use numbers, symbols, + - * / **, sqrt, exp, log, sin and cos")


def compare_expression(
    result: object,
    expected: sympy.Expr,
    symbols: Mapping[str, tuple[float, float]],
    draw: Draw,
    *,
    known: Mapping[str, sympy.Expr] | None = None,
    special: Mapping[str, Mapping[str, object]] | None = None,
) -> str | None:
    """Decide whether an answer equals ``expected`` for all admissible values of the symbols.

    Two expressions are equal if SymPy writes them alike, or if they agree to 12 digits at all of ``POINTS`` random admissible
    points; one point where they differ refutes an answer, whatever its form. ``symbols`` gives the range of each symbol. A
    wrong answer is told, in this order, the first misconception in ``known`` that it equals, a simple factor or term by which
    it is off, and the special case in ``special`` (a description, and the values of some symbols there) in which it is right.
    """
    if isinstance(result, (int, float)) and not isinstance(result, bool):
        result = Expression(repr(result))
    if not isinstance(result, Expression):
        kind = "None (is a return missing?)" if result is None else str(result) if isinstance(result, Raised) else (
            f"a {type(result).__name__}")
        return f"the answer should be a SymPy expression in {', '.join(symbols)}; got {kind}"
    try:
        answer = read(result.text, symbols)
    except ValueError as error:
        return str(error)
    points = [{symbol(name, symbols): draw.number(*bounds) for name, bounds in symbols.items()} for _ in range(POINTS)]
    if _equal(answer, expected, points):
        return None
    first = points[0]
    where = ", ".join(f"{name} = {value:.4g}" for name, value in first.items())
    problem = f"at {where} your expression is {_value(answer, first)}, it should be {_value(expected, first)}"
    for misconception, wrong in (known or {}).items():
        if _equal(answer, wrong, points):
            return f"{problem}\n{misconception}"
    if off := _off_by(answer, expected):
        return f"{problem}\n{off}"
    for description, values in (special or {}).items():
        fixed = {symbol(name, symbols): sympy.sympify(value) for name, value in values.items()}
        if expected.subs(fixed) != 0 and _equal(answer.subs(fixed), expected.subs(fixed), points):
            return f"{problem}\nIt is right {description}, but not in general."
    return problem


def _equal(a: sympy.Expr, b: sympy.Expr, points: list[dict]) -> bool:
    if a == b:
        return True
    pairs = zip(_values(a, points), _values(b, points), strict=True)
    return all(
        mpmath.isfinite(left) and mpmath.isfinite(right) and abs(left - right) <= 1e-12 * (1 + abs(right))
        for left, right in pairs
    )


def _values(expression: sympy.Expr, points: list[dict]) -> list:
    """The expression's value at each point, with 30 digits; NaN where it has none."""
    if expression.has(sympy.zoo, sympy.nan, sympy.oo):
        return [mpmath.nan] * len(points)
    function = sympy.lambdify(list(points[0]), expression, modules="mpmath")
    values = []
    with mpmath.workdps(30):
        for point in points:
            try:
                values.append(mpmath.mpmathify(function(*map(mpmath.mpf, point.values()))))
            except (ZeroDivisionError, OverflowError, ValueError):
                values.append(mpmath.nan)
    return values


def _in_time(compute: Callable[[], sympy.Expr]) -> sympy.Expr | None:
    """What SymPy makes of an expression, or None if it fails or takes too long."""
    try:
        with time_limit(_SYMBOLIC_SECONDS):
            return compute()
    except (TimeLimit, ValueError, TypeError, ZeroDivisionError, NotImplementedError, RecursionError, sympy.PolynomialError):
        return None


def _value(expression: sympy.Expr, point: dict) -> str:
    (value,) = _values(expression, [point])
    return mpmath.nstr(value, 6) if mpmath.isfinite(value) else "not a finite number"


def _off_by(answer: sympy.Expr, expected: sympy.Expr) -> str:
    """A sentence that names the factor or the term by which an answer is off.

    It names numbers, and single symbols with a power: a slip, and not the answer itself. An answer without symbols is no slip.
    """
    if expected.free_symbols and not answer.free_symbols:
        return ""
    factor = _in_time(lambda: sympy.simplify(answer / expected))
    if _is_slip(factor):
        return f"Your answer is off by a factor {factor}." if factor != -1 else "Your answer has the wrong sign."
    term = _in_time(lambda: sympy.simplify(answer - expected))
    if _is_slip(term):
        lacking = term.as_coeff_Mul()[0] < 0
        return f"Your answer lacks a term {-term}." if lacking else f"Your answer has a term {term} too much."
    return ""


def _is_slip(difference: sympy.Expr | None) -> bool:
    """Whether a factor or a term is a finite number or one symbol with a power, and a number before it at most."""
    if not difference or difference.is_finite is False or difference.count_ops() > 3:
        return False
    power = difference.as_coeff_Mul()[1]
    return difference.is_number or power.is_Symbol or (power.is_Pow and power.base.is_Symbol and power.exp.is_Rational)
