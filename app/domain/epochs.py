"""The key epochs: one is active, one at most is leaving, and what has left is gone for good (L34).

Backups hold wrapped keys and tokens of the time when they were made. What was destroyed at a
position of the log was wrapped by epochs that had begun before it, and by no later one: when all of
these are destroyed, no backup can be read there.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias, assert_never

from app.domain.decider import Circumstances, Refusal
from app.domain.key_losses import (
    LOSS_EVENTS,
    KeyLoss,
    LossCommand,
    decide_loss,
    loss_after,
)
from app.domain.keyring_mending import RecordMended, mended
from app.domain.safeguards import SecondPersonNeeded, two_needed
from app.events.epochs import (
    EpochClosed,
    EpochCondemned,
    EpochDestroyed,
    EpochEndApproved,
    EpochEndRequested,
    EpochOpened,
    EpochRestored,
    RootCustody,
    RootEnd,
)
from app.events.recorded import Record, Recorded
from app.values import Value, replace

FIRST: Final = 1


class EpochUnknown(Refusal):
    """There is no such key epoch."""

    code = "epoch-unknown"
    rules = ("L34",)


class EpochInUse(Refusal):
    """New keys are wrapped under it: another one has to be opened first."""

    code = "epoch-in-use"
    rules = ("L34",)


class EpochStillLeaving(Refusal):
    """Epochs end in the order in which they began, and one at a time."""

    code = "epoch-still-leaving"
    rules = ("L34",)


class EpochEndUnapproved(Refusal):
    """Two people are needed, and the second has not approved it."""

    code = "epoch-end-unapproved"
    rules = ("L9", "C66")


class KeyringOlder(Refusal):
    """The database knows something that was not so yet when the keyring was written."""

    code = "keyring-older"
    rules = ("L34",)


class KeyringBetween(Refusal):
    """The backup is of a rotation under way, and the keyring of a later one."""

    code = "keyring-between"
    rules = ("L34",)


class EpochState(StrEnum):
    """Where an epoch stands; none goes back."""

    ACTIVE = "active"
    DRAINING = "draining"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class KeyEpoch(Value, frozen=True, kw_only=True):
    """One epoch of keys."""

    opened_at: int | None
    """Position of the event that opened it; -1 for the first; None where it is not known here."""
    state: EpochState = EpochState.ACTIVE
    requested_by: str | None = None
    approved_by: str | None = None
    destroyed_on: datetime | None = None
    gone_elsewhere: bool = False
    """Whether a newer keyring, put over this database, knows it as destroyed."""
    keyrings: frozenset[str] = frozenset()
    """The keyrings that were put over this database and had it for the active one, by digest."""
    loss: KeyLoss | None = None
    """What keeps it from ending, opens with nothing, and is being given up."""


Epochs: TypeAlias = Mapping[int, KeyEpoch]

BEGINNING: Final[Epochs] = {FIRST: KeyEpoch(opened_at=-1)}


class TurnEpoch(Value, frozen=True, kw_only=True):
    """Open the next epoch, and let the one before it drain."""

    epoch: int


class RequestEpochEnd(Value, frozen=True, kw_only=True):
    """Ask for the end of an epoch, where two people are needed for it."""

    epoch: int
    by: str


class ApproveEpochEnd(Value, frozen=True, kw_only=True):
    """A second person approves it."""

    epoch: int
    by: str


class BeginEpochEnd(Value, frozen=True, kw_only=True):
    """Nothing hangs on it any more: its root will be destroyed."""

    epoch: int


class RecordEpochEnd(Value, frozen=True, kw_only=True):
    """Its root was destroyed."""

    epoch: int
    custody: RootCustody
    root: RootEnd


class RestoreKeyring(Value, frozen=True, kw_only=True):
    """Put a newer keyring over a database that was taken back."""

    file: str
    """SHA-256 of its content."""
    log_size: int
    """Of the log when it was written."""
    size: int
    """Of the log of this database."""
    states: Mapping[int, str]
    """Epoch -> its state when it was written."""


EpochCommand: TypeAlias = (
    TurnEpoch
    | RestoreKeyring
    | RequestEpochEnd
    | ApproveEpochEnd
    | LossCommand
    | RecordMended
    | BeginEpochEnd
    | RecordEpochEnd
)
EPOCH_EVENTS: Final = (
    EpochOpened,
    EpochClosed,
    EpochEndRequested,
    EpochEndApproved,
    *LOSS_EVENTS,
    EpochCondemned,
    EpochDestroyed,
    EpochRestored,
)


def active(epochs: Epochs) -> int:
    """The epoch that new keys are wrapped under."""
    return max(key for key, one in epochs.items() if one.state is EpochState.ACTIVE)


def leaving(epochs: Epochs) -> int | None:
    """The epoch that drains or is being destroyed, if there is one."""
    on_its_way = (EpochState.DRAINING, EpochState.DESTROYING)
    return next((key for key, one in epochs.items() if one.state in on_its_way), None)


def beyond_backups(epochs: Epochs, position: int | None) -> bool:
    """Whether what was destroyed at a position of the log can be read in no backup now (E3)."""
    if position is None:
        return False
    return all(
        one.state is EpochState.DESTROYED
        for one in epochs.values()
        if one.opened_at is None or one.opened_at < position
    )


def decide_epoch(command: EpochCommand, epochs: Epochs, given: Circumstances) -> tuple[Record, ...]:
    """The records of one step of an epoch; none of a step that it has taken already."""
    if isinstance(command, TurnEpoch | RestoreKeyring | RecordMended):
        return _begun(command, epochs)
    epoch = epochs.get(command.epoch)
    if epoch is None:
        raise EpochUnknown(epoch=command.epoch)
    if epoch.state is EpochState.ACTIVE:
        raise EpochInUse(epoch=command.epoch)
    if isinstance(command, LossCommand):
        drains = epoch.state is EpochState.DRAINING
        return decide_loss(command, epoch.loss, given, drains=drains)
    match command:
        case RequestEpochEnd():
            due = waits_for_approval(epoch, given) and epoch.requested_by is None
            draining = epoch.state is EpochState.DRAINING
            return (Record(EpochEndRequested(epoch=command.epoch)),) if due and draining else ()
        case ApproveEpochEnd():
            return _approve(command, epoch)
        case BeginEpochEnd():
            if epoch.state is not EpochState.DRAINING:
                return ()
            if waits_for_approval(epoch, given):
                raise EpochEndUnapproved(epoch=command.epoch)
            return (Record(EpochCondemned(epoch=command.epoch)),)
        case RecordEpochEnd():
            return _ended(command, epoch)
        case _:
            assert_never(command)


def _ended(command: RecordEpochEnd, epoch: KeyEpoch) -> tuple[Record, ...]:
    if epoch.state is EpochState.DRAINING:
        raise EpochInUse(epoch=command.epoch)
    if epoch.state is EpochState.DESTROYED:
        return ()
    event = EpochDestroyed(epoch=command.epoch, custody=command.custody, root=command.root)
    return (Record(event),)


def _begun(
    command: TurnEpoch | RestoreKeyring | RecordMended, epochs: Epochs
) -> tuple[Record, ...]:
    if isinstance(command, RecordMended):
        return mended(command)
    if isinstance(command, RestoreKeyring):
        return _restore(command, epochs)
    return _turn(command, epochs)


def waits_for_approval(epoch: KeyEpoch, given: Circumstances) -> bool:
    """Whether its end needs a second person's word that was not given.

    What was destroyed already, with whatever word it took, is only destroyed here as well.
    """
    return two_needed(given) and epoch.approved_by is None and not epoch.gone_elsewhere


def _turn(command: TurnEpoch, epochs: Epochs) -> tuple[Record, ...]:
    current = active(epochs)
    if command.epoch == current:
        return ()
    if leaving(epochs) is not None or command.epoch != current + 1:
        raise EpochStillLeaving(epoch=command.epoch)
    return (Record(EpochOpened(epoch=command.epoch)), Record(EpochClosed(epoch=current)))


def _restore(command: RestoreKeyring, epochs: Epochs) -> tuple[Record, ...]:
    if any(command.file in one.keyrings for one in epochs.values()):
        return ()
    order = list(EpochState)
    # What a database without that epoch cannot say, its newest state says: it is further on.
    if command.log_size < command.size or any(
        key not in command.states or order.index(EpochState(command.states[key])) < at
        for key, at in ((key, order.index(one.state)) for key, one in epochs.items())
    ):
        raise KeyringOlder(written_at_size=command.log_size, size=command.size)
    newest = max(command.states)
    opened = tuple(range(max(epochs) + 1, newest + 1))
    if opened and leaving(epochs) is not None:
        raise KeyringBetween(leaving=leaving(epochs), active=newest)
    gone = [key for key, state in command.states.items() if state == EpochState.DESTROYED.value]
    event = EpochRestored(
        file=command.file,
        log_size=command.log_size,
        epoch=newest,
        opened=opened,
        destroyed=tuple(sorted(gone)),
    )
    return (Record(event),)


def _approve(command: ApproveEpochEnd, epoch: KeyEpoch) -> tuple[Record, ...]:
    if epoch.state is not EpochState.DRAINING or epoch.approved_by is not None:
        return ()
    if epoch.requested_by is None:
        raise EpochEndUnapproved(epoch=command.epoch)
    if command.by == epoch.requested_by:
        raise SecondPersonNeeded
    return (Record(EpochEndApproved(epoch=command.epoch)),)


def epochs_after(epochs: Epochs, recorded: Recorded[Any]) -> Epochs:
    """The epochs after one more event of theirs."""
    key = recorded.event.epoch
    match recorded.event:
        case EpochRestored():
            return _restored(epochs, recorded)
        case EpochOpened():
            return {**epochs, key: KeyEpoch(opened_at=recorded.position)}
        case EpochClosed():
            change: dict[str, Any] = {"state": EpochState.DRAINING}
        case EpochEndRequested():
            change = {"requested_by": recorded.by}
        case EpochEndApproved():
            change = {"approved_by": recorded.by}
        case event if isinstance(event, LOSS_EVENTS):
            change = {"loss": loss_after(epochs[key].loss, recorded)}
        case EpochCondemned():
            change = {"state": EpochState.DESTROYING}
        case _:
            change = {"state": EpochState.DESTROYED, "destroyed_on": recorded.recorded_at}
    return {**epochs, key: replace(epochs[key], **change)}


def _restored(epochs: Epochs, recorded: Recorded[EpochRestored]) -> Epochs:
    event, after = recorded.event, dict(epochs)
    if event.opened:
        former = active(epochs)
        after[former] = replace(epochs[former], state=EpochState.DRAINING)
    for key in event.opened:
        gone = key in event.destroyed
        left = EpochState.DESTROYED if gone else EpochState.DRAINING
        after[key] = KeyEpoch(
            opened_at=recorded.position,
            state=EpochState.ACTIVE if key == event.epoch else left,
            destroyed_on=recorded.recorded_at if gone else None,
        )
    for key in event.destroyed:
        after[key] = replace(after[key], gone_elsewhere=True)
    now = after[event.epoch]
    return {**after, event.epoch: replace(now, keyrings=now.keyrings | {event.file})}
