"""Keys and tokens that nothing opens are given up, so that their epoch can end (L34).

Somebody asks, with a digest of what was found; where an erasure needs two people a second one
approves exactly that; each key is then destroyed by an entry of its own. Part of the control
stream.
"""

import hashlib
from dataclasses import dataclass, field
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


class GiveUpChanged(Refusal):
    """Something else is lost by now than was asked for: ask anew, by `pdledger keys give-up`."""

    code = "give-up-changed"
    rules = ("L9", "C66")


@dataclass(slots=True)
class Lost:
    """Exactly what is lost, by ids that say nothing of anybody."""

    keys: set[UUID] = field(default_factory=set)
    """Data keys."""
    claims: set[tuple[UUID, int]] = field(default_factory=set)
    """Person and claim of each address or number that nobody can read and that leads to nobody."""
    rows: set[tuple[str, str]] = field(default_factory=set)
    """Table and row of each key of a register."""

    def digest(self) -> str:
        """SHA-256 of them in order, a line each. The tokens are not in it: they are of values."""
        lines = [f"key {key}" for key in self.keys]
        lines += [f"claim {person} {version}" for person, version in self.claims]
        lines += [f"row {table} {name}" for table, name in self.rows]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()

    def __or__(self, other: "Lost") -> "Lost":
        return Lost(self.keys | other.keys, self.claims | other.claims, self.rows | other.rows)


class KeyLoss(Value, frozen=True, kw_only=True):
    """What somebody asked to give up, as long as it was not done."""

    keys: int
    tokens: int
    register_keys: int
    lost: str | None
    """The digest of what was lost then."""
    asked_at: int | None
    """Position of the event that asked."""
    requested_by: str
    approved_by: str | None = None


class GiveUp(Value, frozen=True, kw_only=True):
    """Ask to give up what keeps an epoch from ending and opens with nothing."""

    epoch: int
    by: str
    keys: int
    tokens: int
    register_keys: int
    lost: str
    """The digest of what is lost now."""
    in_all: str
    """The same, together with what was given up since somebody asked."""


class ApproveGiveUp(Value, frozen=True, kw_only=True):
    """A second person approves that."""

    epoch: int
    by: str
    in_all: str
    """The digest of what is lost now, together with what was given up since somebody asked."""


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
        if loss is not None and loss.lost == command.in_all:
            return ()
        event = EpochGiveUpRequested(
            epoch=command.epoch,
            keys=command.keys,
            tokens=command.tokens,
            register_keys=command.register_keys,
            lost=command.lost,
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
    return _approved(command, loss)


def _approved(command: ApproveGiveUp, loss: KeyLoss) -> tuple[Record, ...]:
    if command.by == loss.requested_by:
        raise SecondPersonNeeded
    if command.in_all != loss.lost:
        raise GiveUpChanged(epoch=command.epoch)
    if loss.approved_by is not None:
        return ()
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
                lost=event.lost,
                asked_at=recorded.position,
                requested_by=recorded.by,
            )
        case EpochGiveUpApproved():
            assert loss is not None, "it is approved after it was asked for"
            return replace(loss, approved_by=recorded.by)
        case EpochGiveUpCompleted():
            return None
        case _:
            return loss
