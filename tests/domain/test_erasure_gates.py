"""What an erasure must pass: a second person where the controller wants one, and no legal hold."""

from uuid import UUID

import pytest

from app.domain.control import CONTROL
from app.domain.erasure_progress import Stage
from app.domain.erasure_steps import (
    ApproveErasure,
    BlockErasure,
    ErasureHeld,
    ErasureUnapproved,
    ErasureUnprepared,
    RequestErasure,
    WithdrawErasure,
)
from app.domain.holds import PlaceHold, ReleaseHold
from app.domain.safeguards import SecondPersonNeeded, SwitchSafeguard
from app.domain.subjects import DiscoverChild
from app.events.erasures import ErasureApproved, ErasureBlocked, ErasureTrigger
from app.events.holds import HoldGround
from app.events.policies import Safeguard, SafeguardSwitched
from app.values import replace
from tests.domain.test_erasures import (
    EXECUTED,
    KEY,
    PARTICIPATION,
    PERSON,
    PREPARE,
    REQUEST,
    execute,
)
from tests.spec import arranged, circumstances, given

HOLD = UUID("3f2b5c1e-7a10-4c43-9e55-0f6f3ad6b901")
OTHER = UUID("3f2b5c1e-7a10-4c43-9e55-0f6f3ad6b902")
SWITCH = SwitchSafeguard(safeguard=Safeguard.TWO_PERSON_ERASURE, on=True)
PLACE = PlaceHold(
    hold=HOLD,
    ground=HoldGround.LEGAL_CLAIMS,
    source="secretariat",
    retention_classes=frozenset({"participation"}),
)
MORE = PlaceHold(hold=OTHER, ground=HoldGround.INVESTIGATION, source="secretariat")
APPROVE = ApproveErasure(erasure=KEY, by="a colleague")
ASKED_BY = "test"
"""Who recorded every event of these histories."""


TWO_PEOPLE = arranged(SWITCH)


@pytest.mark.clause("C66", "L9")
def test_a_safeguard_is_switched_on_and_off_once() -> None:
    """It is on record since when two people are needed."""
    off = replace(SWITCH, on=False)

    def events(command: SwitchSafeguard, *history: SwitchSafeguard) -> tuple[object, ...]:
        state = arranged(*history)
        return tuple(r.event for r in CONTROL.decide(command, state, circumstances(control=state)))

    on = SafeguardSwitched(safeguard=Safeguard.TWO_PERSON_ERASURE, on=True)
    assert events(SWITCH) == (on,)
    assert events(SWITCH, SWITCH) == ()
    assert events(off) == ()
    assert events(off, SWITCH) == (replace(on, on=False),)
    assert arranged(SWITCH).safeguards == {Safeguard.TWO_PERSON_ERASURE}
    assert arranged(SWITCH, off).safeguards == frozenset()


@pytest.mark.clause("C66", "L9")
def test_where_two_people_are_needed_nothing_is_destroyed_before_the_second_agrees() -> None:
    """Not prepared, not executed; after the approval it goes its way."""
    asked = given(PERSON, REQUEST, control=TWO_PEOPLE)

    asked.when(PREPARE).then_refused(ErasureUnapproved)
    approved = asked.when(APPROVE)
    approved.then(ErasureApproved(erasure=KEY))
    assert approved.after.state.erasures.by_id[KEY].approved_by == ASKED_BY
    prepared = approved.after.when(PREPARE).after
    assert prepared.when(execute(PARTICIPATION)).after.state.erased


@pytest.mark.clause("C66", "L9")
def test_who_asked_is_not_the_second_person() -> None:
    """Whoever recorded the request cannot approve it."""
    own = replace(APPROVE, by=ASKED_BY)

    given(PERSON, REQUEST, control=TWO_PEOPLE).when(own).then_refused(SecondPersonNeeded)


def test_an_approval_is_given_once_and_only_while_the_erasure_runs() -> None:
    """What was withdrawn or is done needs none."""
    given(PERSON, REQUEST, APPROVE).when(APPROVE).then_nothing()
    given(PERSON, REQUEST, APPROVE).when(replace(APPROVE, by=ASKED_BY)).then_nothing()
    given(PERSON, REQUEST, WithdrawErasure(erasure=KEY)).when(APPROVE).then_nothing()
    given(*EXECUTED).when(APPROVE).then_nothing()


@pytest.mark.clause("C75", "L19")
def test_a_childs_data_wait_for_nobody() -> None:
    """The duty is the law's: no colleague is asked whether it is followed."""
    of_child = replace(REQUEST, trigger=ErasureTrigger.CHILD_DATA)
    child = given(PERSON, DiscoverChild(source="secretariat"), of_child, control=TWO_PEOPLE)

    assert child.when(PREPARE).after.when(execute(PARTICIPATION)).after.state.erased


@pytest.mark.clause("L37", "L63", "L67")
def test_nothing_is_destroyed_while_a_hold_names_it() -> None:
    """Neither when it is prepared nor when it was placed after that; released, it goes on."""
    held = given(PERSON, PLACE, REQUEST)

    held.when(PREPARE).then_refused(ErasureHeld, retention_classes=("participation",))
    late = given(PERSON, REQUEST, PREPARE, PLACE)
    late.when(execute(PARTICIPATION)).then_refused(ErasureUnprepared)
    freed = held.when(ReleaseHold(hold=HOLD)).after
    assert freed.when(PREPARE).after.when(execute(PARTICIPATION)).after.state.erased


@pytest.mark.clause("L63", "L67")
def test_an_attempt_under_a_hold_is_on_record_once_for_each_set_of_holds() -> None:
    """The law wants a trace of it; a second hold is told, and so is its end."""
    block = BlockErasure(erasure=KEY)
    first = given(PERSON, PLACE, REQUEST).when(block)

    first.then(ErasureBlocked(erasure=KEY, retention_classes=("participation",), holds=(HOLD,)))
    erasure = first.after.state.erasures.by_id[KEY]
    assert (erasure.stage, erasure.blocked_by) == (Stage.BLOCKED, (HOLD,))
    first.after.when(block).then_nothing()
    second = first.after.when(MORE).after.when(block)
    second.then(
        ErasureBlocked(erasure=KEY, retention_classes=("participation",), holds=(HOLD, OTHER))
    )
    less = second.after.when(ReleaseHold(hold=HOLD)).after.when(block)
    less.then(ErasureBlocked(erasure=KEY, retention_classes=("participation",), holds=(OTHER,)))
    free = less.after.when(ReleaseHold(hold=OTHER)).after
    free.when(block).then_nothing()
    assert free.when(PREPARE).after.state.erasures.by_id[KEY].stage is Stage.PREPARED


def test_what_no_longer_runs_is_not_blocked() -> None:
    """Withdrawn, or held by nothing."""
    block = BlockErasure(erasure=KEY)

    given(PERSON, REQUEST).when(block).then_nothing()
    given(PERSON, PLACE, REQUEST, WithdrawErasure(erasure=KEY)).when(block).then_nothing()


def test_a_hold_on_one_class_stops_only_what_would_take_of_it() -> None:
    """An erasure of other data is not held up."""
    other = replace(PLACE, retention_classes=frozenset({"travel-identity"}))
    request = RequestErasure(erasure=KEY, source="email")

    prepared = given(PERSON, other, request).when(PREPARE).after
    assert prepared.state.erasures.by_id[KEY].stage is Stage.PREPARED
