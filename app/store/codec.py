"""The entry, byte for byte: two lines of JSON, written once, never serialised again (DESIGN 4)."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from app.events.declare import EventType, moment_text
from app.events.recorded import Seal
from app.identifiers import StreamId

FORMAT = 1
ENTRY_SIZE_MAX_BYTES = 65_535
"""The 16-bit length prefix of a C2SP tlog-tiles entry bundle."""


class EntryTooLarge(ValueError):
    """The entry would not fit a tile bundle; nothing was written."""


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


_SORTED = msgspec.json.Encoder(order="sorted")
