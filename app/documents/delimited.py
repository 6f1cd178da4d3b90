"""Rows as comma-separated values (RFC 4180), of which no cell is taken for a formula (ASVS 1.2.10).

A spreadsheet runs what begins like a formula, whatever its column: such a text gets an apostrophe
in front, which the spreadsheet shows as text. Where values must come back unchanged, XLSX keeps
them, because there a cell says that it is text.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from app.events.declare import moment_text

FORMULA_STARTS = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", "\t", "\r", "\n", "\x00")
"""In East Asian settings the full-width forms are read as their narrow ones."""
WORDS_BETWEEN = "; "
MARK = "\ufeff"
"""Without a byte order mark a spreadsheet takes UTF-8 for the code page of the country."""


def heading(names: Sequence[str]) -> bytes:
    """The first line."""
    return (MARK + _line(names)).encode()


def lines(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    """One line a row."""
    return "".join(_line([row.get(name) for name in names]) for row in rows).encode()


def text_of(value: Any) -> str:
    """A cell as text, as both formats write it; nothing is an empty cell."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return moment_text(value)
        case date():
            return value.isoformat()
        case list() | tuple() | frozenset():
            return WORDS_BETWEEN.join(text_of(one) for one in value)
        case _:
            return str(value)


def _line(values: Iterable[Any]) -> str:
    return ",".join(_cell(value) for value in values) + "\r\n"


def _cell(value: Any) -> str:
    text = text_of(value)
    if not isinstance(value, int) and text.startswith(FORMULA_STARTS):
        text = f"'{text}"
    if any(character in text for character in ',"\r\n\x00'):
        return '"' + text.replace("\x00", "").replace('"', '""') + '"'
    return text
