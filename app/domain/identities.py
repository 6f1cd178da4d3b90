"""By which values a person is found: the fold of identifiers and the records that change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.contact_points import is_role_address
from app.domain.holdings import keys_of
from app.events.erasures import ErasureExecuted, SectionsResealed
from app.events.identifiers import (
    IdentifierClaimed,
    IdentifierReleased,
    IdentifierVerified,
    Verification,
)
from app.events.recorded import Claim, Record, Recorded, Section, Suppression
from app.events.splits import SplitApproved, SplitSide
from app.identifiers import KeyId
from app.policy.model import Policy
from app.policy.vocabulary import IdentifierKind, LegalBasis
from app.values import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Why a value may be held and in which section it lies, for an identifier that is claimed."""

    purpose: str
    basis: LegalBasis
    source: str
    policy: str
    retention_class: str
    generation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One value by which the person is found. Its name is the version that claimed it."""

    version: int
    kind: IdentifierKind
    category: str
    value_at: int
    """Version of the event whose section of ``retention_class`` holds the value."""
    retention_class: str
    purpose: str
    basis: LegalBasis
    source: str
    generation: str
    since: datetime
    verification: Verification | None
    additional: bool
    """Claimed for itself, beside the collected value of its category."""
    key_id: KeyId | None
    """The data key of its own section, when it is additional."""


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The values that lead to the person, by the version that claimed them."""

    active: Mapping[int, Identifier] = field(default_factory=dict)

    def of_category(self, category: str) -> tuple[Identifier, ...]:
        """The identifiers of one category, oldest first."""
        return tuple(one for one in self.active.values() if one.category == category)


def evolve(slice_: Identifiers, recorded: Recorded[Any]) -> Identifiers:
    """The identifiers after one more event."""
    match recorded.event:
        case IdentifierClaimed() as event:
            return Identifiers({**slice_.active, recorded.version: _identifier(event, recorded)})
        case IdentifierVerified(identifier=version, verification=verification):
            verified = replace(slice_.active[version], verification=verification)
            return Identifiers({**slice_.active, version: verified})
        case IdentifierReleased(identifier=released):
            return Identifiers({v: one for v, one in slice_.active.items() if v != released})
        case ErasureExecuted(identifiers=True):
            return Identifiers()
        case SplitApproved(side=SplitSide.ORIGIN, versions=versions):
            kept = {v: one for v, one in slice_.active.items() if one.value_at not in versions}
            return Identifiers(kept)
        case SectionsResealed() as event:
            return Identifiers(
                {v: _moved(one, event, recorded) for v, one in slice_.active.items()}
            )
        case _:
            return slice_


def _identifier(event: IdentifierClaimed, recorded: Recorded[Any]) -> Identifier:
    return Identifier(
        version=recorded.version,
        kind=event.kind,
        category=event.category,
        value_at=event.value_at,
        retention_class=event.retention_class,
        purpose=event.purpose,
        basis=event.basis,
        source=event.source,
        generation=event.generation,
        since=recorded.happened_at,
        verification=event.verification,
        additional=event.value_at == recorded.version,
        key_id=keys_of(recorded).get(event.retention_class),
    )


def _moved(one: Identifier, event: SectionsResealed, recorded: Recorded[Any]) -> Identifier:
    lies_there = (one.value_at, one.retention_class) == (event.origin, event.retention_class)
    if not lies_there or one.category not in event.categories:
        return one
    key_id = keys_of(recorded).get(event.retention_class) if one.additional else None
    return replace(one, value_at=recorded.version, generation=event.generation, key_id=key_id)


def identifying_kind(category: str, value: str, policy: Policy) -> IdentifierKind | None:
    """By which kind of identifier a normalised value finds its person; None when it does not.

    The address of a function (`info@`) identifies nobody (DESIGN 6).
    """
    found = policy.category(category)
    kind = None if found is None else found.identifier_kind
    if kind is IdentifierKind.EMAIL and is_role_address(value):
        return None
    return kind


def claim(
    kind: IdentifierKind,
    category: str,
    value: str,
    lot: Lot,
    *,
    value_at: int,
    verification: Verification | None = None,
    occurred_at: datetime | None = None,
) -> Record:
    """The record by which a value leads to the person; the value itself is sealed elsewhere."""
    event = IdentifierClaimed(
        kind=kind,
        category=category,
        purpose=lot.purpose,
        basis=lot.basis,
        source=lot.source,
        policy=lot.policy,
        value_at=value_at,
        retention_class=lot.retention_class,
        generation=lot.generation,
        verification=verification,
    )
    return Record(event, claims=(Claim(kind.value, value),), occurred_at=occurred_at)


def with_own_section(record: Record, suppressions: tuple[Suppression, ...] = ()) -> Record:
    """The same claim with its value sealed beside it, and the entries that follow the person."""
    event: IdentifierClaimed = record.event
    [claimed] = record.claims
    section = Section(event.retention_class, event.generation, {event.category: claimed.value})
    return replace(record, sections=(section,), suppressions=suppressions)


def release(identifier: Identifier, value: str, occurred_at: datetime | None = None) -> Record:
    """The record by which a value leads to the person no longer."""
    event = IdentifierReleased(identifier=identifier.version, kind=identifier.kind)
    claimed = Claim(identifier.kind.value, value, release=True)
    return Record(event, claims=(claimed,), occurred_at=occurred_at)
