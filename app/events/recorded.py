"""What a decider hands over to be appended, and an event as it is read back from the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from app.identifiers import EventId, KeyId, StreamId
from app.values import Confidential, Value

E = TypeVar("E", covariant=True)


class Section(Confidential, frozen=True):
    """Personal content of one event under one retention class; sealed before it leaves memory."""

    CONFIDENTIAL = ("personal",)

    retention_class: str
    generation: str
    """The expiry bucket: an occasion's id, a fiscal year ... A new one opens a new key."""
    personal: Mapping[str, str]
    """Data category -> value, in plain text."""


class Claim(Confidential, frozen=True):
    """An identifier that this person takes into, or releases from, the blind index."""

    CONFIDENTIAL = ("value",)

    kind: str
    """"email" or "phone"."""
    value: str
    """Normalised, in plain text."""
    release: bool = False


class Suppression(Confidential, frozen=True):
    """An address that must not be used for a purpose again, whoever imports it (L41)."""

    CONFIDENTIAL = ("address",)

    purpose: str
    address: str
    """Normalised e-mail address, in plain text; the register keeps a keyed token of it."""


class Record(Value, frozen=True):
    """One event to append, with what travels beside it."""

    event: Any  # an instance of a declared event class; each decider narrows it
    sections: tuple[Section, ...] = ()
    claims: tuple[Claim, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    occurred_at: datetime | None = None


class Seal(Value, frozen=True):
    """The second line of an entry, one element: which blob, under which key (DESIGN 4)."""

    index: int
    retention_class: str
    key_id: KeyId
    blob_hash: bytes
    blob_length: int
    commitment: bytes | None = None
    """HMAC of the key's id under the key: present on the first seal under that key, once."""


class Recorded(Value, Generic[E], frozen=True):
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
