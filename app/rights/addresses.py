"""The e-mail addresses on file for a person, opened only to be turned into tokens (L41)."""

from uuid import UUID

from app.domain.subject import SUBJECT, fold
from app.store.event_store import EventStore, Stream
from app.vault.sealing import Sealed

EMAIL = "contact.email"


async def addresses_on_file(store: EventStore, subject_id: UUID) -> tuple[str, ...]:
    """Every address held or once held and still readable, normalised, each once (C7)."""
    return addresses_in(store, await store.read_stream(subject_id, with_blobs=True))


def addresses_in(store: EventStore, stream: Stream) -> tuple[str, ...]:
    """The same, of a stream that was read with its blobs; superseded addresses included."""
    state = fold(SUBJECT.initial, stream.events)
    addresses: dict[str, None] = {}
    for held in state.collections.held.values():
        at = held if held.category == EMAIL else None
        while at is not None:
            opened = store.open_section(stream, at.version, at.retention_class)
            if isinstance(opened, Sealed) and EMAIL in opened.personal:
                addresses[opened.personal[EMAIL]] = None
            at = at.previous
    for identifier in state.identifiers.active.values():
        if identifier.category == EMAIL:
            opened = store.open_section(stream, identifier.value_at, identifier.retention_class)
            if isinstance(opened, Sealed) and EMAIL in opened.personal:
                addresses[opened.personal[EMAIL]] = None
    return tuple(addresses)
