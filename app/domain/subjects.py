"""A person becomes known, with everything that is obtained along with it (Arts. 5, 6, 13, 14)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain import notices, relationships
from app.domain.children import UnderAge, child_discovered, is_child, minimum_age
from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.domain.mailboxes import attributed
from app.domain.notices import ShowNotice, shown
from app.domain.obtaining import Admitted, Obtained, Provenance, admitted, claims, closed, collected
from app.domain.purpose_limitation import PurposeMissing, source_named
from app.domain.relationships import StartRelationship, started
from app.domain.suppressions import SubjectSuppressed, matches
from app.events.findings import FindingCode, FindingRaised
from app.events.identifiers import Verification
from app.events.recorded import Record, Recorded
from app.events.subjects import ChildDiscovered, SubjectRegistered
from app.policy.vocabulary import SourceOrigin
from app.values import replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


@dataclass(frozen=True, slots=True)
class Subjects:
    """Since when and from where the person is known."""

    registered_at: datetime | None = None
    source: str | None = None
    origin: SourceOrigin | None = None
    child_since: datetime | None = None
    """When the person turned out to be younger than the policy promises (C75)."""
    discovery: UUID | None = None
    """The event that says so, the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSubject:
    """A person becomes known through what is obtained about them."""

    source: str
    obtained: tuple[Obtained, ...]
    """One element for each purpose; at least one."""
    relationships: tuple[StartRelationship, ...] = ()
    notice: ShowNotice | None = None
    flags: frozenset[str] = frozenset()
    region: str | None = None
    identified: frozenset[str] = frozenset()
    """Categories whose value already leads to somebody: kept as data, claimed for nobody."""
    verification: Verification | None = None
    """How the source saw that the person controls the identifiers; None when it did not."""
    suspicion: UUID | None = None
    """Id of the finding to raise: somebody else holds one of the identifiers."""
    suppressed_for: Collection[str] = frozenset()
    """Purposes for which one of the addresses is on the suppression register; the caller looked."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JoinSubject:
    """What a system obtained about somebody known joins their record: all of it, or nothing.

    The person's identifiers never change by it (DESIGN 6).
    """

    registration: RegisterSubject

    @property
    def occurred_at(self) -> datetime | None:
        """When it was obtained."""
        return self.registration.occurred_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverChild:
    """The person turns out to be younger than the policy promises, however this became known."""

    source: str


Command: TypeAlias = RegisterSubject | JoinSubject | DiscoverChild


class SubjectUnknown(Refusal):
    """Nobody is registered under this id."""

    code = "subject-unknown"
    rules = ("L28",)


class SubjectRegisteredAlready(Refusal):
    """The id is in use: a person is registered once."""

    code = "subject-registered"
    rules = ("L41",)


class SubjectErased(Refusal):
    """The person was erased; who registers again gets another id (L41)."""

    code = "subject-erased"
    rules = ("L41",)


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a registration or the discovery of a child makes."""
    match command:
        case RegisterSubject():
            return _register(command, state, given)
        case JoinSubject(registration=registration):
            return _join(registration, state, given)
        case DiscoverChild(source=source):
            return () if state.child else (child_discovered(_source(source, given), given),)
        case _:
            assert_never(command)


def _source(name: str, given: Circumstances) -> str:
    return source_named(name, given.policy).key


def _register(
    command: RegisterSubject, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    if state.registered:
        raise SubjectRegisteredAlready
    provenance = _provenance(command, given)
    kept = _kept(command, provenance, state, given)
    known = (_registered(provenance, given), *_circumstances(command, given))
    collections = tuple(collected(values, provenance, given) for values in kept)
    versions = range(state.version + len(known) + 1, state.version + len(known) + 1 + len(kept))
    claimed = claims(
        zip(versions, collections, strict=True),
        given,
        known=command.identified,
        verification=command.verification,
    )
    mailboxes = attributed(zip(versions, collections, strict=True), provenance, given)
    matched = matches(state, command.suppressed_for)
    return (*known, *collections, *claimed, *mailboxes, *matched, *_suspected(command))


def _join(
    command: RegisterSubject, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    provenance = _provenance(command, given)
    every = tuple(admitted(one, provenance, given) for one in command.obtained)
    if any(is_child(values.personal, given) for values in every):
        return (child_discovered(provenance.source.key, given),)
    kept = _kept(command, provenance, state, given)
    notice = () if command.notice is None else notices.decide(command.notice, state, given)
    begun = (relationships.decide(one, state, given) for one in command.relationships)
    return (
        *notice,
        *chain.from_iterable(begun),
        *(collected(values, provenance, given) for values in kept),
        *matches(state, command.suppressed_for),
    )


def _provenance(command: RegisterSubject, given: Circumstances) -> Provenance:
    return Provenance(
        source=source_named(command.source, given.policy),
        flags=command.flags,
        region=command.region,
        occurred_at=command.occurred_at,
    )


def _suspected(command: RegisterSubject) -> tuple[Record, ...]:
    if command.suspicion is None:
        return ()
    event = FindingRaised(
        finding=command.suspicion,
        code=FindingCode.POSSIBLE_DUPLICATE,
        source=command.source,
        occasion=None,
    )
    return (Record(event),)


def _kept(
    command: RegisterSubject,
    provenance: Provenance,
    state: "SubjectState",
    given: Circumstances,
) -> tuple[Admitted, ...]:
    """What may be held of what was obtained: nothing of a child, nothing that is suppressed."""
    every = tuple(admitted(one, provenance, given) for one in command.obtained)
    if not every:
        raise PurposeMissing
    if any(is_child(values.personal, given) for values in every):
        raise UnderAge(minimum_age=minimum_age(given))
    kept = tuple(
        values
        for values in every
        if not closed(values.purpose.key, command.suppressed_for, state, given)
    )
    if not kept:
        raise SubjectSuppressed(purpose=every[0].purpose.key)
    return kept


def _registered(provenance: Provenance, given: Circumstances) -> Record:
    event = SubjectRegistered(
        source=provenance.source.key,
        origin=provenance.source.origin,
        policy=given.policy.version,
    )
    return Record(event, occurred_at=provenance.occurred_at)


def _circumstances(command: RegisterSubject, given: Circumstances) -> tuple[Record, ...]:
    notice = () if command.notice is None else (shown(command.notice, given),)
    return (*notice, *(started(one, given) for one in command.relationships))


def evolve(slice_: Subjects, recorded: Recorded[Any]) -> Subjects:
    """Since when the person is known, after one more event."""
    match recorded.event:
        case SubjectRegistered(source=source, origin=origin):
            return replace(slice_, registered_at=recorded.happened_at, source=source, origin=origin)
        case ChildDiscovered():
            since, discovery = recorded.recorded_at, recorded.event_id
            return replace(slice_, child_since=since, discovery=discovery)
        case _:
            return slice_


SUBJECTS = Concern(
    "subjects",
    commands=(RegisterSubject, JoinSubject, DiscoverChild),
    folds=(SubjectRegistered, ChildDiscovered),
    initial=Subjects(),
    decide=decide,
    evolve=evolve,
)
