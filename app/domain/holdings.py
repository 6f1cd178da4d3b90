"""The fold of what is held about a person: current values, and what they superseded."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from app.events.collections import DataCollected, DataCompleted, DataRectified
from app.events.erasures import ErasureExecuted, SectionsResealed
from app.events.recorded import Recorded
from app.events.retention import RetentionExecuted
from app.events.splits import SplitApproved, SplitSide
from app.identifiers import KeyId
from app.policy.vocabulary import LegalBasis, SourceOrigin
from app.values import Value, field, replace

Slot: TypeAlias = tuple[str, str, UUID | None]
"""Data category, purpose, occasion: the place of one current value."""


class Statement(Value, frozen=True, kw_only=True):
    """A supplementary statement on one value: where it lies (L47)."""

    version: int
    retention_class: str
    key_id: KeyId | None
    since: datetime


class Held(Value, frozen=True, kw_only=True):
    """One value of one category for one purpose: where it lies and why it may be held."""

    category: str
    purpose: str
    version: int
    """Version of the event whose section of ``retention_class`` holds the value."""
    retention_class: str
    generation: str
    key_id: KeyId | None
    """The data key of that section, on which the value lives and dies."""
    basis: LegalBasis
    source: str
    origin: SourceOrigin
    policy: str
    since: datetime
    occasion: UUID | None = None
    rectified: bool = False
    superseded_at: datetime | None = None
    """When a newer value took its place; from then on it is history and is not used (L6)."""
    statements: tuple[Statement, ...] = ()
    previous: "Held | None" = None
    """The value that this one superseded, while that one's key lives."""

    def history(self) -> "Iterator[Held]":
        """The value itself, then the ones that it superseded, newest first."""
        held: Held | None = self
        while held is not None:
            yield held
            held = held.previous


class Collections(Value, frozen=True):
    """What is held about a person."""

    held: Mapping[Slot, Held] = field(default_factory=dict)
    third_party_since: datetime | None = None
    """When the first data were obtained that the person did not give (Art. 14)."""

    def current(self) -> Iterator[Held]:
        """The values in use."""
        return (held for held in self.held.values() if held.superseded_at is None)

    def of_category(self, category: str) -> tuple[Held, ...]:
        """The values in use of one category, whatever their purpose."""
        return tuple(held for held in self.current() if held.category == category)

    def for_purpose(self, purpose: str) -> frozenset[str]:
        """The categories held for one purpose."""
        return frozenset(held.category for held in self.current() if held.purpose == purpose)


def evolve(slice_: Collections, recorded: Recorded[Any]) -> Collections:
    """The holdings after one more event."""
    match recorded.event:
        case DataCollected():
            return _collected(slice_, recorded)
        case DataRectified():
            return _rectified(slice_, recorded)
        case DataCompleted():
            return _completed(slice_, recorded)
        case SectionsResealed():
            return _resealed(slice_, recorded)
        case ErasureExecuted() | RetentionExecuted() as event:
            return _without(slice_, event)
        case SplitApproved(side=SplitSide.ORIGIN, versions=versions):
            return _left(slice_, frozenset(versions))
        case _:
            return slice_


def keys_of(recorded: Recorded[Any]) -> dict[str, KeyId]:
    """Retention class -> the data key under which the event's section of that class is sealed."""
    return {seal.retention_class: seal.key_id for seal in recorded.seals}


def _collected(slice_: Collections, recorded: Recorded[DataCollected]) -> Collections:
    event, keys, held = recorded.event, keys_of(recorded), dict(slice_.held)
    purpose, occasion, since = event.purpose, event.occasion, recorded.happened_at
    for category, retention_class in event.held.items():
        slot = (category, purpose, occasion)
        held[slot] = Held(
            category=category,
            purpose=purpose,
            version=recorded.version,
            retention_class=retention_class,
            generation=event.generations[retention_class],
            key_id=keys.get(retention_class),
            basis=event.basis,
            source=event.source,
            origin=event.origin,
            policy=event.policy,
            since=since,
            occasion=occasion,
            previous=_superseded(held.get(slot), recorded),
        )
    return Collections(held, _third_party_since(slice_, recorded))


def _third_party_since(slice_: Collections, recorded: Recorded[DataCollected]) -> datetime | None:
    since, event = slice_.third_party_since, recorded.event
    if event.origin is SourceOrigin.SUBJECT or not event.held:
        return since
    return recorded.happened_at if since is None else min(since, recorded.happened_at)


def _superseded(held: Held | None, recorded: Recorded[Any]) -> Held | None:
    if held is None or held.superseded_at is not None:
        return held
    return replace(held, superseded_at=recorded.recorded_at)


def _rectified(slice_: Collections, recorded: Recorded[DataRectified]) -> Collections:
    event, keys, held = recorded.event, keys_of(recorded), dict(slice_.held)
    for purpose, retention_class in event.held.items():
        slot = (event.category, purpose, event.occasion)
        former = held[slot]
        held[slot] = replace(
            former,
            version=recorded.version,
            retention_class=retention_class,
            generation=event.generations[retention_class],
            key_id=keys.get(retention_class),
            source=event.source,
            policy=event.policy,
            since=recorded.happened_at,
            rectified=True,
            statements=(),
            previous=_superseded(former, recorded),
        )
    return replace(slice_, held=held)


def _completed(slice_: Collections, recorded: Recorded[DataCompleted]) -> Collections:
    event, keys, held = recorded.event, keys_of(recorded), dict(slice_.held)
    for purpose, retention_class in event.held.items():
        slot = (event.category, purpose, event.occasion)
        statement = Statement(
            version=recorded.version,
            retention_class=retention_class,
            key_id=keys.get(retention_class),
            since=recorded.happened_at,
        )
        held[slot] = replace(held[slot], statements=(*held[slot].statements, statement))
    return replace(slice_, held=held)


def _resealed(slice_: Collections, recorded: Recorded[SectionsResealed]) -> Collections:
    event, key_id = recorded.event, keys_of(recorded).get(recorded.event.retention_class)

    def moved(one: Held) -> Held:
        statements = tuple(
            replace(statement, version=recorded.version, key_id=key_id)
            if (statement.version, statement.retention_class) == origin
            else statement
            for statement in one.statements
        )
        if (one.version, one.retention_class) == origin and one.category in event.categories:
            return replace(
                one,
                version=recorded.version,
                generation=event.generation,
                key_id=key_id,
                statements=statements,
            )
        return replace(one, statements=statements)

    origin = (event.origin, event.retention_class)
    return replace(
        slice_,
        held={
            slot: _chained([moved(one) for one in held.history()])
            for slot, held in slice_.held.items()
        },
    )


def _without(slice_: Collections, event: ErasureExecuted | RetentionExecuted) -> Collections:
    """What still has its key, and was not erased for its purpose while another one needs it."""
    keys, surviving = frozenset(map(KeyId, event.keys)), {}
    for slot, held in slice_.held.items():
        history = [
            _without_statements(one, keys)
            for one in held.history()
            if one.key_id not in keys and not _reached(one, event)
        ]
        if history:
            surviving[slot] = _chained(history)
    return replace(slice_, held=surviving)


def _reached(held: Held, event: ErasureExecuted | RetentionExecuted) -> bool:
    return isinstance(event, ErasureExecuted) and event.reaches(
        category=held.category, purpose=held.purpose, retention_class=held.retention_class
    )


def _without_statements(held: Held, keys: frozenset[KeyId]) -> Held:
    kept = tuple(statement for statement in held.statements if statement.key_id not in keys)
    return held if kept == held.statements else replace(held, statements=kept)


def _left(slice_: Collections, versions: frozenset[int]) -> Collections:
    """What stays once some values turned out to be another person's; what was before is history."""
    surviving: dict[Slot, Held] = {}
    for slot, held in slice_.held.items():
        history = [_without_said(one, versions) for one in held.history()]
        kept = [one for one in history if one.version not in versions]
        if kept:
            surviving[slot] = _chained(kept)
    return replace(slice_, held=surviving)


def _without_said(held: Held, versions: frozenset[int]) -> Held:
    kept = tuple(one for one in held.statements if one.version not in versions)
    return held if kept == held.statements else replace(held, statements=kept)


def _chained(newest_first: list[Held]) -> Held:
    """The history as one value again, each linked to the one that it superseded."""
    chained: Held | None = None
    for held in reversed(newest_first):
        chained = replace(held, previous=chained)
    assert chained is not None, "a slot holds at least one value"
    return chained
