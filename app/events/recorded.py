"""What a decider hands over to be appended, and an event as it is read back from the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from app.identifiers import EventId, KeyId, StreamId

E = TypeVar("E", covariant=True)


@dataclass(frozen=True, slots=True)
class Section:
    """Personal content of one event under one retention class; sealed before it leaves memory."""

    retention_class: str
    generation: str
    """The expiry bucket: an occasion's id, a fiscal year ... A new one opens a new key."""
    personal: Mapping[str, str] = field(repr=False)
    """Data category -> value, in plain text."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An identifier that this person takes into, or releases from, the blind index."""

    kind: str
    """"email" or "phone"."""
    value: str = field(repr=False)
    """Normalised, in plain text."""
    release: bool = False


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that must not be used for a purpose again, whoever imports it (L41)."""

    purpose: str
    address: str = field(repr=False)
    """Normalised e-mail address, in plain text; the register keeps a keyed token of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One event to append, with what travels beside it."""

    event: Any  # an instance of a declared event class; each decider narrows it
    sections: tuple[Section, ...] = ()
    claims: tuple[Claim, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """The second line of an entry, one element: which blob, under which key (DESIGN 4)."""

    index: int
    retention_class: str
    key_id: KeyId
    blob_hash: bytes
    blob_length: int
    commitment: bytes | None = None
    """HMAC of the key's id under the key: present on the first seal under that key, once."""


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E]):
    """A stored event: payload and envelope. ``position`` is None until the append is answered."""

    event: E
    event_id: EventId
    stream_id: StreamId
    version: int
    position: int | None
    recorded_at: datetime
    occurred_at: datetime | None
    by: str
    previous: bytes | None
    leaf_hash: bytes
    seals: tuple[Seal, ...] = ()

    @property
    def happened_at(self) -> datetime:
        """When it occurred: the recorded time unless the caller gave another."""
        return self.occurred_at or self.recorded_at
