"""How far each rights request of a person has come, and its clock (Art. 12; L20 to L28)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.domain.legal_clock import Due, due, extended, paused_days
from app.events.collections import DataCompleted, DataRectified
from app.events.consultations import ConsultationRecorded
from app.events.recorded import Recorded
from app.events.rights_requests import (
    Fulfilment,
    IdentityProof,
    RequestChannel,
    RequestedRight,
    RequestTrigger,
    RightsRequestApproved,
    RightsRequestDoubtAnswered,
    RightsRequestDoubted,
    RightsRequestExtended,
    RightsRequestFulfilled,
    RightsRequestJoined,
    RightsRequestMoved,
    RightsRequestReceived,
    RightsRequestRefused,
    RightsRequestTaskClosed,
    RightsRequestTaskOpened,
    RightsRequestTriaged,
    RightsRequestUnidentified,
    RightsRequestVerified,
    RightsRequestWithdrawn,
    TaskKind,
    TaskOutcome,
)
from app.policy.law import Law
from app.policy.own_names import RIGHTS
from app.values import replace

CORRESPONDENCE: Final = "correspondence."


class RequestStatus(StrEnum):
    """Where a rights request stands."""

    RECEIVED = "received"
    AWAITING_IDENTITY = "awaiting_identity"
    IDENTITY_CONFIRMED = "identity_confirmed"
    APPROVED = "approved"
    FULFILLED = "fulfilled"
    PARTLY_FULFILLED = "partly_fulfilled"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    UNIDENTIFIED = "unidentified"
    """Closed by a letter, and taken up again when the person says more (Art. 11(2))."""
    DUPLICATE = "duplicate"
    MOVED = "moved"

    @property
    def open(self) -> bool:
        """Whether the person still waits."""
        return self in _OPEN

    @property
    def exchange(self) -> tuple[str, str | None]:
        """Status and reason in the Data Rights Protocol's words; nothing here ever expires."""
        return _EXCHANGE[self]


_OPEN = frozenset(
    {
        RequestStatus.RECEIVED,
        RequestStatus.AWAITING_IDENTITY,
        RequestStatus.IDENTITY_CONFIRMED,
        RequestStatus.APPROVED,
    }
)
_OF_COPIES = frozenset({RequestedRight.ACCESS, RequestedRight.PORTABILITY})
_EXCHANGE: Mapping[RequestStatus, tuple[str, str | None]] = {
    RequestStatus.RECEIVED: ("open", None),
    RequestStatus.AWAITING_IDENTITY: ("in_progress", "need_user_verification"),
    RequestStatus.IDENTITY_CONFIRMED: ("in_progress", None),
    RequestStatus.APPROVED: ("in_progress", None),
    RequestStatus.FULFILLED: ("fulfilled", None),
    RequestStatus.PARTLY_FULFILLED: ("fulfilled", None),
    RequestStatus.REFUSED: ("denied", "other"),
    RequestStatus.WITHDRAWN: ("revoked", None),
    RequestStatus.UNIDENTIFIED: ("denied", "insuf_verification"),
    RequestStatus.DUPLICATE: ("revoked", None),
    RequestStatus.MOVED: ("in_progress", None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to be done before the answer."""

    kind: TaskKind
    recipient: str | None
    member: UUID | None
    outcome: TaskOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRequest:
    """One right exercised."""

    right: RequestedRight
    asked_as: RequestedRight
    """As it was recorded first."""
    channel: RequestChannel
    trigger: RequestTrigger
    language: str | None
    system: str | None
    stranger: bool
    file: UUID
    origin: UUID | None
    received_at: datetime
    recorded_at: datetime
    status: RequestStatus = RequestStatus.RECEIVED
    proof: IdentityProof | None = None
    asked_at: datetime | None = None
    """When a question about the identity went out that has no answer yet."""
    paused_days: int = 0
    extended: bool = False
    tasks: Mapping[int, Task] = field(default_factory=dict)
    """By number, from 1."""
    outcome: Fulfilment | None = None
    ground: str | None = None
    """Why it was refused, or why a part was."""
    answers: tuple[UUID, ...] = ()
    into: UUID | None = None
    """The request that goes on alone, or the person it went to."""
    closed_at: datetime | None = None
    late: bool = False

    @property
    def verified(self) -> bool:
        """Whether it is known to be the person's own."""
        return self.proof is not None

    @property
    def asks_for_copy(self) -> bool:
        """Whether its person waits for what is held now: it may not go before the answer."""
        return self.verified and self.status.open and self.right in _OF_COPIES

    @property
    def open_tasks(self) -> tuple[int, ...]:
        """What is not done, and of which nobody has said why not."""
        return tuple(key for key, task in self.tasks.items() if task.outcome is None)

    def due(self, law: Law, now: datetime) -> Due:
        """When the answer is due; while a question is open, as if it were answered now."""
        paused = self.paused_by(now, law)
        period = extended if self.extended else due
        return period(self.received_at, law, paused_days=paused)

    def first_month(self, law: Law, now: datetime) -> Due:
        """When the first month ends, extended or not (Art. 12(3), second sentence)."""
        return due(self.received_at, law, paused_days=self.paused_by(now, law))

    def paused_by(self, now: datetime, law: Law) -> int:
        """For how many days the clock stood, the open question included."""
        if self.asked_at is None:
            return self.paused_days
        return self.paused_days + paused_days(self.asked_at, now, law)


@dataclass(frozen=True, slots=True)
class RightsRequests:
    """Every rights request of a person, by the event id of its receipt."""

    by_id: Mapping[UUID, RightsRequest] = field(default_factory=dict)
    done: Mapping[UUID, tuple[RequestedRight, datetime]] = field(default_factory=dict)
    """Events that could answer an open request: which right they serve, and when."""

    @property
    def waiting(self) -> bool:
        """Whether any of them is open."""
        return any(one.status.open for one in self.by_id.values())

    def survivor(self, key: UUID | None) -> RightsRequest | None:
        """The request by that id, or the earlier one that a duplicate was joined into."""
        found = None if key is None else self.by_id.get(key)
        while found is not None and found.status is RequestStatus.DUPLICATE:
            found = None if found.into is None else self.by_id.get(found.into)
        return found


def evolve(slice_: RightsRequests, recorded: Recorded[Any]) -> RightsRequests:
    """The requests after one more event."""
    event = recorded.event
    if isinstance(event, RightsRequestReceived):
        return _with(slice_, recorded.event_id, _received(event, recorded))
    if isinstance(event, _ANSWERING):
        return _answering(slice_, recorded)
    request = slice_.by_id.get(event.request)
    if request is None:
        return slice_
    return _with(slice_, event.request, _changed(request, recorded))


def _with(slice_: RightsRequests, key: UUID, request: RightsRequest) -> RightsRequests:
    return replace(slice_, by_id={**slice_.by_id, key: request})


def _received(event: RightsRequestReceived, recorded: Recorded[Any]) -> RightsRequest:
    known = RequestStatus.IDENTITY_CONFIRMED if event.proof else RequestStatus.RECEIVED
    return RightsRequest(
        status=known,
        proof=event.proof,
        right=event.right,
        asked_as=event.right,
        channel=event.channel,
        trigger=event.trigger,
        language=event.language,
        system=event.system,
        stranger=event.stranger,
        file=event.file,
        origin=event.origin,
        received_at=recorded.happened_at,
        recorded_at=recorded.recorded_at,
        paused_days=event.paused_days,
        extended=event.extended,
    )


def _answering(slice_: RightsRequests, recorded: Recorded[Any]) -> RightsRequests:
    """What was done for the person while a request was open: nothing else is remembered."""
    if not slice_.waiting:
        return slice_
    event, right = recorded.event, RequestedRight.RECTIFICATION
    if isinstance(event, ConsultationRecorded):
        if event.purpose != RIGHTS or all(map(_correspondence, event.categories)):
            return slice_
        right = RequestedRight.ACCESS
    return replace(slice_, done={**slice_.done, recorded.event_id: (right, recorded.recorded_at)})


def _correspondence(category: str) -> bool:
    return category.startswith(CORRESPONDENCE)


def _changed(request: RightsRequest, recorded: Recorded[Any]) -> RightsRequest:
    match recorded.event:
        case RightsRequestTriaged() as event:
            approved = request.status is RequestStatus.APPROVED
            status = RequestStatus.IDENTITY_CONFIRMED if approved else request.status
            return replace(request, right=event.right, system=event.system, status=status)
        case RightsRequestDoubted():
            asked_at = recorded.happened_at
            return replace(request, status=RequestStatus.AWAITING_IDENTITY, asked_at=asked_at)
        case RightsRequestDoubtAnswered() as event:
            return replace(
                request,
                status=RequestStatus.RECEIVED,
                asked_at=None,
                paused_days=event.paused_days,
                closed_at=None,
            )
        case RightsRequestVerified(proof=proof):
            return replace(request, status=RequestStatus.IDENTITY_CONFIRMED, proof=proof)
        case RightsRequestExtended():
            return replace(request, extended=True)
        case RightsRequestApproved():
            return replace(request, status=RequestStatus.APPROVED)
        case RightsRequestTaskOpened() as event:
            task = Task(kind=event.kind, recipient=event.recipient, member=event.member)
            return replace(request, tasks={**request.tasks, event.task: task})
        case RightsRequestTaskClosed() as event:
            task = replace(request.tasks[event.task], outcome=event.outcome)
            return replace(request, tasks={**request.tasks, event.task: task})
        case _:
            return replace(_closed(request, recorded), closed_at=recorded.happened_at)


def _closed(request: RightsRequest, recorded: Recorded[Any]) -> RightsRequest:
    match recorded.event:
        case RightsRequestFulfilled() as event:
            partly = event.outcome is Fulfilment.PARTLY_FULFILLED
            return replace(
                request,
                status=RequestStatus.PARTLY_FULFILLED if partly else RequestStatus.FULFILLED,
                outcome=event.outcome,
                ground=None if event.ground is None else event.ground.value,
                answers=event.answers,
                late=event.late,
            )
        case RightsRequestRefused() as event:
            status, ground = RequestStatus.REFUSED, event.ground.value
            return replace(request, status=status, ground=ground, late=event.late)
        case RightsRequestWithdrawn():
            return replace(request, status=RequestStatus.WITHDRAWN)
        case RightsRequestUnidentified():
            # The letter asks for more: until that comes, the clock stands as after any question.
            asked_at = request.asked_at or recorded.happened_at
            return replace(request, status=RequestStatus.UNIDENTIFIED, asked_at=asked_at)
        case RightsRequestJoined() as event:
            return replace(request, status=RequestStatus.DUPLICATE, into=event.into)
        case RightsRequestMoved() as event:
            return replace(request, status=RequestStatus.MOVED, into=event.subject)
        case _:
            return request


_ANSWERING = (ConsultationRecorded, DataRectified, DataCompleted)
CLOSING = (
    RightsRequestFulfilled,
    RightsRequestRefused,
    RightsRequestWithdrawn,
    RightsRequestUnidentified,
    RightsRequestJoined,
    RightsRequestMoved,
)
"""Events after which nobody waits any more."""

ACTS = (
    RightsRequestTriaged,
    RightsRequestDoubted,
    RightsRequestDoubtAnswered,
    RightsRequestVerified,
    RightsRequestExtended,
    RightsRequestApproved,
    RightsRequestTaskOpened,
    RightsRequestTaskClosed,
)
"""Events of a request between its receipt and its end."""

FOLDS = (RightsRequestReceived, *ACTS, *CLOSING, *_ANSWERING)
