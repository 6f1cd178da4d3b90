"""Objections to processing: raised, granted, overridden, withdrawn (Art. 21; L43, L44; C65)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never
from uuid import UUID

from app.domain import legal_clock
from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.legal_clock import Due
from app.domain.letters import DECISION, STATEMENT, letters
from app.domain.objection_refusals import (
    GroundsMissing,
    NotObjectable,
    ObjectionAbsolute,
    ObjectionDecided,
    ObjectionLapsed,
    ObjectionUnknown,
)
from app.domain.purpose_limitation import purpose_named
from app.domain.recipients import recipient_named
from app.domain.rights_request_progress import RightsRequests
from app.domain.rights_request_refusals import RightsRequestUnknown
from app.domain.scope import ANY, Scope, affected
from app.domain.suppressions import suppression
from app.events.consents import ConsentWithdrawn
from app.events.objections import (
    GrantReason,
    ObjectionCause,
    ObjectionGranted,
    ObjectionGround,
    ObjectionOverridden,
    ObjectionRaised,
    ObjectionWithdrawn,
)
from app.events.recorded import Record, Recorded
from app.events.restrictions import RestrictionLiftAnnounced
from app.events.rights_requests import RequestedRight
from app.events.suppressions import SuppressionCause, SuppressionLifted
from app.policy.model import Law, Policy, Purpose
from app.policy.vocabulary import LegalBasis
from app.values import replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class Status(StrEnum):
    """Where an objection stands."""

    PENDING = "pending"
    GRANTED = "granted"
    OVERRIDDEN = "overridden"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One objection."""

    scope: Scope
    ground: ObjectionGround
    since: datetime
    status: Status = Status.PENDING
    request: UUID | None = None
    """The rights request that it came with."""

    def stops(self, purpose: Purpose) -> bool:
        """Whether it stops a purpose in its scope: while it is pending as well, and news always."""
        if self.status is Status.OVERRIDDEN:
            return purpose.direct_marketing
        return self.status is not Status.WITHDRAWN and purpose.objectable

    def due(self, requests: RightsRequests, law: Law, now: datetime) -> Due:
        """The last day for a decision (Art. 12(3); Reg. 1182/71).

        One that came with a request is answered with it: what extends the one, or stops its clock,
        does so to the other. After the end of the request that clock stands still.
        """
        request = requests.survivor(self.request)
        if request is None:
            return legal_clock.due(self.since, law)
        return request.due(law, request.closed_at or now)

    def status_at(self, now: datetime, law: Law, requests: RightsRequests) -> Status:
        """Where it stands at a moment: silence past the deadline is consent to it (L44)."""
        if self.status is Status.PENDING and self.due(requests, law, now).over(now):
            return Status.GRANTED
        return self.status


@dataclass(frozen=True, slots=True)
class Objections:
    """Every objection of a person."""

    by_id: Mapping[UUID, Objection] = field(default_factory=dict)

    def active(self) -> Iterator[Objection]:
        """Those that are pending or granted."""
        return (one for one in self.by_id.values() if one.status in _ACTIVE)

    def since(self, lineage: tuple[str, ...]) -> datetime | None:
        """When the person last objected to a purpose as such."""
        moments = (one.since for one in self.active() if one.scope.covers(lineage, None, ANY))
        return max(moments, default=None)


_ACTIVE = frozenset({Status.PENDING, Status.GRANTED})
BY_LETTER: Final = "letter"
"""How the person hears of the end of a restriction of which nobody had to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseObjection:
    """The person objects: to a purpose or use, to a recipient, to one for the other, or to all."""

    objection: UUID
    source: str
    purpose: str | None = None
    recipient: str | None = None
    cause: ObjectionCause = ObjectionCause.PERSON
    statement: str = field(default="", repr=False)
    """The person's reasons; none are needed."""
    addresses: tuple[str, ...] = field(default=(), repr=False)
    """The person's normalised e-mail addresses on file, for the suppression register."""
    occurred_at: datetime | None = None
    request: UUID | None = None
    """The open rights request that it came with; found by its day where only one is of that day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpholdObjection:
    """The desk, or the end of the month, grants it."""

    objection: UUID
    overdue: bool = False
    """Found to be past its last day: by a clock that may stand in for the one of the ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideObjection:
    """A human states compelling legitimate grounds that weigh more."""

    objection: UUID
    grounds: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawObjection:
    """The person no longer objects."""

    objection: UUID


Command: TypeAlias = RaiseObjection | UpholdObjection | OverrideObjection | WithdrawObjection


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a command about an objection makes."""
    match command:
        case RaiseObjection():
            return _raise(command, state, given)
        case UpholdObjection():
            return _uphold(command, state, given)
        case OverrideObjection():
            return _override(command, state, given)
        case WithdrawObjection():
            return _withdraw(command, state, given)
        case _:
            assert_never(command)


def _raise(
    command: RaiseObjection, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    scope = _scope(command, given.policy)
    if command.objection in state.objections.by_id or _stands(scope, state.objections):
        return ()
    meant = affected(scope, given.policy)
    if not meant:
        raise NotObjectable
    raised = _raised(command, scope, meant, _request(command, state, given))
    record = Record(
        raised,
        sections=letters({STATEMENT: command.statement}, command.objection, given),
        occurred_at=command.occurred_at,
    )
    granted = ObjectionGranted(objection=command.objection, reason=GrantReason.ABSOLUTE)
    absolute = raised.ground is ObjectionGround.DIRECT_MARKETING
    return (
        record,
        *((Record(granted),) if absolute else ()),
        *(_end_of_marketing(command, meant, state) if command.recipient is None else ()),
    )


def _scope(command: RaiseObjection, policy: Policy) -> Scope:
    purpose, recipient = command.purpose, command.recipient
    return Scope(
        purpose=None if purpose is None else purpose_named(purpose, policy).key,
        recipient=None if recipient is None else recipient_named(recipient, policy).key,
    )


def _stands(scope: Scope, objections: Objections) -> bool:
    return any(one.scope == scope for one in objections.active())


def _request(command: RaiseObjection, state: "SubjectState", given: Circumstances) -> UUID | None:
    """The request that it came with: the one named, or the only one that arrived on its day."""
    asking = {
        key: one
        for key, one in state.rights_requests.by_id.items()
        if one.status.open and one.right is RequestedRight.OBJECTION
    }
    if command.request is not None:
        if command.request not in asking:
            raise RightsRequestUnknown
        return command.request
    on = day_of(command.occurred_at or given.now, given)
    same = [key for key, one in asking.items() if day_of(one.received_at, given) == on]
    return same[0] if len(same) == 1 else None


def _raised(
    command: RaiseObjection, scope: Scope, meant: tuple[Purpose, ...], request: UUID | None
) -> ObjectionRaised:
    marketing = all(purpose.direct_marketing for purpose in meant)
    return ObjectionRaised(
        objection=command.objection,
        ground=ObjectionGround.DIRECT_MARKETING if marketing else ObjectionGround.OWN_SITUATION,
        purpose=scope.purpose,
        recipient=scope.recipient,
        cause=command.cause,
        source=command.source,
        request=request,
    )


def _end_of_marketing(
    command: RaiseObjection, meant: tuple[Purpose, ...], state: "SubjectState"
) -> tuple[Record, ...]:
    """Consents withdrawn and purposes closed: an objection to news says no to it in every form."""
    records: list[Record] = []
    for purpose in meant:
        if not purpose.direct_marketing:
            continue
        if state.consents.of(purpose.key).open:
            withdrawn = ConsentWithdrawn(purpose=purpose.key, source=command.source)
            records.append(Record(withdrawn, occurred_at=command.occurred_at))
        if purpose.key not in state.suppressions.purposes:
            cause = _SUPPRESSION_CAUSES[command.cause]
            closed = suppression(purpose.key, cause, command.source, command.addresses)
            records.append(replace(closed, occurred_at=command.occurred_at))
    return tuple(records)


_SUPPRESSION_CAUSES = {
    ObjectionCause.PERSON: SuppressionCause.OBJECTION,
    ObjectionCause.COMPLAINT: SuppressionCause.COMPLAINT,
    ObjectionCause.UNDELIVERABLE: SuppressionCause.UNDELIVERABLE,
}


def _uphold(
    command: UpholdObjection, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    objection = _known(command.objection, state)
    if objection.status is Status.GRANTED:
        return ()
    if objection.status is not Status.PENDING:
        raise ObjectionDecided(state=objection.status.value)
    standing = objection.status_at(given.now, given.law, state.rights_requests)
    waits = standing is Status.PENDING
    in_time = waits and not command.overdue
    reason = GrantReason.UPHELD if in_time else GrantReason.SILENCE
    return (Record(ObjectionGranted(objection=command.objection, reason=reason)),)


def _override(
    command: OverrideObjection, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    objection = _known(command.objection, state)
    if objection.ground is ObjectionGround.DIRECT_MARKETING:
        raise ObjectionAbsolute
    if objection.status is Status.OVERRIDDEN:
        return ()
    if objection.status is not Status.PENDING:
        raise ObjectionDecided(state=objection.status.value)
    due = objection.due(state.rights_requests, given.law, given.now)
    if due.over(given.now):
        raise ObjectionLapsed(due=due.last_day)
    if not command.grounds.strip():
        raise GroundsMissing
    overridden = ObjectionOverridden(objection=command.objection)
    sections = letters({DECISION: command.grounds}, command.objection, given)
    return (Record(overridden, sections=sections),)


def _withdraw(
    command: WithdrawObjection, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    objection = _known(command.objection, state)
    if objection.status is Status.WITHDRAWN:
        return ()
    others = [one for one in state.objections.active() if one is not objection]
    reopened = (
        purpose.key
        for purpose in affected(objection.scope, given.policy)
        if _closed_by_objection(purpose, state)
        and not any(
            one.scope.covers(given.policy.lineage(purpose.key), None, ANY) for one in others
        )
    )
    return (
        *taken_back(command.objection, state, given),
        *(Record(SuppressionLifted(purpose=key)) for key in reopened),
    )


def taken_back(
    key: UUID, state: "SubjectState", given: Circumstances, *, on: datetime | None = None
) -> tuple[Record, ...]:
    """The end of an objection by the person's own word.

    What rested for it does so until a letter has told them that this ends (Art. 18(3)).
    """
    resting = state.restrictions.active.get(key)
    ended = ObjectionWithdrawn(objection=key, restriction_lasts=resting is not None)
    end = Record(ended, occurred_at=on)
    if resting is None or resting.announced_at is not None:
        return (end,)
    announced = RestrictionLiftAnnounced(
        restriction=key, channel=BY_LETTER, ends_on=day_of(given.now, given)
    )
    return (end, Record(announced))


def _closed_by_objection(purpose: Purpose, state: "SubjectState") -> bool:
    # A purpose that rests on consent stays closed: only a new consent opens it.
    suppressed = state.suppressions.purposes.get(purpose.key)
    if suppressed is None or purpose.legal_basis is LegalBasis.CONSENT:
        return False
    return suppressed.cause in _SUPPRESSION_CAUSES.values()


def _known(objection: UUID, state: "SubjectState") -> Objection:
    known = state.objections.by_id.get(objection)
    if known is None:
        raise ObjectionUnknown
    return known


def evolve(slice_: Objections, recorded: Recorded[Any]) -> Objections:
    """The objections after one more event."""
    match recorded.event:
        case ObjectionRaised() as event:
            scope = Scope(purpose=event.purpose, recipient=event.recipient)
            raised = Objection(
                scope=scope,
                ground=event.ground,
                since=recorded.happened_at,
                request=event.request,
            )
            return Objections({**slice_.by_id, event.objection: raised})
        case ObjectionGranted(objection=granted):
            return _now(slice_, granted, Status.GRANTED)
        case ObjectionOverridden(objection=overridden):
            return _now(slice_, overridden, Status.OVERRIDDEN)
        case ObjectionWithdrawn(objection=withdrawn):
            return _now(slice_, withdrawn, Status.WITHDRAWN)
        case _:
            return slice_


def _now(slice_: Objections, objection: UUID, status: Status) -> Objections:
    changed = replace(slice_.by_id[objection], status=status)
    return Objections({**slice_.by_id, objection: changed})


OBJECTIONS = Concern(
    "objections",
    commands=(RaiseObjection, UpholdObjection, OverrideObjection, WithdrawObjection),
    folds=(ObjectionRaised, ObjectionGranted, ObjectionOverridden, ObjectionWithdrawn),
    initial=Objections(),
    decide=decide,
    evolve=evolve,
)
