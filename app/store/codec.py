"""The entry, byte for byte: two lines of JSON, written once, never serialised again (DESIGN 4)."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import msgspec

from app.events.declare import EventType, moment_text, registry
from app.events.recorded import Recorded, Seal
from app.events.upcasts import UPCASTS
from app.identifiers import KeyId, StreamId

FORMAT = 1
ENTRY_SIZE_MAX_BYTES = 65_535
"""The 16-bit length prefix of a C2SP tlog-tiles entry bundle."""


class EntryTooLarge(ValueError):
    """The entry would not fit a tile bundle; nothing was written."""


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
    name: key
    for name, key in _KEYS.items()
    if name in ("recorded_at", "event", "version", "occurred_at", "stream_id", "schema_version")
}


class StandIn(msgspec.Struct, kw_only=True, rename=_FOLDED_KEYS):
    """A stored event as projections read it: what hardly any of them asks for is read later."""

    recorded_at: datetime
    event: Any
    version: int
    occurred_at: datetime | None
    stream_id: UUID
    schema_version: int
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


def core_line(
    kind: EventType,
    payload: Mapping[str, Any],
    *,
    event_id: UUID,
    stream_id: StreamId,
    version: int,
    previous: bytes | None,
    recorded_at: datetime,
    occurred_at: datetime | None,
    by: str,
) -> bytes:
    """Line 1 without its LF: keys sorted at every depth, non-ASCII as raw UTF-8, no floats.

    ``previous`` is the leaf hash of the stream's event before this one, None at version 1.
    """
    occurred = "null" if occurred_at is None else f'"{moment_text(occurred_at)}"'
    link = "null" if previous is None else f'"{b64encode(previous).decode()}"'
    # The envelope's keys are written in order by hand (half the cost of a sorted dump); the
    # canonical-form test compares the whole line with RFC 8785.
    return (
        b'{"at":"%b","by":%b,"d":%b,"id":"%b","n":%d,"o":%b,"p":%b,"s":"%b","sv":%d,"t":"%b","v":1}'
        % (
            moment_text(recorded_at).encode(),
            _SORTED.encode(by),
            _SORTED.encode(payload),
            str(event_id).encode(),
            version,
            occurred.encode(),
            link.encode(),
            str(stream_id).encode(),
            kind.version,
            kind.name.encode(),
        )
    )


def seals_line(seals: Sequence[Seal]) -> bytes:
    """Line 2 without its LF; ``[]`` for an event without personal data."""
    return _SORTED.encode([_seal_value(seal) for seal in seals])


def entry_of(core: bytes, seals: Sequence[Seal]) -> bytes:
    """The stored bytes; EntryTooLarge above 65,535."""
    entry = core + b"\n" + (seals_line(seals) if seals else b"[]") + b"\n"
    if len(entry) > ENTRY_SIZE_MAX_BYTES:
        raise EntryTooLarge(f"an entry is at most {ENTRY_SIZE_MAX_BYTES} bytes")
    return entry


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def core_of(entry: bytes) -> bytes:
    """Line 1 exactly as stored, which every seal of the entry is bound to."""
    return entry[: entry.index(b"\n")]


def read_entry(entry: bytes, position: int | None) -> Recorded[Any]:
    """The event and its envelope. An unknown type reads as UnknownEvent; bad bytes raise."""
    lines = entry.partition(b"\n")
    read = _read_typed(lines, _readers().get(_type_name(lines[0]))) or _read_untyped(entry)
    # It was made a moment ago and nobody has seen it: it is finished here.
    _set(read, "position", position)
    _set(read, "leaf_hash", leaf_hash(entry))
    return read


def read_for_projection(
    entry: bytes, *, name: str, stream_id: UUID, position: int
) -> Recorded[Any]:
    """What `read_entry` reads, when type and stream are known and the log is read by the million.

    It stands for a Recorded without being one: making that costs more than reading the bytes.
    """
    read = _read_typed(entry.partition(b"\n"), _stand_ins().get(name))
    if read is None:
        closely = read_entry(entry, position)
        assert closely.stream_id == stream_id, "an entry lies in its own stream"
        return closely
    assert read.stream_id == stream_id, "an entry lies in its own stream"
    read.stream_id, read.position, read.entry = stream_id, position, entry
    return read  # type: ignore[return-value]  # it has all that a Recorded has


def _read_typed(lines: tuple[bytes, bytes, bytes], reader: "_Reader[_R] | None") -> "_R | None":
    """The event by the reader of its type; None when it takes a closer look."""
    if reader is None:
        return None
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


def _seal_value(seal: Seal) -> dict[str, str | int]:
    value: dict[str, str | int] = {
        "b": seal.blob_length,
        "c": seal.retention_class,
        "h": b64encode(seal.blob_hash).decode(),
        "i": seal.index,
        "k": str(seal.key_id),
    }
    if seal.commitment is not None:
        value["kc"] = b64encode(seal.commitment).decode()
    return value


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
        base.__name__, fields, bases=(base,), kw_only=True, frozen=frozen, rename=keys
    )
    return cast("type[_R]", shape)


@cache
def _readers() -> Mapping[bytes, _Reader[Stored]]:
    shapes = {one: _shape(kind, Stored, _KEYS, frozen=True) for one, kind in registry().items()}
    return {
        one.encode(): _Reader(kind.version, msgspec.json.Decoder(shapes[one]), _seals)
        for one, kind in registry().items()
    }


@cache
def _stand_ins() -> Mapping[str, _Reader[StandIn]]:
    shapes = {
        one: _shape(kind, StandIn, _FOLDED_KEYS, frozen=False) for one, kind in registry().items()
    }
    return {
        one: _Reader(kind.version, msgspec.json.Decoder(shapes[one]), _SEALS.decode)
        for one, kind in registry().items()
    }


def _seals(second: bytes) -> tuple[Seal, ...]:
    return tuple(map(_seal, _SEALS.decode(second)))


_SORTED = msgspec.json.Encoder(order="sorted")
_CORE: msgspec.json.Decoder[_Core] = msgspec.json.Decoder(_Core)
_SEALS: msgspec.json.Decoder[tuple[SealLine, ...]] = msgspec.json.Decoder(tuple[SealLine, ...])
_set = msgspec.structs.force_setattr
_NO_SEALS = b"[]\n"
_TYPE_KEY = b'"t":"'
_TYPE_KEY_SIZE = len(_TYPE_KEY)
_END = b'","v":1}'
_END_SIZE = len(_END)
_LINE_END = b"]\n"
