"""One person as the log shows them, now or as of then; sections are opened when answering."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from app.domain.subject import SUBJECT, SubjectState, fold
from app.domain.subjects import SubjectErased, SubjectUnknown
from app.events.erasures import SectionsResealed
from app.events.recorded import Recorded
from app.events.splits import SplitApproved, SplitSide
from app.rights.as_of import AsOf
from app.store.event_store import EventStore, Stream
from app.vault.sealing import Erased, Opened

E = TypeVar("E")

Place: TypeAlias = tuple[int, str]
"""A section: version of its event, retention class."""


@dataclass(frozen=True, slots=True)
class Move:
    """A remainder that was sealed anew, so that the key of its first place could go."""

    version: int
    categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class Person:
    """A stream read in one snapshot; ``events`` and ``state`` end at the cut, erasures do not."""

    stream: Stream
    events: tuple[Recorded[Any], ...]
    state: SubjectState
    moves: Mapping[Place, Move]
    """Every re-sealing of the stream, those after the cut included."""
    left: frozenset[int]
    """Versions of events whose values turned out to be another person's, on whatever day."""
    _by_type: Mapping[type[Any], list[Recorded[Any]]] = field(repr=False)
    _store: EventStore = field(repr=False)

    @property
    def subject_id(self) -> UUID:
        """Whose stream it is."""
        return self.stream.stream_id

    @property
    def position(self) -> int:
        """Position of the last event that the answer knows of."""
        last = self.events[-1].position
        assert last is not None, "an event that was read has a position"
        return last

    def of(self, *types: type[E]) -> list[Recorded[E]]:
        """The events of a type, or of several, in their order."""
        found = [self._by_type[one] for one in types if one in self._by_type]
        if len(found) <= 1:
            return list(found[0]) if found else []
        return sorted(chain.from_iterable(found), key=lambda recorded: recorded.version)

    def open(self, version: int, retention_class: str) -> Opened:
        """A section as it can be had today: an erasure also redacts the past."""
        opened = self._opened(version, retention_class)
        while isinstance(opened, Erased) and (version, retention_class) in self.moves:
            version = self.moves[version, retention_class].version
            opened = self._opened(version, retention_class)
        return opened

    def _opened(self, version: int, retention_class: str) -> Opened:
        if version in self.left:
            return Erased()  # to this person's readers; it is held on the other's stream
        return self._store.open_section(self.stream, version, retention_class)


async def read_person(store: EventStore, subject_id: UUID, as_of: AsOf | None = None) -> Person:
    """The person from the stream itself, always current; SubjectUnknown or SubjectErased."""
    person = person_of(store, await store.read_stream(subject_id, with_blobs=True), as_of)
    check_known(person)
    return person


def check_known(person: Person) -> None:
    """SubjectUnknown or SubjectErased, for whoever is no longer or never was there."""
    # Whoever is erased today was never known, whatever day is asked about.
    if fold(person.state, person.stream.events[len(person.events) :]).erased:
        raise SubjectErased
    if not person.state.registered:
        raise SubjectUnknown


def person_of(
    store: EventStore,
    stream: Stream,
    as_of: AsOf | None = None,
    *,
    known: SubjectState | None = None,
) -> Person:
    """A stream that was read with its blobs, whoever's and in whatever state.

    A ``known`` state is taken for the fold where it is the fold of just these events: it has the
    hash of the last one, and with it of all before.
    """
    events = stream.events if as_of is None else as_of.cut(stream).events
    by_type = _by_type(stream.events)
    moves: dict[Place, Move] = {}
    for recorded in by_type.get(SectionsResealed, ()):
        event = recorded.event
        move = Move(recorded.version, frozenset(event.categories))
        moves[event.origin, event.retention_class] = move
    left = frozenset(
        version
        for recorded in by_type.get(SplitApproved, ())
        if recorded.event.side is SplitSide.ORIGIN
        for version in recorded.event.versions
    )
    if as_of is not None:
        by_type = _by_type(events)
    if known is None or not events or events[-1].leaf_hash != known.leaf_hash:
        known = fold(SUBJECT.initial, events)
    return Person(stream, events, known, moves, left, by_type, store)


def _by_type(events: Iterable[Recorded[Any]]) -> dict[type[Any], list[Recorded[Any]]]:
    """Sorted out once: many concerns look for the few events of theirs."""
    found: dict[type[Any], list[Recorded[Any]]] = {}
    for recorded in events:
        kind = type(recorded.event)
        if kind in found:
            found[kind].append(recorded)
        else:
            found[kind] = [recorded]
    return found
