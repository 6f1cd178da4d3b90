"""Keys and tokens that nothing opens are given up, so that their epoch can end (L34).

Somebody asks, with the counts of what was found; where an erasure needs two people a second one
approves it; each key is then destroyed by an entry of its own. Part of the control stream.
"""

from typing import Any, Final, TypeAlias
from uuid import UUID

from app.domain.decider import Circumstances, Refusal
from app.domain.safeguards import SecondPersonNeeded, two_needed
from app.events.epochs import (
    EpochGiveUpApproved,
    EpochGiveUpCompleted,
    EpochGiveUpRequested,
    EpochRegisterKeyAbandoned,
)
from app.events.recorded import Record, Recorded
from app.values import Value, replace


class GiveUpUnapproved(Refusal):
    """Nobody asked to give it up, or two people are needed and the second has not approved it."""

    code = "give-up-unapproved"
    rules = ("L9", "C66")


class KeyLoss(Value, frozen=True, kw_only=True):
    """What somebody asked to give up, as long as it was not done."""

    keys: int
    tokens: int
    register_keys: int
    requested_by: str
    approved_by: str | None = None

    def covers(self, other: "GiveUp") -> bool:
        """Whether no more is given up than was asked for."""
        return (
            other.keys <= self.keys
            and other.tokens <= self.tokens
            and other.register_keys <= self.register_keys
        )


class GiveUp(Value, frozen=True, kw_only=True):
    """Ask to give up what keeps an epoch from ending and opens with nothing."""

    epoch: int
    by: str
    keys: int
    tokens: int
    register_keys: int


class ApproveGiveUp(Value, frozen=True, kw_only=True):
    """A second person approves that."""

    epoch: int
    by: str


class GiveUpRegisterKey(Value, frozen=True, kw_only=True):
    """Remove the row of a register whose key nothing opens."""

    epoch: int
    register: str
    row: UUID | None = None
    period: int | None = None


class RecordGivenUp(Value, frozen=True, kw_only=True):
    """Nothing is left of what was to be given up."""

    epoch: int


LossCommand: TypeAlias = GiveUp | ApproveGiveUp | GiveUpRegisterKey | RecordGivenUp
LOSS_EVENTS: Final = (
    EpochGiveUpRequested,
    EpochGiveUpApproved,
    EpochRegisterKeyAbandoned,
    EpochGiveUpCompleted,
)


def decide_loss(
    command: LossCommand, loss: KeyLoss | None, given: Circumstances, *, drains: bool
) -> tuple[Record, ...]:
    """The records of one step; none of one that was taken, or of an epoch that does not drain."""
    if not drains:
        return ()
    if isinstance(command, GiveUp):
        if loss is not None and loss.covers(command):
            return ()
        event = EpochGiveUpRequested(
            epoch=command.epoch,
            keys=command.keys,
            tokens=command.tokens,
            register_keys=command.register_keys,
        )
        return (Record(event),)
    if isinstance(command, RecordGivenUp):
        return () if loss is None else (Record(EpochGiveUpCompleted(epoch=command.epoch)),)
    if loss is None:
        raise GiveUpUnapproved(epoch=command.epoch)
    if isinstance(command, GiveUpRegisterKey):
        if not may_give_up(loss, given):
            raise GiveUpUnapproved(epoch=command.epoch)
        gone = EpochRegisterKeyAbandoned(
            epoch=command.epoch,
            register=command.register,
            row=command.row,
            period=command.period,
        )
        return (Record(gone),)
    if loss.approved_by is not None:
        return ()
    if command.by == loss.requested_by:
        raise SecondPersonNeeded
    return (Record(EpochGiveUpApproved(epoch=command.epoch)),)


def may_give_up(loss: KeyLoss | None, given: Circumstances) -> bool:
    """Whether somebody asked for it, and a second person approved it where two are needed."""
    return loss is not None and (loss.approved_by is not None or not two_needed(given))


def loss_after(loss: KeyLoss | None, recorded: Recorded[Any]) -> KeyLoss | None:
    """What is being given up after one of ``LOSS_EVENTS``."""
    match recorded.event:
        case EpochGiveUpRequested() as event:
            return KeyLoss(
                keys=event.keys,
                tokens=event.tokens,
                register_keys=event.register_keys,
                requested_by=recorded.by,
            )
        case EpochGiveUpApproved():
            assert loss is not None, "it is approved after it was asked for"
            return replace(loss, approved_by=recorded.by)
        case EpochGiveUpCompleted():
            return None
        case _:
            return loss
