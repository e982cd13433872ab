"""Citations as plain text, "Ho et al. (2020)", and the list of references, from a BibTeX file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pybtex.backends.plaintext import Backend
from pybtex.database import Entry, parse_file
from pybtex.richtext import Text

_TEXT = Backend()  # made once: looking a backend up by its name reads the metadata of every installed package


@cache
def _entries(path: Path, stamp: int) -> dict[str, Entry]:
    return dict(parse_file(str(path)).entries)


def bibliography(path: Path) -> dict[str, Entry]:
    """The entries of a BibTeX file by key; none if there is no such file."""
    return _entries(path, path.stat().st_mtime_ns) if path.exists() else {}


def _plain(latex: str) -> str:
    return Text.from_latex(latex).render(_TEXT)


def _last_names(entry: Entry) -> list[str]:
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    return [_plain(" ".join([*person.prelast_names, *person.last_names])) for person in people]


def authors(entry: Entry) -> str:
    """Who is cited: "Ho et al.", "Kingma and Welling", "Luo"."""
    names = _last_names(entry)
    if not names:
        return _plain(entry.fields.get("title", "Anonymous"))
    return names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."


def cite(keys: list[str], entries: dict[str, Entry], *, textual: bool) -> str:
    """A citation in running text, "Ho et al. (2020)", or in parentheses, "(Ho et al., 2020; Luo, 2022)"."""
    unknown = [key for key in keys if key not in entries]
    if unknown:
        raise ValueError(f"references.bib has no entry {', '.join(unknown)}")
    found = [(authors(entries[key]), entries[key].fields.get("year", "undated")) for key in keys]
    if textual:
        return " and ".join(f"{who} ({year})" for who, year in found)
    return "(" + "; ".join(f"{who}, {year}" for who, year in found) + ")"


def reference(entry: Entry) -> str:
    """One line of the list of references, in Markdown."""
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [_plain(" ".join([*person.first_names, *person.middle_names, *person.prelast_names, *person.last_names]))
             for person in people]
    fields = entry.fields
    venue = next((_plain(fields[key]) for key in ("journal", "booktitle", "publisher", "howpublished") if key in fields), "")
    where = ", ".join(part for part in (
        venue, fields.get("volume", "") and f"volume {fields['volume']}", fields.get("year", "")) if part)
    link = f" <{fields['url']}>" if "url" in fields else ""
    return f"{', '.join(names)}. *{_plain(fields.get('title', ''))}*. {where}.{link}".removeprefix(". ")


def reference_list(keys: set[str], entries: dict[str, Entry]) -> str:
    """The list of the cited works, ordered by author and year."""
    lines = sorted(((authors(entries[key]), entries[key].fields.get("year", "")), reference(entries[key])) for key in keys)
    return "\n".join(f"- {line}" for _, line in lines)
