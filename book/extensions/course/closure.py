"""Which files of ``ddpmlib`` a chapter's outputs depend on, found without running anything."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import jupytext

LIBRARY = "ddpmlib"
_CALLS = {"check", "source", "uses"}  # their arguments are numbers of exercises
_PACKAGES = ("torch", "numpy", "matplotlib", "sympy", "scikit-learn")


def fingerprint(chapter: Path, root: Path, *, reference: bool) -> str:
    """A hash of all that the outputs of a chapter depend on, except for its own text.

    ``chapter`` is a MyST notebook, ``root`` the folder that holds ``ddpmlib`` (and ``solutions``, which stands in front of
    it if ``reference``).
    """
    digest = hashlib.sha256(f"{reference} {platform.python_version()}".encode())
    for package in _PACKAGES:
        digest.update(f"{package} {metadata.version(package)}".encode())
    trees = code_trees(chapter)
    if not any(name.partition(".")[0] == LIBRARY for tree in trees for name in imported(tree, "")):
        return digest.hexdigest()
    exercises = chapter_exercises(trees, chapter.stem, root)
    digest.update(json.dumps(exercises, sort_keys=True).encode())
    for module in closure(trees, exercises, Finder(root, reference)):
        for path in (module, *weights(module)):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def weights(module: Path) -> list[Path]:
    """The files of weights that belong to a module: those in the folder of its name."""
    return sorted(module.with_suffix("").glob("*.safetensors"))


def code_trees(chapter: Path) -> list[ast.Module]:
    """The syntax trees of a chapter's code cells, their magics left out; a cell that does not parse is skipped."""
    trees = []
    for cell in jupytext.read(chapter, fmt="md:myst").cells:
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))]
            try:
                trees.append(ast.parse("\n".join(lines)))
            except SyntaxError:
                continue
    return trees


def chapter_exercises(trees: Iterable[ast.Module], stem: str, root: Path) -> list[dict]:
    """The catalogue's rows of the exercises that stand in the chapter or that its code names."""
    named = {
        argument.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _CALLS
        for argument in node.args
        if isinstance(argument, ast.Constant)
    }
    rows = json.loads((root / LIBRARY / "checks" / "catalogue.json").read_text(encoding="utf-8"))
    return [row for row in rows if row["chapter"] == stem or row["number"] in named]


class Finder:
    """Finds the file of a module of ``ddpmlib`` as Python would, the reference in front of the stubs if asked for."""

    def __init__(self, root: Path, reference: bool):
        self.folders = [root / LIBRARY]
        if reference:
            self.folders.insert(0, root / "solutions" / LIBRARY)

    def find(self, name: str) -> Path | None:
        """The file of the module ``name`` ("ddpmlib.checks.run"), or None."""
        parts = name.split(".")[1:]
        for folder in self.folders:
            for path in (folder.joinpath(*parts, "__init__.py"), folder.joinpath(*parts).with_suffix(".py")):
                if path.is_file() and (parts or path.name == "__init__.py"):
                    return path
        return None


def closure(trees: Iterable[ast.Module], exercises: Iterable[dict], finder: Finder) -> list[Path]:
    """All files of ``ddpmlib`` that are imported, directly or not, by the trees and by the exercises' checks."""
    waiting = {name for tree in trees for name in imported(tree, "")} | {LIBRARY}
    for row in exercises:
        if row["module"]:  # a check imports these by a computed name
            waiting |= {f"{LIBRARY}.{row['module']}"}
            waiting |= {f"{LIBRARY}.checks.{half}.{row['module']}" for half in ("judges", "runs")}
    seen: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        path = finder.find(name) if name.partition(".")[0] == LIBRARY and name not in seen else None
        if path is None:
            continue
        seen[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        try:
            waiting |= imported(ast.parse(path.read_text(encoding="utf-8", errors="replace")), package)
        except SyntaxError:  # a student's file: it counts, but what it would import is not known
            pass
    return sorted(set(seen.values()))


def imported(tree: ast.AST, package: str) -> set[str]:
    """The full names of the modules that a syntax tree imports (for ``from a import b`` both a and a.b)."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names | {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
