"""Every number of the book's prose rests on something, and what does not is found."""

from __future__ import annotations

import random
import re

import pytest

from book import claims
from book.claims import CHAPTERS, Row, examine_page, pages, rows, tie
from book.prose import Passage, numbers, passages

SAID = {path.stem: passages(path) for path in pages()}


def passage(text: str, page: str = "03_forward", after: int = 14) -> Passage:
    return Passage(page, text, after, 5, "text", tuple(numbers(text)))


def found(text: str, *claimed: Row, page: str = "03_forward") -> list[str]:
    return [finding.says for finding in examine_page(page, [passage(text, page)], list(claimed))]


def row(words: str, kind: str = "arithmetic", page: str = "03_forward", **fields) -> Row:
    return Row(page, [words], kind, fields)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_every_number_of_a_page_is_tied(path):
    mine = [row for row in rows() if row.page in {path.stem, claims.ANY}]
    assert [str(finding) for finding in examine_page(path.stem, SAID[path.stem], mine)] == []


def test_the_claims_file_names_pages_that_are_there_and_no_row_is_idle():
    """What holds on all pages is used on one at least, and no row stands twice."""
    everything = rows()
    names = {path.stem for path in pages()} | {claims.ANY}
    assert {row.page for row in everything} <= names
    text = "\n".join(passage.text for said in SAID.values() for passage in said)
    assert [words for row in everything if row.page == claims.ANY for words in row.words if words not in text] == []
    places = [(row.page, words) for row in everything for words in row.words]
    assert len(set(places)) == len(places)


def test_a_number_that_nothing_shows_is_found():
    (says,) = found("With this schedule the loss falls to 0.4171 nats.")
    assert says.startswith("untied 0.4171 in the text")
    assert found("It takes three steps, in chapter 12, at $x_2 = 1 - 3/4$, as Table 4.17 shows.") == []


def test_a_number_planted_in_a_chapter_is_found():
    text = (CHAPTERS / "10_ddim.md").read_text(encoding="utf-8")
    planted = text.replace("for few steps, less noise is better", "for few steps, less noise is better by 0.4171")
    assert planted != text
    says = [finding.says for finding in examine_page(
        "10_ddim", _read(planted, "10_ddim"), [row for row in rows() if row.page in {"10_ddim", claims.ANY}])]
    assert len(says) == 1 and "untied 0.4171" in says[0]


def _read(text: str, page: str) -> list[Passage]:
    """The passages of a page that has this text."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{page}.md"
        path.write_text(text, encoding="utf-8")
        return passages(path)


def test_a_changed_value_in_a_table_of_records_is_found():
    text = (CHAPTERS / "10_ddim.md").read_text(encoding="utf-8")
    wrong = text.replace("| $\\eta = 1$ | 10 | 0.0197 | 0.998 |", "| $\\eta = 1$ | 10 | 0.0187 | 0.998 |")
    assert wrong != text
    says = [finding.says for finding in examine_page(
        "10_ddim", _read(wrong, "10_ddim"), [row for row in rows() if row.page in {"10_ddim", claims.ANY}])]
    assert len(says) == 1 and "untied 0.0187" in says[0]


@pytest.mark.parametrize(("value", "says"), [
    ("linear.alpha_bars[1000]", None),
    ("linear.alpha_bars[999]", ", and the text says 4.04 \\cdot 10^{-5}"),
    ("linear.alpha_bars[1000], 1", "2 values for 1 numbers"),
    ("linear.alpha_bar[1000]", "fails: AttributeError"),
])
def test_a_wrong_value_of_a_row_is_found(value, says):
    text = "Here $\\bar\\alpha = 4.04 \\cdot 10^{-5}$ is left."
    answer = found(text, row("= 4.04 \\cdot 10^{-5}", value=value))
    assert answer == [] if says is None else says in answer[0]


@pytest.mark.parametrize(("fields", "ends_well"), [
    ({"value": 41.3}, False), ({"value": 41.7}, True), ({"value": 44, "within": 3}, True), ({"value": 46, "within": 3}, False),
    ({"value": 43, "bound": "more"}, True), ({"value": 41, "bound": "more"}, False), ({"value": 41, "bound": "less"}, True),
])
def test_a_value_is_compared_to_the_stated_rounding(fields, ends_well):
    assert (found("It takes 42 ms.", row("takes 42 ms", **fields)) == []) is ends_well


def test_a_stale_row_is_found():
    says = found("Nothing is said here.", row("takes 42 ms", value=42))
    assert says == ["stale row, no passage has these words with a number: 'takes 42 ms'"]
    assert "stale row" in found("It takes long, as it takes many.", row("takes long", value=42))[0]


@pytest.mark.parametrize(("claimed", "says"), [
    (row("takes 42 ms", "guess"), "the kind 'guess' is none of"),
    (row("takes 42 ms", "run", command="make"), "a row of the kind run says its seed"),
    (row("takes 42 ms", "run", command="make", seed=0, shown="fig-nowhere"), "has no label 'fig-nowhere'"),
    (row("takes 42 ms", "citation", key="nobody2020", place="Table 1"), "references.bib has no entry nobody2020"),
    (row("takes 42 ms", "citation", key="ho2020ddpm"), "a row of the kind citation says its place"),
    (row("takes 42 ms", "convention"), "a row of the kind convention says its why"),
])
def test_a_row_without_its_source_is_found(claimed, says):
    assert any(says in text for text in found("It takes 42 ms.", claimed))


@pytest.mark.parametrize(("text", "stated"), [
    ("It has 438,433 weights and 8 by 8 pixels", ["438,433"]),
    ("about 12 cases, 12 %, 3 ms, 13 cases", ["12", "3", "13"]),
    ("$T = 1000$, $x_{10} = 40$, $0.3\\,x$ and $10^{-4}$", ["1000", "0.3", "10^{-4}"]),
    ("{cite:t}`ho2020ddpm` (2020) in `x = 0.31`, Section 4.17 and [a](https://a.b/3.14)", []),
    ("Answer in about 250 words; Python 3.12, step 14", []),
    ("from $-0.005$ to -0.25 and $1{,}433$", ["-0.005", "-0.25", "1{,}433"]),
])
def test_what_counts_as_a_number(text, stated):
    assert [number.text for number in numbers(text)] == stated


def slips(draw, tries: int = 200) -> float:
    """The share of made-up numbers that some cell happens to show, at random places of the chapters."""
    chance = random.Random(0)
    places = [said for name, page in SAID.items() if re.match(r"\d\d_", name) for said in page if said.kind != "display"]
    made_up = (next(numbers(f"It is {draw(chance)} here.")) for _ in range(tries))
    return sum(tie(number, chance.choice(places)) is not None for number in made_up) / tries


@pytest.mark.parametrize(("draw", "at_most"), [
    (lambda chance: f"{chance.uniform(0.01, 1):.4f}", 0.02),
    (lambda chance: f"{chance.uniform(0.01, 1):.3f}", 0.05),
    (lambda chance: f"{chance.uniform(0.05, 1):.2f}", 0.15),
    (lambda chance: f"{chance.uniform(1, 10):.1f}", 0.15),
    (lambda chance: f"{chance.uniform(10, 100):.1f}", 0.1),
    (lambda chance: f"{chance.randrange(13, 100)}", 0.1),
    (lambda chance: f"{chance.randrange(1000, 10000):,}", 0.02),
], ids=["0.dddd", "0.ddd", "0.dd", "d.d", "dd.d", "dd", "d,ddd"])
def test_few_numbers_are_tied_by_chance(draw, at_most):
    assert slips(draw) <= at_most
