"""What nothing opens is given up step by step: asked for, approved, done, and then over (L34)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from app.domain.control import CONTROL, Command, ControlState
from app.domain.decider import Refusal
from app.domain.epochs import BeginEpochEnd, EpochInUse, TurnEpoch
from app.domain.erasure_steps import Destruction
from app.domain.holds import PlaceHold
from app.domain.identifiers import IdentifierUnknown, LoseIdentifiers
from app.domain.key_losses import (
    ApproveGiveUp,
    GiveUp,
    GiveUpChanged,
    GiveUpRegisterKey,
    GiveUpUnapproved,
    Lost,
    RecordGivenUp,
    decide_loss,
    loss_after,
)
from app.domain.keyring_mending import RecordMended
from app.domain.retention import ForgetKey, key_on_hold
from app.domain.safeguards import SecondPersonNeeded, SwitchSafeguard
from app.domain.subject import SUBJECT
from app.events.epochs import (
    EpochGiveUpApproved,
    EpochGiveUpCompleted,
    EpochGiveUpRequested,
    EpochRegisterKeyAbandoned,
)
from app.events.holds import HoldGround
from app.events.identifiers import IdentifierReleased
from app.events.keyring import KeyringMended, MendedBy
from app.events.policies import Safeguard
from app.events.recorded import Recorded
from app.events.retention import RetentionCause, RetentionExecuted
from app.identifiers import EventId
from app.policy.vocabulary import IdentifierKind
from app.values import replace as replaced
from tests.domain.test_retention import ROOT
from tests.spec import (
    NOTHING_ARRANGED,
    Given,
    arranged,
    circumstances,
    data_key,
    given,
    registration,
)

TURN = TurnEpoch(epoch=2)
TWO = SwitchSafeguard(safeguard=Safeguard.TWO_PERSON_ERASURE, on=True)
WHAT, REST, OTHER = (letter * 64 for letter in "abc")
"""Digests of what is lost."""
ASK = GiveUp(epoch=1, by="test", keys=2, tokens=3, register_keys=1, lost=WHAT, in_all=WHAT)
APPROVE = ApproveGiveUp(epoch=1, by="another", in_all=WHAT)
REMOVE = GiveUpRegisterKey(epoch=1, register="idempotency_key", period=2_965)
DONE = RecordGivenUp(epoch=1)


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


def test_it_is_asked_for_once_and_again_only_when_something_else_is_lost() -> None:
    asked = EpochGiveUpRequested(epoch=1, keys=2, tokens=3, register_keys=1, lost=WHAT)
    assert decided(ASK, TURN) == (asked,)
    assert decided(ASK, TURN, ASK) == ()
    rest = replaced(ASK, keys=1, lost=REST)
    assert decided(rest, TURN, ASK) == (), "some of it is given up already"
    again = replaced(ASK, lost=OTHER, in_all=OTHER)
    anew = replaced(asked, lost=OTHER)
    assert decided(again, TURN, TWO, ASK, APPROVE) == (anew,), "as many, but others"
    loss = after(TURN, TWO, ASK, APPROVE, again).epochs[1].loss
    assert loss is not None
    assert (loss.lost, loss.approved_by) == (OTHER, None), "the word was for something else"


@pytest.mark.clause("L9")
def test_exactly_what_was_asked_for_is_approved() -> None:
    assert refused(replaced(APPROVE, in_all=OTHER), TWO, TURN, ASK) is GiveUpChanged
    assert refused(replaced(APPROVE, in_all=OTHER), TWO, TURN, ASK, APPROVE) is GiveUpChanged
    own = ApproveGiveUp(epoch=1, by="test", in_all=OTHER)
    assert refused(own, TWO, TURN, ASK) is SecondPersonNeeded


def test_what_counts_alone_said_is_not_approved_and_is_asked_for_anew() -> None:
    """An event of version 1 names nothing."""
    asked = EpochGiveUpRequested(epoch=1, keys=2, tokens=3, register_keys=1, lost=None)
    position = 7
    recorded = Recorded(
        event=asked,
        event_id=EventId(KEY),
        stream_id=KEY,
        version=3,
        position=position,
        recorded_at=datetime(2026, 11, 22, tzinfo=UTC),
        occurred_at=None,
        by="test",
        previous=None,
        leaf_hash=bytes(32),
        seals=(),
    )
    loss = loss_after(None, recorded)
    assert loss is not None
    assert (loss.lost, loss.asked_at) == (None, position)
    rules = circumstances(control=after(TURN, TWO))
    with pytest.raises(GiveUpChanged):
        decide_loss(APPROVE, loss, rules, drains=True)
    [record] = decide_loss(ASK, loss, rules, drains=True)
    assert record.event.lost == WHAT


def test_the_digest_is_of_the_ids_whatever_their_order() -> None:
    one, two = UUID(int=1), UUID(int=2)
    first = Lost({one, two}, {(one, 3)}, {("receivers", str(two))})
    rest, gone = Lost({two}, {(one, 3)}), Lost({one}, set(), {("receivers", str(two))})
    assert first.digest() == (rest | gone).digest()
    lines = f"claim {one} 3\nkey {one}\nkey {two}\nrow receivers {two}"
    assert first.digest() == sha256(lines.encode()).hexdigest()
    others = [Lost({one, two}), rest, gone, Lost({one, two}, {(two, 3)}), Lost()]
    assert len({one.digest() for one in (first, *others)}) == 6


def test_nothing_of_an_epoch_that_is_in_use_or_ends_is_given_up() -> None:
    assert refused(ASK) is EpochInUse
    for command in (ASK, APPROVE, REMOVE, DONE):
        assert decided(command, TURN, BeginEpochEnd(epoch=1)) == ()


@pytest.mark.clause("L9")
def test_a_second_person_approves_where_two_are_needed() -> None:
    """Who records an event here is always `test`."""
    assert refused(APPROVE, TURN) is GiveUpUnapproved
    assert refused(REMOVE, TURN) is GiveUpUnapproved
    assert refused(REMOVE, TWO, TURN, ASK) is GiveUpUnapproved
    assert refused(replaced(APPROVE, by="test"), TWO, TURN, ASK) is SecondPersonNeeded
    assert decided(APPROVE, TWO, TURN, ASK) == (EpochGiveUpApproved(epoch=1),)
    assert decided(APPROVE, TWO, TURN, ASK, APPROVE) == ()
    gone = EpochRegisterKeyAbandoned(epoch=1, register="idempotency_key", row=None, period=2_965)
    assert decided(REMOVE, TWO, TURN, ASK, APPROVE) == (gone,)
    assert decided(REMOVE, TURN, ASK) == (gone,)


def test_once_it_is_done_it_is_over() -> None:
    assert decided(DONE, TURN) == ()
    assert decided(DONE, TURN, ASK, REMOVE) == (EpochGiveUpCompleted(epoch=1),)
    assert after(TURN, ASK, DONE).epochs[1].loss is None
    assert refused(REMOVE, TURN, ASK, DONE) is GiveUpUnapproved


PERSON = registration("event_logistics")
KEY = data_key("participation", "membership")
"""Of the class and bucket of that registration."""


def lost(person: Given) -> ForgetKey:
    """The command that destroys the person's key because it is lost."""
    assert KEY in person.state.data_keys
    return ForgetKey(
        cause=RetentionCause.KEY_LOST,
        key_id=KEY,
        retention_class="participation",
        generation="membership",
        on=date(2026, 11, 22),
        destruction=Destruction(keys=(KEY,), blobs=1, root=ROOT),
    )


def said(person: Given, *arrangements: Command) -> list[Any]:
    """The events that the loss of the key makes."""
    control = arranged(*arrangements)
    records = SUBJECT.decide(lost(person), person.state, circumstances(control=control))
    return [record.event for record in records]


@pytest.mark.clause("L34")
def test_a_lost_key_goes_when_that_was_asked_for_and_closes_nothing_to_the_person() -> None:
    person = given(PERSON)
    [event] = said(person, TURN, ASK)
    assert isinstance(event, RetentionExecuted)
    assert (event.cause, event.keys) == (RetentionCause.KEY_LOST, (KEY,))
    assert (event.classes, event.identifiers) == ((), False)
    assert said(person) == []
    assert said(person, TURN) == []
    assert said(person, TURN, TWO, ASK) == []
    assert said(person, TURN, TWO, ASK, APPROVE) == [event]
    assert said(person, TURN, ASK, DONE) == []


@pytest.mark.clause("L63")
def test_a_lost_key_stays_while_a_hold_names_what_lies_under_it() -> None:
    hold = PlaceHold(hold=data_key("hold", "one"), ground=HoldGround.AUDIT, source="secretariat")
    held = given(PERSON, hold)
    other = given(PERSON, replace(hold, retention_classes=frozenset({"content"})))
    assert said(held, TURN, ASK) == []
    assert len(said(other, TURN, ASK)) == 1
    assert key_on_hold(KEY, held.state, circumstances())
    assert not key_on_hold(KEY, other.state, circumstances())


def test_ways_to_find_somebody_that_nobody_can_read_are_released_without_their_value() -> None:
    person = given(PERSON)
    [name, *_] = person.state.identifiers.active
    command = LoseIdentifiers(identifiers=(name,))
    [record] = SUBJECT.decide(command, person.state, circumstances())
    assert record.event == IdentifierReleased(identifier=name, kind=IdentifierKind.EMAIL)
    assert record.claims == ()
    with pytest.raises(IdentifierUnknown):
        SUBJECT.decide(LoseIdentifiers(identifiers=(99,)), person.state, circumstances())


def test_rows_that_are_put_right_are_told_with_what_they_were_put_right_by() -> None:
    """In any state of the epochs; nothing is told where nothing was done."""
    by_log = RecordMended(source=MendedBy.LOG, keys=(KEY,))
    assert decided(by_log) == (KeyringMended(source=MendedBy.LOG, file=None, keys=(KEY,)),)
    by_file = RecordMended(source=MendedBy.KEYRING, file=WHAT, keys=(KEY,))
    assert decided(by_file, TURN) == (
        KeyringMended(source=MendedBy.KEYRING, file=WHAT, keys=(KEY,)),
    )
    assert decided(RecordMended(source=MendedBy.LOG, keys=())) == ()
    assert after(TURN, by_log).epochs == after(TURN).epochs
