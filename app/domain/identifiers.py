"""Identifiers of a known person: claimed with proof of control, verified, released (C7, C8)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, assert_never

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.generations import generation
from app.domain.identities import (
    Identifier,
    Identifiers,
    Lot,
    claim,
    evolve,
    identifying_kind,
    release,
    with_own_section,
)
from app.domain.purpose_limitation import (
    admit_held,
    category_named,
    purpose_named,
    source_named,
)
from app.domain.suppressions import carried_over
from app.domain.values import normalise
from app.events.erasures import ErasureExecuted, SectionsResealed
from app.events.identifiers import (
    IdentifierClaimed,
    IdentifierReleased,
    IdentifierVerified,
    Verification,
)
from app.events.recorded import Record
from app.events.splits import SplitApproved
from app.policy.vocabulary import IdentifierKind

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimIdentifier:
    """A known person can be found by one more address or number, which they showed to be theirs."""

    category: str
    value: str = field(repr=False)
    purpose: str
    source: str
    verification: Verification | None
    """How control over it was shown."""
    region: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyIdentifier:
    """The person showed control over an identifier that they had given."""

    identifier: int
    verification: Verification
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseIdentifier:
    """An address or number is no longer this person's."""

    identifier: int
    value: str = field(repr=False)
    """Its normalised value, opened by the caller."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RehouseIdentifier:
    """The value on which an identifier rests is about to go, and the person keeps it elsewhere."""

    identifier: int
    value: str = field(repr=False)
    """Its normalised value, opened by the caller, who saw the same one in the other place."""
    collected_at: int
    """Version of the event that holds the other one."""
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseIdentifiers:
    """Values that nobody can read any more lead to the person no longer; their tokens are gone."""

    identifiers: tuple[int, ...]


Command: TypeAlias = (
    ClaimIdentifier | VerifyIdentifier | ReleaseIdentifier | RehouseIdentifier | LoseIdentifiers
)


class IdentifierUnknown(Refusal):
    """The person has no such identifier, or has it no longer."""

    code = "identifier-unknown"
    rules = ("C7", "C8")


class IdentifierUnverified(Refusal):
    """Nobody's identifiers change without proof of control (DESIGN 6)."""

    code = "identifier-unverified"
    rules = ("C7",)


class NotAnIdentifier(Refusal):
    """Such a value identifies nobody: its category does not, or it names a function."""

    code = "not-an-identifier"
    rules = ("C7", "C8")


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a claim, a verification or a release makes."""
    match command:
        case ClaimIdentifier():
            return (_claimed(command, state, given),)
        case VerifyIdentifier(identifier=name, verification=verification):
            if _active(name, state).verification is not None:
                return ()
            event = IdentifierVerified(identifier=name, verification=verification)
            return (Record(event, occurred_at=command.occurred_at),)
        case ReleaseIdentifier(identifier=name, value=value):
            return (release(_active(name, state), value, command.occurred_at),)
        case RehouseIdentifier():
            return _rehoused(command, state)
        case LoseIdentifiers(identifiers=lost):
            found = (_active(name, state) for name in lost)
            return tuple(
                Record(IdentifierReleased(identifier=one.version, kind=one.kind)) for one in found
            )
        case _:
            assert_never(command)


def _active(name: int, state: "SubjectState") -> Identifier:
    identifier = state.identifiers.active.get(name)
    if identifier is None:
        raise IdentifierUnknown(identifier=name)
    return identifier


def _rehoused(command: RehouseIdentifier, state: "SubjectState") -> tuple[Record, ...]:
    """Leads to the person as before; the token stays, and what it rests on is the other value."""
    former = _active(command.identifier, state)
    for held in state.collections.of_category(former.category):
        if (held.version, held.purpose) == (command.collected_at, command.purpose):
            lot = Lot(
                purpose=held.purpose,
                basis=held.basis,
                source=held.source,
                policy=held.policy,
                retention_class=held.retention_class,
                generation=held.generation,
            )
            released = IdentifierReleased(identifier=former.version, kind=former.kind)
            claimed = claim(
                former.kind,
                former.category,
                command.value,
                lot,
                value_at=held.version,
                verification=former.verification,
            )
            return (Record(released), claimed)
    raise IdentifierUnknown(identifier=command.identifier)


def _claimed(command: ClaimIdentifier, state: "SubjectState", given: Circumstances) -> Record:
    if command.verification is None:
        raise IdentifierUnverified
    purpose = purpose_named(command.purpose, given.policy)
    category = category_named(command.category, given.policy)
    admit_held((category.key,), purpose, given)
    value = normalise(category, command.value, command.region)
    kind = identifying_kind(category.key, value, given.policy)
    if kind is None:
        raise NotAnIdentifier(category=category.key)
    retention_class = purpose.retention_class(category.key)
    on = day_of(command.occurred_at or given.now, given)
    lot = Lot(
        purpose=purpose.key,
        basis=purpose.legal_basis,
        source=source_named(command.source, given.policy).key,
        policy=given.policy.version,
        retention_class=retention_class,
        generation=generation(retention_class, given.policy, on=on),
    )
    record = claim(
        kind,
        category.key,
        value,
        lot,
        value_at=state.version + 1,
        verification=command.verification,
        occurred_at=command.occurred_at,
    )
    suppressed = kind is IdentifierKind.EMAIL
    suppressions = carried_over(state.suppressions, value) if suppressed else ()
    return with_own_section(record, suppressions)


IDENTIFIERS = Concern(
    "identifiers",
    commands=(
        ClaimIdentifier,
        VerifyIdentifier,
        ReleaseIdentifier,
        RehouseIdentifier,
        LoseIdentifiers,
    ),
    folds=(
        IdentifierClaimed,
        IdentifierVerified,
        IdentifierReleased,
        ErasureExecuted,
        SectionsResealed,
        SplitApproved,
    ),
    initial=Identifiers(),
    decide=decide,
    evolve=evolve,
)
