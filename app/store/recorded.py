"""Reads entries back as recorded events, one or many at a time; an old version is brought up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, Union, cast
from uuid import UUID

import msgspec

from app.events.declare import EventType, registry
from app.events.recorded import Recorded, Seal
from app.events.upcasts import UPCASTS
from app.identifiers import KeyId
from app.store.codec import core_of, leaf_hash

READ_AT_ONCE = 256
"""Entries whose lines one call of the decoder reads."""


class EntryMalformed(ValueError):
    """Stored bytes are not an entry of this format. Names no content."""


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event of a type or version that this program does not know: read on, fold nothing."""

    name: str
    schema_version: int


class SealLine(
    msgspec.Struct,
    frozen=True,
    rename={
        "blob_length": "b",
        "retention_class": "c",
        "blob_hash": "h",
        "index": "i",
        "key_id": "k",
        "commitment": "kc",
    },
):
    """A seal as it is read: the attributes of `Seal`, made by the decoder itself."""

    blob_length: int
    retention_class: str
    blob_hash: bytes
    index: int
    key_id: UUID
    commitment: bytes | None = None


_KEYS = {
    "recorded_at": "at",
    "by": "by",
    "event": "d",
    "event_id": "id",
    "version": "n",
    "occurred_at": "o",
    "previous": "p",
    "stream_id": "s",
    "schema_version": "sv",
}


class Stored(Recorded[Any], frozen=True, kw_only=True, rename=_KEYS):
    """A stored event as the decoder makes it in one go; what its line lacks is put in after."""

    event: Any
    event_id: UUID  # type: ignore[assignment]  # the decoder knows no names of our own
    stream_id: UUID
    version: int
    recorded_at: datetime
    occurred_at: datetime | None
    by: str
    previous: bytes | None
    schema_version: int
    position: int | None = None
    leaf_hash: bytes = b""
    seals: tuple[Seal, ...] = ()


_FOLDED_KEYS = {
    "recorded_at": "at",
    "event": "d",
    "version": "n",
    "occurred_at": "o",
    "stream_text": "s",
    "schema_version": "sv",
}
_NOBODY = UUID(int=0)


class StandIn(msgspec.Struct, kw_only=True, rename=_FOLDED_KEYS):
    """A stored event as projections read it: what hardly any of them asks for is read later."""

    recorded_at: datetime
    event: Any
    version: int
    occurred_at: datetime | None
    stream_text: str
    """Compared as text: making an id of it would take a fifth of the whole reading."""
    schema_version: int
    stream_id: UUID = _NOBODY
    position: int | None = None
    entry: bytes = b""
    seals: tuple[SealLine, ...] = ()

    @property
    def happened_at(self) -> datetime:
        """As `Recorded.happened_at`."""
        return self.occurred_at or self.recorded_at

    @property
    def leaf_hash(self) -> bytes:
        """As `Recorded.leaf_hash`, reckoned when it is asked for."""
        return leaf_hash(self.entry)

    @property
    def by(self) -> str:
        """As `Recorded.by`."""
        return _CORE.decode(core_of(self.entry)).by

    @property
    def event_id(self) -> UUID:
        """As `Recorded.event_id`."""
        return _CORE.decode(core_of(self.entry)).id

    @property
    def previous(self) -> bytes | None:
        """As `Recorded.previous`."""
        return _CORE.decode(core_of(self.entry)).p


class _Core(msgspec.Struct):
    at: datetime
    by: str
    d: dict[str, Any]  # Any: the payload's shape is its event type's
    id: UUID
    n: int
    o: datetime | None
    p: bytes | None
    s: UUID
    sv: int
    t: str
    v: int


def read_entry(entry: bytes, position: int | None) -> Recorded[Any]:
    """The event and its envelope. An unknown type reads as UnknownEvent; bad bytes raise."""
    lines = entry.partition(b"\n")
    reader = _readers().get(_type_name(lines[0]))
    read = (reader and _read_typed(lines, reader)) or _read_untyped(entry)
    # It was made a moment ago and nobody has seen it: it is finished here.
    _set(read, "position", position)
    _set(read, "leaf_hash", leaf_hash(entry))
    return read


def read_entries(entries: Sequence[bytes], positions: Sequence[int]) -> list[Recorded[Any]]:
    """What `read_entry` reads of each: one call of the decoder reads the lines of many."""
    read: list[Recorded[Any]] = []
    for first in range(0, len(entries), READ_AT_ONCE):
        some = entries[first : first + READ_AT_ONCE]
        read += _read_at_once(some, positions[first : first + READ_AT_ONCE])
    return read


def _read_at_once(entries: Sequence[bytes], positions: Sequence[int]) -> list[Recorded[Any]]:
    """All that are plainly of a type and version known; one that is not is looked at by itself."""
    try:
        values = _lines().decode_lines(b"".join(entries))
    except ValueError:  # an unknown type among them, or an old version, or no entry
        values = []
    # Each has two lines and ends with the second, so that no line goes on in the next entry.
    if len(values) != 2 * len(entries) or not all(map(_has_two_lines, entries)):
        return list(map(read_entry, entries, positions))
    versions, read = _versions(), values[::2]
    for number, (entry, position, seals) in enumerate(
        zip(entries, positions, values[1::2], strict=True)
    ):
        one = read[number]
        known = versions.get(type(one))  # none where a first line is no event
        if known is None or known != one.schema_version or type(seals) is not list:
            read[number] = read_entry(entry, position)
            continue
        # It was made a moment ago and nobody has seen it: it is finished here.
        _set(one, "position", position)
        _set(one, "leaf_hash", leaf_hash(entry))
        if seals:
            _set(one, "seals", tuple(map(_seal, seals)))
    return read


def _has_two_lines(entry: bytes) -> bool:
    return entry.count(b"\n") == 2 and entry.endswith(_LINE_END)


def read_for_projection(
    entry: bytes, *, name: str, stream_id: UUID, position: int
) -> Recorded[Any]:
    """What `read_entry` reads, when type and stream are known and the log is read by the million.

    It stands for a Recorded without being one: making that costs more than reading the bytes.
    """
    reader = _STAND_INS.get(name) or _stand_in_of(name)
    read: Any = None if reader is None else _read_typed(entry.partition(b"\n"), reader)
    if read is None:
        read = read_entry(entry, position)
        assert read.stream_id == stream_id, "an entry lies in its own stream"
        return read  # type: ignore[no-any-return]  # a Recorded
    assert read.stream_text == str(stream_id), "an entry lies in its own stream"
    read.stream_id, read.position, read.entry = stream_id, position, entry
    return read  # type: ignore[no-any-return]  # it has all that a Recorded has


def _read_typed(lines: tuple[bytes, bytes, bytes], reader: "_Reader[_R]") -> "_R | None":
    """The event by the reader of its type; None when it takes a closer look."""
    first, _, second = lines
    try:
        read = reader.decoder.decode(first)
        if read.schema_version != reader.version:
            return None
        if second != _NO_SEALS:
            _set(read, "seals", reader.seals(second))
    except ValueError:  # msgspec's errors are ValueErrors
        return None
    return read if second.endswith(_LINE_END) else None


def _type_name(core: bytes) -> bytes:
    """Keys are sorted: the type is the last but one of the first line; empty where it is not."""
    if not core.endswith(_END) or (at := core.rfind(_TYPE_KEY)) < 0:
        return b""
    return core[at + _TYPE_KEY_SIZE : -_END_SIZE]


def _read_untyped(entry: bytes) -> Stored:
    """The event whose type or version is unknown, old, or not what its bytes say."""
    try:
        first, second = entry[:-1].split(b"\n")
        core = _CORE.decode(first)
        return Stored(
            recorded_at=core.at,
            by=core.by,
            event=_event(core),
            event_id=core.id,
            version=core.n,
            occurred_at=core.o,
            previous=core.p,
            stream_id=core.s,
            schema_version=core.sv,
            seals=_seals(second),
        )
    except (ValueError, KeyError, TypeError):
        raise EntryMalformed("stored bytes are not an entry of format 1") from None


def _event(core: _Core) -> Any:
    kind = registry().get(core.t)
    if kind is None or core.sv > kind.version:
        return UnknownEvent(core.t, core.sv)
    payload = core.d
    for version in range(core.sv, kind.version):
        upcast: Callable[[Mapping[str, Any]], dict[str, Any]] = UPCASTS[core.t, version]
        payload = upcast(payload)
    return kind.event(payload)


def _seal(line: SealLine) -> Seal:
    return Seal(
        index=line.index,
        retention_class=line.retention_class,
        key_id=KeyId(line.key_id),
        blob_hash=line.blob_hash,
        blob_length=line.blob_length,
        commitment=line.commitment,
    )


_R = TypeVar("_R", Stored, StandIn)


@dataclass(frozen=True, slots=True)
class _Reader(Generic[_R]):
    version: int
    decoder: "msgspec.json.Decoder[_R]"
    seals: Callable[[bytes], tuple[Any, ...]]  # Any: seals, or what stands for them


def _shape(kind: EventType, base: type[_R], keys: Mapping[str, str], *, frozen: bool) -> type[_R]:
    """Read from the first line at once, the payload into the event's own class."""
    fields = [("event", kind.cls)]
    shape = msgspec.defstruct(
        base.__name__,
        fields,
        bases=(base,),
        kw_only=True,
        frozen=frozen,
        rename=keys,
        tag_field="t",
        tag=kind.name,
    )
    return cast("type[_R]", shape)


@cache
def _shapes() -> Mapping[str, type[Stored]]:
    return {one: _shape(kind, Stored, _KEYS, frozen=True) for one, kind in registry().items()}


@cache
def _readers() -> Mapping[bytes, _Reader[Stored]]:
    return {
        one.encode(): _Reader(kind.version, msgspec.json.Decoder(_shapes()[one]), _seals)
        for one, kind in registry().items()
    }


@cache
def _lines() -> "msgspec.json.Decoder[Any]":
    """Reads either line of an entry: the first by the type that it names, the second as seals."""
    return msgspec.json.Decoder(Union[(*_shapes().values(), list[SealLine])])


@cache
def _versions() -> Mapping[type[Any], int]:
    return {_shapes()[one]: kind.version for one, kind in registry().items()}


_STAND_INS: dict[str, _Reader[StandIn]] = {}
"""By type, those that were asked for."""


def _stand_in_of(name: str) -> _Reader[StandIn] | None:
    kind = registry().get(name)
    if kind is None:
        return None
    shape = _shape(kind, StandIn, _FOLDED_KEYS, frozen=False)
    made = _Reader(kind.version, msgspec.json.Decoder(shape), _SEALS.decode)
    return _STAND_INS.setdefault(name, made)


def _seals(second: bytes) -> tuple[Seal, ...]:
    return tuple(map(_seal, _SEALS.decode(second)))


_CORE: msgspec.json.Decoder[_Core] = msgspec.json.Decoder(_Core)
_SEALS: msgspec.json.Decoder[tuple[SealLine, ...]] = msgspec.json.Decoder(tuple[SealLine, ...])
_set = msgspec.structs.force_setattr
_NO_SEALS = b"[]\n"
_TYPE_KEY = b'"t":"'
_TYPE_KEY_SIZE = len(_TYPE_KEY)
_END = b'","v":1}'
_END_SIZE = len(_END)
_LINE_END = b"]\n"
