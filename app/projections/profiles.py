"""Profiles: what is held about each person and where it lies sealed, without a word of it (Art. 5).

The value itself is found through (stream, version, section), by a reader that has keys; when its
data key dies, the row says so.
"""

from functools import cache
from typing import Any
from uuid import UUID

from app.events.collections import DataCollected, DataCompleted, DataRectified
from app.events.erasures import ErasureExecuted, ErasureStep, SectionsResealed
from app.events.files import FileReferenced
from app.events.identifiers import IdentifierClaimed, IdentifierReleased
from app.events.objections import (
    ObjectionGranted,
    ObjectionGround,
    ObjectionRaised,
    ObjectionWithdrawn,
)
from app.events.recorded import Recorded
from app.events.restrictions import AccuracyDisputed, RestrictionLifted, RestrictionSet
from app.events.retention import RetentionExecuted
from app.events.subjects import SubjectRegistered
from app.projections import profile_tables as rows
from app.projections.profile_tables import HeldKind, HeldState, held, subjects
from app.projections.projection import LogLine, Projection, Writes
from app.projections.statements import Write

PROFILES = Projection("profiles", version=1, tables=(subjects, held))


@PROFILES.on_page
def touched(lines: tuple[LogLine, ...]) -> Writes:
    """Whatever happens to a person changes their content, but for somebody reading it (A9)."""
    newest = {line.stream_id: line.version for line in lines if not _is_reading(line.event_type)}
    return tuple(
        rows.TOUCH.write(subject_id=stream_id, version=version)
        for stream_id, version in newest.items()
    )


@PROFILES.on(SubjectRegistered)
def registered(recorded: Recorded[SubjectRegistered]) -> Writes:
    """A person became known."""
    return (
        rows.REGISTER.write(
            subject_id=recorded.stream_id,
            registered_at=recorded.recorded_at,
            source=recorded.event.source,
            origin=recorded.event.origin.value,
            restrictions=(),
            content_version=recorded.version,
        ),
    )


@PROFILES.on(DataCollected)
def collected(recorded: Recorded[DataCollected]) -> Writes:
    """Each category takes its slot from what was there before."""
    event = recorded.event
    alike = {
        "basis": event.basis.value,
        "origin": event.origin.value,
        "kind": _VALUE,
        "state": _CURRENT,
        "purpose": event.purpose,
        "occasion": event.occasion,
    }
    brought = [_superseding(recorded, event.purpose, tuple(event.held))]
    for retention_class, generation in event.generations.items():
        categories = [one for one, kept in event.held.items() if kept == retention_class]
        alike |= _datum(recorded, retention_class, generation)
        brought += rows.HOLD.write_each(alike, "category", categories)
    return tuple(brought)


@PROFILES.on(DataRectified)
def rectified(recorded: Recorded[DataRectified]) -> Writes:
    """The corrected value takes the slot, on the basis on which the wrong one was held."""
    event = recorded.event
    corrected = (
        rows.REPLACE.write(
            **_datum(recorded, retention_class, event.generations[retention_class])
            | _slot(recorded, event.category, purpose)
        )
        for purpose, retention_class in event.held.items()
    )
    superseded = (_superseding(recorded, purpose, (event.category,)) for purpose in event.held)
    return (*corrected, *superseded)


@PROFILES.on(DataCompleted)
def completed(recorded: Recorded[DataCompleted]) -> Writes:
    """A statement is held beside the value, and goes when the value is superseded."""
    event = recorded.event
    return tuple(
        rows.SUPPLEMENT.write(
            **_datum(recorded, retention_class, event.generations[retention_class])
            | _slot(recorded, event.category, purpose)
        )
        for purpose, retention_class in event.held.items()
    )


@PROFILES.on(IdentifierClaimed)
def claimed(recorded: Recorded[IdentifierClaimed]) -> Writes:
    """A claim of a value held already adds no datum; one with a value of its own does."""
    event = recorded.event
    if event.value_at != recorded.version:
        return ()
    return (
        rows.HOLD.write(
            **_datum(recorded, event.retention_class, event.generation),
            kind=HeldKind.IDENTIFIER.value,
            category=event.category,
            purpose=event.purpose,
            basis=event.basis.value,
            origin=None,
            occasion=None,
            state=HeldState.CURRENT.value,
        ),
    )


@PROFILES.on(IdentifierReleased)
def released(recorded: Recorded[IdentifierReleased]) -> Writes:
    """A further identifier is out of use; a collected value stays what it is."""
    claim = recorded.event.identifier
    return (
        rows.RELEASE.write(subject_id=recorded.stream_id, obtained=claim, at=recorded.recorded_at),
    )


@PROFILES.on(FileReferenced)
def referenced(recorded: Recorded[FileReferenced]) -> Writes:
    """A file elsewhere is held here by its title."""
    event = recorded.event
    return (
        rows.HOLD.write(
            **_datum(recorded, event.retention_class, event.generation),
            kind=HeldKind.FILE.value,
            category=event.category,
            purpose=event.purpose,
            basis=event.basis.value,
            origin=event.origin.value,
            occasion=event.occasion,
            state=HeldState.CURRENT.value,
        ),
    )


@PROFILES.on(SectionsResealed)
def resealed(recorded: Recorded[SectionsResealed]) -> Writes:
    """What stays of a section lies elsewhere now; what is about to be erased stays where it was."""
    event = recorded.event
    section, key_id = _place(recorded, event.retention_class)
    return (
        rows.MOVE.write(
            subject_id=recorded.stream_id,
            from_version=event.origin,
            retention_class=event.retention_class,
            categories=event.categories,
            version=recorded.version,
            generation=event.generation,
            section=section,
            key_id=key_id,
        ),
    )


@PROFILES.on(ErasureExecuted)
def erased(recorded: Recorded[ErasureExecuted]) -> Writes:
    """What the erasure reached is gone, history included; that it was held is still said."""
    event, subject_id, at = recorded.event, recorded.stream_id, recorded.recorded_at
    gone = rows.ERASE.write(
        subject_id=subject_id,
        data_keys=event.keys,
        purposes=event.purposes,
        categories=event.categories,
        retained=event.retained,
        step_of_subject=event.step is ErasureStep.SUBJECT,
        at=at,
    )
    return (
        (gone, rows.ERASE_SUBJECT.write(subject_id=subject_id, at=at))
        if event.of_everything
        else (gone,)
    )


@PROFILES.on(RetentionExecuted)
def expired(recorded: Recorded[RetentionExecuted]) -> Writes:
    """What lay under the key is gone, its period being over; that it was held is still said."""
    nothing_else = dict.fromkeys(("purposes", "categories", "retained"), ())
    gone = rows.ERASE.write(
        subject_id=recorded.stream_id,
        data_keys=recorded.event.keys,
        **nothing_else,
        step_of_subject=False,
        at=recorded.recorded_at,
    )
    return (gone,)


@PROFILES.on(RestrictionSet, AccuracyDisputed)
def restricted(recorded: Recorded[RestrictionSet | AccuracyDisputed]) -> Writes:
    """One more restriction is in force (Art. 18(1))."""
    return (
        rows.RESTRICT.write(subject_id=recorded.stream_id, restriction=recorded.event.restriction),
    )


@PROFILES.on(ObjectionRaised)
def objected(recorded: Recorded[ObjectionRaised]) -> Writes:
    """An objection that is to be weighed is a restriction by itself meanwhile (Art. 18(1)(d))."""
    if recorded.event.ground is not ObjectionGround.OWN_SITUATION:
        return ()
    return (
        rows.RESTRICT.write(subject_id=recorded.stream_id, restriction=recorded.event.objection),
    )


@PROFILES.on(ObjectionGranted, ObjectionWithdrawn)
def answered(recorded: Recorded[ObjectionGranted | ObjectionWithdrawn]) -> Writes:
    """Granted, the objection itself stops the use; withdrawn, nothing does once that was told."""
    if isinstance(recorded.event, ObjectionWithdrawn) and recorded.event.restriction_lasts:
        return ()
    return (rows.LIFT.write(subject_id=recorded.stream_id, restriction=recorded.event.objection),)


@PROFILES.on(RestrictionLifted)
def lifted(recorded: Recorded[RestrictionLifted]) -> Writes:
    """One restriction less."""
    return (rows.LIFT.write(subject_id=recorded.stream_id, restriction=recorded.event.restriction),)


@cache
def _is_reading(event_type: str) -> bool:
    return event_type.startswith("consultation.")


_VALUE = HeldKind.VALUE.value
_CURRENT = HeldState.CURRENT.value


def _superseding(
    recorded: Recorded[DataCollected | DataRectified], purpose: str, categories: tuple[str, ...]
) -> Write:
    """What was current in the slots is history."""
    return rows.SUPERSEDE.write(
        subject_id=recorded.stream_id,
        purpose=purpose,
        categories=categories,
        occasion=recorded.event.occasion,
        obtained=recorded.version,
        at=recorded.recorded_at,
    )


def _slot(
    recorded: Recorded[DataRectified | DataCompleted], category: str, purpose: str
) -> dict[str, Any]:
    return {
        "subject_id": recorded.stream_id,
        "category": category,
        "purpose": purpose,
        "occasion": recorded.event.occasion,
        "obtained": recorded.version,
    }


def _datum(recorded: Recorded[Any], retention_class: str, generation: str) -> dict[str, Any]:
    place = _place(recorded, retention_class)
    return {
        "subject_id": recorded.stream_id,
        "obtained": recorded.version,
        "version": recorded.version,
        "section": place[0],
        "key_id": place[1],
        "retention_class": retention_class,
        "generation": generation,
        "source": recorded.event.source,
        "policy": recorded.event.policy,
        "since": recorded.recorded_at,
        "occurred_at": recorded.occurred_at,
    }


def _place(recorded: Recorded[Any], retention_class: str) -> tuple[int | None, UUID | None]:
    """Index and data key of the event's section of one class; nothing where it has none."""
    for seal in recorded.seals:
        if seal.retention_class == retention_class:
            return seal.index, seal.key_id
    return None, None
