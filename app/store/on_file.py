"""What leads to a person, opened: to be turned into tokens or to be replaced, never to be shown."""

from collections.abc import Collection, Iterator
from uuid import UUID

from app.domain.subject import SUBJECT, SubjectState, fold
from app.store.event_store import EventStore, Stream
from app.vault.sealing import Sealed

Place = tuple[int, str, str]
"""(version, retention class, category): where a value lies."""


async def addresses_on_file(
    store: EventStore, subject_id: UUID, categories: Collection[str]
) -> tuple[str, ...]:
    """Every address held or once held and still readable, normalised, each once (C7, L41).

    ``categories`` are those of the policy whose values are e-mail addresses.
    """
    stream = await store.read_stream(subject_id, with_blobs=True)
    return addresses_in(store, stream, fold(SUBJECT.initial, stream.events), categories)


def addresses_in(
    store: EventStore, stream: Stream, state: SubjectState, categories: Collection[str]
) -> tuple[str, ...]:
    """The same, of a stream that was read with its blobs; superseded addresses included."""
    found = (_opened(store, stream, place) for place in _places(state, categories))
    return tuple(dict.fromkeys(value for value in found if value is not None))


async def identifiers_on_file(
    store: EventStore, subject_id: UUID, categories: Collection[str]
) -> dict[int, str]:
    """Identifier (the version that claimed it) -> its normalised value, for some categories."""
    stream = await store.read_stream(subject_id, with_blobs=True)
    state = fold(SUBJECT.initial, stream.events)
    found = {
        version: _opened(store, stream, (held.value_at, held.retention_class, held.category))
        for version, held in state.identifiers.active.items()
        if held.category in categories
    }
    return {version: value for version, value in found.items() if value is not None}


def _places(state: SubjectState, categories: Collection[str]) -> Iterator[Place]:
    for held in state.collections.held.values():
        at = held if held.category in categories else None
        while at is not None:
            yield at.version, at.retention_class, at.category
            at = at.previous
    for one in state.identifiers.active.values():
        if one.category in categories:
            yield one.value_at, one.retention_class, one.category


def _opened(store: EventStore, stream: Stream, place: Place) -> str | None:
    version, retention_class, category = place
    opened = store.open_section(stream, version, retention_class)
    return opened.personal.get(category) if isinstance(opened, Sealed) else None


async def address_for_mail(
    store: EventStore, subject_id: UUID, categories: Collection[str]
) -> str | None:
    """Where to write to the person: the youngest verified address, else one that is held now."""
    stream = await store.read_stream(subject_id, with_blobs=True)
    state = fold(SUBJECT.initial, stream.events)
    verified = [
        (one.value_at, one.retention_class, one.category)
        for one in reversed(tuple(state.identifiers.active.values()))
        if one.category in categories and one.verification is not None
    ]
    held = [
        (one.version, one.retention_class, one.category)
        for one in state.collections.current()
        if one.category in categories
    ]
    found = (_opened(store, stream, place) for place in (*verified, *held[::-1]))
    return next((value for value in found if value is not None), None)


async def value_on_file(store: EventStore, subject_id: UUID, category: str) -> str | None:
    """The youngest value of one category that is held now and can be read."""
    stream = await store.read_stream(subject_id, with_blobs=True)
    state = fold(SUBJECT.initial, stream.events)
    held = [one for one in state.collections.current() if one.category == category]
    places = (
        (one.version, one.retention_class, one.category)
        for one in sorted(held, key=lambda one: one.since, reverse=True)
    )
    found = (_opened(store, stream, place) for place in places)
    return next((value for value in found if value is not None), None)
