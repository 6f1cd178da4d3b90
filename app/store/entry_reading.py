"""Reads entries as values, and holds the values to the bytes: canonical JSON (DESIGN 4); pure.

It shares no code with the writer. Many at once: one call reads the lines of all entries, one
writes them again, and where that gives the same bytes, every entry is what it must be. Where not,
they are read one by one, so that the one that is at fault is named.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Annotated, Any, TypeAlias, cast
from uuid import UUID

import msgspec

from app.tlog.merkle import HASH_SIZE_BYTES

INTEGER_MAX = 2**53 - 1
LINES_AN_ENTRY = 2
READ_AT_ONCE = 64
"""Their values fit into a processor's cache; of 2,000 entries each took half as long again."""
UNREADABLE = (ValueError, TypeError, KeyError, msgspec.MsgspecError)

_Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_SIZE_BYTES, max_length=HASH_SIZE_BYTES)]


class Core(msgspec.Struct, forbid_unknown_fields=True):
    """Line 1. Ids stay texts: they are compared with those of the row, which are ids."""

    at: str
    by: str
    d: dict[str, Any]  # Any: the payload's shape is its event type's
    id: str
    n: int
    o: str | None
    p: bytes | None
    s: str
    sv: int
    t: str
    v: int


class SealLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One seal of line 2."""

    b: int
    c: str
    h: _Hash
    i: int
    k: UUID
    kc: _Hash | None = None


Reading: TypeAlias = tuple[Core, Sequence[SealLine], bool]
"""Both lines as values, and whether writing them again gives the same bytes."""


def read_entries(entries: Sequence[bytes]) -> Sequence[Reading | None]:
    """Each entry as it reads, None for one that is malformed. READ_AT_ONCE are a good number."""
    return _all_in_order(entries) or list(map(_read, entries))


def _all_in_order(entries: Sequence[bytes]) -> Sequence[Reading] | None:
    """None unless every entry is well-formed and canonical."""
    joined = b"".join(entries)
    # Each has two lines and ends with the second, so that no line goes on in the next entry.
    if [entry.count(b"\n") for entry in entries].count(LINES_AN_ENTRY) != len(entries):
        return None
    if [entry[-1:] for entry in entries].count(b"\n") != len(entries):
        return None
    try:
        values = _LINES.decode_lines(joined)
    except UNREADABLE:
        return None
    # What is written has a line a value: if it is the same, each value is that of its line.
    if len(values) != LINES_AN_ENTRY * len(entries) or _SORTED.encode_lines(values) != joined:
        return None
    if {*map(type, values[::2])} - {Core} or {*map(type, values[1::2])} - {list}:
        return None
    cores, seals = cast("list[Core]", values[::2]), cast("list[list[SealLine]]", values[1::2])
    # Few entries have so many digits side by side where a number may begin; texts may, too.
    if _LONG_NUMBER in joined.translate(_NUMBERS_ALIKE):
        return None
    return list(zip(cores, seals, repeat(object=True), strict=False))


def _read(entry: bytes) -> Reading | None:
    try:
        first, second, rest = entry.split(b"\n")
        core, seals = _CORE.decode(first), _SEALS.decode(second)
    except UNREADABLE:
        return None
    if rest:
        return None
    is_same = _SORTED.encode(core) == first and _SORTED.encode(seals) == second
    return core, seals, is_same and _numbers_are_plain(core.d)


def _numbers_are_plain(value: Any) -> bool:  # Any: a value of JSON
    kind = type(value)
    if kind is dict:
        return all(map(_numbers_are_plain, value.values()))
    if kind is list:
        return all(map(_numbers_are_plain, value))
    return kind is not int or abs(value) <= INTEGER_MAX


# In canonical JSON a number stands behind one of three signs, or behind its own.
_NUMBERS_ALIKE = bytes.maketrans(b"123456789,[-", b"000000000:::")
_LONG_NUMBER = b":" + b"0" * len(str(INTEGER_MAX))
# The structs above have their fields in the order of their names.
_SORTED = msgspec.json.Encoder(order="deterministic")
# A number with a fraction is read as its text, so that it is not written as it was: none may be.
_CORE: msgspec.json.Decoder[Core] = msgspec.json.Decoder(Core, float_hook=str)
_SEALS: msgspec.json.Decoder[list[SealLine]] = msgspec.json.Decoder(list[SealLine])
_LINES: msgspec.json.Decoder[Core | list[SealLine]] = msgspec.json.Decoder(
    Core | list[SealLine], float_hook=str
)
