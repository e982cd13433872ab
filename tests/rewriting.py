"""Modules as text, with other functions written in the place of theirs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from answers import Answer

Modules = dict[str, str]


def replace_function(modules: Modules, module: str, name: str, code: str) -> Modules:
    """Write ``code`` in the place of a function, for the checks alone: the other functions keep the one they had."""
    private = f"_former_{name}"
    changed = dict(modules)
    for other, text in modules.items():
        if other == module:
            text = re.sub(rf"(?<![\w.]){name}\(", f"{private}(", text)
        else:
            text = re.sub(rf"(^from ddpmlib\.{module} import [^\n]*?)\b{name}\b", rf"\1{private} as {name}", text, flags=re.M)
            text = re.sub(rf"\b{module}\.{name}\(", f"{module}.{private}(", text)
        changed[other] = text
    changed[module] += f"\n\n{code}\n"
    return changed


def with_answers(modules: Modules, answers: list[Answer]) -> Modules:
    """The modules with wrong or alternative answers of the tests' collections in the place of the functions."""
    helped, original = set(), modules
    for answer in answers:
        replaced = {other.function.__name__ for other in answers if other.module == answer.module}
        helpers, code = _answer_source(answer, _names(original[answer.module]), replaced)
        code = code if (answer.function.__module__ in helped) else f"{helpers}\n\n{code}"
        helped.add(answer.function.__module__)
        modules = replace_function(modules, answer.module, answer.function.__name__, code)
    return modules


def is_written(answer: Answer) -> bool:
    """Whether an answer stands as a function of its own in its module (several are made from a table of formulas)."""
    tree = ast.parse(Path(answer.function.__code__.co_filename).read_text(encoding="utf-8"))
    first = answer.function.__code__.co_firstlineno
    return any(_is_answer(node) and node.decorator_list[0].lineno == first for node in tree.body)


def _answer_source(answer: Answer, taken: set[str], replaced: set[str]) -> tuple[str, str]:
    """The helpers of an answer's module, and the answer itself, as text; helpers with a name that is taken get another."""
    text = Path(answer.function.__code__.co_filename).read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    helpers, code = [], ""
    for node in tree.body:
        marked = isinstance(node, ast.FunctionDef) and node.decorator_list
        if marked and node.decorator_list[0].lineno == answer.function.__code__.co_firstlineno:
            code = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        elif isinstance(node, ast.ImportFrom) and node.module in {"answers", "__future__"}:
            continue
        elif isinstance(node, ast.ImportFrom) and node.module == f"ddpmlib.{answer.module}":
            helpers += [_own_name(alias, replaced) for alias in node.names if alias.asname or alias.name in replaced]
        elif not (isinstance(node, ast.Expr) or _is_answer(node) or _makes_answers(node)):
            first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
            helpers.append("\n".join(lines[first - 1 : node.end_lineno]))
    assert code, answer.label
    block = "\n".join(helpers)
    for name in _names(block, imports=False) & taken:
        block, code = (re.sub(rf"(?<![\w.]){name}\b", f"_my_{name}", part) for part in (block, code))
    return block, code


def _own_name(alias: ast.alias, replaced: set[str]) -> str:
    """What stands for an import from the module that the answer is written into: the function is there, or is called otherwise."""
    name = f"_former_{alias.name}" if alias.name in replaced else alias.name
    return f"{alias.asname or alias.name} = {name}"


def _makes_answers(node: ast.stmt) -> bool:
    """Whether a loop makes answers from a table."""
    return isinstance(node, ast.For) and any(
        isinstance(leaf, ast.Name) and leaf.id in {"mutant", "alternative"} for leaf in ast.walk(node))


def _is_answer(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(mark, ast.Call) and getattr(mark.func, "id", "") in {"mutant", "alternative"}
        for mark in node.decorator_list)


def _names(text: str, *, imports: bool = True) -> set[str]:
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {leaf.id for leaf in ast.walk(node) if isinstance(leaf, ast.Name) and isinstance(leaf.ctx, ast.Store)}
        elif imports and isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return names
