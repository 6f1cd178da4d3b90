"""Receivers of data at a person's request: put forward, proven, approved, withdrawn (Art. 20(2)).

Part of the control stream. Who approves is another client than who put forward, and holds another
scope.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.decider import Refusal
from app.domain.merges import ApproverIsProposer
from app.events.receivers import (
    ReceiverApproved,
    ReceiverProven,
    ReceiverRegistered,
    ReceiverWithdrawn,
)
from app.events.recorded import Record
from app.events.transmissions import TransmissionBar
from app.values import Value, replace


class ReceiverUnknown(Refusal):
    """Nobody registered such a receiver."""

    code = "receiver-unknown"
    rules = ("L35",)


class ReceiverUnproven(Refusal):
    """The host has not answered the challenge: it may be somebody else's, or the key lost."""

    code = "receiver-unproven"
    rules = ("L35", "S20", "S21")


class ReceiverEnded(Refusal):
    """The receiver was withdrawn; it can be registered anew, and proves itself anew."""

    code = "receiver-withdrawn"
    rules = ("L35", "S20")


class ReceiverStatus(StrEnum):
    """Where a receiver stands."""

    REGISTERED = "registered"
    PROVEN = "proven"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Receiver(Value, frozen=True, kw_only=True):
    """One receiver, without its address."""

    binding: str
    registered_by: str
    """The client that put it forward."""
    status: ReceiverStatus = ReceiverStatus.REGISTERED

    @property
    def bar(self) -> TransmissionBar | None:
        """Why nothing may go there; None when something may."""
        return _BARS[self.status]


_BARS: Mapping[ReceiverStatus, TransmissionBar | None] = {
    ReceiverStatus.REGISTERED: TransmissionBar.UNPROVEN,
    ReceiverStatus.PROVEN: TransmissionBar.UNAPPROVED,
    ReceiverStatus.APPROVED: None,
    ReceiverStatus.WITHDRAWN: TransmissionBar.WITHDRAWN,
}

Receivers: TypeAlias = Mapping[UUID, Receiver]


class RegisterReceiver(Value, frozen=True, kw_only=True):
    """Put a receiver forward."""

    receiver: UUID
    binding: str


class ProveReceiver(Value, frozen=True, kw_only=True):
    """Record that the host answered the challenge."""

    receiver: UUID


class ApproveReceiver(Value, frozen=True, kw_only=True):
    """Let packages go there."""

    receiver: UUID
    by: str
    """The client that approves."""


class WithdrawReceiver(Value, frozen=True, kw_only=True):
    """Let nothing go there any more."""

    receiver: UUID


ReceiverCommand: TypeAlias = RegisterReceiver | ProveReceiver | ApproveReceiver | WithdrawReceiver
RECEIVER_EVENTS = (ReceiverRegistered, ReceiverProven, ReceiverApproved, ReceiverWithdrawn)


def decide_receiver(command: ReceiverCommand, known: Receivers) -> tuple[Record, ...]:
    """The records of one step; none when it was taken before."""
    receiver = known.get(command.receiver)
    if isinstance(command, RegisterReceiver):
        event = ReceiverRegistered(receiver=command.receiver, binding=command.binding)
        return () if receiver is not None else (Record(event),)
    if receiver is None:
        raise ReceiverUnknown
    if isinstance(command, WithdrawReceiver):
        withdrawn = ReceiverWithdrawn(receiver=command.receiver)
        ended = receiver.status is ReceiverStatus.WITHDRAWN
        return () if ended else (Record(withdrawn),)
    if receiver.status is ReceiverStatus.WITHDRAWN:
        raise ReceiverEnded
    match command:
        case ProveReceiver() if receiver.status is ReceiverStatus.REGISTERED:
            return (Record(ReceiverProven(receiver=command.receiver)),)
        case ProveReceiver():
            return ()
        case ApproveReceiver() if receiver.status is ReceiverStatus.REGISTERED:
            raise ReceiverUnproven
        case ApproveReceiver(by=by) if by == receiver.registered_by:
            raise ApproverIsProposer
        case ApproveReceiver() if receiver.status is ReceiverStatus.PROVEN:
            return (Record(ReceiverApproved(receiver=command.receiver)),)
        case ApproveReceiver():
            return ()
        case _:
            assert_never(command)


def receivers_after(known: Receivers, event: Any, *, by: str) -> Receivers:
    """The receivers after one of ``RECEIVER_EVENTS``, which a client recorded."""
    match event:
        case ReceiverRegistered():
            receiver = Receiver(binding=event.binding, registered_by=by)
        case ReceiverProven():
            receiver = replace(known[event.receiver], status=ReceiverStatus.PROVEN)
        case ReceiverApproved():
            receiver = replace(known[event.receiver], status=ReceiverStatus.APPROVED)
        case ReceiverWithdrawn():
            receiver = replace(known[event.receiver], status=ReceiverStatus.WITHDRAWN)
        case _:
            return known
    return {**known, event.receiver: receiver}
