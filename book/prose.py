"""The numbers in a page's prose: where they stand, and how exactly they are stated.

Prose is Markdown outside code cells and fences: paragraphs, lists, tables, headings, hints, statements, captions and the
alternative texts of figures. What is not a claim is left out by rule:

- numbers in words, and whole numbers up to ``COUNTS`` unless a unit follows ("3 cases" counts, "3 ms" claims);
- in formulas, whole numbers below ``SIZES`` (``x_2``, ``1 - t/4``); decimals, powers of ten and larger numbers are claims;
- numbers that name something: chapters, exercises, equations, versions, years beside a citation, model names, code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat

from .chapter import _PARSER, directive, read_chapter

COUNTS = 12
SIZES = 100

_ROLE = re.compile(r"\{(?P<role>[a-zA-Z][\w:-]*)\}(?P<mark>`+)(?P<content>.+?)(?<!`)(?P=mark)(?!`)", re.S)
_CODE = re.compile(r"(?<!`)(`+)(?!`)(?P<code>.+?)(?<!`)\1(?!`)", re.S)
_FORMULA = re.compile(r"(?<![\\$])\$(?!\$)((?:\\.|[^$\\])+)\$", re.S)
_LINK = re.compile(r"\]\([^)]*\)|<https?://[^>]*>|https?://\S+")
_UNIT = (
    r"(?:\s?%|\\\s?%|\s(?:per cent|percent|times|minutes?|seconds?|hours?|days?|ms|s|bits?|nats?|MB|GB|MiB|GiB|KB|k|points?|"
    r"standard deviations|steps of training|orders of magnitude)\b)"
)
_PROSE_NUMBER = re.compile(rf"(?<![\w.,/§-])(?P<number>[-−]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?)(?P<unit>{_UNIT})?(?![\w]|-[a-zA-Z]|[.,]\d)")
_POWER = re.compile(r"(?:(?P<mantissa>\d+(?:\.\d+)?)\s*\\(?:cdot|times)\s*)?(?<![\w.])10\^(?:\{(?P<braced>-?\d+)\}|(?P<digit>\d))")
_IN_FORMULA = re.compile(r"(?<![\w.^_{])(?<!\\)(?P<number>[-−]?\d{1,3}(?:(?:\{,\}|\\,)\d{3})+|[-−]?\d+(?:\.\d+)?)(?![\w.]*\w)(?P<unit>)|(?<![\w.])(?P<other>\d+\.\d+|\d{3,})(?![\w.]*\d)")
# what stands before a number that names something
_NAMES = re.compile(
    r"\b(?:[Cc]hapters?|ch\.|[Ee]xercises?|[Ff]igures?|Tables?|[Ss]ections?|Sect\.|Algorithms?|Alg\.|[Ee]quations?|[Ee]q\.|Theorem|Lemma|"
    r"Proposition|Corollary|Appendix|Part|volume|pages?|pp\.|arXiv|Python|PyTorch|torch|diffusers|Ubuntu|CS|ECE|CIFAR|ImageNet|DPM|version)"
    r"[\s~-]*(?:\d+(?:\.\d+)*\s*(?:and|to|or|–)\s*(?:PyTorch )?)*$"
)
_ORDINALS = re.compile(r"\b(?:[Hh]ints?|[Ss]teps?|[Pp]arts?|[Ll]ines?|[Ll]evels?|[Rr]ows?|[Rr]estrictions?|seeds?)\s(?:\d+\s(?:and|to|or)\s)?$")
_LENGTH = re.compile(r"(?:[Ii]n|[Aa]nswer in)?\s?about \d+ words")


@dataclass(frozen=True)
class Number:
    """A number as the text states it: its value, how many decimals are given, and where it stands in its passage."""

    text: str
    value: float
    decimals: int
    start: int
    end: int
    percent: bool = False
    power: bool = False

    @property
    def digits(self) -> int:
        """How many digits carry information: leading zeros, and the zeros at the end of a whole number, do not."""
        if self.power:
            return max(1, self.decimals + 1 if self.decimals else 1)
        plain = re.sub(r"[^\d.]", "", self.text.split("e")[0])
        return len(plain.replace(".", "").lstrip("0") if "." in plain else plain.strip("0")) or 1

    def is_shown_by(self, value: float, decimals: int) -> bool:
        """Whether a value that is known to so many decimals, rounded as this number is, is this number."""
        if self.power:
            unit = 10.0 ** (int(re.search(r"(-?\d+)\}?$", self.text)[1]) - self.decimals)
            return value != 0 and abs(abs(value) - abs(self.value)) <= 0.5000001 * unit
        candidates = [(value, decimals)] + ([(100 * value, decimals - 2)] if self.percent else [])
        return any(
            have >= self.decimals and abs(found - self.value) <= 0.5000001 * 10.0**-self.decimals for found, have in candidates
        )


@dataclass(frozen=True)
class Passage:
    """A paragraph, a row of a table, a heading, a caption: what is read as one piece. ``after`` counts the code cells before it."""

    page: str
    text: str
    after: int
    section: int
    kind: str = "text"
    numbers: tuple[Number, ...] = field(default=(), compare=False)

    def sentence(self, position: int) -> tuple[int, int]:
        """Where the sentence around a position begins and ends."""
        ends = [match.end() for match in re.finditer(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bal)(?<!\bcf)[.!?][*)\"”]?\s+(?=[A-Z*$`{\[(])|[.!?]$", self.text)]
        return max([0, *(end for end in ends if end <= position)]), min([len(self.text), *(end for end in ends if end > position)])


def page_cells(path: Path) -> list[nbformat.NotebookNode]:
    """The cells of a page; a page that is no notebook is one cell of Markdown, whatever fences it has."""
    return _cells(path, path.stat().st_mtime_ns)


@cache
def _cells(path: Path, stamp: int) -> list[nbformat.NotebookNode]:
    text = path.read_text(encoding="utf-8")
    return read_chapter(path).cells if text.startswith("---\njupytext:") else [nbformat.v4.new_markdown_cell(text)]


def passages(path: Path) -> list[Passage]:
    """All passages of a page, in order, each with its numbers."""
    found, cells, section = [], 0, 0
    for cell in page_cells(path):
        if cell.cell_type == "code":
            meta = cell.metadata.get("mystnb", {})
            cells += 1
            for kind, text in (("caption", meta.get("figure", {}).get("caption")), ("alt", meta.get("image", {}).get("alt"))):
                if text:
                    found.append(_passage(path.stem, str(text), cells, section, kind))
            continue
        for kind, text in _pieces(cell.source):
            section += kind == "heading 2"
            found.append(_passage(path.stem, text, cells, section, kind))
    return found


def _passage(page: str, text: str, after: int, section: int, kind: str) -> Passage:
    text = " ".join(text.split())
    return Passage(page, text, after, section, kind, tuple(numbers(text)))


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of every piece of a Markdown text; directives are opened, code is left out."""
    heading, row = "", None
    for token in _PARSER.parse(text):
        if token.type == "heading_open":
            heading = f"heading {token.tag[1:]}"
        elif token.type == "heading_close":
            heading = ""
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield "row", " | ".join(row)
            row = None
        elif token.type == "inline":
            if row is not None:
                row.append(token.content)
            else:
                yield heading or "text", re.sub(r"^Exercise \d+\.\d+ \(\w+\): ", "", token.content)
        elif token.type in {"math_block", "math_block_label"}:
            yield "display", f"${' '.join(token.content.split())}$"
        elif (found := directive(token)) is not None:
            if found.name == "math":
                yield "display", f"${' '.join(found.body.split())}$"
            elif not found.name.startswith("code"):
                if found.title:
                    yield "text", found.title
                yield from _pieces(found.body)


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + "\x00" * (end - start) + text[end:]


def numbers(text: str) -> Iterator[Number]:
    """The numbers of a passage that claim something, in order."""
    prose = text
    for pattern in (_ROLE, _CODE, _LINK, _LENGTH):
        for match in pattern.finditer(prose):
            prose = _blank(prose, *match.span())
    found = []
    for match in _FORMULA.finditer(prose):
        found += _of_formula(match[1], match.start(1), prose[match.end() :])
        prose = _blank(prose, *match.span())
    for match in _PROSE_NUMBER.finditer(prose):
        literal = match["number"].replace(",", "").replace("−", "-")
        before, value = prose[: match.start()], float(literal)
        cited = "{cite" in text and re.fullmatch(r"(19|20)\d\d", literal)
        small = value == int(value) and abs(value) <= COUNTS and "." not in literal
        if _NAMES.search(before) or ("." not in literal and _ORDINALS.search(before)) or cited or (small and not match["unit"]):
            continue
        found.append(_number(match["number"], literal, match.start("number"), "%" in (match["unit"] or "") or "cent" in (match["unit"] or "")))
    yield from sorted(found, key=lambda number: number.start)


def _number(text: str, literal: str, start: int, percent: bool) -> Number:
    mantissa, _, exponent = literal.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return Number(text, float(literal), decimals, start, start + len(text), percent)


def _of_formula(formula: str, offset: int, following: str) -> Iterator[Number]:
    """The numbers of a formula that claim something: decimals, powers of ten, and whole numbers from ``SIZES`` on."""
    for match in _POWER.finditer(formula):
        exponent, mantissa = int(match["braced"] or match["digit"]), match["mantissa"] or "1"
        decimals = len(mantissa.partition(".")[2])
        if exponent not in {0, 1}:
            yield Number(match[0], float(mantissa) * 10.0**exponent, decimals, offset + match.start(), offset + match.end(), power=True)
    formula = _POWER.sub(lambda match: "\x00" * len(match[0]), formula)
    whole = re.fullmatch(r"\s*[-−]?\d+(?:\.\d+)?\s*(?:\\?%)?\s*", formula)
    for match in _IN_FORMULA.finditer(formula):
        text = match["number"] or match["other"]
        literal = re.sub(r"\{,\}|\\,", "", text).replace("−", "-")
        unit = re.match(_UNIT, following) or re.match(r"\s*\\?%", formula[match.end() :])
        if "." in literal or abs(float(literal)) >= SIZES or (whole and (abs(float(literal)) > COUNTS or unit)):
            percent = bool(re.match(r"\s*\\?%", formula[match.end() :]) or (whole and re.match(r"\s?%", following)))
            yield _number(text, literal, offset + match.start(), percent)
