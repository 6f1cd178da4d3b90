"""Builds commands for the append functions by hand, so that their tests depend on no other code."""

import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from app.identifiers import StreamId
from app.store.append import (
    Append,
    EncodedEvent,
    IdempotencyToken,
    IdentifierToken,
    SealedBlob,
    WrappedKey,
)
from app.tlog.merkle import root_of_entries

EPOCH = 1


def entry_time(moment: datetime) -> str:
    """RFC 3339 in UTC with six digits."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(value: object) -> bytes:
    """Compact JSON with sorted keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 §2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


@dataclass(frozen=True, slots=True)
class Section:
    """One sealed section to be: its blob, and the key that it is under."""

    key_id: UUID
    retention_class: str = "contact"
    blob: bytes = field(default_factory=lambda: b"\x01" + os.urandom(60))
    opens: bool = False


@dataclass(slots=True)
class Chain:
    """One stream as its writer knows it; ``command`` moves it on, whatever the database says."""

    stream_id: StreamId = field(default_factory=uuid4)
    version: int = 0
    last: bytes | None = None
    """The newest entry."""
    at: datetime | None = None
    """Recorded time of every event to come; the present when None."""

    def event(
        self,
        *sections: Section,
        kind: str = "data.collected",
        said: dict[str, object] | None = None,
        **changes: object,
    ) -> EncodedEvent:
        """The next event; ``changes`` overwrite keys of the core line."""
        event_id = uuid4()
        core: dict[str, object] = {
            "at": entry_time(self.at or datetime.now(UTC)),
            "by": "client.tests",
            "d": said or {"source": "registration.form"},
            "id": str(event_id),
            "n": self.version + 1,
            "o": None,
            "p": None if self.last is None else b64encode(leaf_hash(self.last)).decode(),
            "s": str(self.stream_id),
            "sv": 1,
            "t": kind,
            "v": 1,
        } | changes
        entry = canonical(core) + b"\n" + canonical(seals_of(sections)) + b"\n"
        self.version += 1
        self.last = entry
        blobs = tuple(
            SealedBlob(index, section.key_id, section.retention_class, section.blob)
            for index, section in enumerate(sections)
        )
        return EncodedEvent(event_id, kind, entry, leaf_hash(entry), blobs)

    def command(
        self,
        *events: EncodedEvent,
        expected: int | None = None,
        control: int | None = None,
        keys: Sequence[WrappedKey] = (),
        identifiers: Sequence[IdentifierToken] = (),
        suppressions: Sequence[tuple[str, bytes]] = (),
        idempotency: IdempotencyToken | None = None,
    ) -> Append:
        """A command of this stream with the events just made."""
        return Append(
            stream_id=self.stream_id,
            expected=self.version - len(events) if expected is None else expected,
            control=control,
            events=events,
            new_keys=tuple(keys),
            identifiers=tuple(identifiers),
            suppressions=tuple(suppressions),
            idempotency=idempotency,
        )

    def simple(self, *, control: int | None = None) -> Append:
        """One event without personal data."""
        return self.command(self.event(), control=control)

    def opening(self, retention_class: str = "contact") -> tuple[Append, UUID]:
        """One event whose one section is the first under a new key; and that key."""
        key_id = uuid4()
        event = self.event(Section(key_id, retention_class, opens=True))
        key = new_key(key_id, retention_class)
        return self.command(event, keys=[key]), key_id

    def erasure(
        self,
        keys: Sequence[UUID],
        *,
        blobs: Sequence[bytes],
        classes: Sequence[str] = (),
        identifiers: bool = False,
        kind: str = "erasure.executed",
    ) -> EncodedEvent:
        """The entry that `ledger_erase` takes; ``blobs`` in the order of versions and sections."""
        return self.event(
            kind=kind,
            said={
                "keys": [str(key) for key in keys],
                "classes": list(classes),
                "blobs": len(blobs),
                "identifiers": identifiers,
                "root": root_of_entries(hashlib.sha256(blob).digest() for blob in blobs).hex(),
            },
        )

    def back(self, moment: timedelta) -> "Chain":
        """The same chain with a clock that is wrong by ``moment``."""
        self.at = datetime.now(UTC) + moment
        return self


def seals_of(sections: Sequence[Section]) -> list[dict[str, object]]:
    """The second line of an entry."""
    seals: list[dict[str, object]] = []
    for index, section in enumerate(sections):
        one: dict[str, object] = {
            "b": len(section.blob),
            "c": section.retention_class,
            "h": b64encode(hashlib.sha256(section.blob).digest()).decode(),
            "i": index,
            "k": str(section.key_id),
        }
        if section.opens:
            one["kc"] = b64encode(os.urandom(32)).decode()
        seals.append(one)
    return seals


def new_key(
    key_id: UUID,
    retention_class: str = "contact",
    generation: str = "membership",
    epoch: int = EPOCH,
) -> WrappedKey:
    """A key row; the wrapped bytes mean nothing here."""
    return WrappedKey(key_id, retention_class, generation, epoch, os.urandom(61))


def claim(token: bytes, *, kind: str = "email", epoch: int = EPOCH) -> IdentifierToken:
    """A claim of one token of the blind index."""
    return IdentifierToken(kind, token, epoch, release=False)


def release(token: bytes, *, kind: str = "email") -> IdentifierToken:
    """The release of one token."""
    return IdentifierToken(kind, token, EPOCH, release=True)
