"""Rows as PostgreSQL's binary COPY takes them, half as dear as by the driver.

Rows of a projection hold few words, and those many times: a dictionary from a word to its bytes,
length first, fills itself. Ids, positions and moments, which hardly ever come twice, are packed.
"""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ARRAY, Column, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import sqltypes

from app.projections.in_memory import Row

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)

_NULL = struct.pack("!i", -1)
_KNOWN_MAX = 20_000
_DAY = date(2000, 1, 1)
_OIDS = {"uuid": 2950, "text": 25, "int4": 23, "int8": 20}

_PACKED: dict[str, Any] = {
    "null": _NULL,
    "sixteen": struct.pack("!i", 16),
    "long": struct.Struct("!iq").pack,
    "epoch": datetime(2000, 1, 1, tzinfo=UTC),
    "microsecond": timedelta(microseconds=1),
    "encode": msgspec.json.encode,
}

Write: TypeAlias = Callable[[Any], bytes]


class NotARow(ValueError):
    """A value is not of its column's kind; the value is not shown."""


class NotCopied(TypeError):
    """A column is of a type that no projection has had so far."""


class _Known(dict[Any, bytes]):
    """Value -> bytes with their length; None is NULL. Starts afresh when it has grown large."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: Any) -> bytes:
        if len(self) >= _KNOWN_MAX:
            self.clear()
        if value is None:
            made = _NULL
        else:
            written = self._write(value)
            made = struct.pack("!i", len(written)) + written
        self[value] = made
        return made


def copied(table: Table, rows: Iterable[Row]) -> bytes:
    """The rows as the input of a binary COPY of all columns; NotARow when one is none."""
    try:
        return b"".join((HEADER, *map(_writer(table), rows), TRAILER))
    except (TypeError, AttributeError, struct.error):
        raise NotARow(f"a row of {table.name} is none") from None


@cache
def _writer(table: Table) -> Callable[[Row], bytes]:
    """A function of one row, written out column by column: a loop would take twice as long."""
    columns = list(table.columns)
    names: dict[str, Any] = {"begin": struct.pack("!h", len(columns)), "join": b"".join, **_PACKED}
    parts = []
    for number, column in enumerate(columns):
        kind = _kind(column)
        names[f"known_{number}"] = _known(kind)
        parts.append(_field(kind, f"row[{number}]", f"known_{number}"))
    made: Callable[[Row], bytes] = eval(  # noqa: S307  # written above from a declared table
        f"lambda row: join((begin, {', '.join(parts)}))", names
    )
    return made


def _field(kind: str, value: str, known: str) -> str:
    """Source of one field's bytes; a value that is not of the kind raises."""
    match kind:
        case "uuid":
            packed = f"sixteen + {value}.bytes"
        case "int8":
            packed = f"long(8, {value})"
        case "moment":
            packed = f"long(8, ({value} - epoch) // microsecond)"
        case "jsonb":
            packed = f"{known}[encode({value})]"
        case _ if kind.endswith("[]"):
            packed = f"{known}[tuple({value})]"
        case _:
            return f"{known}[{value}]"
    return f"(null if {value} is None else {packed})"


@cache
def _known(kind: str) -> _Known:
    return _Known(_WRITES.get(kind, _text))


def _kind(column: "Column[Any]") -> str:
    kind = column.type
    match kind:
        case ARRAY():
            return f"{_kind_of(kind.item_type)}[]"
        case _:
            return _kind_of(kind)


def _kind_of(kind: Any) -> str:
    for known, name in _KINDS:
        if isinstance(kind, known):
            return name
    raise NotCopied(type(kind).__name__)


def _array(element: str) -> Write:
    oid, write = _OIDS[element], _WRITES[element]

    def written(values: tuple[Any, ...]) -> bytes:
        if not values:
            return struct.pack("!iii", 0, 0, oid)
        head = struct.pack("!iiiii", 1, 0, oid, len(values), 1)
        parts = [write(value) for value in values]
        return head + b"".join(struct.pack("!i", len(part)) + part for part in parts)

    return written


def _text(value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value.encode()


_KINDS: tuple[tuple[Any, str], ...] = (
    (sqltypes.Uuid, "uuid"),
    (sqltypes.Boolean, "bool"),
    (sqltypes.SmallInteger, "int2"),
    (sqltypes.BigInteger, "int8"),
    (sqltypes.Integer, "int4"),
    (sqltypes.DateTime, "moment"),
    (sqltypes.Date, "date"),
    (JSONB, "jsonb"),
    (sqltypes.String, "text"),
)
_WRITES: dict[str, Write] = {
    "uuid": lambda value: value.bytes,
    "bool": lambda value: b"\1" if value else b"\0",
    "int2": struct.Struct("!h").pack,
    "int4": struct.Struct("!i").pack,
    "int8": struct.Struct("!q").pack,
    "date": lambda value: struct.pack("!i", (value - _DAY).days),
    "jsonb": lambda value: b"\1" + value,
    "text": _text,
}
_WRITES |= {f"{element}[]": _array(element) for element in _OIDS}
