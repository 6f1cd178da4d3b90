"""Legitimate interests: weighed on paper, the paper's digest on record, and looked at again."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from app.domain.control import CONTROL, ControlState
from app.domain.interests import (
    AssessedLater,
    AssessInterest,
    Interest,
    InterestState,
    NoInterestToAssess,
    interests,
)
from app.domain.purpose_limitation import PurposeUnknown
from app.events.interests import AssessmentOutcome, LegitimateInterestAssessed
from app.policy.vocabulary import LegalBasis
from tests.spec import NOW, POLICY, arranged, circumstances

TODAY = NOW.date()
ASSESSMENT = UUID("cccccccc-0000-4000-8000-000000000007")


def assessment(purpose: str = "photos", **more: Any) -> AssessInterest:
    """A document that came out in favour."""
    fields: dict[str, Any] = {
        "assessment": ASSESSMENT,
        "document": "ab" * 32,
        "assessed_on": TODAY,
        "outcome": AssessmentOutcome.PREVAILS,
    }
    return AssessInterest(purpose=purpose, **(fields | more))


def after(*commands: AssessInterest) -> ControlState:
    """The control stream after assessments."""
    return arranged(*commands, before=CONTROL.initial)


def found(state: ControlState, purpose: str, on: date = TODAY) -> Interest:
    """How it stands with the interest in a purpose on a day."""
    return next(
        one for one in interests(circumstances(control=state), on) if one.purpose == purpose
    )


@pytest.mark.clause("L9", "C37")
def test_an_assessment_is_recorded_by_digest_day_and_outcome() -> None:
    [record] = CONTROL.decide(assessment(), ControlState(), circumstances())

    assert record.event == LegitimateInterestAssessed(
        assessment=ASSESSMENT,
        purpose="photos",
        document="ab" * 32,
        assessed_on=TODAY,
        outcome=AssessmentOutcome.PREVAILS,
        policy="impel-1",
    )
    state = after(assessment())
    assert CONTROL.decide(assessment(), state, circumstances(control=state)) == ()


@pytest.mark.clause("L9", "PL15")
def test_every_purpose_that_rests_on_an_interest_is_asked_about() -> None:
    expected = [
        purpose.key
        for purpose in POLICY.all_purposes()
        if purpose.legal_basis is LegalBasis.LEGITIMATE_INTEREST
    ]

    listed = list(interests(circumstances(control=ControlState()), TODAY))

    assert [one.purpose for one in listed] == expected
    assert {one.state for one in listed} == {InterestState.MISSING}
    assert "newsletter" not in expected


@pytest.mark.clause("L9", "L44")
def test_an_assessment_of_a_purpose_covers_its_uses_until_one_has_its_own() -> None:
    of_all = after(assessment())
    own = after(assessment(), assessment("photo_website", outcome=AssessmentOutcome.FAILS))

    assert found(of_all, "photo_website").state is InterestState.ASSESSED
    assert found(own, "photo_website").state is InterestState.FAILED
    assert found(own, "photo_newsletter").state is InterestState.ASSESSED
    assert found(of_all, "network_exchange").state is InterestState.MISSING


@pytest.mark.clause("L9")
@pytest.mark.parametrize(
    ("on", "state"),
    [
        (date(2028, 11, 21), InterestState.ASSESSED),
        (date(2028, 11, 22), InterestState.OVERDUE),
    ],
)
def test_after_two_years_it_is_due_to_be_looked_at_again(on: date, state: InterestState) -> None:
    one = found(after(assessment()), "photos", on)

    assert one.state is state
    assert one.review_on == date(2028, 11, 22)


@pytest.mark.clause("L9")
def test_the_assessment_made_last_stands_in_whatever_order_they_are_told() -> None:
    older = assessment(assessed_on=date(2025, 1, 7), document="cd" * 32)

    for state in (after(assessment(), older), after(older, assessment())):
        standing = found(state, "photos").standing
        assert standing is not None
        assert standing.assessed_on == TODAY


@pytest.mark.clause("L9")
def test_what_cannot_be_weighed_is_refused() -> None:
    for command, refusal in (
        (assessment("newsletter"), NoInterestToAssess),
        (assessment("nothing"), PurposeUnknown),
        (assessment(assessed_on=date(2026, 11, 23)), AssessedLater),
    ):
        with pytest.raises(refusal):
            CONTROL.decide(command, ControlState(), circumstances())
