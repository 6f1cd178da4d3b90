"""A person's data on their way to another controller: asked for, refused, delivered, failed (L35).

The person asks, by a rights request that is theirs, and names the host; only an approved receiver
gets anything. Nothing is erased by it (Art. 20(3)).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.domain.purpose_limitation import source_named
from app.domain.rights_request_progress import RequestStatus
from app.domain.rights_request_refusals import (
    RightsRequestClosed,
    RightsRequestUnknown,
    RightsRequestUnverified,
)
from app.events.recorded import Record, Recorded
from app.events.rights_requests import RequestedRight
from app.events.transmissions import (
    Profile,
    TransmissionBar,
    TransmissionDelivered,
    TransmissionFailed,
    TransmissionFailure,
    TransmissionRefused,
    TransmissionRequested,
    TransmissionWithdrawn,
)
from app.values import replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class ReceiverUnapproved(Refusal):
    """Data go to hosts that were registered, proven and approved, and to no other (S20)."""

    code = "receiver-unapproved"
    rules = ("L35", "S20", "S21")


class TransmissionUnrequested(Refusal):
    """The request is about another right: the person did not ask for this (Art. 20(2))."""

    code = "transmission-unrequested"
    rules = ("L35",)


class TransmissionUnknown(Refusal):
    """The person has no such transmission."""

    code = "transmission-unknown"
    rules = ("L35",)


class TransmissionSettled(Refusal):
    """It has arrived, failed or been called off."""

    code = "transmission-settled"
    rules = ("L35",)


class TransmissionStatus(StrEnum):
    """Where a transmission stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """One transmission."""

    receiver: UUID
    request: UUID
    profile: Profile
    requested_at: datetime
    status: TransmissionStatus = TransmissionStatus.WAITING
    reason: TransmissionFailure | None = None
    attempts: int = 0
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transmissions:
    """Every transmission of a person."""

    by_id: Mapping[UUID, Transmission] = field(default_factory=dict)
    refused: int = 0

    def waiting(self) -> Iterator[Transmission]:
        """Those that have not left."""
        return (one for one in self.by_id.values() if one.status is TransmissionStatus.WAITING)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTransmission:
    """The person wants the data to go to a receiver."""

    transmission: UUID
    receiver: UUID | None
    """Whom the named host belongs to; None when nobody registered it."""
    request: UUID
    profile: Profile
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefusedTransmission:
    """It was asked that data go to a host that is not approved."""

    receiver: UUID | None
    request: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTransmissionDelivered:
    """The receiver took it over."""

    transmission: UUID
    sent: str
    size: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTransmissionFailed:
    """It is not tried again."""

    transmission: UUID
    reason: TransmissionFailure
    status: int | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTransmission:
    """The person calls it off."""

    transmission: UUID
    source: str


Command: TypeAlias = (
    RequestTransmission
    | RecordRefusedTransmission
    | RecordTransmissionDelivered
    | RecordTransmissionFailed
    | WithdrawTransmission
)

_THEIRS = frozenset(
    {
        RequestStatus.IDENTITY_CONFIRMED,
        RequestStatus.APPROVED,
        RequestStatus.FULFILLED,
        RequestStatus.PARTLY_FULFILLED,
    }
)
"""A request that is known to be the person's own, and that stands."""


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records of one step."""
    match command:
        case RequestTransmission():
            return _request(command, state, given)
        case RecordRefusedTransmission():
            bar = barred(command.receiver, given)
            if bar is None:
                return ()
            known = None if bar is TransmissionBar.UNKNOWN else command.receiver
            event = TransmissionRefused(receiver=known, request=command.request, reason=bar)
            return (Record(event),)
        case RecordTransmissionDelivered() | RecordTransmissionFailed() | WithdrawTransmission():
            return _settle(command, state, given)
        case _:
            assert_never(command)


def barred(receiver: UUID | None, given: Circumstances) -> TransmissionBar | None:
    """Why nothing may be sent to a receiver now; None when something may."""
    known = None if receiver is None else given.control.receivers.get(receiver)
    return TransmissionBar.UNKNOWN if known is None else known.bar


def _request(
    command: RequestTransmission, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    check_requested(command.request, state)
    bar = barred(command.receiver, given)
    if bar is not None or command.receiver is None:
        raise ReceiverUnapproved(reason=(bar or TransmissionBar.UNKNOWN).value)
    wanted = (command.receiver, command.request, command.profile)
    if any((one.receiver, one.request, one.profile) == wanted for one in _open(state)):
        return ()
    event = TransmissionRequested(
        transmission=command.transmission,
        receiver=command.receiver,
        request=command.request,
        profile=command.profile,
        source=source_named(command.source, given.policy).key,
        policy=given.policy.version,
    )
    return (Record(event),)


def check_requested(key: UUID, state: "SubjectState") -> None:
    """Refuses what the person did not ask for, or what nobody knows to be their own wish."""
    request = state.rights_requests.by_id.get(key)
    if request is None:
        raise RightsRequestUnknown
    if request.right is not RequestedRight.PORTABILITY:
        raise TransmissionUnrequested(right=request.right.value)
    if request.status not in _THEIRS:
        if request.status.open:
            raise RightsRequestUnverified
        raise RightsRequestClosed(state=request.status.value)


def _open(state: "SubjectState") -> Iterator[Transmission]:
    return state.transmissions.waiting()


def _settle(
    command: RecordTransmissionDelivered | RecordTransmissionFailed | WithdrawTransmission,
    state: "SubjectState",
    given: Circumstances,
) -> tuple[Record, ...]:
    known = state.transmissions.by_id.get(command.transmission)
    if known is None:
        raise TransmissionUnknown
    if known.status is not TransmissionStatus.WAITING:
        raise TransmissionSettled(state=known.status.value)
    event: TransmissionDelivered | TransmissionFailed | TransmissionWithdrawn
    match command:
        case RecordTransmissionDelivered():
            event = TransmissionDelivered(
                transmission=command.transmission,
                receiver=known.receiver,
                sent=command.sent,
                size=command.size,
                attempts=command.attempts,
            )
        case RecordTransmissionFailed():
            event = TransmissionFailed(
                transmission=command.transmission,
                receiver=known.receiver,
                reason=command.reason,
                status=command.status,
                attempts=command.attempts,
            )
        case WithdrawTransmission():
            source = source_named(command.source, given.policy).key
            event = TransmissionWithdrawn(transmission=command.transmission, source=source)
        case _:
            assert_never(command)
    return (Record(event),)


def evolve(slice_: Transmissions, recorded: Recorded[Any]) -> Transmissions:
    """The transmissions after one more event."""
    event, known = recorded.event, slice_.by_id
    match event:
        case TransmissionRefused():
            return Transmissions(known, slice_.refused + 1)
        case TransmissionRequested():
            changed = Transmission(
                receiver=event.receiver,
                request=event.request,
                profile=event.profile,
                requested_at=recorded.recorded_at,
            )
        case TransmissionDelivered():
            changed = _settled(known[event.transmission], TransmissionStatus.DELIVERED, recorded)
        case TransmissionFailed():
            changed = _settled(known[event.transmission], TransmissionStatus.FAILED, recorded)
            changed = replace(changed, reason=event.reason)
        case TransmissionWithdrawn():
            changed = _settled(known[event.transmission], TransmissionStatus.WITHDRAWN, recorded)
        case _:
            return slice_
    return Transmissions({**known, event.transmission: changed}, slice_.refused)


def _settled(
    one: Transmission, status: TransmissionStatus, recorded: Recorded[Any]
) -> Transmission:
    attempts = getattr(recorded.event, "attempts", 0)
    return replace(one, status=status, attempts=attempts, settled_at=recorded.recorded_at)


TRANSMISSIONS = Concern(
    "transmissions",
    commands=(
        RequestTransmission,
        RecordRefusedTransmission,
        RecordTransmissionDelivered,
        RecordTransmissionFailed,
        WithdrawTransmission,
    ),
    folds=(
        TransmissionRequested,
        TransmissionRefused,
        TransmissionDelivered,
        TransmissionFailed,
        TransmissionWithdrawn,
    ),
    initial=Transmissions(),
    decide=decide,
    evolve=evolve,
)
