"""Rows as PostgreSQL's binary COPY takes them, half as dear as by the driver.

Rows of a projection hold few words, and those many times: a dictionary from a word to its bytes,
length first, fills itself. Ids, positions and moments, which hardly ever come twice, are packed.
"""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby
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
    "join": b"".join,
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
        made = self[value] = _sized(None if value is None else self._write(value))
        return made


class _Words(dict[tuple[str | None, ...], bytes]):
    """Texts of neighbouring columns -> the bytes of all, each with its length."""

    def __missing__(self, values: tuple[str | None, ...]) -> bytes:
        if len(self) >= _KNOWN_MAX:
            self.clear()
        made = self[values] = b"".join(
            _sized(None if value is None else _text(value)) for value in values
        )
        return made


def _sized(written: bytes | None) -> bytes:
    return _NULL if written is None else struct.pack("!i", len(written)) + written


def written(table: Table, rows: Iterable[Row]) -> bytes:
    """The rows as a binary COPY of all columns takes them, between HEADER and TRAILER.

    NotARow when one is none.
    """
    try:
        return _writer(table)(rows)
    except (TypeError, ValueError, AttributeError, struct.error):
        raise NotARow(f"a row of {table.name} is none") from None


@cache
def _writer(table: Table) -> Callable[[Iterable[Row]], bytes]:
    """A function of rows, written out for the table: a loop over its columns would take thrice."""
    source = _Source(table)
    values = "".join(f"value_{number}, " for number in range(len(table.columns)))
    lines = [
        "def write(rows):",
        "    out = []",
        "    add = out.append",
        *(f"    last_{number} = out" for number in source.moments),  # which no value is
        "    for row in rows:",
        f"        {values}= row",
        *(f"        {line}" for number in source.moments for line in _moment_once(number)),
        f"        add(join(({', '.join(source.parts)},)))",
        "    return join(out)",
    ]
    made: dict[str, Any] = {}
    exec("\n".join(lines), source.names, made)  # noqa: S102  # written above from a declared table
    write: Callable[[Iterable[Row]], bytes] = made["write"]
    return write


class _Source:
    """Python source of the parts of one row, of which neighbours are made in one go if they can."""

    def __init__(self, table: Table) -> None:
        self.names: dict[str, Any] = dict(_PACKED)
        self.parts: list[str] = []
        self.moments: list[int] = []
        """Columns of moments that are never NULL."""
        numbered = ((number, column, _kind(column)) for number, column in enumerate(table.columns))
        self.names["begin"] = struct.pack("!h", len(table.columns))
        self.parts.append("begin")
        for how, neighbours in groupby(numbered, lambda one: _how(one[1], one[2])):
            match how:
                case "fixed":
                    self._fixed(list(neighbours))
                case "words":
                    self._words([number for number, _, _ in neighbours])
                case "once":
                    for number, _, _ in neighbours:
                        self.moments.append(number)
                        self.parts.append(f"said_{number}")
                case _:
                    for number, _, kind in neighbours:
                        self.names[f"known_{number}"] = _known(kind)
                        self.parts.append(_field(kind, f"value_{number}", f"known_{number}"))

    def _fixed(self, neighbours: "list[tuple[int, Column[Any], str]]") -> None:
        """Columns of a fixed size that are never NULL, each behind its length."""
        first = neighbours[0][0]
        sizes = [_FIXED[kind] for _, _, kind in neighbours]
        pack = struct.Struct("!" + "".join(f"i{code}" for code, _ in sizes)).pack
        self.names[f"fixed_{first}"] = pack
        given = ", ".join(
            f"{size}, value_{number}" + (".bytes" if kind == "uuid" else "")
            for (number, _, kind), (_, size) in zip(neighbours, sizes, strict=True)
        )
        self.parts.append(f"fixed_{first}({given})")

    def _words(self, numbers: list[int]) -> None:
        """Texts side by side say few things together, and those many times."""
        self.names[f"words_{numbers[0]}"] = _Words()
        self.parts.append(f"words_{numbers[0]}[{', '.join(f'value_{n}' for n in numbers)},]")


def _how(column: "Column[Any]", kind: str) -> str:
    if kind == "text":
        return "words"
    if column.nullable:
        return "one by one"
    return "once" if kind == "moment" else "fixed" if kind in _FIXED else "one by one"


def _moment_once(number: int) -> tuple[str, str, str]:
    """The rows of one event have one moment in common, the very same object."""
    return (
        f"if value_{number} is not last_{number}:",
        f"    last_{number} = value_{number}",
        f"    said_{number} = long(8, (value_{number} - epoch) // microsecond)",
    )


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
_FIXED = {"uuid": ("16s", 16), "int2": ("h", 2), "int4": ("i", 4), "int8": ("q", 8)}
"""Kind -> its code in `struct` and its size in bytes."""
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
