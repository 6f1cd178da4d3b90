"""Legal holds, on a person and on an occasion, and how long what they name stays (Art. 17(3); L63).

A hold on an occasion is on the control stream, since it is about everybody who took part.
"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.control import CONTROL, Command
from app.domain.decider import Refusal
from app.domain.holds import PlaceHold, ReleaseHold, holding
from app.domain.occasions import (
    Balance,
    EndInFuture,
    EndOccasion,
    Hold,
    HoldOccasion,
    LegalHoldUnknown,
    ReleaseOccasion,
    RetentionClassUnknown,
    SettleGrant,
)
from app.domain.purpose_limitation import SourceUnknown
from app.events.holds import (
    GrantSettled,
    HoldGround,
    LegalHoldPlaced,
    LegalHoldReleased,
    OccasionEnded,
)
from app.values import replace
from tests.spec import (
    CONTRACTED,
    NOW,
    OCCASION,
    Given,
    arranged,
    circumstances,
    given,
    registration,
)

HOLD = UUID("3f2b5c1e-7a10-4c43-9e55-0f6f3ad6b901")
OTHER = UUID("3f2b5c1e-7a10-4c43-9e55-0f6f3ad6b902")
ELSEWHERE = UUID("5b0b0f6a-0d4e-4b0e-8c53-6e1f3a9d2c42")
GRANT = UUID("5b0b0f6a-0d4e-4b0e-8c53-6e1f3a9d2c43")
TODAY = NOW.date()
PERSON = registration()
PLACE = PlaceHold(
    hold=HOLD,
    ground=HoldGround.LEGAL_CLAIMS,
    source="secretariat",
    retention_classes=frozenset({"participation", "fiscal"}),
)
PLACED = LegalHoldPlaced(
    hold=HOLD,
    ground=HoldGround.LEGAL_CLAIMS,
    retention_classes=("fiscal", "participation"),
    occasion=None,
    source="secretariat",
)
RELEASE = ReleaseHold(hold=HOLD)
HOLD_OCCASION = HoldOccasion(
    hold=HOLD, occasion=OCCASION, ground=HoldGround.AUDIT, source="secretariat"
)
END = EndOccasion(occasion=OCCASION, on=TODAY)
SETTLE = SettleGrant(grant=GRANT, on=TODAY, amount_cents=6_000_000)


def said(command: Command, *history: Command) -> tuple[object, ...]:
    """The events that a command makes after others."""
    state = arranged(*history)
    return tuple(r.event for r in CONTROL.decide(command, state, circumstances(control=state)))


def held_by(person: Given, retention_class: str, *occasions: UUID) -> set[UUID]:
    """The holds on a person's material of a class."""
    return set(holding(retention_class, occasions, person.state, person.circumstances))


@pytest.mark.clause("L63")
def test_a_hold_on_a_person_is_placed_once_and_says_why() -> None:
    """Its ground and whose word it is are on record; the classes in one order."""
    when = given(PERSON).when(PLACE)

    when.then(PLACED)
    when.after.when(PLACE).then_nothing()
    assert when.after.state.holds.active == {
        HOLD: Hold(
            ground=HoldGround.LEGAL_CLAIMS,
            retention_classes=frozenset({"participation", "fiscal"}),
            source="secretariat",
        )
    }


@pytest.mark.clause("L63")
def test_a_hold_ends_once_and_is_never_placed_again_under_its_id() -> None:
    """A repeated request of the one or the other changes nothing, and another hold stays."""
    both = given(PERSON, PLACE, replace(PLACE, hold=OTHER))
    when = both.when(RELEASE)

    when.then(LegalHoldReleased(hold=HOLD))
    assert set(when.after.state.holds.active) == {OTHER}
    when.after.when(RELEASE).then_nothing()
    when.after.when(PLACE).then_nothing()
    released = when.after.when(ReleaseHold(hold=OTHER)).after
    assert released.state.holds.released == {HOLD, OTHER}
    released.when(RELEASE).then_nothing()


def test_a_hold_that_nobody_placed_cannot_end() -> None:
    """Neither a person's nor an occasion's."""
    given(PERSON).when(RELEASE).then_refused(LegalHoldUnknown)
    with pytest.raises(LegalHoldUnknown):
        said(ReleaseOccasion(hold=HOLD))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"retention_classes": frozenset({"participation", "no-such"})}, RetentionClassUnknown),
        ({"source": "no_such"}, SourceUnknown),
    ],
)
def test_a_hold_names_what_the_policy_knows(change: dict[str, Any], refusal: type[Refusal]) -> None:
    """A class that does not exist would hold nothing, unnoticed."""
    given(PERSON).when(replace(PLACE, **change)).then_refused(refusal)


@pytest.mark.clause("L63", "L64")
def test_what_is_held_is_of_the_classes_and_the_occasion_that_are_named() -> None:
    """Without either, everything is; each person's own and everybody's count together."""
    everything = replace(PLACE, hold=OTHER, retention_classes=frozenset())
    there = replace(everything, occasion=OCCASION)

    assert held_by(given(PERSON, PLACE), "participation") == {HOLD}
    assert held_by(given(PERSON, PLACE), "participation", OCCASION) == {HOLD}
    assert held_by(given(PERSON, PLACE), "occasion") == set()
    assert held_by(given(PERSON, everything), "occasion") == {OTHER}
    assert held_by(given(PERSON, there), "occasion", OCCASION) == {OTHER}
    assert held_by(given(PERSON, there), "occasion", ELSEWHERE, OCCASION) == {OTHER}
    assert held_by(given(PERSON, there), "occasion", ELSEWHERE) == set()
    assert held_by(given(PERSON, there), "occasion") == set()
    shared = given(PERSON, everything, control=arranged(HOLD_OCCASION))
    assert held_by(shared, "occasion", OCCASION) == {HOLD, OTHER}
    assert held_by(shared, "occasion", ELSEWHERE) == {OTHER}


@pytest.mark.clause("L63", "L64")
def test_a_hold_on_an_occasion_is_placed_and_released_once() -> None:
    """As one on a person."""
    released = ReleaseOccasion(hold=HOLD)

    assert said(HOLD_OCCASION) == (
        LegalHoldPlaced(
            hold=HOLD,
            ground=HoldGround.AUDIT,
            retention_classes=(),
            occasion=OCCASION,
            source="secretariat",
        ),
    )
    assert said(HOLD_OCCASION, HOLD_OCCASION) == ()
    assert said(released, HOLD_OCCASION) == (LegalHoldReleased(hold=HOLD),)
    assert said(released, HOLD_OCCASION, released) == ()
    assert said(HOLD_OCCASION, HOLD_OCCASION, released) == ()
    after = arranged(HOLD_OCCASION, replace(HOLD_OCCASION, hold=OTHER), released)
    assert set(after.occasions.holds) == {OTHER}
    assert after.occasions.released == {HOLD}
    unknown = replace(HOLD_OCCASION, retention_classes=frozenset({"no-such"}))
    with pytest.raises(RetentionClassUnknown):
        said(unknown)


@pytest.mark.clause("L7", "L64")
@pytest.mark.parametrize(
    ("command", "event", "corrected"),
    [
        (
            END,
            OccasionEnded(occasion=OCCASION, on=TODAY),
            replace(END, on=TODAY - timedelta(days=1)),
        ),
        (
            SETTLE,
            GrantSettled(grant=GRANT, on=TODAY, amount_cents=6_000_000),
            replace(SETTLE, amount_cents=6_000_001),
        ),
        (
            SETTLE,
            GrantSettled(grant=GRANT, on=TODAY, amount_cents=6_000_000),
            replace(SETTLE, on=TODAY - timedelta(days=1)),
        ),
    ],
)
def test_an_end_or_a_payment_is_recorded_once_and_can_be_corrected(
    command: Command, event: object, corrected: Command
) -> None:
    """The day on which a clock begins is said again only when it is another."""
    assert said(command) == (event,)
    assert said(command, command) == ()
    [changed] = said(corrected, command)
    assert changed != event
    assert said(command, command, corrected) == (event,)


def test_the_last_word_on_an_occasion_stands_and_leaves_the_others() -> None:
    """Each occasion and each grant has its own day."""
    state = arranged(
        END, replace(END, occasion=ELSEWHERE, on=date(2026, 1, 2)), SETTLE, HOLD_OCCASION
    ).occasions

    assert state.ended == {OCCASION: TODAY, ELSEWHERE: date(2026, 1, 2)}
    assert state.paid == {GRANT: Balance(on=TODAY, amount_cents=6_000_000)}
    assert state.holds[HOLD].ground is HoldGround.AUDIT


@pytest.mark.clause("L7", "L64")
@pytest.mark.parametrize("command", [END, SETTLE])
def test_no_clock_is_set_going_ahead(command: EndOccasion | SettleGrant) -> None:
    """What ends or is paid tomorrow is recorded tomorrow, by the calendar of Brussels."""
    tomorrow = replace(command, on=TODAY + timedelta(days=1))
    with pytest.raises(EndInFuture) as refused:
        said(tomorrow)
    assert refused.value.facts == {"on": TODAY + timedelta(days=1)}

    late = circumstances(control=CONTRACTED, now=NOW.replace(hour=23))  # it is tomorrow there
    assert CONTROL.decide(tomorrow, CONTRACTED, late)
