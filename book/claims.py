"""What each number of the book's prose rests on.

A number is tied to its source by itself where one of these shows it, to its own rounding:

1. what a code cell prints, as the reference notebook keeps it (`output`): a number of one digit (0.3, 20 %) must be printed by the cell before its
   passage or the one after, one of two digits by one of the cells beside it (two before, one after), one of three in the same
   section, and only a longer one anywhere on the page;
2. a literal in a code cell (`code`), which must be equal: a number below 100 in such a cell or, if it has two digits, in the cell that sets
   up the page; a larger or longer one anywhere on the page;
3. a result of ``benchmarks/results`` or the card of a shipped network that the passage, or the text above a table, names (`record`);
4. a page that the same sentence refers to, by the rules for the whole page (`page`).

Everything else, also what is cited, needs a row in ``chapters/claims.yml``: verbatim words of the passage with the number in them,
what kind of claim it is, and its source. ``value:`` gives expressions, one for each number in the words, which are evaluated and
compared to the stated rounding. A row whose words stand nowhere any more is stale.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import yaml

from .chapter import labels_of, section_labels
from .citations import bibliography
from .prose import Number, Passage, page_cells, passages

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
NOT_READ = {"bibliography"}
ANY = "any"  # rows that hold on every page
KINDS = {"run", "card", "benchmark", "citation", "arithmetic", "definition", "convention"}
# what a row of each kind must say
NEEDED = {"run": {"command", "seed", "shown"}, "card": {"value"}, "benchmark": {"value"}, "citation": {"key", "place"},
          "arithmetic": {"value"}, "definition": {"why"}, "convention": {"why"}}
_PRINTED = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d*)?(?:e[-+]?\d+)?(?![\w]*[a-df-zA-Z])")
_GRADED = re.compile(r"^\s*(check|source)\(", re.M)


@dataclass(frozen=True)
class Evidence:
    """A number that a page prints or computes with: its value, how many decimals are known, and the code cell it is in."""

    value: float
    decimals: int
    cell: int
    kind: str


@dataclass(frozen=True)
class Source:
    """All evidence of a page, the sections of its code cells, and the cells that are no exercise's."""

    evidence: tuple[Evidence, ...]
    sections: tuple[int, ...]
    shown: tuple[int, ...]

    def beside(self, passage: Passage) -> set[int]:
        """The cells beside a passage: a caption's own; for a text the two before it and the one after."""
        if passage.kind in {"caption", "alt"}:
            return {passage.after - 1}
        before = [cell for cell in self.shown if cell < passage.after][-2:]
        return {*before, *[cell for cell in self.shown if cell >= passage.after][:1]}

    def next_to(self, passage: Passage) -> set[int]:
        """The cell before a passage and the one after; a caption's own."""
        return {*sorted(self.beside(passage))[-2:]}


@dataclass(frozen=True)
class Row:
    """A row of the claims file."""

    page: str
    words: list[str]
    kind: str
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        return repr(self.words[0] if self.words else "")


@dataclass(frozen=True)
class Finding:
    """Something that a page or the claims file has to put right."""

    page: str
    says: str

    def __str__(self) -> str:
        return f"{self.page}: {self.says}"


def pages() -> list[Path]:
    """The pages whose numbers are tied."""
    return [path for path in sorted(CHAPTERS.glob("*.md")) if path.stem not in NOT_READ]


@cache
def source(page: str) -> Source:
    """The evidence of a page: its code cells, and what they print on the reference."""
    code = [cell for cell in page_cells(CHAPTERS / f"{page}.md") if cell.cell_type == "code"]
    evidence = [found for index, cell in enumerate(code) for found in _literals(cell.source, index)]
    reference = ROOT / "solutions" / f"{page}.ipynb"
    if reference.exists():
        cells = [cell for cell in nbformat.read(reference, as_version=4).cells if cell.cell_type == "code"]
        printed = {cell.source: "".join(out.get("text", "") for out in cell.outputs) for cell in cells}
        outputs = [printed.get(cell.source, "") for cell in code]
    else:
        outputs = _run(page, [cell.source for cell in code])
    evidence += [found for index, text in enumerate(outputs) for found in _printed(text, index)]
    shown = tuple(index for index, cell in enumerate(code) if not _GRADED.match(cell.source))
    return Source(tuple(evidence), _sections(page), shown)


def _sections(page: str) -> tuple[int, ...]:
    """The section (counted by its heading) in which each code cell of a page stands."""
    found, section = [], 0
    for cell in page_cells(CHAPTERS / f"{page}.md"):
        if cell.cell_type == "code":
            found.append(section)
        else:
            section += len(re.findall(r"^## ", re.sub(r"^```.*?^```", "", cell.source, flags=re.M | re.S), re.M))
    return tuple(found)


def _literals(code: str, cell: int) -> list[Evidence]:
    code = re.sub(r"^\s*[%!].*$", "", code, flags=re.M)
    try:
        tokens = [token.string for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type == tokenize.NUMBER]
    except tokenize.TokenError:
        return []
    values = [float(text.replace("_", "")) for text in tokens if re.fullmatch(r"[\d_.]+(?:e[-+]?\d+)?", text)]
    return [Evidence(value, 15, cell, "code") for value in values]


def _printed(text: str, cell: int) -> list[Evidence]:
    found = []
    for match in _PRINTED.finditer(text):
        mantissa, _, exponent = match[0].replace(",", "").partition("e")
        decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
        found.append(Evidence(float(match[0].replace(",", "")), decimals, cell, "output"))
    return found


def _run(page: str, cells: list[str]) -> list[str]:
    """What the cells of a page without a reference notebook print, run here."""
    import contextlib

    if not cells:
        return []
    import matplotlib
    import matplotlib.pyplot as plt
    import torch

    names: dict[str, object] = {"__name__": "page"}
    printed, dtype, backend = [], torch.get_default_dtype(), matplotlib.get_backend()
    matplotlib.use("agg")
    try:
        for cell in cells:
            output = io.StringIO()
            with contextlib.redirect_stdout(output), plt.rc_context():
                exec(compile(cell, page, "exec"), names)
            plt.close("all")
            printed.append(output.getvalue())
    finally:
        torch.set_default_dtype(dtype)
        matplotlib.use(backend)
    return printed


# automatic ties


def tie(number: Number, passage: Passage, context: str = "") -> str | None:
    """What shows a number by itself, in words; None if nothing does. ``context`` is the text above a table's row."""
    found = _shown(number, source(passage.page), passage)
    if found:
        return found
    for name, values in records(passage.text + " " + context).items():
        if any(number.is_shown_by(value, 15) for value in values):
            return name
    sentence = passage.text[slice(*passage.sentence(number.start))]
    for page in re.findall(r"\{doc\}`[^`<]*<(\w+)>`|\{doc\}`(\w+)`", sentence):
        page = page[0] or page[1]
        if page != passage.page and (CHAPTERS / f"{page}.md").exists() and _shown(number, source(page), None):
            return page
    return None


def _shown(number: Number, page: Source, passage: Passage | None) -> str | None:
    """The cell of a page that shows a number; without a passage, on the whole page."""
    short = number.digits == 1 and number.decimals < 3 and abs(number.value) < 100
    beside = (page.next_to(passage) if short else page.beside(passage)) if passage else set()
    for item in page.evidence:
        near = item.cell in beside
        if item.kind == "code":
            reach = near or (item.cell == 0 and not short) or abs(number.value) >= 100 or number.digits >= 3
            if reach and math.isclose(item.value * (100 if number.percent else 1), abs(number.value), rel_tol=1e-12):
                return f"code of cell {item.cell}"
        else:
            same = passage is not None and passage.kind not in {"caption", "alt"} and page.sections[item.cell] == passage.section
            if (near or number.digits >= 4 or (number.digits == 3 and same)) and number.is_shown_by(item.value, item.decimals):
                return f"output of cell {item.cell}"
    return None


def records(text: str) -> dict[str, list[float]]:
    """The numbers of every benchmark's results and network's card that a text names."""
    names = {Path(name).name for name in re.findall(r"benchmarks/results/([\w.-]+)", text)}
    names |= {f"{name}.json" for name in re.findall(r"benchmarks[/.](\w+)", text)}
    files = [ROOT / "benchmarks" / "results" / name for name in names]
    files += [ROOT / "ddpmlib" / "pretrained" / f"{name}.json" for name in re.findall(r"pretrained(?:\.load\(\"|/| train )([\w-]+)", text)]
    return {path.name: _leaves(json.loads(path.read_text(encoding="utf-8"))) for path in files if path.suffix == ".json" and path.exists()}


def _leaves(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in _leaves(value)]
    if isinstance(tree, list):
        return [leaf for value in tree for leaf in _leaves(value)]
    return [float(tree)] if isinstance(tree, (int, float)) and not isinstance(tree, bool) else []


# rows


def rows(path: Path = CHAPTERS / "claims.yml") -> list[Row]:
    """The rows of the claims file, page by page."""
    found = []
    for page, items in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
        for item in items:
            fields = dict(item)
            words = fields.pop("words", "")
            words = [" ".join(str(text).split()) for text in (words if isinstance(words, list) else [words])]
            found.append(Row(page, words, fields.pop("kind", ""), fields))
    return found


def complaints(row: Row) -> list[str]:
    """What is wrong with a row by itself: a field, a key or a place that is missing."""
    if row.kind not in KINDS:
        return [f"{row.name}: the kind {row.kind!r} is none of {', '.join(sorted(KINDS))}"]
    found = [f"{row.name}: a row of the kind {row.kind} says its {field}" for field in sorted(NEEDED[row.kind] - set(row.fields))]
    if "key" in row.fields and row.fields["key"] not in bibliography(CHAPTERS / "references.bib"):
        found.append(f"{row.name}: references.bib has no entry {row.fields['key']}")
    path = CHAPTERS / f"{row.page}.md"
    if path.exists() and (shown := row.fields.get("shown")):
        labels = labels_of(path) if row.page[:2].isdigit() else section_labels(path)
        if shown not in labels and not (ROOT / str(shown).partition("::")[0]).exists():
            found.append(f"{row.name}: {row.page}.md has no label {shown!r}, and no file has this name")
    return found


@cache
def outputs(page: str) -> str:
    """All that the cells of a page print, as its reference notebook keeps it."""
    cells = nbformat.read(ROOT / "solutions" / f"{page}.ipynb", as_version=4).cells
    return "\n".join(out.get("text", "") for cell in cells if cell.cell_type == "code" for out in cell.outputs)


def shown(page: str, line: str, index: int = 0, below: str = "") -> float:
    """The number of a printed line that begins with ``line``, counted after it; the first such line below the text ``below``."""
    for text in (outputs(page).partition(below)[2] if below else outputs(page)).splitlines():
        text = " ".join(text.split())
        if text.startswith(line):
            return _printed(text[len(line) :], 0)[index].value
    raise ValueError(f"{page} prints no line that begins with {line!r}")


@cache
def names() -> dict[str, Any]:
    """What an expression of the claims file may use."""
    import inspect

    import torch

    from . import claim_sums

    def module(name: str) -> Any:
        return importlib.import_module(f"ddpmlib.{name}")

    def card(name: str) -> dict:
        return json.loads((ROOT / "ddpmlib" / "pretrained" / f"{name}.json").read_text(encoding="utf-8"))

    def results(name: str) -> dict:
        return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))

    def default(function: Any, parameter: str) -> Any:
        return inspect.signature(function).parameters[parameter].default

    def put(formula: Any, **values: float) -> float:
        return float(formula.subs({symbol: float(values[symbol.name]) for symbol in formula.free_symbols}))

    def flag(name: str) -> Any:
        return getattr(module("train").parser().parse_args(["--out", "runs"]), name)

    schedule = module("schedules").Schedule
    return {"module": module, "card": card, "results": results, "default": default, "flag": flag, "put": put, "shown": shown, "sums": claim_sums, "math": math, "torch": torch,
            "Schedule": schedule, "linear": schedule.linear(1000), "cosine": schedule.cosine(1000),
            "sqrt": math.sqrt, "log": math.log, "log2": math.log2, "exp": math.exp}


def evaluate(row: Row, stated: list[Number]) -> list[str]:
    """What is wrong with a row's values: ``value`` is an expression, or several with commas between them, one a number."""
    if "value" not in row.fields:
        return []
    expression = " ".join(str(row.fields["value"]).split())
    try:
        values = eval(expression, dict(names()))  # the file is ours
        values = [float(value) for value in (values if isinstance(values, tuple) else (values,))]
    except Exception as error:  # whatever the expression raises, the row is wrong
        return [f"{row.name}: {expression} fails: {error!r}"]
    if len(values) != len(stated):
        return [f"{row.name}: {len(values)} values for {len(stated)} numbers ({', '.join(number.text for number in stated)})"]
    return [f"{row.name}: the value is {value:.6g}, and the text says {number.text}"
            for value, number in zip(values, stated) if not _agrees(row, value, number)]


def _agrees(row: Row, value: float, number: Number) -> bool:
    """Equal to the stated rounding; with ``within``, off by no more; with ``bound: more`` or ``less``, on that side."""
    match row.fields.get("bound"):
        case "more":
            return value > number.value
        case "less":
            return value < number.value
    within = row.fields.get("within")
    return abs(value - number.value) <= float(within) if within else number.is_shown_by(value, 15)


# the whole


def examine(paths: list[Path] | None = None, claims: list[Row] | None = None, text: dict[str, list[Passage]] | None = None) -> list[Finding]:
    """Every number that nothing ties, every row that is stale or wrong, on these pages (all by default)."""
    paths = pages() if paths is None else paths
    claims = rows() if claims is None else claims
    found = []
    for path in paths:
        found += examine_page(path.stem, (text or {}).get(path.stem) or passages(path), [row for row in claims if row.page in {path.stem, ANY}])
    known = {path.stem for path in pages()} | {ANY}
    found += [Finding(row.page, f"a row of the claims file names a page that is not there: {row.name}") for row in claims if row.page not in known]
    if len(paths) == len(pages()):
        everywhere = [row for row in claims if row.page == ANY]
        read = [passage for path in paths for passage in passages(path)]
        used = {index for passage in read for index, _, _ in _matches(passage, everywhere)}
        found += [Finding(ANY, f"stale row, no passage has these words with a number: {row.name}")
                  for index, row in enumerate(everywhere) if index not in used]
    return found


def examine_page(page: str, read: list[Passage], claims: list[Row]) -> list[Finding]:
    """What is untied on a page, and which of its rows are stale or wrong."""
    found = [Finding(page, text) for row in claims for text in complaints(row)]
    stale = {(index, text) for index, row in enumerate(claims) if row.page != ANY for text in row.words}
    for passage, context in _in_context(read):
        for index, text, inside in _matches(passage, claims):
            stale -= {(index, text)}
            found += [Finding(page, text) for text in evaluate(claims[index], inside)]
        for number, tied in _tied(passage, context, claims):
            if tied is None:
                around = passage.text[max(0, number.start - 60) : number.end + 40]
                found.append(Finding(page, f"untied {number.text} in the {passage.kind}: ...{around}..."))
    found += [Finding(page, f"stale row, no passage has these words with a number: {text!r}") for _, text in sorted(stale)]
    return found


def all_ties(path: Path) -> list[tuple[Passage, Number, str | None]]:
    """Every number of a page, with what ties it."""
    claims = [row for row in rows() if row.page in {path.stem, ANY}]
    return [(passage, *pair) for passage, context in _in_context(passages(path)) for pair in _tied(passage, context, claims)]


def _in_context(read: list[Passage]) -> Iterator[tuple[Passage, str]]:
    """Each passage; with the row of a table, the text above the table."""
    above = ""
    for passage in read:
        if passage.kind == "row":
            yield passage, above
        else:
            above = passage.text
            yield passage, ""


def _matches(passage: Passage, claims: list[Row]) -> Iterator[tuple[int, str, list[Number]]]:
    """The rows whose words stand in a passage, by index, their words and the numbers within these."""
    for index, row in enumerate(claims):
        for text in filter(None, row.words):
            for match in re.finditer(re.escape(text), passage.text):
                inside = [number for number in passage.numbers if match.start() <= number.start and number.end <= match.end()]
                if inside:
                    yield index, text, inside


def _tied(passage: Passage, context: str, claims: list[Row]) -> Iterator[tuple[Number, str | None]]:
    """The numbers of a passage, each with what ties it: a row of the claims file, or a source by itself."""
    by_row = {number: f"claims.yml, {claims[index].kind}" for index, _, inside in _matches(passage, claims) for number in inside}
    for number in passage.numbers:
        yield number, by_row.get(number) or tie(number, passage, context)
