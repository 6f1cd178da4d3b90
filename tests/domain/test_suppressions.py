"""Addresses closed to a purpose: by leaving a mailing, by being known to the register."""

from datetime import timedelta

import pytest

from app.domain.collections import CollectData
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import PurposeUnknown
from app.domain.suppressions import (
    SubjectSuppressed,
    Suppressed,
    Suppressions,
    Unsubscribe,
    carried_over,
    matches,
)
from app.events.consents import ConsentWithdrawn
from app.events.recorded import Suppression
from app.events.suppressions import (
    SuppressionCause,
    SuppressionLifted,
    SuppressionMatched,
    SuppressionRecorded,
)
from app.values import replace
from tests.domain.test_consents import ADDRESS, BEFORE, GIVE, SUBSCRIBER, at
from tests.spec import NOW, At, given

LEAVE = Unsubscribe(purpose="newsletter", source="mailchimp", addresses=(ADDRESS, "z@stad.example"))
LEFT = SuppressionRecorded(
    purpose="newsletter", cause=SuppressionCause.UNSUBSCRIBE, source="mailchimp"
)
MATCHED = SuppressionMatched(purpose="newsletter", since=None)


@pytest.mark.clause("C73", "L14", "L41")
def test_leaving_a_mailing_withdraws_the_consent_and_closes_every_address() -> None:
    """The link in every e-mail is enough."""
    when = given(SUBSCRIBER, GIVE).when(replace(LEAVE, occurred_at=NOW))

    when.then(ConsentWithdrawn(purpose="newsletter", source="mailchimp"), LEFT)
    withdrawn, left = when.records
    assert withdrawn.occurred_at == left.occurred_at == NOW
    assert withdrawn.suppressions == ()
    assert left.suppressions == (
        Suppression("newsletter", ADDRESS),
        Suppression("newsletter", "z@stad.example"),
    )
    assert when.after.state.consents.of("newsletter").proof is None
    when.after.when(LEAVE).then_nothing()


@pytest.mark.clause("C73")
def test_leaving_needs_no_consent_that_is_known() -> None:
    """Another system may know of one."""
    when = given(SUBSCRIBER).when(LEAVE)

    when.then(LEFT)
    assert when.after.state.suppressions.purposes == {
        "newsletter": Suppressed(SuppressionCause.UNSUBSCRIBE, NOW)
    }
    when.after.when(LEAVE).then_nothing()
    given(SUBSCRIBER).when(replace(LEAVE, purpose="astrology")).then_refused(PurposeUnknown)


@pytest.mark.clause("C73")
def test_leaving_is_obeyed_in_whatever_order_messages_arrive() -> None:
    """A message that was sent before the consent and comes after it ends the consent."""
    delayed = replace(LEAVE, occurred_at=BEFORE - timedelta(days=5))

    left = given(SUBSCRIBER, GIVE).when(delayed)

    assert left.after.state.consents.of("newsletter").proof is None
    assert "newsletter" in left.after.state.suppressions.purposes


@pytest.mark.clause("C73")
def test_a_second_consent_can_be_ended_again() -> None:
    """Closed, opened by a new consent, and closed again."""
    opened = given(SUBSCRIBER, LEAVE, At(NOW, at(NOW)))

    assert "newsletter" not in opened.state.suppressions.purposes
    opened.when(LEAVE).then(ConsentWithdrawn(purpose="newsletter", source="mailchimp"), LEFT)


def test_a_complaint_says_so() -> None:
    """The cause is kept: a complaint weighs more than a click."""
    complaint = replace(LEAVE, cause=SuppressionCause.COMPLAINT)

    given(SUBSCRIBER).when(complaint).then(replace(LEFT, cause=SuppressionCause.COMPLAINT))


@pytest.mark.clause("L41")
def test_an_address_on_the_register_is_not_collected_for_its_purpose() -> None:
    """The tool learns nothing but `suppressed`."""
    collect = CollectData(
        obtained=Obtained(purpose="newsletter", personal={"contact.email": ADDRESS}),
        source="import",
        suppressed_for=frozenset({"newsletter"}),
    )

    given(SUBSCRIBER).when(collect).then_refused(SubjectSuppressed, purpose="newsletter")


@pytest.mark.clause("L41")
def test_a_match_is_recorded_once_for_each_purpose() -> None:
    """Unless it is closed already, or a consent in force has opened it since."""
    fresh = given(SUBSCRIBER)
    found = frozenset({"newsletter", "information"})

    assert [record.event for record in matches(fresh.state, found)] == [
        SuppressionMatched(purpose="information", since=None),
        MATCHED,
    ]
    assert matches(given(SUBSCRIBER, LEAVE).state, {"newsletter"}) == ()
    assert matches(given(SUBSCRIBER, GIVE).state, {"newsletter"}) == ()
    assert matches(given(SUBSCRIBER, MATCHED).state, {"newsletter"}) == ()


@pytest.mark.clause("L41")
def test_a_match_says_since_when_the_register_has_the_address() -> None:
    """A consent from after that day counts, one from before it does not."""
    [record] = matches(given(SUBSCRIBER).state, {"newsletter": BEFORE})
    known = given(SUBSCRIBER, record)

    assert record.event == SuppressionMatched(purpose="newsletter", since=BEFORE)
    assert known.state.suppressions.purposes["newsletter"] == Suppressed(None, BEFORE)
    assert known.when(at(BEFORE + timedelta(seconds=1))).after.state.suppressions.purposes == {}


@pytest.mark.clause("L41")
def test_a_match_of_unknown_age_counts_from_its_recording() -> None:
    """In doubt the person's no is the younger one."""
    matched = given(SUBSCRIBER, At(NOW, MATCHED))

    assert matched.state.suppressions.purposes["newsletter"] == Suppressed(None, NOW)


@pytest.mark.clause("C7", "L41")
def test_a_new_address_is_closed_like_the_old_one() -> None:
    """A change of address is no way round a no."""
    slice_ = given(SUBSCRIBER, LEAVE, replace(LEFT, purpose="information")).state.suppressions

    assert set(carried_over(slice_, "new@stad.example")) == {
        Suppression("newsletter", "new@stad.example"),
        Suppression("information", "new@stad.example"),
    }
    assert carried_over(Suppressions(), "new@stad.example") == ()


def test_a_lifted_suppression_leaves_the_others() -> None:
    """Each purpose by itself."""
    state = given(
        SUBSCRIBER,
        LEAVE,
        replace(LEFT, purpose="information"),
        SuppressionLifted(purpose="newsletter"),
    ).state

    assert set(state.suppressions.purposes) == {"information"}
