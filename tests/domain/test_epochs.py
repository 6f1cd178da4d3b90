"""Key epochs take one step at a time, in their order, and none back (L34)."""

from typing import Any

import pytest

from app.domain.control import CONTROL, Command, ControlState
from app.domain.decider import Refusal
from app.domain.epochs import (
    ApproveEpochEnd,
    BeginEpochEnd,
    EpochEndUnapproved,
    EpochInUse,
    EpochState,
    EpochStillLeaving,
    EpochUnknown,
    KeyringBetween,
    KeyringOlder,
    RecordEpochEnd,
    RequestEpochEnd,
    RestoreKeyring,
    TurnEpoch,
    beyond_backups,
)
from app.domain.safeguards import SecondPersonNeeded, SwitchSafeguard
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
from app.events.policies import Safeguard
from tests.spec import NOTHING_ARRANGED, NOW, arranged, circumstances

TURN = TurnEpoch(epoch=2)
REQUEST = RequestEpochEnd(epoch=1, by="test")
APPROVE = ApproveEpochEnd(epoch=1, by="another")
BEGIN = BeginEpochEnd(epoch=1)
END = RecordEpochEnd(epoch=1, custody=RootCustody.FILE, root=RootEnd.OVERWRITTEN)
TWO = SwitchSafeguard(safeguard=Safeguard.TWO_PERSON_ERASURE, on=True)


def after(*commands: Command) -> ControlState:
    """The control stream once the commands are carried out."""
    return arranged(*commands, before=NOTHING_ARRANGED)


def decided(command: Command, *before: Command) -> tuple[Any, ...]:
    """The events that a command makes."""
    state = after(*before)
    records = CONTROL.decide(command, state, circumstances(control=state))
    return tuple(record.event for record in records)


def refused(command: Command, *before: Command) -> type[Refusal]:
    """Why a command is refused."""
    with pytest.raises(Refusal) as refusal:
        decided(command, *before)
    return refusal.type


def test_an_epoch_opens_and_the_one_before_drains_at_once() -> None:
    assert decided(TURN) == (EpochOpened(epoch=2), EpochClosed(epoch=1))
    assert decided(TURN, TURN) == ()
    epochs = after(TURN).epochs
    assert [(key, one.state) for key, one in epochs.items()] == [
        (1, EpochState.DRAINING),
        (2, EpochState.ACTIVE),
    ]
    assert epochs[2].opened_at == 0


def test_only_the_next_one_opens_and_not_before_the_last_has_left() -> None:
    assert refused(TurnEpoch(epoch=3)) is EpochStillLeaving
    assert refused(TurnEpoch(epoch=3), TURN) is EpochStillLeaving
    assert refused(TurnEpoch(epoch=3), TURN, BEGIN) is EpochStillLeaving
    assert decided(TurnEpoch(epoch=3), TURN, BEGIN, END)[0] == EpochOpened(epoch=3)


def test_an_epoch_ends_by_two_steps_each_told_once() -> None:
    assert decided(BEGIN, TURN) == (EpochCondemned(epoch=1),)
    assert decided(BEGIN, TURN, BEGIN) == ()
    ended = EpochDestroyed(epoch=1, custody=RootCustody.FILE, root=RootEnd.OVERWRITTEN)
    assert decided(END, TURN, BEGIN) == (ended,)
    assert decided(END, TURN, BEGIN, END) == ()
    assert decided(BEGIN, TURN, BEGIN, END) == ()
    gone = after(TURN, BEGIN, END).epochs[1]
    assert (gone.state, gone.destroyed_on) == (EpochState.DESTROYED, NOW)


def test_no_step_is_left_out() -> None:
    assert refused(BEGIN) is EpochInUse
    assert refused(END) is EpochInUse
    assert refused(END, TURN) is EpochInUse
    assert refused(BeginEpochEnd(epoch=2), TURN) is EpochInUse
    assert refused(BeginEpochEnd(epoch=7), TURN) is EpochUnknown


@pytest.mark.clause("L9")
def test_two_people_are_asked_where_two_are_needed() -> None:
    """Who records an event here is always `test`."""
    assert decided(REQUEST, TURN) == ()
    assert decided(REQUEST, TWO, TURN) == (EpochEndRequested(epoch=1),)
    assert decided(REQUEST, TWO, TURN, REQUEST) == ()
    assert refused(BEGIN, TWO, TURN) is EpochEndUnapproved
    assert refused(APPROVE, TWO, TURN) is EpochEndUnapproved
    assert refused(ApproveEpochEnd(epoch=1, by="test"), TWO, TURN, REQUEST) is SecondPersonNeeded
    assert decided(APPROVE, TWO, TURN, REQUEST) == (EpochEndApproved(epoch=1),)
    assert decided(APPROVE, TWO, TURN, REQUEST, APPROVE) == ()
    assert decided(BEGIN, TWO, TURN, REQUEST, APPROVE) == (EpochCondemned(epoch=1),)
    assert decided(REQUEST, TWO, TURN, REQUEST, APPROVE, BEGIN) == ()


@pytest.mark.clause("L34")
def test_what_was_destroyed_is_beyond_backups_when_every_epoch_from_before_it_is() -> None:
    """The event that opened the second is the first of the stream here, at position 0."""
    gone = after(TURN, BEGIN, END).epochs
    assert beyond_backups(gone, 0)
    assert not beyond_backups(gone, 1), "its keys were wrapped under the second, too"
    assert not beyond_backups(gone, None)
    assert not beyond_backups(after(TURN, BEGIN).epochs, 0)
    assert not beyond_backups(after(TURN).epochs, 0)
    assert not beyond_backups(after().epochs, 0)


def keyring(*states: str, log_size: int = 9, file: str = "ab" * 32) -> RestoreKeyring:
    """A keyring of when the epochs from 1 on stood so; the database has 5 entries."""
    named = dict(enumerate(states, 1))
    return RestoreKeyring(file=file, log_size=log_size, size=5, states=named)


def test_a_newer_keyring_brings_its_epochs_at_once_and_what_was_gone_ends_here_too() -> None:
    newer = keyring("destroyed", "destroyed", "draining", "active")
    [event] = decided(newer)
    assert event == EpochRestored(
        file="ab" * 32, log_size=9, epoch=4, opened=(2, 3, 4), destroyed=(1, 2)
    )
    epochs = after(newer).epochs
    states = [epochs[key].state.value for key in sorted(epochs)]
    assert states == ["draining", "destroyed", "draining", "active"]
    assert decided(newer, newer) == (), "it is on record"
    # Nobody is asked a second time about what was destroyed with a second person's word.
    assert decided(REQUEST, newer, TWO) == ()
    assert decided(BEGIN, newer, TWO) == (EpochCondemned(epoch=1),)
    third = BeginEpochEnd(epoch=3)
    assert refused(third, newer, TWO) is EpochEndUnapproved
    assert refused(BeginEpochEnd(epoch=4), newer) is EpochInUse


def test_a_keyring_that_knows_less_than_the_database_is_refused() -> None:
    assert refused(keyring("active", log_size=4)) is KeyringOlder
    assert refused(keyring("active"), TURN) is KeyringOlder
    assert refused(keyring("draining", "active"), TURN, BEGIN, END) is KeyringOlder
    assert refused(keyring("destroyed", "draining", "active"), TURN) is KeyringBetween
    [event] = decided(keyring("destroyed", "active"), TURN)
    assert (event.opened, event.destroyed) == ((), (1,))
