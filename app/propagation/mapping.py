"""A mapping: the line of an import with columns of a table in the place of values.

It has the shape of a line of NDJSON. Wherever that has a text, the mapping has the text itself, for
every row the same, or `{column = "E-mail"}`, with `date` and `zone` or `values` to translate it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

Place: TypeAlias = tuple[str | int, ...]
"""Members and indexes that lead to a value of the line."""

OTHERS: Final = ("refuse", "keep", "leave-out")
EVERY_OTHER: Final = "*"
"""In `ignore`: whatever column the mapping does not name."""
_CELL_MEMBERS: Final = frozenset({"column", "date", "zone", "values", "others"})
_DATE_FORMAT: Final = re.compile(r"(?:[^%]|%[dmYyHMSz])*")
_HEADINGS: Final = frozenset({"purpose", "kind"})
"""Members without whose value an element says nothing and is left out."""
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class MappingFlaw:
    """What is wrong with a mapping, and where: a place in it, or the number of a column."""

    code: str
    place: Place = ()
    column: int | None = None
    """From 1, of the table."""


class MappingInvalid(Exception):
    """A mapping that cannot be used, with every flaw found. Holds no name that was given."""

    def __init__(self, flaws: Iterable[MappingFlaw], line: Any = None) -> None:
        flaws = tuple(flaws)
        super().__init__(", ".join(sorted({flaw.code for flaw in flaws})))
        self.flaws = tuple(replace(flaw, place=counted(flaw.place, line)) for flaw in flaws)


class CellUnreadable(Exception):
    """A cell is no date of the format, or no value of the list. Holds nothing of it."""

    def __init__(self, column: int, code: str) -> None:
        super().__init__(code)
        self.column = column
        """From 1."""
        self.code = code


@dataclass(frozen=True, slots=True)
class Cell:
    """The place of a column's value."""

    column: str = field(repr=False)
    date: str | None = None
    zone: ZoneInfo | None = None
    values: Mapping[str, str] | None = field(default=None, repr=False)
    others: str = OTHERS[0]


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A mapping whose own shape is right; whether it fits policy and table is asked apart."""

    line: Mapping[str, Any] = field(repr=False)  # Any: nested members, texts and Cells
    delimiter: str | None
    ignored: frozenset[str]

    def cells(self) -> Iterator[tuple[Place, Cell]]:
        """Every column's place in the line."""
        for place, value in leaves(self.line):
            if isinstance(value, Cell):
                yield place, value

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are read."""
        return frozenset(cell.column for _, cell in self.cells())

    def bound(self, columns: Sequence[str]) -> "BoundMapping":
        """The mapping for a table with these columns; MappingInvalid when they do not fit."""
        flaws = [
            MappingFlaw("column-missing", place)
            for place, cell in self.cells()
            if cell.column not in columns
        ]
        known = self.columns | self.ignored
        for number, name in enumerate(columns, 1):
            if name in self.columns and name in columns[: number - 1]:
                flaws.append(MappingFlaw("column-twice", column=number))
            elif name not in known and name and EVERY_OTHER not in self.ignored:
                flaws.append(MappingFlaw("column-unmapped", column=number))
        if flaws:
            raise MappingInvalid(flaws, self.line)
        return BoundMapping(
            _members(self.line), {name: columns.index(name) for name in self.columns}
        )


@dataclass(frozen=True, slots=True)
class _Members:
    """A table of the line, with those of its members that read a column."""

    values: Mapping[str, Any] = field(repr=False)
    telling: frozenset[str]


@dataclass(frozen=True, slots=True)
class BoundMapping:
    """A mapping for one table."""

    _line: Any = field(repr=False)
    _indexes: Mapping[str, int] = field(repr=False)
    """Of each column that is read."""

    def line(self, cells: Sequence[str]) -> dict[str, Any]:
        """The line that a row says; CellUnreadable when a cell cannot be translated.

        What comes from an empty cell is left out, and so is an element that consists of such.
        """
        filled = self._filled(self._line, cells)
        return filled if isinstance(filled, dict) else {}

    def _filled(self, value: Any, cells: Sequence[str]) -> Any:
        match value:
            case Cell():
                index = self._indexes[value.column]
                return _translated(value, cells[index], index + 1)
            case _Members(values, telling):
                members = {name: self._filled(one, cells) for name, one in values.items()}
                kept = {name: one for name, one in members.items() if one is not _ABSENT}
                # What the mapping says of everybody tells nothing of the person in this row.
                silent = telling and telling.isdisjoint(kept)
                nameless = not _HEADINGS.isdisjoint(members.keys() - kept.keys())
                return _ABSENT if silent or nameless else kept
            case list():
                elements = (self._filled(one, cells) for one in value)
                return [one for one in elements if one is not _ABSENT]
            case _:
                return value


def compiled(document: Mapping[str, Any]) -> TableMapping:
    """The mapping that a file or a header holds; MappingInvalid when its shape is wrong."""
    flaws: list[MappingFlaw] = []
    line = {name: one for name, one in document.items() if name not in ("delimiter", "ignore")}
    compiled_line = {name: _compiled(one, (name,), flaws) for name, one in line.items()}
    delimiter, ignored = document.get("delimiter"), document.get("ignore", [])
    if delimiter is not None and not (isinstance(delimiter, str) and _delimits(delimiter)):
        flaws.append(MappingFlaw("delimiter-malformed", ("delimiter",)))
    if not (isinstance(ignored, list) and all(isinstance(one, str) for one in ignored)):
        flaws.append(MappingFlaw("ignore-malformed", ("ignore",)))
    flaws += _targets_twice(compiled_line)
    if flaws:
        raise MappingInvalid(flaws, line)
    mapping = TableMapping(compiled_line, delimiter, frozenset(ignored))
    if not mapping.columns:
        raise MappingInvalid([MappingFlaw("no-column")])
    return mapping


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every text and every column of a line, with its place."""
    match value:
        case Mapping():
            for name, one in value.items():
                yield from leaves(one, (*place, name))
        case list():
            for index, one in enumerate(value):
                yield from leaves(one, (*place, index))
        case _:
            yield place, value


def counted(place: Place, line: Any) -> Place:
    """The place with each category, which is a name given, replaced by its index in its table."""
    found: list[str | int] = []
    for part in place:
        within = isinstance(line, Mapping) and part in line
        found.append(list(line).index(part) if within and found[-1:] == ["data"] else part)
        line = line[part] if within or (isinstance(line, list) and isinstance(part, int)) else None
    return tuple(found)


def _compiled(value: Any, place: Place, flaws: list[MappingFlaw]) -> Any:
    if isinstance(value, Mapping):
        if "column" in value:
            return _cell(value, place, flaws)
        return {name: _compiled(one, (*place, name), flaws) for name, one in value.items()}
    if isinstance(value, list):
        return [_compiled(one, (*place, index), flaws) for index, one in enumerate(value)]
    return value


def _cell(members: Mapping[str, Any], place: Place, flaws: list[MappingFlaw]) -> Cell | None:
    column, date, zone = members["column"], members.get("date"), members.get("zone")
    values, others = members.get("values"), members.get("others", OTHERS[0])
    codes = []
    if members.keys() - _CELL_MEMBERS or not (isinstance(column, str) and column.strip()):
        codes.append("cell-malformed")
    if date is not None and not (isinstance(date, str) and _formats(date)):
        codes.append("date-format")
    if (values is not None and not _translates(values)) or others not in OTHERS:
        codes.append("values-malformed")
    if (values is not None and date is not None) or ("others" in members and values is None):
        codes.append("cell-malformed")
    found = _zone(zone)
    if zone is not None and (found is None or date is None):
        codes.append("zone-unknown")
    if isinstance(date, str) and "%H" in date and zone is None and "%z" not in date:
        codes.append("zone-missing")
    flaws += [MappingFlaw(code, place) for code in codes]
    return None if codes else Cell(column.strip(), date, found, values, others)


def _delimits(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in '"\r\n\x00' and not text.isalnum()


def _formats(text: str) -> bool:
    year = "%Y" in text or "%y" in text
    return _DATE_FORMAT.fullmatch(text) is not None and year and "%m" in text and "%d" in text


def _translates(values: object) -> bool:
    return isinstance(values, Mapping) and all(isinstance(one, str) for one in values.values())


def _zone(name: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if isinstance(name, str) else None
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None


def _targets_twice(line: Mapping[str, Any]) -> Iterator[MappingFlaw]:
    """Places of a category that is filled twice for one purpose and occasion."""
    seen: set[object] = set()
    obtained = line.get("obtained")
    for index, one in enumerate(obtained if isinstance(obtained, list) else ()):
        values = one.get("data") if isinstance(one, Mapping) else None
        for category in values if isinstance(values, Mapping) else ():
            target = (repr(one.get("purpose")), repr(one.get("occasion")), category)
            if target in seen:
                yield MappingFlaw("target-twice", ("obtained", index, "data", category))
            seen.add(target)


def _members(value: Any) -> Any:
    match value:
        case Mapping():
            telling = {
                name
                for name, one in value.items()
                if any(isinstance(leaf, Cell) for _, leaf in leaves(one))
            }
            members = {name: _members(one) for name, one in value.items()}
            return _Members(members, frozenset(telling))
        case list():
            return [_members(one) for one in value]
        case _:
            return value


def _translated(cell: Cell, text: str, column: int) -> Any:
    text = text.strip()
    if not text:
        return _ABSENT
    if cell.date is not None:
        return _moment(cell, text, column)
    if cell.values is None or text in cell.values:
        translated = text if cell.values is None else cell.values[text]
        return translated or _ABSENT
    if cell.others == "refuse":
        raise CellUnreadable(column, "value-unlisted")
    return text if cell.others == "keep" else _ABSENT


def _moment(cell: Cell, text: str, column: int) -> str:
    """A date, or a moment in UTC when the format has a time or a zone is named."""
    assert cell.date is not None, "asked for dates alone"
    try:
        moment = datetime.strptime(text, cell.date)  # noqa: DTZ007  # its zone follows
        if cell.zone is None and "%H" not in cell.date:
            return moment.date().isoformat()
        zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=cell.zone)
        sure = "%H" not in cell.date or zoned.utcoffset() == zoned.replace(fold=1).utcoffset()
        said = zoned.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        said, sure = None, True
    # Outside the handler, whose exception quotes the text.
    if said is None:
        raise CellUnreadable(column, "date-unreadable")
    if not sure:  # in the night in which clocks change, an hour is missing or comes twice
        raise CellUnreadable(column, "hour-unsure")
    return said
