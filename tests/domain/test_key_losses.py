"""What nothing opens is given up step by step: asked for, approved, done, and then over (L34)."""

from dataclasses import replace
from datetime import date
from typing import Any

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
    GiveUpRegisterKey,
    GiveUpUnapproved,
    RecordGivenUp,
)
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
from app.events.policies import Safeguard
from app.events.retention import RetentionCause, RetentionExecuted
from app.policy.vocabulary import IdentifierKind
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
ASK = GiveUp(epoch=1, by="test", keys=2, tokens=3, register_keys=1)
APPROVE = ApproveGiveUp(epoch=1, by="another")
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


def test_it_is_asked_for_once_and_again_only_when_there_is_more() -> None:
    asked = EpochGiveUpRequested(epoch=1, keys=2, tokens=3, register_keys=1)
    assert decided(ASK, TURN) == (asked,)
    assert decided(ASK, TURN, ASK) == ()
    fewer = GiveUp(epoch=1, by="test", keys=0, tokens=3, register_keys=0)
    assert decided(fewer, TURN, ASK) == ()
    for more in ({"keys": 3}, {"tokens": 4}, {"register_keys": 2}):
        counts = {"keys": 2, "tokens": 3, "register_keys": 1} | more
        again = GiveUp(epoch=1, by="test", **counts)
        assert decided(again, TURN, TWO, ASK, APPROVE) == (EpochGiveUpRequested(epoch=1, **counts),)
        loss = after(TURN, TWO, ASK, APPROVE, again).epochs[1].loss
        assert loss is not None
        assert loss.approved_by is None, "the word was for less"


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
    assert refused(ApproveGiveUp(epoch=1, by="test"), TWO, TURN, ASK) is SecondPersonNeeded
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
