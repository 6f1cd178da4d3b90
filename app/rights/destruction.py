"""Which data keys an erasure destroys, what is counted, and what must be sealed anew first."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from app.domain.erasure_plan import ErasurePlan, Extent, execution_class
from app.domain.erasure_progress import Erasure
from app.domain.erasure_steps import Destruction, Remainder
from app.events.identifiers import IdentifierClaimed
from app.events.recorded import Recorded, Seal
from app.policy.model import Policy
from app.rights.person import Person
from app.store.event_store import Stream
from app.tlog.merkle import root_of_entries
from app.vault.sealing import Sealed


class RemainderUnreadable(Exception):
    """What must stay cannot be opened, so the key above it must not go. Names no content."""


def doomed_keys(person: Person, plan: ErasurePlan) -> frozenset[UUID]:
    """The data keys that go: every one but those of what stays, or those above what goes."""
    stream = person.stream
    if plan.extent.of_everything:
        return frozenset(
            row.key_id
            for row in stream.keys.values()
            if row.state != "erased"
            and row.retention_class not in plan.spared
            and row.key_id not in plan.staying
        )
    return frozenset(
        seal.key_id
        for recorded, seal in _seals(person)
        if stream.keys[seal.key_id].state != "erased"
        and (
            (recorded.version, seal.retention_class) in plan.gone
            or _let_go(recorded, person, plan.extent)
        )
    )


def closing_keys(
    stream: Stream, erasure: UUID, progress: Erasure, policy: Policy
) -> frozenset[UUID]:
    """What one erasure set aside; what any did, once a whole one is being closed."""
    retention_class = execution_class(policy)
    every = progress.extent.of_everything and progress.telling
    return frozenset(
        row.key_id
        for row in stream.keys.values()
        if row.retention_class == retention_class
        and (every or row.generation.endswith(f".{erasure}"))
        and row.state != "erased"
    )


def destruction_of(stream: Stream, keys: Iterable[UUID]) -> Destruction:
    """What hangs on the keys, counted from the snapshot.

    The root is the RFC 6962 tree hash over the SHA-256 of each blob, in the order of the versions
    and of the sections within one: anybody can compute it again from the seals in the log.
    """
    named = frozenset(keys)
    blobs = [
        blob
        for (version, section), blob in sorted(stream.blobs.items())
        if _key_of(stream, version, section) in named
    ]
    root = root_of_entries(hashlib.sha256(blob).digest() for blob in blobs)
    return Destruction(keys=tuple(sorted(named)), blobs=len(blobs), root=root.hex())


def remainders(person: Person, plan: ErasurePlan, progress: Erasure) -> tuple[Remainder, ...]:
    """What stays of the sections whose key goes, opened; none that were sealed anew already."""
    doomed = doomed_keys(person, plan)
    return tuple(
        remainder
        for recorded, seal in _seals(person)
        if seal.key_id in doomed
        and (recorded.version, seal.retention_class) not in progress.resealed
        for remainder in _remainder(recorded, seal, person, plan)
    )


def _remainder(
    recorded: Recorded[Any], seal: Seal, person: Person, plan: ErasurePlan
) -> Iterator[Remainder]:
    place = (recorded.version, seal.retention_class)
    if plan.extent.of_everything or _let_go(recorded, person, plan.extent):
        return
    opened = person.open(*place)
    if not isinstance(opened, Sealed):
        raise RemainderUnreadable
    kept = plan.kept(place, opened.personal)
    if kept:
        yield Remainder(
            place=place,
            generation=person.stream.keys[seal.key_id].generation,
            personal={category: opened.personal[category] for category in kept},
        )


def _let_go(recorded: Recorded[Any], person: Person, extent: Extent) -> bool:
    """Whether a section holds nothing but an identifier that was released, and is meant."""
    event = recorded.event
    return (
        isinstance(event, IdentifierClaimed)
        and event.value_at == recorded.version
        and recorded.version not in person.state.identifiers.active
        and extent.reaches(event.category, event.purpose)
    )


def _seals(person: Person) -> Iterator[tuple[Recorded[Any], Seal]]:
    for recorded in person.stream.events:
        for seal in recorded.seals:
            yield recorded, seal


def _key_of(stream: Stream, version: int, section: int) -> UUID:
    recorded = stream.events[version - stream.events[0].version]
    return next(seal.key_id for seal in recorded.seals if seal.index == section)
